"""What re-ranking costs at Market-1501's size, beside the matrix products that it cannot do without.

Run: python benchmarks/ranking.py              everything, a quarter of an hour of one processor
     python benchmarks/ranking.py SECTION …    these again; the others stay as they were recorded

Processor seconds of all threads. Other toolkits' figures are not measured here: they are those that their authors'
programs were seen to take on two cores of a like machine for the same shape, product included.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from measure import CpuTime, cpu_times, peak_mib
from passerby.retrieval.methods import METHODS
from passerby.retrieval.rerank import ReciprocalGallery, k_reciprocal
from passerby.retrieval.rerank.neighbours import ROWS
from record import RESULTS, record

MARKET = (3368, 19_732)
SMALLER = (1168, 6832)
PEOPLE_SHARE = 0.065
"""People among pictures: 1,501 of Market-1501's 23,100."""
LIVE_QUERIES = 200
PEERS = {
    "market": "best peer ~120 CPU s, best-known toolkit 142 s and 10.2 GiB; ",
    "smaller": "11.9 and 13.8 CPU s; ",
}

SECTIONS = ("market", "smaller", "wide", "live", *(name for name in METHODS if name != "k-reciprocal"))
"""k-reciprocal re-ranking at three sizes and one query at a time; then the other methods."""


SIZES = {"market": (MARKET, 512, 3), "smaller": (SMALLER, 512, 3), "wide": (MARKET, 2048, 1)}
"""Queries and gallery, numbers of an embedding, and how often it is timed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="*", help=f"what to measure, of {', '.join(SECTIONS)}; by default all")
    wanted = parser.parse_args().section or SECTIONS
    unknown = set(wanted) - set(SECTIONS)
    if unknown:
        parser.error(f"expected sections of {', '.join(SECTIONS)}, got {', '.join(unknown)}")
    for name in wanted:
        figures = section(name)
        recorded = RESULTS / "ranking.json"
        known = json.loads(recorded.read_text())["figures"]["sections"] if recorded.exists() else {}
        known[name] = figures
        sections = {name: known[name] for name in SECTIONS if name in known}
        record("ranking", {"sections": sections, "summary": [row(name, it) for name, it in sections.items()]})


def section(name: str) -> dict[str, Any]:
    """The figures of one section."""
    if name == "live":
        return live_queries()
    if name in METHODS:
        return measured(name, METHODS[name], MARKET, 512, repeats=1)
    return measured("k-reciprocal", k_reciprocal, *SIZES[name])


def row(name: str, it: dict[str, Any]) -> dict[str, str]:
    """A section's row of the table of figures."""
    if name == "live":
        return {
            "what": f"k-reciprocal re-ranking of one query, {MARKET[1]:,} pictures, 512-d, known beforehand",
            "figure": f"{it['milliseconds_median']:.0f} CPU ms (95 %: {it['milliseconds_95']:.0f})",
            "beside": f"its product alone: {it['product_milliseconds_median']:.1f} CPU ms; made once in "
            f"{it['made_in_cpu_seconds']:.1f} CPU s",
        }
    what = f"re-ranking by {it['method']}, {shape(it)}, {it['dimension']}-d, product included"
    floor = f"all products alone: {it['products_cpu_seconds']['median']:.1f} CPU s"
    return {"what": what, "figure": cost(it), "beside": PEERS.get(name, "") + floor}


def measured(
    name: str, method: Callable[..., Any], size: tuple[int, int], dimension: int, repeats: int
) -> dict[str, Any]:
    """A method's memory, then its time in turns with the floor's."""
    query, gallery = embeddings(*size, dimension)
    both = np.concatenate([query, gallery])
    peak = peak_mib(lambda: method(query, gallery))
    times = cpu_times({"method": lambda: method(query, gallery), "floor": lambda: products(both)}, repeats)
    row = {
        "method": name,
        "queries": size[0],
        "gallery": size[1],
        "dimension": dimension,
        "cpu_seconds": times["method"].to_dict(),
        "products_cpu_seconds": times["floor"].to_dict(),
        "mib_beyond_inputs": round(peak, 1),
        "mib_of_the_result": round(4 * size[0] * size[1] / 2**20, 1),
    }
    print(
        f"{name:<20}{shape(row):>18}{dimension:>6}-d  {told(times['method'])}, {peak:,.0f} MiB; products "
        f"{told(times['floor'])}",
        flush=True,
    )
    return row


def live_queries() -> dict[str, float]:
    """One query at a time: each one's processor time, and its matrix product's."""
    query, gallery = embeddings(*MARKET, 512)
    start = time.process_time()
    live = ReciprocalGallery(gallery)
    made = time.process_time() - start
    whole = k_reciprocal(query[:1], gallery)
    np.testing.assert_allclose(live.distances(query[0]), whole[0], rtol=0, atol=1e-5)
    seconds, product = [], []
    for row in query[:LIVE_QUERIES]:
        start = time.process_time()
        live.distances(row)
        seconds.append(time.process_time() - start)
        start = time.process_time()
        gallery @ row
        product.append(time.process_time() - start)
    found = {
        "made_in_cpu_seconds": round(made, 2),
        "milliseconds_median": round(1000 * float(np.median(seconds)), 2),
        "milliseconds_95": round(1000 * float(np.quantile(seconds, 0.95)), 2),
        "product_milliseconds_median": round(1000 * float(np.median(product)), 2),
        "queries": LIVE_QUERIES,
    }
    print(f"one query: {found}", flush=True)
    return found


def products(vectors: npt.NDArray[np.float32]) -> None:
    """Every picture's similarities to all, a block at a time, and nothing else: what no exact method does without."""
    out = np.empty((ROWS, len(vectors)), np.float32)
    for start in range(0, len(vectors), ROWS):
        block = vectors[start : start + ROWS]
        np.matmul(block, vectors.T, out=out[: len(block)])


def embeddings(queries: int, gallery: int, dimension: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Made-up embeddings that cluster by person as much as a fair model's do."""
    random = np.random.default_rng(1501)
    total = queries + gallery
    centres = random.standard_normal((int(PEOPLE_SHARE * total), dimension), np.float32)
    found = 1.6 * random.standard_normal((total, dimension), np.float32)
    found += centres[random.integers(0, len(centres), total)]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found[:queries].copy(), found[queries:].copy()


def shape(row: dict[str, Any]) -> str:
    return f"{row['queries']:,} × {row['gallery']:,}"


def cost(row: dict[str, Any]) -> str:
    return f"{row['cpu_seconds']['median']:.1f} CPU s, {row['mib_beyond_inputs']:,.0f} MiB with the result"


def told(seconds: CpuTime) -> str:
    return f"{seconds.median:.1f} CPU s (least {seconds.least:.1f})"


if __name__ == "__main__":
    main()
