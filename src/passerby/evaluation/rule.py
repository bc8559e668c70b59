"""Which gallery pictures a query's ranking leaves out, and which of the others are right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.types import JUNK, UNKNOWN_CAMERA, IntArray

UNKNOWN_CLOTHES = -1
"""Clothes of a picture of which nobody recorded them: never the same as others."""


class RankingRule:
    """The rule of Market-1501, usable where cameras are unknown too.

    Removed from a query's ranking are junk pictures, the query's own picture, and pictures of the same person
    from the same camera, which would be too easy. An unknown camera is never "the same". With fewer than two
    known cameras among all pictures the camera part is off, as it would remove every right answer.

    Paper: Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015.

    Args:
        query_ids: (Q,) integers of 0 and more, whom each query shows.
        gallery_ids: (G,) integers; `JUNK` (-1) is always removed; a `DISTRACTOR` (0) stays and is always wrong,
            since nobody asks for it.
        query_cameras: (Q,) integers, `UNKNOWN_CAMERA` (-1) where unknown. None: all unknown.
        gallery_cameras: (G,) integers, likewise; given if and only if `query_cameras` is.
        query_index: (Q,) integers, where in the gallery the query's own picture lies, or -1. None: nowhere.
        hidden_cameras: For queries of a camera, cameras whose gallery pictures are never ranked, whomever they show:
            as of two cameras at one place.
        query_clothes: (Q,) integers, `UNKNOWN_CLOTHES` (-1) where unknown; the same person's gallery pictures in the
            query's clothes are removed too. None: clothes are not looked at.
        gallery_clothes: (G,) integers, likewise; given if and only if `query_clothes` is.

    Attributes:
        queries: Number of queries.
        gallery: Number of gallery pictures.
        cameras: How many known cameras there are.
        same_camera: Whether pictures of the same person from the same camera are removed.
        junk: How many gallery pictures are junk.
        people: How many people are shown; distractors count as one.
        own_pictures: How many queries are gallery pictures too.

    Raises:
        DataError: Lengths, types or values are not as above, or there is no query or no gallery picture.

    Example:
        >>> rule = RankingRule([7], [7, 7, 0, -1], [1], [1, 2, 2, 2])
        >>> right, removed = rule.split(0)
        >>> right, removed
        (array([1]), array([3, 0]))
    """

    __slots__ = (
        "_gallery_cameras",
        "_gallery_clothes",
        "_hidden",
        "_junk",
        "_order",
        "_query_cameras",
        "_query_clothes",
        "_query_index",
        "_starts",
        "_stops",
        "cameras",
        "gallery",
        "junk",
        "own_pictures",
        "people",
        "queries",
        "same_camera",
    )

    def __init__(
        self,
        query_ids: npt.ArrayLike,
        gallery_ids: npt.ArrayLike,
        query_cameras: npt.ArrayLike | None = None,
        gallery_cameras: npt.ArrayLike | None = None,
        query_index: npt.ArrayLike | None = None,
        hidden_cameras: Mapping[int, Sequence[int]] | None = None,
        query_clothes: npt.ArrayLike | None = None,
        gallery_clothes: npt.ArrayLike | None = None,
    ) -> None:
        asked = _integers("query_ids", query_ids)
        shown = _integers("gallery_ids", gallery_ids)
        self.queries, self.gallery = len(asked), len(shown)
        if not self.queries or not self.gallery:
            raise DataError(
                f"expected at least one query and one gallery picture, got {self.queries} and {self.gallery}"
            )
        if (asked < 0).any():
            row = int((asked < 0).argmax())
            raise DataError(f"query {row} has person id {asked[row]}; expected 0 or more: a person to look for")
        if (shown < JUNK).any():
            row = int((shown < JUNK).argmax())
            raise DataError(f"gallery picture {row} has person id {shown[row]}; expected -1 (junk) or more")

        if (query_cameras is None) != (gallery_cameras is None):
            raise DataError("expected the cameras of both query and gallery or of neither, got those of one")
        self._query_cameras = _integers("query_cameras", query_cameras, self.queries, UNKNOWN_CAMERA)
        self._gallery_cameras = _integers("gallery_cameras", gallery_cameras, self.gallery, UNKNOWN_CAMERA)
        cameras = np.union1d(self._query_cameras, self._gallery_cameras)
        self.cameras = int((cameras != UNKNOWN_CAMERA).sum())
        self.same_camera = self.cameras >= 2

        if (query_clothes is None) != (gallery_clothes is None):
            raise DataError("expected the clothes of both query and gallery or of neither, got those of one")
        self._query_clothes = _integers("query_clothes", query_clothes, self.queries, UNKNOWN_CLOTHES)
        self._gallery_clothes = _integers("gallery_clothes", gallery_clothes, self.gallery, UNKNOWN_CLOTHES)

        self._query_index = _integers("query_index", query_index, self.queries, -1)
        outside = (self._query_index < -1) | (self._query_index >= self.gallery)
        if outside.any():
            row = int(outside.argmax())
            raise DataError(
                f"query_index[{row}] is {self._query_index[row]}; expected -1 or a place in the gallery, "
                f"0 to {self.gallery - 1}"
            )

        self.own_pictures = int((self._query_index >= 0).sum())

        # Sorted by person once, everybody's pictures are one slice, in gallery order.
        self._order = np.argsort(shown, kind="stable")
        sorted_ids = shown[self._order]
        self._starts = np.searchsorted(sorted_ids, asked, side="left")
        self._stops = np.searchsorted(sorted_ids, asked, side="right")
        self._junk = np.flatnonzero(shown == JUNK)
        self.junk = len(self._junk)
        self._hidden = {
            camera: np.flatnonzero(np.isin(self._gallery_cameras, others))
            for camera, others in (hidden_cameras or {}).items()
        }
        self.people = len(np.union1d(asked, shown[shown != JUNK]))

    def split(self, query: int) -> tuple[IntArray, IntArray]:
        """Give one query's right answers and what its ranking leaves out, as gallery indices.

        Args:
            query: Its number, 0 to `queries` - 1.

        Returns:
            The right answers in ascending order, and the removed pictures in no particular order, some of them
            perhaps more than once.
        """
        same_person = self._order[self._starts[query] : self._stops[query]]
        itself = self._query_index[query]
        drop = same_person == itself
        camera = self._query_cameras[query]
        removed = [self._junk]
        if self.same_camera and camera != UNKNOWN_CAMERA:
            drop |= self._gallery_cameras[same_person] == camera
        clothes = self._query_clothes[query]
        if clothes != UNKNOWN_CLOTHES:
            drop |= self._gallery_clothes[same_person] == clothes
        if camera in self._hidden:
            drop |= np.isin(same_person, self._hidden[camera])
            removed.append(self._hidden[camera])
        removed.append(same_person[drop])
        if itself >= 0:  # Also where the gallery gives the query's own picture another name.
            removed.append(self._query_index[query : query + 1])
        return same_person[~drop], np.concatenate(removed)


def _integers(
    name: str, values: npt.ArrayLike | None, length: int | None = None, absent: int | None = None
) -> IntArray:
    """Read a list of integers of a given length; None stands for `absent` everywhere."""
    if values is None:
        return np.full(length or 0, absent, np.int64)
    array: npt.NDArray[Any] = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        number = "; number them with numpy.unique(…, return_inverse=True)" if array.dtype.kind in "US" else ""
        raise DataError(f"expected {name} as a list of integers, got {array.dtype} of shape {array.shape}{number}")
    if length is not None and len(array) != length:
        raise DataError(f"expected {length} integers in {name}, got {len(array)}")
    return array.astype(np.int64, copy=False)
