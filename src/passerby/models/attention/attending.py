"""A network's attention modules, and what they do to the maps of one batch on their way through the backbone."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from passerby.models.attention.module import Attention
from passerby.models.attention.spec import AttentionSpec, Level


class AttentionModules(nn.ModuleList):
    """The modules in the recipe's order.

    Attributes:
        channels_beside: Channels of all maps that are pooled beside the backbone's own.
    """

    def __init__(self, specs: Sequence[AttentionSpec], level_channels: Mapping[Level, int]) -> None:
        """Build them for a backbone with so many channels at each level."""
        super().__init__(spec.build(level_channels[spec.after]) for spec in specs)
        self._specs = tuple(specs)
        levels = {spec.after for spec in specs if spec.beside}
        self.channels_beside = sum(level_channels[level] for level in levels)

    def attending(self, *, watching: bool = False) -> "Attending":
        """What one pass through the backbone needs; `watching` keeps where each module looks."""
        return Attending(self._specs, [_as_attention(module) for module in self], watching)


class Attending:
    """One pass: called by the backbone at each level with its maps, gives the maps to go on with.

    Modules of one level that stand in the backbone's way look at the same maps, and their changes are put together;
    those of it that stand beside likewise, and leave maps of their own.

    Attributes:
        beside: Maps that are pooled beside the backbone's, by level.
        masks: Of each module that learns a mask, in the order of the levels.
        multiply_adds: What the modules' own matrix products took, apart from their layers.
    """

    def __init__(self, specs: Sequence[AttentionSpec], modules: Sequence[Attention], watching: bool) -> None:
        self._placed = list(zip(specs, modules, strict=True))
        self._watching = watching
        self._heats: dict[int, Tensor] = {}
        self.beside: list[Tensor] = []
        self.masks: list[Tensor] = []
        self.multiply_adds = 0

    def __call__(self, level: Level, maps: Tensor) -> Tensor:
        """The maps of a level as its modules change them."""
        here = [(number, *placed) for number, placed in enumerate(self._placed) if placed[0].after == level]
        if self._watching:
            self._heats |= {number: module.heat(maps) for number, _, module in here}
        beside = [module for _, spec, module in here if spec.beside]
        if beside:
            self.beside.append(self._changed(maps, beside))
        return self._changed(maps, [module for _, spec, module in here if not spec.beside])

    def heats(self) -> list[Tensor]:
        """Where each module looked, in the order of the recipe: B×h×w each."""
        return [self._heats[number] for number in sorted(self._heats)]

    def _changed(self, maps: Tensor, modules: Sequence[Attention]) -> Tensor:
        """`(maps + all additions) · all masks`, each of the same maps."""
        changed, mask = maps, None
        for module in modules:
            change = module.change(maps)
            self.multiply_adds += module.products(maps)
            if not module.multiplies:
                changed = changed + change
                continue
            mask = change if mask is None else mask * change
            if any(True for _ in module.parameters()):
                self.masks.append(change)
        return changed if mask is None else changed * mask


def _as_attention(module: nn.Module) -> Attention:
    assert isinstance(module, Attention)
    return module
