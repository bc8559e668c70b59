"""Filling one gallery, and searching it cold and warm, filtered or not, and by many at once; see gallery.py."""

import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from gallery_homes import Home
from measure import MIB, give_back_memory
from passerby.gallery.gallery import Gallery
from passerby.machine import processors
from passerby.retrieval.distance import normalise
from passerby.retrieval.methods import reranker
from passerby.types import FloatArray, IntArray, Sighting

DIMENSION, TOP, CAMERAS, AT_ONCE = 512, 50, 10, 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)
SEARCHES, FEW, SEARCHERS, EACH = 60, 20, 50, 4
FILTERED: dict[str, Any] = {
    "cameras": ["camera 3", "camera 7"],
    "after": START + timedelta(hours=1),
    "min_quality": 0.3,
}
PEOPLE = 5_000


def measured(home: Home, size: int) -> dict[str, Any]:
    """Fill a gallery and search it."""
    vectors = embeddings(size)
    figures: dict[str, Any] = {"sightings": size}
    with home.open() as gallery:
        figures["added_per_second"], figures["added_per_cpu_second"] = fill(gallery, vectors, home)
    figures["first_search"] = first_search(home, vectors)
    figures["next_process"] = first_search(home, vectors)  # With an index that the first has saved, if it may.
    home.cool()
    figures["next_process_cold"] = first_search(home, vectors)
    with home.open() as gallery:
        figures["disk_mib"] = round(gallery.info().bytes / MIB)
        gallery.search(embedding=vectors[0])
        queries = asked(vectors)
        figures["floor_ms"] = timed(lambda query: floor(vectors, query), queries, home)
        figures["search_ms"] = timed(lambda query: gallery.search(embedding=query, top=TOP), queries, home)
        figures["filtered_ms"] = timed(
            lambda query: gallery.search(embedding=query, top=TOP, **FILTERED), queries, home
        )
        method = reranker("k-reciprocal")
        figures["reranked_ms"] = timed(
            lambda query: gallery.search(embedding=query, top=TOP, rerank=method), queries[:FEW], home
        )
        figures["recall"] = recall(gallery, vectors, queries[:FEW])
        figures["searchers"] = many_searchers(gallery, queries, home)
        with threadpool_limits(processors()):
            figures["searchers_on_all_processors"] = many_searchers(gallery, queries, home)
        figures["server_mib"] = round(home.server_mib())
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


def fill(gallery: Gallery, vectors: FloatArray, home: Home) -> tuple[float, float]:
    """Add all; gives sightings a second, and a processor's second."""
    start, cpu = time.perf_counter(), home.spent()
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
    return round(len(vectors) / (time.perf_counter() - start)), round(len(vectors) / (home.spent() - cpu))


def first_search(home: Home, vectors: FloatArray) -> dict[str, float]:
    """From opening a gallery to its first answer, and the memory that it takes by then."""
    give_back_memory()
    memory = psutil.Process().memory_info().rss
    start, cpu = time.perf_counter(), home.spent()
    with home.open() as gallery:
        gallery.search(embedding=vectors[0], top=TOP)
        return {
            "seconds": round(time.perf_counter() - start, 2),
            "cpu_seconds": round(home.spent() - cpu, 2),
            "memory_mib": round((psutil.Process().memory_info().rss - memory) / MIB),
        }


def timed(call: Callable[[FloatArray], Any], queries: FloatArray, home: Home) -> dict[str, float]:
    """Milliseconds of one call after another, median and 95th percentile, by the clock and of processor time."""
    wall, cpu = [], []
    for query in queries:
        start, used = time.perf_counter(), home.spent()
        call(query)
        wall.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (home.spent() - used))
    return {
        "p50": round(statistics.median(wall), 1),
        "p95": round(float(np.percentile(wall, 95)), 1),
        "cpu_p50": round(statistics.median(cpu), 1),
        "cpu_p95": round(float(np.percentile(cpu, 95)), 1),
    }


def floor(vectors: FloatArray, query: FloatArray) -> IntArray:
    """The places of the nearest, as numpy alone finds them."""
    similarities = vectors @ query
    nearest = np.argpartition(similarities, -TOP)[-TOP:]
    return nearest[np.argsort(-similarities[nearest])]


def recall(gallery: Gallery, vectors: FloatArray, queries: FloatArray) -> float:
    """Share of the truly nearest 50 that are found; the truth is measured in float64."""
    similarities = np.concatenate(
        [part.astype(np.float64) @ queries.T for part in np.array_split(vectors, -(-len(vectors) // 50_000))]
    )
    found = 0
    for query, column in zip(queries, similarities.T, strict=True):
        truth = {f"sighting-{place}" for place in np.argsort(-column, kind="stable")[:TOP]}
        found += len(truth & {hit.sighting.id for hit in gallery.search(embedding=query, top=TOP)})
    return found / (TOP * len(queries))


def many_searchers(gallery: Gallery, queries: FloatArray, home: Home) -> dict[str, float]:
    """Many threads search at once, one query after the other each."""
    seconds: list[float] = []

    def search(number: int) -> None:
        for step in range(EACH):
            start = time.perf_counter()
            gallery.search(embedding=queries[(number + step) % len(queries)], top=TOP)
            seconds.append(time.perf_counter() - start)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(SEARCHERS)]
    start, cpu = time.perf_counter(), home.spent()
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
        "cpu_ms_each": round(1000 * (home.spent() - cpu) / len(seconds), 1),
    }
