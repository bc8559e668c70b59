"""How long it takes to calibrate on 66 million pairs, beside holding and sorting all their distances.

Run: python benchmarks/calibrate.py
"""

import numpy as np
import numpy.typing as npt

from measure import cpu_times, peak_mib
from passerby.evaluation.verification import calibrate
from passerby.retrieval.distance import cosine_distances, normalise
from record import record

PICTURES, PEOPLE, DIMENSIONS = 11_500, 750, 512
MAX_FAR = 0.01
REPEATS = 5


def main() -> None:
    random = np.random.default_rng(66)
    people = random.integers(1, PEOPLE + 1, PICTURES)
    centres = random.normal(size=(PEOPLE + 1, DIMENSIONS))
    embeddings = normalise(centres[people] + 3 * random.normal(size=(PICTURES, DIMENSIONS)))

    peak = peak_mib(lambda: calibrate(embeddings, people, max_far=MAX_FAR, source="made up"))
    peak_sorted = peak_mib(lambda: sort_all(embeddings, people))
    calibration = calibrate(embeddings, people, max_far=MAX_FAR, source="made up")
    threshold, frr = sort_all(embeddings, people)
    np.testing.assert_allclose(calibration.threshold, threshold, rtol=0, atol=3e-6)
    np.testing.assert_allclose(calibration.false_reject_rate, frr, rtol=0, atol=1e-4)

    times = cpu_times(
        {
            "passerby": lambda: calibrate(embeddings, people, max_far=MAX_FAR, source="made up"),
            "sort all pairs": lambda: sort_all(embeddings, people),
        },
        REPEATS,
    )
    ratio = times["sort all pairs"].median / times["passerby"].median
    pairs = calibration.positive_pairs + calibration.negative_pairs
    print(f"Threshold for FAR {MAX_FAR:g} on {pairs:,} pairs of {DIMENSIONS} numbers, the distances included")
    print(f"{'':<24}{'CPU s, least':>14}{'median':>10}{'peak MiB':>12}")
    for name, memory in (("passerby", peak), ("sort all pairs", peak_sorted)):
        print(f"{name:<24}{times[name].least:>14.3f}{times[name].median:>10.3f}{memory:>12.0f}")
    print(f"Sorting takes {ratio:.1f} times as long; both find the threshold {threshold:.4f}, FRR {frr:.4f}")
    path = record(
        "calibrate",
        {
            "pairs": pairs,
            "dimensions": DIMENSIONS,
            "cpu_seconds": times["passerby"].to_dict(),
            "peak_mib_beyond_inputs": round(peak, 1),
            "sorting_cpu_seconds": times["sort all pairs"].to_dict(),
            "sorting_peak_mib_beyond_inputs": round(peak_sorted, 1),
            "sorting_ratio_of_medians": round(ratio, 2),
            "summary": [
                {
                    "what": f"Threshold for FAR ≤ {MAX_FAR:g}, probabilities tested on held-out people, intervals, "
                    f"on {pairs:,} pairs, their distances included",
                    "figure": f"{times['passerby'].median:.1f} CPU s, {peak:,.0f} MiB",
                    "beside": "a threshold alone, by holding and sorting all distances: "
                    f"{times['sort all pairs'].median:.1f} CPU s, {peak_sorted:,.0f} MiB",
                }
            ],
        },
    )
    print(f"written: benchmarks/results/{path.name}")


def sort_all(embeddings: npt.NDArray[np.float32], people: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Hold every pair's distance, sort those of different people, read the threshold off; no rate of equal error."""
    distances = cosine_distances(embeddings, embeddings)
    pairs = np.triu(np.ones(distances.shape, bool), 1)
    same = people[:, None] == people[None]
    positive, negative = distances[pairs & same], np.sort(distances[pairs & ~same])
    threshold = np.nextafter(negative[int(MAX_FAR * len(negative))], np.float32(-1))
    return float(threshold), float(np.mean(positive > threshold))


if __name__ == "__main__":
    main()
