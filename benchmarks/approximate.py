"""What an approximate search (IVF-SQ8) finds, costs and needs, beside the exact one.

Vectors are those of `benchmarks/index.py`: made-up people, of whom everybody looks like many others. Processor time
of one thread: start it with OMP_NUM_THREADS=1.

Run: OMP_NUM_THREADS=1 python benchmarks/approximate.py [SIZE …]
"""

import sys
import time
from typing import Any

import faiss
import numpy as np

from index import BATCH, DIMENSION, DIRECTIONS, LATENT, PICTURES, TOP, embedded, in_turns, people
from measure import MIB
from passerby.retrieval.approximate import ApproximateIndex
from passerby.retrieval.index import Index
from record import record

SIZES = (100_000, 1_000_000)


def main() -> None:
    sizes = tuple(int(size) for size in sys.argv[1:]) or SIZES
    faiss.omp_set_num_threads(1)
    results = {str(size): measured(size) for size in sizes}
    figures = {"dimension": DIMENSION, "top": TOP, "sizes": results, "summary": [row(*it) for it in results.items()]}
    print(f"written: benchmarks/results/{record('approximate', figures).name}")


def measured(size: int) -> dict[str, Any]:
    """Build a copy with the default recall; then ask pictures of the same people that it does not hold."""
    random = np.random.default_rng(size)
    index = Index(DIMENSION)
    queries = np.empty((0, DIMENSION), np.float32)
    for first, vectors in people(size, random):
        index.add(np.arange(first, first + len(vectors)), vectors)
        if len(queries) < BATCH:
            queries = embedded(LATENT**0.5 * vectors[::PICTURES][:BATCH] @ DIRECTIONS.T, random)
    start = time.process_time()
    copy = ApproximateIndex(index)
    building = time.process_time() - start
    repeats = 40 if size <= 100_000 else 12
    calls = {"exact": lambda q: index.search(q, TOP), "approximate": lambda q: copy.search(q, TOP)}
    result = {
        "searches": in_turns(calls, queries, repeats),
        "build_cpu_seconds": round(building, 1),
        "recall": round(copy.recall(index, queries, TOP), 4),
        "expected_recall": round(copy.expected_recall, 4),
        "probes": copy.probes,
        "lists": copy.lists,
        "codes_mib": round(size * (DIMENSION + 8) / MIB, 1),
        "vectors_mib": round(4 * DIMENSION * size / MIB, 1),
    }
    print(f"{size:,}: {result}", flush=True)
    return result


def row(size: str, result: dict[str, Any]) -> dict[str, str]:
    times = {name: found["p50_cpu_ms"] for name, found in result["searches"].items()}
    return {
        "what": f"IVF-SQ8, opt-in, top-{TOP} of {int(size):,} × {DIMENSION} (made-up people)",
        "figure": f"recall {result['recall']:.3f} with {result['probes']:,} of {result['lists']:,} lists, "
        f"{times['approximate']:.1f} CPU ms, {result['codes_mib']:,.0f} MiB",
        "beside": f"exact: recall 1, {times['exact']:.1f} CPU ms, {result['vectors_mib']:,.0f} MiB; made once in "
        f"{result['build_cpu_seconds']:.0f} CPU s",
    }


if __name__ == "__main__":
    main()
