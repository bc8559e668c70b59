"""Whether pictures are large enough for a network's attention, asked before training."""

from collections.abc import Mapping

import torch
from torch import Tensor

from passerby.errors import RecipeError
from passerby.models.attention.module import Attention
from passerby.models.attention.spec import Level
from passerby.models.network import ReidNetwork

_LARGEST_STRIDE = 32


def check_map_sizes(network: ReidNetwork, height: int, width: int) -> None:
    """Check that maps are large enough for every attention module.

    Args:
        network: On the CPU.
        height: Pixels of the smallest pictures that training shows it.
        width: Likewise.

    Raises:
        RecipeError: They are not; the smallest pictures that are, are named.
    """
    needed: dict[Level, int] = {}
    for spec, module in zip(network.architecture.attention, network.attention, strict=True):
        assert isinstance(module, Attention)
        if module.smallest > needed.get(spec.after, 1):
            needed[spec.after] = module.smallest
    if not needed or _fits(network, height, width, needed):
        return
    sides = [_smallest_side(network, needed, rows=rows) for rows in (True, False)]
    level = next(iter(needed))
    raise RecipeError(
        f"architecture.attention after {level}: unpadded convolutions want maps of at least "
        f"{needed[level]}×{needed[level]}, so pictures of at least {sides[0]}×{sides[1]}, got {height}×{width}; see "
        "preprocessing.height, preprocessing.width and small_pictures"
    )


class _Reached(Exception):  # noqa: N818 - it ends a pass through the backbone, and is no error
    """All levels that matter have been seen."""


def _fits(network: ReidNetwork, height: int, width: int, needed: Mapping[Level, int]) -> bool:
    sizes: dict[Level, tuple[int, ...]] = {}

    def look(level: Level, maps: Tensor) -> Tensor:
        sizes[level] = tuple(maps.shape[2:])
        if needed.keys() <= sizes.keys():
            raise _Reached
        return maps

    was_training = network.training
    network.eval()
    with torch.inference_mode():
        try:
            network.backbone.encode(torch.zeros(1, 3, height, width), attend=look)
        except _Reached:
            pass
        except (RuntimeError, ValueError):
            return False  # Smaller than the backbone itself can take.
        finally:
            network.train(was_training)
    return all(min(sizes[level]) >= smallest for level, smallest in needed.items())


def _smallest_side(network: ReidNetwork, needed: Mapping[Level, int], *, rows: bool) -> int:
    """The fewest rows (or columns) of pictures whose maps are large enough, by bisection."""
    enough = (max(needed.values()) + 1) * _LARGEST_STRIDE
    too_few, fits = 0, enough
    while fits - too_few > 1:
        middle = (too_few + fits) // 2
        size = (middle, enough) if rows else (enough, middle)
        if _fits(network, *size, needed):
            fits = middle
        else:
            too_few = middle
    return fits
