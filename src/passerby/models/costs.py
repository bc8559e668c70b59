"""What backbones cost at the size of most recipes, kept so that listing them loads no torch."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

KEPT_SIZE = 256, 128
"""Height and width of a picture to which the kept costs belong."""


@dataclass(frozen=True)
class Complexity:
    """The cost of a network.

    Attributes:
        parameters: Numbers that are learnt, of backbone, pooling and neck; no classifier.
        multiply_adds: Of convolutions, linear layers and attention for one picture. Papers call them FLOPs too.
        dimension: Numbers in an embedding.
    """

    parameters: int
    multiply_adds: int
    dimension: int


@cache
def kept_costs() -> dict[str, Complexity]:
    """The cost of every backbone by name, without a neck, on pictures of `KEPT_SIZE`.

    `python -m passerby.models.complexity` counts and writes them anew; a test compares.
    """
    content = json.loads(files(__package__).joinpath("costs.json").read_text(encoding="utf-8"))
    return {name: Complexity(*figures) for name, figures in content.items()}
