"""Where the four levels of a network lie that is one sequence of blocks."""

from torch import Tensor, nn

from passerby.models.attention.spec import Level
from passerby.models.backbones.backbone import Attend

_STRIDES: dict[int, Level] = {4: "layer1", 8: "layer2", 16: "layer3"}


class Levels:
    """Counts blocks and their published strides while a network is built, and runs it with a stop at each level.

    A level is the last block of a stride: of 4, 8 and 16. The fourth is the network's end.
    """

    def __init__(self, stride: int) -> None:
        """Begin behind the first block of the sequence, whose stride this is."""
        self._stride = stride
        self._blocks = 1
        self._ends: dict[Level, tuple[int, int]] = {}

    def add(self, stride: int, channels: int) -> None:
        """Count one more block, with its published stride and its output channels."""
        self._stride *= stride
        if self._stride in _STRIDES:
            self._ends[_STRIDES[self._stride]] = (self._blocks, channels)
        self._blocks += 1

    def channels(self, last: int) -> dict[Level, int]:
        """Channels at each level; at the network's end there are `last`."""
        found: dict[Level, int] = {level: channels for level, (_, channels) in self._ends.items()}
        return found | {"layer4": last}

    def run(self, blocks: nn.Sequential, pictures: Tensor, attend: Attend) -> Tensor:
        """Take pictures through all blocks."""
        level_of = {block: level for level, (block, _) in self._ends.items()}
        maps = pictures
        for number, block in enumerate(blocks):
            maps = block(maps)
            if number in level_of:
                maps = attend(level_of[number], maps)
        return attend("layer4", maps)
