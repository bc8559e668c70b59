"""What a folder of pictures does not say by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Answers to what a data set's folder leaves open; readers of public sets need none of them.

    Attributes:
        camera_pattern: Regular expression, searched in each picture's path below the data set; its first group
            is the camera. None: the cameras are unknown.
        test_share: Share of the people to test on, 0 to 1, where the data set has no split of its own.
        seed: Which people that are, and which of their pictures are queries.
    """

    camera_pattern: str | None = None
    test_share: float = 0.3
    seed: int = 0
