"""What is erased is in no file any more: the files are read byte by byte, before and after."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import AccessError, GalleryError, MachineError
from passerby.gallery import open_gallery, retention
from passerby.gallery.access import POLICY
from passerby.gallery.creation import create_gallery
from passerby.gallery.gallery import Gallery
from passerby.gallery.rows import write_setting
from passerby.privacy.audit import AuditHead, read_line
from passerby.privacy.receipt import ErasureDigest, ErasureReceipt, read_receipt
from passerby.privacy.secret import Key
from passerby.types import Sighting

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIMENSION = 64
PEOPLE = 6


def planted() -> list[Sighting]:
    """Sightings whose every part can be found again in a file: noise, and names that nothing else has."""
    random = np.random.default_rng(11)
    return [
        Sighting(
            camera=("gate", "hall")[number % 2],
            time=START + timedelta(hours=number),
            crop=random.integers(0, 256, (24, 12, 3), dtype=np.uint8),
            embedding=random.standard_normal(DIMENSION).astype(np.float32),
            model="m",
            track=f"track-{number:03d}-{person}",
            person=f"Person Number {person}",
            attributes={"note": f"attribute-{number:03d}-{person}"},
            id=f"sighting-{number:03d}-{person}",
        )
        for number in range(4)
        for person in range(PEOPLE)
    ]


def traces(sightings: list[Sighting]) -> dict[str, list[bytes]]:
    """Of each part of each sighting, pieces that would show that it is still there."""
    found = {}
    for sighting in sightings:
        assert isinstance(sighting.crop, bytes)
        assert sighting.embedding is not None
        vector = sighting.embedding.astype("<f4").tobytes()
        pixels = sighting.crop[-400:-2]  # What stands before is alike in all pictures.
        for name, content in (("crop", pixels), ("embedding", vector)):
            # Database and index may break them over pages anywhere, so several short pieces are looked for.
            found[f"{name} of {sighting.id}"] = [content[at : at + 16] for at in range(0, len(content) - 16, 40)]
        for name in (sighting.track, sighting.attributes["note"], sighting.id):
            found[f"{name} of {sighting.id}"] = [str(name).encode()]
    return found


def present(folders: list[Path], wanted: dict[str, list[bytes]]) -> set[str]:
    """Which of the traces are in any file below the folders."""
    content = b"\0".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
    return {name for name, pieces in wanted.items() if any(piece in content for piece in pieces)}


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(tmp_path / "gallery") as gallery:
        gallery.add(planted())
        yield gallery


def save_index(gallery: Gallery) -> None:
    """Have the index written down, so that there is something to be erased."""
    index = gallery.index()
    assert index is not None
    index.save()


ERASURES: dict[str, tuple[Callable[[Gallery], ErasureReceipt], Callable[[Sighting], bool]]] = {
    "person": (
        lambda gallery: gallery.erase(person="Person Number 3"),
        lambda sighting: sighting.person == "Person Number 3",
    ),
    "camera": (lambda gallery: gallery.erase(camera="gate"), lambda sighting: sighting.camera == "gate"),
    "range": (
        lambda gallery: gallery.erase(after=START + timedelta(hours=1), before=START + timedelta(hours=3)),
        lambda sighting: START + timedelta(hours=1) <= sighting.time < START + timedelta(hours=3),
    ),
    "person at a camera since": (
        lambda gallery: gallery.erase(person="Person Number 2", camera="hall", after=START + timedelta(hours=2)),
        lambda sighting: sighting.id == "sighting-003-2",
    ),
    "everything": (lambda gallery: gallery.erase(before=START + timedelta(days=9)), lambda sighting: True),
    "single": (
        lambda gallery: gallery.delete(["sighting-001-4", "sighting-002-5"]),
        lambda sighting: sighting.id in ("sighting-001-4", "sighting-002-5"),
    ),
}


@pytest.mark.parametrize("kind", ERASURES)
def test_nothing_of_what_is_erased_is_in_any_file(kind: str, filled: Gallery, tmp_path: Path) -> None:
    erase, is_meant = ERASURES[kind]
    save_index(filled)
    stored = [filled.get(sighting.id) for sighting in planted()]
    meant = [sighting for sighting in stored if is_meant(sighting)]
    others = [sighting for sighting in stored if not is_meant(sighting)]
    folder = tmp_path / "gallery"
    assert present([folder], traces(stored)) == set(traces(stored))
    assert present([folder / "index"], traces(stored)) == {name for name in traces(stored) if "embedding" in name}

    receipt = erase(filled)

    assert receipt.sightings == len(meant)
    assert present([folder], traces(meant)) == set()
    assert present([folder], traces(others)) == set(traces(others))
    assert filled.info().sightings == len(others)
    for sighting in meant:
        with pytest.raises(GalleryError, match="no sighting"):
            filled.get(sighting.id)
        assert sighting.id not in {hit.sighting.id for hit in filled.search(embedding=sighting.embedding, top=50)}
    for name in {str(sighting.person) for sighting in meant} - {str(sighting.person) for sighting in others}:
        assert present([folder], {name: [name.encode()]}) == set()


def test_nothing_is_left_when_the_gallery_is_opened_again_and_the_index_made_anew(tmp_path: Path) -> None:
    url = tmp_path / "gallery"
    with open_gallery(url) as gallery:
        gallery.add(planted())
        save_index(gallery)
        meant = [gallery.get(sighting.id) for sighting in planted() if sighting.camera == "gate"]
    (url / ".index.cut-off").mkdir()
    shutil.copy(url / "index" / "vectors", url / ".index.cut-off")
    assert present([url / "index"], traces(meant)) == {name for name in traces(meant) if "embedding" in name}
    with open_gallery(url) as gallery:  # Which has not searched, and so has no index.
        gallery.erase(camera="gate")
    assert present([url], traces(meant)) == set()
    with open_gallery(url) as gallery:
        save_index(gallery)
        gallery.record.database.compact()
    assert present([url], traces(meant)) == set()


def test_the_audit_log_forgets_at_whom_somebody_looked_and_stays_whole(filled: Gallery) -> None:
    filled.get("sighting-000-3")
    filled.get("sighting-000-4")
    before = list(filled.audit_lines())
    looks = [line for line in before if '"action":"view"' in line]
    assert len(looks) == 2
    assert all('"subjects":[""]' not in line for line in looks)
    filled.erase(person="Person Number 3")
    after = [line for line in filled.audit_lines() if '"action":"view"' in line]
    assert '"subjects":[""]' in after[0]
    assert after[1] == looks[1]
    report = filled.verify_audit()
    assert report.intact
    assert report.erased_subjects == 1


def test_purging_takes_each_camera_by_its_own_age(filled: Gallery, tmp_path: Path) -> None:
    policy = '{"keep_days": 30, "cameras": {"gate": {"keep_days": 2}}}'
    filled.record.database.write(lambda cursor: write_setting(cursor, POLICY, policy))
    stored = [filled.get(sighting.id) for sighting in planted()]
    assert filled.purge(now=START + timedelta(days=1)).sightings == 0
    receipt = filled.purge(now=START + timedelta(days=2, minutes=30))
    gone = [sighting for sighting in stored if sighting.camera == "gate" and sighting.time == START]
    assert (receipt.kind, receipt.sightings) == ("purge", len(gone))
    assert present([tmp_path / "gallery"], traces(gone)) == set()
    assert filled.purge(now=START + timedelta(days=10)).sightings == PEOPLE  # What is left of the gate.
    assert filled.info().cameras == {"gate": 0, "hall": 2 * PEOPLE}
    assert filled.purge(now=START + timedelta(days=40)).sightings == 2 * PEOPLE
    assert present([tmp_path / "gallery"], traces(stored)) == set()


def test_the_receipt_is_signed_says_nothing_and_a_copy_can_be_held_against_it(filled: Gallery) -> None:
    copies = [filled.get(sighting.id) for sighting in planted() if sighting.person == "Person Number 1"]
    receipt = filled.erase(person="Person Number 1")
    assert receipt.is_valid(filled.guard.public_key())
    assert read_receipt(receipt.to_json()) == receipt
    assert "Person" not in receipt.to_json()
    assert "sighting-0" not in receipt.to_json()
    again = ErasureDigest(receipt.nonce)
    for copy in copies:
        assert isinstance(copy.crop, bytes)
        assert copy.embedding is not None
        again.add(copy.id, [copy.crop, copy.embedding.astype("<f4").tobytes()])
    assert again.hexdigest() == receipt.digest
    line = list(filled.audit_lines())[receipt.audit_line - 1]
    assert '"action":"erase"' in line
    assert '"erased":4' in line


def test_whatever_is_erased_is_on_record_with_it(filled: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = retention.pieces
    monkeypatch.setattr(retention, "pieces", lambda values, size=5: steps(values, size))
    receipt = filled.erase(camera="gate")
    assert receipt.sightings == 2 * PEOPLE
    lines = [read_line(line) for line in filled.audit_lines()]
    erased = [line for line in lines if line.action == "erase"]
    assert [line.detail["erased"] for line in erased] == [5, 5, 2]
    assert erased[-1].sequence == receipt.audit_line
    assert filled.verify_audit().intact


def test_erasing_what_is_not_there_is_done_and_says_so(filled: Gallery) -> None:
    receipt = filled.erase(person="nobody")
    assert receipt.sightings == 0
    assert receipt.is_valid()
    with pytest.raises(GalleryError, match="expected a person, a camera or a time range"):
        filled.erase()
    with pytest.raises(GalleryError, match="no camera 'yard'"):
        filled.erase(camera="yard")
    with pytest.raises(GalleryError, match="no sighting"):
        filled.delete(["sighting-000-0", "nothing"])
    assert filled.info().sightings == 4 * PEOPLE


READER = """
import sys
import numpy as np
from passerby.gallery import open_gallery
with open_gallery(sys.argv[1]) as gallery:
    for line in sys.stdin:
        vector = np.ones(64, np.float32)
        hits = gallery.search(embedding=vector, top=100)
        print(" ".join(hit.sighting.id for hit in hits), flush=True)
"""


def test_another_process_has_forgotten_by_the_time_that_it_is_acknowledged(filled: Gallery, tmp_path: Path) -> None:
    command = [sys.executable, "-c", READER, str(tmp_path / "gallery")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def found() -> list[str]:
            reader.stdin.write("search\n")
            reader.stdin.flush()
            return reader.stdout.readline().split()

        assert len(found()) == 4 * PEOPLE
        filled.erase(person="Person Number 3")
        # Its index has followed before the erasure was acknowledged, not only when it is asked again.
        sequence = filled.record.sequence()
        told = filled.record.database.read(lambda cursor: cursor.execute("SELECT sequence FROM readers"))
        assert told
        assert all(row[0] >= sequence for row in told)
        assert not [name for name in found() if name.endswith("-3")]
        reader.stdin.close()


def test_with_postgresql_nothing_is_left_in_the_tables_files(new_url: Callable[[str], str]) -> None:
    import psycopg

    url = new_url("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        statement = "SELECT oid::text FROM pg_database WHERE datname = current_database()"
        (number,) = connection.execute(statement).fetchone() or ("",)
    base = Path(data) / "base" / number
    with open_gallery(url) as gallery, psycopg.connect(url, autocommit=True) as connection:
        gallery.add(planted())
        stored = [gallery.get(sighting.id) for sighting in planted()]
        meant = [sighting for sighting in stored if sighting.person == "Person Number 3"]
        others = [sighting for sighting in stored if sighting.person != "Person Number 3"]
        connection.execute("CHECKPOINT")
        assert present([base], traces(stored)) == set(traces(stored))
        gallery.erase(person="Person Number 3")
        assert present([base], traces(meant)) == set()
        connection.execute("CHECKPOINT")
        assert present([base], traces(others)) == set(traces(others))


def test_with_postgresql_an_erasure_waits_for_whoever_still_sees_what_is_erased(
    new_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    url = new_url("postgresql")
    with open_gallery(url) as gallery, psycopg.connect(url) as other:
        gallery.add(planted())
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        other.execute("SELECT count(*) FROM cameras")
        monkeypatch.setattr("passerby.gallery.postgres._SCRUBBING", 0.3)
        with pytest.raises(MachineError, match=r"another connection keeps a view .* run `passerby gallery compact`"):
            gallery.erase(person="Person Number 3")
        assert gallery.info().sightings == 4 * (PEOPLE - 1)
        other.rollback()
        gallery.compact()


def test_an_encrypted_gallery_holds_no_pictures_and_vectors_in_the_clear_at_any_time(tmp_path: Path) -> None:
    url, key = tmp_path / "gallery", Key(bytes(range(32)))
    create_gallery(url, secret=key, encrypt=True)
    with open_gallery(url, secret=key) as gallery:
        gallery.add(planted())
        gallery.search(embedding=planted()[0].embedding, top=5)
        save_index(gallery)
        stored = [gallery.get(sighting.id) for sighting in planted()]
        secret = {name: pieces for name, pieces in traces(stored).items() if "crop" in name or "embedding" in name}
        assert present([url], secret) == set()
        receipt = gallery.erase(person="Person Number 3")
        meant = [sighting for sighting in stored if sighting.person == "Person Number 3"]
        assert receipt.sightings == len(meant)
        assert present([url], traces(meant)) == set()
    assert present([url], secret) == set()


def test_a_viewer_erases_nothing_even_where_nothing_is_due(filled: Gallery, tmp_path: Path) -> None:
    policy = '{"members": {"vic": {"role": "viewer"}, "cam": {"role": "administrator", "cameras": ["gate"]}}}'
    filled.record.database.write(lambda cursor: write_setting(cursor, POLICY, policy))
    with open_gallery(tmp_path / "gallery", principal="vic") as gallery:
        for attempt in (gallery.purge, lambda: gallery.erase(person="nobody"), lambda: gallery.delete([])):
            with pytest.raises(AccessError, match="vic is a viewer"):
                attempt()
    with open_gallery(tmp_path / "gallery", principal="cam") as gallery:
        with pytest.raises(AccessError, match="limited to camera gate"):
            gallery.erase(camera="hall")
        assert gallery.erase(before=START + timedelta(days=9)).sightings == 2 * PEOPLE
    assert filled.info().cameras == {"gate": 0, "hall": 2 * PEOPLE}
    witness = filled.verify_audit().head
    assert isinstance(witness, AuditHead)
