"""What was acknowledged is there, whatever happens to the process, the disk, the index or the server."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.errors import GalleryError, MachineError
from passerby.gallery import mirror as mirror_module
from passerby.gallery import open_gallery, schema
from passerby.gallery.consistency import verify
from passerby.types import Sighting

Vectors = Callable[..., list[Sighting]]

ADDER = """
import sys
from datetime import UTC, datetime, timedelta
import numpy as np
from passerby.gallery import open_gallery, schema
from passerby.types import Sighting

url, first = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(first)
with open_gallery(url) as gallery:
    print("open", flush=True)
    for batch in range(100_000):
        added = gallery.add([
            Sighting("gate", datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=place), model="m",
                     embedding=random.normal(size=16).astype(np.float32), id=f"{first}-{batch}-{place}")
            for place in range(5)
        ])
        print(*(f"{one.id}={one.sequence}" for one in added), flush=True)
"""


def adder(url: str, first: int, **more: Any) -> subprocess.Popen[str]:
    """A process that adds sightings and prints what was acknowledged, until it is killed."""
    started = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", ADDER, url, str(first)], stdout=subprocess.PIPE, text=True, **more
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "open\n"
    return started


def acknowledged(process: subprocess.Popen[str]) -> dict[str, int]:
    """What a killed adder had printed; a line that was cut is no acknowledgement."""
    assert process.stdout is not None
    whole = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    pairs = [pair.split("=") for line in whole for pair in line.split()]
    return {identifier: int(number) for identifier, number in pairs}


def test_what_was_acknowledged_survives_kill_9(lasting_url: str) -> None:
    random, promised = np.random.default_rng(9), dict[str, int]()
    for attempt in range(5):  # in each of two homes
        process = adder(lasting_url, attempt)
        time.sleep(float(random.uniform(0.05, 0.5)))
        os.kill(process.pid, signal.SIGKILL)
        promised |= acknowledged(process)
        process.wait()
        with open_gallery(lasting_url) as gallery:
            there = {sighting.id: sighting.sequence for sighting in gallery.sightings()}
            assert promised.items() <= there.items()
            assert len(set(there.values())) == len(there)
            assert len(there) % 5 == 0  # All of a call, or nothing.
            assert verify(gallery) == []
    assert promised


def test_two_writers_and_a_reader_at_once(lasting_url: str) -> None:
    with open_gallery(lasting_url) as gallery:
        writers = [adder(lasting_url, first) for first in (1, 2)]
        numbers, names = [], set()
        for change in gallery.watch_changes(0, seconds=60):
            assert change.sighting is not None
            numbers.append(change.number)
            names.add(change.sighting.id.split("-")[0])
            if len(numbers) >= 100 and names == {"1", "2"}:
                break
        for writer in writers:
            writer.kill()
        promised = acknowledged(writers[0]) | acknowledged(writers[1])
        for writer in writers:
            writer.wait()
        assert names == {"1", "2"}
        assert numbers == list(range(1, len(numbers) + 1))
        assert {s.id for s in gallery.sightings()} >= promised.keys()
        assert verify(gallery) == []


def test_another_process_sees_new_sightings_and_erasures_at_once(lasting_url: str, vectors: Vectors) -> None:
    with open_gallery(lasting_url) as first, open_gallery(lasting_url) as second:
        first.add(vectors(30))
        query = vectors(30)[7].embedding
        assert second.search(embedding=query, top=1).hits[0].sighting.id == "gate-0-7"
        more = vectors(10, seed=1)
        first.add(more)
        assert second.search(embedding=more[3].embedding, top=1).hits[0].sighting.id == "gate-1-3"
        first.delete(["gate-0-7"])
        assert second.search(embedding=query, top=1).hits[0].sighting.id != "gate-0-7"


def test_an_erasure_waits_for_live_readers_and_not_for_dead_ones(
    new_url: Callable[[str], str], vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_url("folder")
    reader = """
import sys, time
from passerby.gallery import open_gallery, schema
import numpy as np
gallery = open_gallery(sys.argv[1])
gallery.search(embedding=np.ones(16, np.float32))
print("open", flush=True)
time.sleep(600)
"""
    with open_gallery(url) as gallery:
        gallery.add(vectors(20))
        process = subprocess.Popen([sys.executable, "-c", reader, url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert gallery.delete(["gate-0-1"]).sightings == 1  # It follows although it is idle.
        os.kill(process.pid, signal.SIGSTOP)
        monkeypatch.setattr("passerby.gallery.retention._PATIENCE", 0.3)
        with pytest.raises(MachineError, match=f"process {process.pid} on .* still holds it in memory"):
            gallery.delete(["gate-0-2"])
        process.kill()
        process.wait()
        assert gallery.delete(["gate-0-3"]).sightings == 1
        assert gallery.info().sightings == 17


@pytest.mark.parametrize("part", ["vectors", "columns.npy", "state.json"])
def test_a_saved_index_cut_anywhere_is_made_anew(
    part: str, new_url: Callable[[str], str], vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "_WORTH_SAVING", 1)
    url = new_url("folder")
    query = vectors(50)[11].embedding
    with open_gallery(url) as gallery:
        gallery.add(vectors(50))
        expected = [(hit.sighting.id, hit.distance) for hit in gallery.search(embedding=query)]
    saved = Path(url, "index", part)
    whole = saved.read_bytes()
    random = np.random.default_rng(0)
    for length in [0, 1, *random.integers(2, len(whole), 4).tolist(), len(whole) - 1]:
        for damaged in (whole[:length], whole[:length] + b"\xff" + whole[length + 1 :]):
            saved.write_bytes(damaged)
            with open_gallery(url) as gallery:
                assert [(hit.sighting.id, hit.distance) for hit in gallery.search(embedding=query)] == expected
                assert verify(gallery) == []
    saved.unlink()
    with open_gallery(url) as gallery:
        assert [(hit.sighting.id, hit.distance) for hit in gallery.search(embedding=query)] == expected


def test_a_saved_index_is_used_and_followed(
    new_url: Callable[[str], str], vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "_WORTH_SAVING", 1)
    url = new_url("folder")
    with open_gallery(url) as gallery:
        gallery.add(vectors(50))
        gallery.search(embedding=vectors(50)[0].embedding)
    with open_gallery(url) as gallery:
        gallery.add(vectors(5, seed=1))  # Without an index, which does not know of it.
    with open_gallery(url) as gallery:
        index = gallery.index()
        assert index is not None
        assert index.numbers().tolist() == list(range(1, 56))
        assert index.loaded == 50
        assert verify(gallery) == []


def test_a_full_disk_loses_nothing(new_url: Callable[[str], str]) -> None:
    url = new_url("folder")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    process = adder(url, 1, preexec_fn=limit, stderr=subprocess.PIPE)
    assert process.stderr is not None
    error = process.stderr.read()
    promised = acknowledged(process)
    assert process.wait() == 1
    assert error.strip().splitlines()[-1].startswith("passerby.errors.MachineError:")
    assert "disk is full" in error
    with open_gallery(url) as gallery:
        assert {s.id: s.sequence for s in gallery.sightings()}.items() >= promised.items()
        assert promised
        assert verify(gallery) == []


def test_a_read_only_gallery_is_refused_in_one_line(new_url: Callable[[str], str], vectors: Vectors) -> None:
    url = new_url("folder")
    with open_gallery(url) as gallery:
        gallery.add(vectors(5))
    # Root may write everywhere, so it becomes somebody else; by then everything that it may not read is loaded.
    code = """
import os, sys
import passerby.cli.gallery, passerby.gallery.access, passerby.privacy.secret
from passerby.cli.main import run
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
run(["gallery", "info", sys.argv[1]])
"""
    with tempfile.TemporaryDirectory(prefix="passerby-") as folder:  # Not below pytest's, which others may not enter.
        place = shutil.copytree(url, Path(folder, "gallery"))
        for path, mode in ((place / "gallery.sqlite", 0o444), (place, 0o555), (Path(folder), 0o755)):
            path.chmod(mode)
        command = [sys.executable, "-W", "ignore", "-c", code, str(place)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        place.chmod(0o755)
    assert finished.returncode == 1, finished.stderr
    assert finished.stderr.startswith(f"passerby: {place}: the gallery cannot be")
    assert len(finished.stderr.strip().splitlines()) == 1


def test_a_reader_during_compaction(lasting_url: str, vectors: Vectors) -> None:
    with open_gallery(lasting_url) as gallery:
        gallery.add(vectors(500))
        stop, problems = threading.Event(), list[BaseException]()

        def search() -> None:
            with open_gallery(lasting_url) as reader:
                while not stop.is_set():
                    try:
                        assert len(reader.search(embedding=np.ones(16, np.float32))) == 10
                    except BaseException as error:
                        problems.append(error)

        thread = threading.Thread(target=search)
        thread.start()
        for number in range(3):
            gallery.delete([f"gate-0-{number}"])
            gallery.compact()
        stop.set()
        thread.join()
        assert problems == []
        assert verify(gallery) == []


def test_a_clock_set_back_changes_no_order(url: str, vectors: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        year_now = 2030

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(cls.year_now, 1, 1, tzinfo=tz or UTC)

    monkeypatch.setattr("passerby.gallery.access.datetime", Clock)
    with open_gallery(url) as gallery:
        first = gallery.add(vectors(3))
        Clock.year_now = 1999
        second = gallery.add(vectors(3, seed=1))
        assert [one.sequence for one in first + second] == [1, 2, 3, 4, 5, 6]
        assert [change.number for change in gallery.watch_changes(0, seconds=0)] == [1, 2, 3, 4, 5, 6]
        assert verify(gallery) == []


def test_many_threads_search_and_add(url: str, vectors: Vectors) -> None:
    with open_gallery(url) as gallery:
        gallery.add(vectors(100))
        problems = list[BaseException]()

        def use(number: int) -> None:
            try:
                new = vectors(5, seed=number + 1)
                gallery.add(new)
                for sighting in new:
                    answer = gallery.search(embedding=sighting.embedding, top=3)
                    assert answer.hits[0].sighting.id == sighting.id
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert gallery.info().sightings == 140
        assert verify(gallery) == []


def test_a_server_stopped_and_started_in_the_middle(own_server: Any, vectors: Vectors) -> None:
    with open_gallery(own_server.get_uri()) as gallery:
        added = {one.id: one.sequence for one in gallery.add(vectors(20))}
        outcome = list[Any]()
        stop(own_server)

        def add() -> None:
            outcome.extend(gallery.add(vectors(20, seed=1)))

        thread = threading.Thread(target=add)
        thread.start()
        time.sleep(0.5)
        assert outcome == []
        own_server.ensure_postgres_running()
        thread.join(timeout=60)
        added |= {one.id: one.sequence for one in outcome}
        assert len(added) == 40
        assert {s.id: s.sequence for s in gallery.sightings()} == added
        assert verify(gallery) == []
        stop(own_server)
        thread = threading.Thread(target=lambda: outcome.append(gallery.delete("gate-0-3")))
        thread.start()
        own_server.ensure_postgres_running()
        thread.join(timeout=60)
        assert outcome[-1].sightings == 1
        assert gallery.search(embedding=vectors(20)[4].embedding, top=1).hits[0].sighting.id == "gate-0-4"
        assert verify(gallery) == []
        stop(own_server)
        gallery.record.database._patience = 0.3  # type: ignore[attr-defined]
        with pytest.raises(MachineError, match=r"the server does not answer \(.*\); start it and try again"):
            gallery.info()


def test_a_wrong_password_is_named_and_not_shown(own_server: Any) -> None:
    import psycopg

    with psycopg.connect(own_server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE ROLE guard SUPERUSER LOGIN PASSWORD 'the right one'")
        rules = Path(own_server.pgdata, "pg_hba.conf")
        rules.write_text("local all guard scram-sha-256\n" + rules.read_text())
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.3)
    right, wrong = (
        own_server.get_uri().replace("//postgres:@", f"//guard:{word}@") for word in ("the%20right%20one", "other")
    )
    with pytest.raises(GalleryError, match=r"password authentication failed .* check the address") as refused:
        open_gallery(wrong)
    assert "other" not in str(refused.value)
    with open_gallery(right) as gallery:
        assert gallery.info().sightings == 0
        assert "right" not in gallery.info().gallery


def stop(server: Any) -> None:
    """Stop a server at once, behind everybody's back."""
    from pgserver._commands import pg_ctl

    pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user)


PLANTED: dict[str, tuple[str, str]] = {
    "an embedding is gone": ("DELETE FROM embeddings WHERE number = 3", "sighting gate-0-2: it has no embedding"),
    "a crop of nobody": ("INSERT INTO crops VALUES (77, CAST('x' AS {blob}))", "1 crops without a sighting"),
    "an embedding of nobody": (
        "UPDATE embeddings SET number = 77 WHERE number = 3",
        "1 embeddings without a sighting",
    ),
    "erased and there": ("INSERT INTO tombstones VALUES (1000, 4)", "1 sightings that are erased and there"),
    "a number never given": (
        "UPDATE sightings SET sequence = 5000 WHERE number = 2",
        "numbers that were never given",
    ),
    "a crop that is none": (
        "INSERT INTO crops VALUES (2, CAST('x' AS {blob}))",
        "sighting gate-0-1: expected a picture",
    ),
    "a line of the log": (
        "UPDATE audit SET line = replace(line, 'add', 'got') WHERE number = 1",
        "audit log, line 1",
    ),
    "a sighting of no camera": (
        "UPDATE sightings SET camera = 9 WHERE number = 2",
        "sightings of cameras that are not",
    ),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_disagreements_are_found(what: str, lasting_url: str, vectors: Vectors) -> None:
    with open_gallery(lasting_url) as gallery:
        gallery.add(vectors(10))
        assert verify(gallery) == []
        blob = gallery.record.database.dialect.blob
    statement, expected = PLANTED[what]
    plant(lasting_url, statement.format(blob=blob))
    with open_gallery(lasting_url) as gallery:
        problems = verify(gallery)
        assert any(expected in problem for problem in problems), problems


def test_a_search_passes_over_a_sighting_whose_embedding_is_gone(lasting_url: str, vectors: Vectors) -> None:
    with open_gallery(lasting_url) as gallery:
        gallery.add(vectors(10))
    plant(lasting_url, "DELETE FROM embeddings WHERE number IN (3, 4)")
    with open_gallery(lasting_url) as gallery:
        found = {hit.sighting.id for hit in gallery.search(embedding=vectors(10)[2].embedding, top=20)}
        assert found == {sighting.id for sighting in vectors(10)} - {"gate-0-2", "gate-0-3"}
    plant(lasting_url, "DELETE FROM embeddings")
    with open_gallery(lasting_url) as gallery:
        assert len(gallery.search(embedding=vectors(10)[2].embedding)) == 0


def plant(url: str, statement: str) -> None:
    """Change a record behind its back, without a look at what refers to what."""
    if not url.startswith("postgresql:"):
        with closing(sqlite3.connect(Path(url, "gallery.sqlite"))) as connection, connection:
            connection.execute(statement)
        return
    import psycopg

    with psycopg.connect(url) as server:
        server.execute("SET session_replication_role = replica")
        server.execute(statement.encode())


def test_an_index_that_differs_from_the_record_is_found(new_url: Callable[[str], str], vectors: Vectors) -> None:
    url = new_url("folder")
    with open_gallery(url) as gallery:
        gallery.add(vectors(10))
        gallery.search(embedding=vectors(10)[0].embedding)
        other = vectors(1, seed=5)[0].embedding
        assert other is not None
        unit = (other / np.linalg.norm(other)).astype("<f4").tobytes()
        with closing(sqlite3.connect(Path(url, "gallery.sqlite"))) as connection, connection:
            connection.execute("UPDATE embeddings SET vector = ? WHERE number = 5", (unit,))
        assert verify(gallery) == ["sighting gate-0-4: the index has another embedding than the record"]


def test_a_newer_version_is_refused_and_an_older_one_brought_up_to_date(
    lasting_url: str, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_gallery(lasting_url) as gallery:
        gallery.add(vectors(3))
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setitem(
        schema._MIGRATIONS, 1, lambda cursor, dialect: cursor.execute("ALTER TABLE cameras ADD COLUMN site TEXT")
    )
    with open_gallery(lasting_url) as gallery:
        assert gallery.record.setting("schema") == "2"
        assert gallery.record.database.read(lambda cursor: cursor.execute("SELECT site FROM cameras")) == [(None,)]
        assert gallery.info().sightings == 3
    monkeypatch.setattr(schema, "VERSION", 1)
    with pytest.raises(GalleryError, match="expected a gallery of version 1 or older, got version 2"):
        open_gallery(lasting_url)


def test_the_audit_log_says_who_did_what(url: str, vectors: Vectors) -> None:
    with open_gallery(url, principal="eve", purpose="lost property", case="17") as gallery:
        gallery.add(vectors(3))
        gallery.search(embedding=vectors(3)[0].embedding)
        lines = [json.loads(line) for line in gallery.audit_lines()]
    assert [line["action"] for line in lines][-3:] == ["add", "search", "audit"]
    assert {(line["principal"], line["purpose"], line["case"]) for line in lines} == {("eve", "lost property", "17")}
    assert lines[-2]["detail"] == {"found": 3}
    assert sorted(subject.split(":")[1] for subject in lines[-2]["subjects"]) == ["1", "2", "3"]
