"""One ranking out of several: fused by score, by rank, or by the shape of each query's score curve."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.machine import require_memory
from passerby.types import FloatArray

ROWS = 256
"""Queries that are ranked at a time."""


def fuse_scores(
    distances: Sequence[npt.NDArray[Any]],
    scaling: Literal["min-max", "z"] = "min-max",
    weights: Sequence[float] | None = None,
) -> FloatArray:
    """Fuse rankings by the weighted mean of their distances, brought to one scale for each query.

    Paper: Jain et al., Score Normalization in Multimodal Biometric Systems, Pattern Recognition 2005.

    Args:
        distances: One or more (Q, G) real arrays, smaller is nearer.
        scaling: "min-max" to 0 to 1, or "z" to mean 0 and standard deviation 1, over each query's gallery.
        weights: For each ranking, 0 or more, not all 0; None: all alike.

    Returns:
        (Q, G) float32, smaller is nearer.

    Raises:
        DataError: There is none, shapes differ, a distance is not finite, a weight is out of its range, or the memory
            is too small.

    Example:
        >>> fuse_scores([np.array([[0.0, 1.0, 4.0]]), np.array([[3.0, 1.0, 2.0]])])
        array([[0.5  , 0.125, 0.75 ]], dtype=float32)
    """
    if scaling not in ("min-max", "z"):
        raise DataError(f"expected scaling min-max or z, got {scaling}")
    shares = _checked(distances, weights)
    fused = np.zeros(np.shape(distances[0]), np.float32)
    for start in range(0, len(fused), ROWS):
        part = slice(start, start + ROWS)
        for matrix, share in zip(distances, shares, strict=True):
            rows = np.asarray(matrix[part], np.float64)
            if scaling == "min-max":
                low, spread = rows.min(axis=1, keepdims=True), np.ptp(rows, axis=1, keepdims=True)
            else:
                low, spread = rows.mean(axis=1, keepdims=True), rows.std(axis=1, keepdims=True)
            # Where all are equal, the ranking says nothing.
            fused[part] += share * (rows - low) / np.where(spread > 0, spread, 1)
    return fused


def fuse_ranks(
    distances: Sequence[npt.NDArray[Any]],
    rule: Literal["borda", "reciprocal"] = "reciprocal",
    k: float = 60.0,
    weights: Sequence[float] | None = None,
) -> FloatArray:
    """Fuse rankings by places alone, so that distances of any kind go together.

    Papers: Borda's count, as in Aslam and Montague, Models for Metasearch, SIGIR 2001; Cormack et al., Reciprocal
    Rank Fusion outperforms Condorcet and individual Rank Learning Methods, SIGIR 2009, for k = 60.

    Args:
        distances: One or more (Q, G) real arrays, smaller is nearer; equal ones rank in gallery order.
        rule: "borda" takes the mean rank, "reciprocal" the mean of 1 / (k + rank), ranks from 1.
        k: How much first places count above the next, 0 or more.
        weights: As for `fuse_scores`.

    Returns:
        (Q, G) float32 from 0 to 1, smaller is nearer: Borda, (mean rank - 1) / G; reciprocal, 1 - (k + 1) times the
        mean.

    Raises:
        DataError: As for `fuse_scores`.

    Example:
        >>> fuse_ranks([np.array([[0.1, 0.2, 0.9]]), np.array([[3.0, 1.0, 2.0]])], "borda").round(3)
        array([[0.333, 0.167, 0.5  ]], dtype=float32)
    """
    if rule not in ("borda", "reciprocal"):
        raise DataError(f"expected the rule borda or reciprocal, got {rule}")
    if not 0 <= k < np.inf:
        raise DataError(f"expected k of 0 or more, got {k}")
    shares = _checked(distances, weights)
    queries, gallery = np.shape(distances[0])
    places = np.arange(gallery)
    worth = places / gallery if rule == "borda" else 1 - (k + 1) / (k + 1 + places)
    fused = np.zeros((queries, gallery), np.float32)
    for start in range(0, queries, ROWS):
        part = slice(start, start + ROWS)
        for matrix, share in zip(distances, shares, strict=True):
            order = np.argsort(matrix[part], axis=1, kind="stable")
            ranked = np.empty(order.shape, np.float32)
            np.put_along_axis(ranked, order, (share * worth).astype(np.float32)[None], axis=1)
            fused[part] += ranked
    return fused


def fuse_by_score_curve(
    distances: Sequence[npt.NDArray[Any]],
    references: Sequence[npt.NDArray[Any]] | None = None,
    nearest: int = 5,
    tail: float = 0.5,
) -> FloatArray:
    """Fuse rankings with weights that each query's own score curves give: a good one drops at once, like an L.

    For each ranking and query the scores, sorted, make a curve. A reference curve, of queries that have no right
    answer, is taken off to leave out the tail that says nothing; scaled to 0 to 1, the area below it is small for an
    L. Rankings weigh by the inverse of their area, and scaled scores are multiplied, each to the power of its weight.

    Paper: Zheng et al., Query-Adaptive Late Fusion for Image Search and Person Re-identification, CVPR 2015.

    Args:
        distances: One or more (Q, G) real arrays, smaller is nearer.
        references: For each ranking, an (R, H) real array of distances of other queries to pictures that are not of
            their people; curves of another length than G are interpolated. None: nothing is taken off.
        nearest: How many reference curves are averaged for a query: those nearest to its own in the tail.
        tail: Share of the curve, from its end, that says which references are near; above 0, to 1.

    Returns:
        (Q, G) float32 from 0 to 1, smaller is nearer: 1 - fused score.

    Raises:
        DataError: As for `fuse_scores`, or references do not fit.

    Example:
        >>> sure, unsure = np.array([[0.0, 0.9, 1.0]]), np.array([[0.5, 0.0, 1.0]])
        >>> fuse_by_score_curve([sure, unsure]).round(2)
        array([[0.25, 0.74, 1.  ]], dtype=float32)
    """
    _checked(distances, None)
    queries, gallery = np.shape(distances[0])
    if nearest < 1 or not 0 < tail <= 1:
        raise DataError(f"expected 1 reference or more and a tail above 0 to 1, got {nearest} and {tail}")
    curves = None if references is None else _reference_curves(references, len(distances), gallery)
    fused = np.empty((queries, gallery), np.float32)
    for start in range(0, queries, ROWS):
        part = slice(start, start + ROWS)
        scores = [_scaled(-np.asarray(matrix[part], np.float64)) for matrix in distances]
        areas = []
        for place, matrix in enumerate(distances):
            curve = np.sort(-np.asarray(matrix[part], np.float64), axis=1)[:, ::-1]
            if curves is not None:
                curve = curve - _fitting_reference(curve, curves[place], nearest, tail)
            areas.append(_scaled(curve).mean(axis=1))
        # The area is never 0, since a scaled curve reaches 1, unless it is flat: then it says nothing.
        inverse = np.array([np.where(area > 0, 1 / np.where(area > 0, area, 1), 0) for area in areas])
        total = inverse.sum(axis=0)
        shares = np.where(total > 0, inverse / np.where(total > 0, total, 1), 1 / len(areas))
        product = np.ones(scores[0].shape)
        for score, share in zip(scores, shares, strict=True):
            product *= score ** share[:, None]
        fused[part] = 1 - product
    return fused


def _scaled(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each row from 0 to 1; where all are equal, 0."""
    low, spread = rows.min(axis=1, keepdims=True), np.ptp(rows, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float64] = (rows - low) / np.where(spread > 0, spread, 1)
    return scaled


def _reference_curves(
    references: Sequence[npt.NDArray[Any]], rankings: int, gallery: int
) -> list[npt.NDArray[np.float64]]:
    if len(references) != rankings:
        raise DataError(f"expected references for each of {rankings} rankings, got {len(references)}")
    curves = []
    for number, matrix in enumerate(references):
        _check_matrix(matrix, f"references {number}")
        sorted_ = np.sort(-np.asarray(matrix, np.float64), axis=1)[:, ::-1]
        at = np.linspace(0, sorted_.shape[1] - 1, gallery)
        curves.append(np.array([np.interp(at, np.arange(sorted_.shape[1]), curve) for curve in sorted_]))
    return curves


def _fitting_reference(
    curve: npt.NDArray[np.float64], references: npt.NDArray[np.float64], nearest: int, tail: float
) -> npt.NDArray[np.float64]:
    """For each curve the mean of the reference curves that are nearest to it in the tail."""
    begin = min(int(curve.shape[1] * (1 - tail)), curve.shape[1] - 1)
    one, other = curve[:, begin:], references[:, begin:]
    apart = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    chosen = np.argsort(apart, axis=1, kind="stable")[:, :nearest]
    mean: npt.NDArray[np.float64] = references[chosen].mean(axis=1)
    return mean


def _checked(distances: Sequence[npt.NDArray[Any]], weights: Sequence[float] | None) -> npt.NDArray[np.float64]:
    """Refuse rankings that do not fit together, and give their shares of the sum."""
    if not len(distances):
        raise DataError("expected at least one ranking to fuse, got none")
    for number, matrix in enumerate(distances):
        _check_matrix(matrix, f"ranking {number}")
        if matrix.shape != distances[0].shape:
            raise DataError(f"expected rankings of the same shape, got {distances[0].shape} and {matrix.shape}")
    queries, gallery = distances[0].shape
    require_memory(
        4 * queries * gallery,
        f"fusing rankings of {gallery:,} pictures for {queries:,} queries",
        "fuse fewer queries at a time",
    )
    shares = np.ones(len(distances)) if weights is None else np.asarray(weights, np.float64)
    if shares.shape != (len(distances),) or not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
        raise DataError(f"expected {len(distances)} weights of 0 or more, not all 0, got {weights}")
    normalised: npt.NDArray[np.float64] = shares / shares.sum()
    return normalised


def _check_matrix(matrix: npt.NDArray[Any], name: str) -> None:
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not matrix.size:
        raise DataError(
            f"expected distances (queries, gallery) in {name}, got {matrix.dtype} of shape {matrix.shape}"
        )
    for row in range(0, len(matrix), ROWS):
        if not np.isfinite(matrix[row : row + ROWS]).all():
            raise DataError(f"expected finite distances in {name}, got NaN or infinity; check its embeddings")
