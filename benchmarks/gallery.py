"""How fast galleries of 10,000 to a million sightings are filled and searched, in a folder and in PostgreSQL.

Every embedding has 512 numbers. The floor, in the same run, is the product of one query with all embeddings by numpy
and the choice of the nearest 50, without a gallery around it.

Run: python benchmarks/gallery.py                          10,000 and 100,000 in both homes
     python benchmarks/gallery.py --folder 1000000         a million in a folder besides: minutes, 5 GB of disk
     python benchmarks/gallery.py --kills 200              besides, kill -9 while adding, so many times
     python benchmarks/gallery.py --lines 1000000          besides, import so many lines of which one is bad
"""

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from gallery_kills import survive_kills
from gallery_lines import import_with_a_bad_line
from passerby.gallery import open_gallery
from passerby.gallery.creation import create_gallery
from passerby.gallery.gallery import Gallery
from passerby.privacy.secret import Key, Secret
from passerby.retrieval.distance import normalise
from passerby.retrieval.methods import reranker
from passerby.types import FloatArray, IntArray, Sighting
from record import record

DIMENSION, TOP, CAMERAS, AT_ONCE = 512, 50, 10, 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)
SEARCHES, SEARCHERS, EACH = 60, 50, 4
FILTERED = {"cameras": ["camera 3", "camera 7"], "after": START + timedelta(hours=1), "min_quality": 0.3}
PEOPLE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=int, nargs="*", default=[], help="further sizes in a folder")
    parser.add_argument("--postgresql", type=int, nargs="*", default=[], help="further sizes in PostgreSQL")
    parser.add_argument("--kills", type=int, default=0, help="how often to kill a process that adds")
    parser.add_argument("--lines", type=int, default=0, help="how many lines to import")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="passerby-gallery-"))
    figures: dict[str, Any] = {}
    try:
        if arguments.kills:
            keep(figures, "kills", survive_kills(work / "killed", arguments.kills))
        if arguments.lines:
            keep(figures, "import", import_with_a_bad_line(work, arguments.lines))
        for size in (10_000, 100_000):
            keep(figures, f"folder_{size}", measured(str(work / f"plain-{size}"), size))
        key = Key(bytes(range(32)))
        keep(figures, "folder_encrypted_100000", measured(str(work / "sealed"), 100_000, secret=key))
        with server(work) as (url, spent):
            for number, size in enumerate((10_000, 100_000, *arguments.postgresql)):
                keep(figures, f"postgresql_{size}", measured(url(number), size, spent=spent))
        for size in arguments.folder:
            keep(figures, f"folder_{size}", measured(str(work / f"plain-{size}"), size))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def keep(figures: dict[str, Any], name: str, one: dict[str, Any]) -> None:
    """Write down what there is so far: the largest galleries take long."""
    figures[name] = one
    figures["summary"] = list(summary({name: one for name, one in figures.items() if name != "summary"}))
    print(f"{figures['summary'][-1]}\nwritten: benchmarks/results/{record('gallery', figures).name}", flush=True)


def measured(
    url: str, size: int, *, secret: Secret | None = None, spent: Callable[[], float] = time.process_time
) -> dict[str, Any]:
    """Fill a gallery, search it warm and cold, with and without filters, and by many at once.

    Args:
        url: Where.
        size: How many sightings.
        secret: What encrypts it.
        spent: Gives the processor seconds so far, of a server too.
    """
    print(f"{url.split('?')[0]}: {size:,} sightings", flush=True)
    if secret is not None:
        create_gallery(url, secret=secret, encrypt=True, turn=True)
    vectors = embeddings(size)
    figures: dict[str, Any] = {"sightings": size, "encrypted": secret is not None}
    with open_gallery(url, secret=secret) as gallery:
        figures["add_per_second"], figures["add_per_cpu_second"] = fill(gallery, vectors, spent)
    memory = psutil.Process().memory_info().rss
    figures["first_search_seconds_without_saved_index"] = opened_and_searched(url, vectors, secret)
    figures["first_search_seconds_with_saved_index"] = opened_and_searched(url, vectors, secret)
    with open_gallery(url, secret=secret) as gallery:
        gallery.search(embedding=vectors[0])
        figures["memory_mib"] = round((psutil.Process().memory_info().rss - memory) / 2**20)
        figures["disk_mib"] = round(gallery.info().bytes / 2**20)
        queries = asked(vectors)
        figures["floor_ms"] = timed(lambda query: floor(vectors, query), queries, spent)
        figures["search_ms"] = timed(lambda query: gallery.search(embedding=query, top=TOP), queries, spent)
        figures["filtered_ms"] = timed(
            lambda query: gallery.search(embedding=query, top=TOP, **FILTERED), queries, spent
        )
        method = reranker("k-reciprocal")
        figures["reranked_ms"] = timed(
            lambda query: gallery.search(embedding=query, top=TOP, rerank=method), queries[:20], spent
        )
        figures["recall"] = recall(gallery, vectors, queries)
        figures["searchers"] = many_searchers(gallery, queries, spent)
    print({name: value for name, value in figures.items() if name != "sightings"}, flush=True)
    return figures


def embeddings(size: int) -> FloatArray:
    """Unit vectors around people's centres."""
    random = np.random.default_rng(size)
    centres = random.normal(size=(PEOPLE, DIMENSION)).astype(np.float32)
    vectors = np.empty((size, DIMENSION), np.float32)
    for start in range(0, size, 50_000):
        part = slice(start, min(size, start + 50_000))
        noise = random.normal(size=(part.stop - start, DIMENSION)).astype(np.float32)
        vectors[part] = normalise(centres[random.integers(0, PEOPLE, len(noise))] + noise)
    return vectors


def asked(vectors: FloatArray) -> FloatArray:
    """Queries near some of the embeddings."""
    random = np.random.default_rng(1)
    noise = random.normal(size=(SEARCHES, DIMENSION)) * 0.5 / DIMENSION**0.5
    return normalise(vectors[random.integers(0, len(vectors), SEARCHES)] + noise)


def fill(gallery: Gallery, vectors: FloatArray, spent: Callable[[], float]) -> tuple[float, float]:
    """Add all; gives sightings a second, and a processor's second."""
    start, cpu = time.perf_counter(), spent()
    for first in range(0, len(vectors), AT_ONCE):
        gallery.add(
            [
                Sighting(
                    camera=f"camera {place % CAMERAS}",
                    time=START + timedelta(seconds=place / 10),
                    embedding=vectors[place],
                    model="benchmark",
                    quality=(place % 11) / 10,
                    id=f"sighting-{place}",
                )
                for place in range(first, min(first + AT_ONCE, len(vectors)))
            ]
        )
    return (
        round(len(vectors) / (time.perf_counter() - start)),
        round(len(vectors) / (spent() - cpu)),
    )


def opened_and_searched(url: str, vectors: FloatArray, secret: Secret | None) -> float:
    """Seconds from opening a gallery to its first answer."""
    start = time.perf_counter()
    with open_gallery(url, secret=secret) as gallery:
        gallery.search(embedding=vectors[0], top=TOP)
        return round(time.perf_counter() - start, 2)


def timed(call: Callable[[FloatArray], Any], queries: FloatArray, spent: Callable[[], float]) -> dict[str, float]:
    """Milliseconds of one call after another, median and 95th percentile, by the clock and of processor time."""
    wall, cpu = [], []
    for query in queries:
        start, used = time.perf_counter(), spent()
        call(query)
        wall.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (spent() - used))
    return {
        "p50": round(statistics.median(wall), 1),
        "p95": round(float(np.percentile(wall, 95)), 1),
        "cpu_p50": round(statistics.median(cpu), 1),
        "cpu_p95": round(float(np.percentile(cpu, 95)), 1),
    }


def floor(vectors: FloatArray, query: FloatArray) -> IntArray:
    similarities = vectors @ query
    nearest = np.argpartition(similarities, -TOP)[-TOP:]
    return nearest[np.argsort(-similarities[nearest])]


def recall(gallery: Gallery, vectors: FloatArray, queries: FloatArray) -> float:
    """Share of the truly nearest 50 that are found; the truth is measured in float64."""
    found = wanted = 0
    for query in queries[:20]:
        similarities = np.concatenate(
            [part.astype(np.float64) @ query for part in np.array_split(vectors, -(-len(vectors) // 50_000))]
        )
        truth = {f"sighting-{place}" for place in np.argsort(-similarities, kind="stable")[:TOP]}
        found += len(truth & {hit.sighting.id for hit in gallery.search(embedding=query, top=TOP)})
        wanted += TOP
    return found / wanted


def many_searchers(gallery: Gallery, queries: FloatArray, spent: Callable[[], float]) -> dict[str, float]:
    """Many threads search at once, one query after the other each."""
    seconds: list[float] = []

    def search(number: int) -> None:
        for step in range(EACH):
            start = time.perf_counter()
            gallery.search(embedding=queries[(number + step) % len(queries)], top=TOP)
            seconds.append(time.perf_counter() - start)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(SEARCHERS)]
    start, cpu = time.perf_counter(), spent()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = time.perf_counter() - start
    return {
        "searchers": SEARCHERS,
        "searches_per_second": round(len(seconds) / total, 1),
        "p50_seconds": round(statistics.median(seconds), 2),
        "p95_seconds": round(float(np.percentile(seconds, 95)), 2),
        "cpu_ms_each": round(1000 * (spent() - cpu) / len(seconds), 1),
    }


@contextmanager
def server(work: Path) -> Iterator[tuple[Callable[[int], str], Callable[[], float]]]:
    """A real PostgreSQL: a function from a number to the address of a new database, and processor seconds with it."""
    import pgserver
    import psycopg

    running = pgserver.get_server(work / "server", cleanup_mode="stop")

    def url(number: int) -> str:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE gallery_{number}".encode())
        return str(running.get_uri().replace("/postgres?", f"/gallery_{number}?"))

    def spent() -> float:
        postmaster = psutil.Process(running.get_pid())
        seconds = time.process_time() + sum(postmaster.cpu_times()[:4])
        for process in postmaster.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # A helper for one query, which is counted with its parent then.
                seconds += sum(process.cpu_times()[:2])
        return seconds

    try:
        yield url, spent
    finally:
        running.cleanup()


def summary(figures: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, one in figures.items():
        if name == "kills":
            yield {
                "what": f"`kill -9` while adding, {one['kills']} times in a row",
                "figure": f"{one['lost']} of {one['acknowledged']:,} acknowledged sightings lost, "
                f"{one['twice']} there twice",
                "beside": f"{one['disagreements']} disagreements found by `gallery verify`",
            }
            continue
        if name == "import":
            yield {
                "what": f"Import of {one['lines']:,} JSON lines into a gallery, line {one['bad_line']:,} cut short",
                "figure": f"{one['imported']:,} imported, {one['cpu_seconds']:.0f} CPU s, {one['peak_mib']} MiB",
                "beside": f"refused by name: line {', '.join(f'{line:,}' for line in one['refused_lines'])}",
            }
            continue
        home = "PostgreSQL" if name.startswith("postgresql") else "a folder"
        what = f"{one['sightings']:,} × {DIMENSION} in {home}{', encrypted' if one['encrypted'] else ''}"
        search, filtered, several = one["search_ms"], one["filtered_ms"], one["searchers"]
        yield {
            "what": f"Gallery of {what}: top {TOP}, recall {one['recall']:.3f}",
            "figure": f"{search['cpu_p50']:.0f} CPU ms, filtered {filtered['cpu_p50']:.0f}, "
            f"re-ranked {one['reranked_ms']['cpu_p50']:.0f}; "
            f"of {several['searchers']} at once {several['cpu_ms_each']:.0f} CPU ms each",
            "beside": f"the bare product: {one['floor_ms']['cpu_p50']:.0f} CPU ms",
        }


if __name__ == "__main__":
    main()
