"""How long CMC, mAP and mINP take at Market-1501's size, beside a plain loop that sorts every row.

Run: python benchmarks/rank_metrics.py
"""

import numpy as np
import numpy.typing as npt

from measure import cpu_times, peak_mib
from passerby.evaluation.ranking import rank_metrics
from passerby.retrieval.distance import cosine_distances, normalise
from record import record

QUERIES, PEOPLE, CAMERAS = 3368, 750, 6
GOOD, DISTRACTORS, JUNK = 13_115, 2_798, 3_819  # 19,732 gallery pictures
FLOOR_QUERIES = 240
REPEATS = 7


def main() -> None:
    distances, labels = market_shaped()
    subset = np.linspace(0, QUERIES - 1, FLOOR_QUERIES).round().astype(np.int64)

    peak = peak_mib(lambda: rank_metrics(distances, *labels))
    metrics = rank_metrics(distances, *labels)
    plain = argsort_loop(distances, *labels, subset)
    np.testing.assert_allclose(metrics.average_precision[subset], plain, rtol=0, atol=1e-12)

    times = cpu_times(
        {
            "passerby": lambda: rank_metrics(distances, *labels),
            "argsort loop": lambda: argsort_loop(distances, *labels, subset),
        },
        REPEATS,
    )
    times["argsort loop"] = times["argsort loop"].scaled(QUERIES / FLOOR_QUERIES)
    ratio = times["argsort loop"].median / times["passerby"].median

    print(f"CMC + mAP + mINP of {QUERIES} x {distances.shape[1]} float32 distances, {REPEATS} runs in turns")
    print(f"{'':<24}{'CPU s, least':>14}{'median':>10}")
    for name, time in times.items():
        print(f"{name:<24}{time.least:>14.3f}{time.median:>10.3f}")
    print(f"The loop ran on {FLOOR_QUERIES} queries; its time is scaled to all. It takes {ratio:.1f} times as long.")
    print(f"Peak memory of passerby beyond its inputs: {peak:.1f} MiB")
    print(f"mAP {metrics.mean_ap:.4f}, the loop agrees on every query it ran on")
    path = record(
        "rank_metrics",
        {
            "queries": QUERIES,
            "gallery": distances.shape[1],
            "cpu_seconds": times["passerby"].to_dict(),
            "argsort_loop_cpu_seconds": times["argsort loop"].to_dict(),
            "argsort_loop_queries_run": FLOOR_QUERIES,
            "argsort_loop_ratio_of_medians": round(ratio, 2),
            "peak_mib_beyond_inputs": round(peak, 1),
            "mean_ap": round(metrics.mean_ap, 6),
            "summary": [
                {
                    "what": f"CMC, mAP and mINP of {QUERIES:,} × {distances.shape[1]:,} distances",
                    "figure": f"{times['passerby'].median:.2f} CPU s, {peak:.0f} MiB beyond the distances",
                    "beside": f"a loop that sorts every row: {times['argsort loop'].median:.1f} CPU s",
                }
            ],
        },
    )
    print(f"written: benchmarks/results/{path.name}")


def market_shaped() -> tuple[npt.NDArray[np.float32], tuple[npt.NDArray[np.int64], ...]]:
    """Distances between made-up embeddings that cluster by person, with everything Market-1501 has."""
    random = np.random.default_rng(1501)
    query_ids = random.integers(1, PEOPLE + 1, QUERIES)
    gallery_ids = np.concatenate(
        [random.integers(1, PEOPLE + 1, GOOD), np.zeros(DISTRACTORS, np.int64), np.full(JUNK, -1)]
    )
    gallery_ids = random.permutation(gallery_ids)
    # Everybody has a centre; distractors and junk are people of their own.
    shown = np.where(gallery_ids > 0, gallery_ids, random.integers(PEOPLE + 1, 3 * PEOPLE, len(gallery_ids)))
    centres = random.normal(size=(3 * PEOPLE, 128))
    people = np.concatenate([query_ids, shown])
    embeddings = normalise(centres[people] + 1.6 * random.normal(size=(len(people), 128)))
    cameras = random.integers(1, CAMERAS + 1, len(people))
    distances = cosine_distances(embeddings[:QUERIES], embeddings[QUERIES:])
    return distances, (query_ids, gallery_ids, cameras[:QUERIES], cameras[QUERIES:])


def argsort_loop(
    distances: npt.NDArray[np.float32],
    query_ids: npt.NDArray[np.int64],
    gallery_ids: npt.NDArray[np.int64],
    query_cameras: npt.NDArray[np.int64],
    gallery_cameras: npt.NDArray[np.int64],
    queries: npt.NDArray[np.int64],
) -> list[float]:
    """Average precision as most code computes it: sort the row, drop what does not count, accumulate."""
    precisions = []
    for query in queries:
        order = np.argsort(distances[query], kind="stable")
        same = gallery_ids[order] == query_ids[query]
        dropped = (same & (gallery_cameras[order] == query_cameras[query])) | (gallery_ids[order] == -1)
        ranks = np.flatnonzero(same[~dropped]) + 1
        precisions.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else np.nan)
    return precisions


if __name__ == "__main__":
    main()
