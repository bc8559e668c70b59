"""How long a search of the 50 nearest takes among 10 thousand, 100 thousand and a million vectors, and what it needs.

Exact and with filters, beside faiss's Flat index with a bitmap of ids and the bare matrix product. Processor time of
one thread: start it with OMP_NUM_THREADS=1.

Run: OMP_NUM_THREADS=1 python benchmarks/index.py [SIZE …]
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from measure import MIB
from passerby.retrieval.distance import normalise
from passerby.retrieval.index import Index
from passerby.retrieval.vector_blocks import VectorBlocks
from plot import growth_plot
from record import record

SIZES = (10_000, 100_000, 1_000_000)
DIMENSION, TOP, BATCH, PICTURES = 512, 50, 50, 20
LATENT, PICTURE_NOISE = 48, 0.7
DIRECTIONS = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSION, LATENT)))[0].T.astype(np.float32)
FILTERS = {"no filter": None, "1 in 2 allowed": 0.5, "1 in 100 allowed": 0.01}
PLOT = Path(__file__).parents[1] / "docs" / "images" / "index-growth.svg"
Floats = npt.NDArray[np.float32]


def main() -> None:
    sizes = tuple(int(size) for size in sys.argv[1:]) or SIZES
    faiss.omp_set_num_threads(1)
    results = {str(size): measured(size) for size in sizes}
    figures = {"dimension": DIMENSION, "top": TOP, "batch": BATCH, "sizes": results, "summary": summary(results)}
    if len(results) > 1:
        growth_plot(
            PLOT,
            {
                label: [(int(size), result["searches"][key]["p50_cpu_ms"]) for size, result in results.items()]
                for label, key in {
                    "one query": "passerby, no filter",
                    "1 in 2 allowed": "passerby, 1 in 2 allowed",
                    "1 in 100 allowed": "passerby, 1 in 100 allowed",
                    "faiss Flat": "faiss Flat, no filter",
                }.items()
            },
            x_label=f"vectors of {DIMENSION} numbers in the index",
            y_label=f"processor time of a top-{TOP} search, ms",
        )
    print(f"written: benchmarks/results/{record('index', figures).name}")


def measured(size: int) -> dict[str, Any]:
    """All figures of one size."""
    random = np.random.default_rng(size)
    index = Index(DIMENSION)
    flat = faiss.IndexFlatIP(DIMENSION)
    queries = np.empty((0, DIMENSION), np.float32)
    adding = {"passerby": 0.0, "faiss Flat": 0.0}
    for first, vectors in people(size, random):
        for name, add in {
            "passerby": lambda: index.add(np.arange(first, first + len(vectors)), vectors),  # noqa: B023
            "faiss Flat": lambda: flat.add(vectors),  # noqa: B023
        }.items():
            start = time.process_time()
            add()
            adding[name] += time.process_time() - start
        if len(queries) < BATCH:
            queries = embedded(LATENT**0.5 * vectors[::PICTURES][:BATCH] @ DIRECTIONS.T, random)
    repeats = 40 if size <= 100_000 else 12
    searches: dict[str, Any] = {}
    for label, share in FILTERS.items():
        allowed = None if share is None else random.choice(size, round(share * size), replace=False)
        check(index, flat, queries[:5], allowed, size)
        calls: dict[str, Callable[[Floats], Any]] = {
            "passerby": lambda q: index.search(q, TOP, allowed),  # noqa: B023
            "faiss Flat": lambda q: flat.search(q, TOP, params=selection(allowed, size)),  # noqa: B023
        }
        if allowed is None:
            calls["matrix product"] = lambda q: product(q, index._vectors)
        searches |= {f"{name}, {label}": times for name, times in in_turns(calls, queries, repeats).items()}
    batches = in_turns(
        {
            "passerby": lambda q: index.search(queries, TOP),
            "faiss Flat": lambda q: flat.search(queries, TOP),
            "matrix product": lambda q: product(queries, index._vectors),
        },
        queries,
        3,
    )
    memory = {"passerby_mib": round(held(index) / MIB, 1), "vectors_mib": round(4 * DIMENSION * size / MIB, 1)}
    result = {
        "add_cpu_seconds": {name: round(seconds, 3) for name, seconds in adding.items()},
        "searches": searches,
        f"batch_of_{BATCH}": batches,
        "memory": memory,
    }
    show(size, result)
    return result


def people(size: int, random: np.random.Generator) -> Iterator[tuple[int, Floats]]:
    """Vectors of made-up people, 20 pictures of each, a piece at a time."""
    piece = 10_000
    for first in range(0, size, piece):
        centres = np.repeat(random.standard_normal((piece // PICTURES, LATENT), np.float32), PICTURES, axis=0)
        yield first, embedded(centres, random)


def embedded(centres: Floats, random: np.random.Generator) -> Floats:
    """Another picture of each person: embeddings fill few of their dimensions, and the rest a little."""
    shown = centres + PICTURE_NOISE * random.standard_normal(centres.shape, np.float32)
    vectors = shown @ DIRECTIONS
    return normalise(vectors + 0.1 * random.standard_normal(vectors.shape, np.float32))


def selection(allowed: npt.NDArray[np.int64] | None, size: int) -> Any:  # noqa: ANN401
    """A filter as faiss takes it, made anew for each search, as Passerby's is."""
    if allowed is None:
        return None
    mask = np.zeros(size, bool)
    mask[allowed] = True
    return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")))


def product(queries: Floats, vectors: VectorBlocks) -> None:
    """The floor: every similarity, and nothing done with it."""
    for _, block in vectors:
        queries @ block.T


def check(index: Index, flat: Any, queries: Floats, allowed: npt.NDArray[np.int64] | None, size: int) -> None:  # noqa: ANN401
    """Both must find the same vectors, up to rounding."""
    distances, _ = index.search(queries, TOP, allowed)
    similarities, _ = flat.search(queries, TOP, params=selection(allowed, size))
    np.testing.assert_allclose(distances, 1 - similarities, atol=1e-5)


def in_turns(calls: dict[str, Callable[[Floats], Any]], queries: Floats, repeats: int) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of single calls, each with another query, the contenders in turns."""
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    wall: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        query = queries[turn % len(queries)][None]
        for name, call in calls.items():
            started, used = time.perf_counter(), time.process_time()
            call(query)
            if turn:  # The first warms the memory up.
                wall[name].append(time.perf_counter() - started)
                cpu[name].append(time.process_time() - used)
    return {
        name: {
            f"p{percent}_{kind}_ms": round(1000 * float(np.percentile(seconds[name], percent)), 3)
            for kind, seconds in (("cpu", cpu), ("wall", wall))
            for percent in (50, 95)
        }
        for name in calls
    }


def held(index: Index) -> int:
    """Bytes of an index: blocks, ids, and the table from ids to rows."""
    table = index._row_of
    numbers = 2 * sys.getsizeof(1_000) * len(table)
    return index._vectors.nbytes + index._ids.nbytes + sys.getsizeof(table) + numbers


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for size, result in results.items():
        found = result["searches"]
        batch = result[f"batch_of_{BATCH}"]

        rows.append(
            {
                "what": f"Exact top-{TOP} of {int(size):,} × {DIMENSION}, CPU ms of one query, p50/p95",
                "figure": f"{shown(found, 'passerby')}; {result['memory']['passerby_mib']:,.0f} MiB",
                "beside": f"faiss Flat with a bitmap: {shown(found, 'faiss Flat')}; the product alone "
                f"{found['matrix product, no filter']['p50_cpu_ms']:.1f}",
            }
        )
        rows.append(
            {
                "what": f"Exact top-{TOP} of {int(size):,} × {DIMENSION}, {BATCH} queries together",
                "figure": f"{batch['passerby']['p50_cpu_ms']:,.0f} CPU ms",
                "beside": f"faiss Flat: {batch['faiss Flat']['p50_cpu_ms']:,.0f}; the product alone "
                f"{batch['matrix product']['p50_cpu_ms']:,.0f}",
            }
        )
    return rows


def shown(searches: dict[str, dict[str, float]], name: str) -> str:
    """One contender's times under every filter."""
    times = {label: searches[f"{name}, {label}"] for label in FILTERS}
    return ", ".join(f"{label}: {t['p50_cpu_ms']:.1f}/{t['p95_cpu_ms']:.1f}" for label, t in times.items())


def show(size: int, result: dict[str, Any]) -> None:
    print(f"\n{size:,} vectors × {DIMENSION}, top {TOP}, ms:{'p50 CPU':>22}{'p95':>10}{'p50 wall':>12}{'p95':>10}")
    rows = result["searches"] | {f"{n}, {BATCH} queries": t for n, t in result[f"batch_of_{BATCH}"].items()}
    for name, times in rows.items():
        print(f"{name:<44}" + "".join(f"{times[key]:>11.1f}" for key in times))
    print(f"adding, CPU s: {result['add_cpu_seconds']}; memory: {result['memory']}", flush=True)


if __name__ == "__main__":
    main()
