"""Splits of the early sets: some people are drawn to test on; one view asks, the other answers."""

from collections.abc import Sequence

from passerby.data.splits import draw_people
from passerby.types import Sample

Lists = tuple[tuple[Sample, ...], tuple[Sample, ...], tuple[Sample, ...]]
"""To train on, to ask with, to answer with."""


def drawn_across_views(samples: Sequence[Sample], count: int, split: int) -> Lists:
    """Draw `count` people to test on among those whom both views saw; camera 1 asks and camera 2 answers.

    Args:
        samples: Pictures by the cameras 1 and 2.
        count: How many people to test on.
        split: Which draw.
    """
    views = [{sample.person_id for sample in samples if sample.camera_id == camera} for camera in (1, 2)]
    tested = draw_people(views[0] & views[1], count, split)
    return across_views(
        [s for s in samples if s.person_id not in tested], [s for s in samples if s.person_id in tested]
    )


def across_views(train: Sequence[Sample], test: Sequence[Sample]) -> Lists:
    """Of the pictures to test on, camera 1's ask and camera 2's answer."""
    query = tuple(sample for sample in test if sample.camera_id == 1)
    return tuple(train), query, tuple(sample for sample in test if sample.camera_id == 2)
