"""What a data set does not say by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Answers to what a data set leaves open.

    Attributes:
        camera_pattern: Regular expression, searched in each picture's path below the data set; its first group
            is the camera. None: the cameras are unknown.
        test_share: Share of the people to test on, 0 to 1, where the data set has no split of its own.
        seed: Which people that are, and which of their pictures are queries.
        variant: Which of several sets in one, such as CUHK03's `labelled` boxes; None: the first of the format's.
        split: Which of several splits, numbered from 1; None: the usual one. Where splits are published it is theirs
            of that number, where they are drawn it is the seed.
    """

    camera_pattern: str | None = None
    test_share: float = 0.3
    seed: int = 0
    variant: str | None = None
    split: int | None = None
