"""The best fit that goes one way only: isotonic regression by pooling adjacent violators."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def pooled_blocks(values: Floats, weights: Floats) -> npt.NDArray[np.int64]:
    """Find the blocks in which neighbours are averaged, so that the averages fall strictly from block to block.

    The averages are the weighted least-squares fit that never rises.

    Paper: Ayer et al., An Empirical Distribution Function for Sampling with Incomplete Information, 1955.

    Args:
        values: (N,) in order.
        weights: (N,) above 0.

    Returns:
        (B,) where each block starts, ascending, the first 0.

    Example:
        >>> pooled_blocks(np.array([0.9, 0.4, 0.6, 0.1]), np.ones(4))
        array([0, 1, 3])
    """
    starts: list[int] = []
    totals: list[float] = []
    sums: list[float] = []
    for place, (value, weight) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        start, total, weighted = place, weight, value * weight
        # A block that does not fall below the one before it becomes one with it.
        while starts and weighted * totals[-1] >= sums[-1] * total:
            start = starts.pop()
            total += totals.pop()
            weighted += sums.pop()
        starts.append(start)
        totals.append(total)
        sums.append(weighted)
    return np.array(starts, np.int64)
