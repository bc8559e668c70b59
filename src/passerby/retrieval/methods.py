"""Methods of re-ranking by name, with typed parameters, for the command line."""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.adaptive import local_metric_distances
from passerby.retrieval.expansion import expanded_distances
from passerby.retrieval.rerank import (
    diffusion,
    divide_and_fuse,
    expanded_cross_neighbourhood,
    graph_propagation,
    k_reciprocal,
    similar_top_dissimilar_bottom,
)
from passerby.types import FloatArray

Rerank: TypeAlias = Callable[..., FloatArray]
"""Takes (Q, D) queries and a (G, D) gallery, and its own parameters; gives (Q, G) distances."""

METHODS: Mapping[str, Rerank] = types.MappingProxyType(
    {
        "k-reciprocal": k_reciprocal,
        "cross-neighbourhood": expanded_cross_neighbourhood,
        "similar-dissimilar": similar_top_dissimilar_bottom,
        "diffusion": diffusion,
        "graph": graph_propagation,
        "divide-and-fuse": divide_and_fuse,
        "expansion": expanded_distances,
        "local-metric": local_metric_distances,
    }
)
"""Every method of re-ranking that needs nothing but embeddings."""


@dataclass(frozen=True, slots=True)
class Reranker:
    """A method of re-ranking with its parameters.

    Attributes:
        name: Its name among `METHODS`.
        parameters: Those that differ from the method's defaults, by name.
    """

    name: str
    parameters: Mapping[str, int | float | str]

    def __call__(self, query: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> FloatArray:
        """Give (Q, G) float32 distances, smaller is nearer.

        Raises:
            DataError: As the method does.
        """
        return METHODS[self.name](query, gallery, **{_argument(key): value for key, value in self.parameters.items()})

    def __str__(self) -> str:
        settings = ",".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}:{settings}" if settings else self.name


def parameters_of(name: str) -> dict[str, Any]:
    """Give a method's parameters and their defaults, by the names that `reranker` takes.

    Example:
        >>> parameters_of("k-reciprocal")
        {'k1': 20, 'k2': 6, 'lambda': 0.3}
    """
    signature = inspect.signature(METHODS[name])
    hints = get_type_hints(METHODS[name])
    return {
        parameter.name.rstrip("_"): parameter.default
        for parameter in signature.parameters.values()
        if parameter.default is not inspect.Parameter.empty and _is_setting(hints[parameter.name])
    }


def reranker(text: str) -> Reranker:
    """Read a method and its parameters from text: NAME or NAME:key=value,key=value.

    Raises:
        DataError: No method or parameter has such a name; the nearest is named. Or a value is of another type.

    Example:
        >>> print(reranker("k-reciprocal:k1=30,lambda=0.2"))
        k-reciprocal:k1=30,lambda=0.2
    """
    name, _, settings = text.partition(":")
    if name not in METHODS:
        raise DataError(
            f"expected a method of re-ranking ({', '.join(METHODS)}), got {name!r}{_nearest(name, METHODS)}"
        )
    known = parameters_of(name)
    hints = get_type_hints(METHODS[name])
    parameters: dict[str, int | float | str] = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise DataError(f"expected key=value after {name}:, got {setting!r}")
        if key not in known:
            raise DataError(f"{name} has the parameters {', '.join(known)}, got {key!r}{_nearest(key, known)}")
        if key in parameters:
            raise DataError(f"expected {key} of {name} once, got it twice")
        parameters[key] = _value(name, key, value, hints[_argument(key)])
    return Reranker(name, parameters)


def _argument(key: str) -> str:
    """The function's own name for a parameter: `lambda` is a word of Python's."""
    return "lambda_" if key == "lambda" else key


def _is_setting(hint: Any) -> bool:  # noqa: ANN401 - a type of any kind
    return hint in (int, float) or get_origin(hint) is Literal


def _value(name: str, key: str, text: str, hint: Any) -> int | float | str:  # noqa: ANN401 - a type of any kind
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            choices = " or ".join(get_args(hint))
            raise DataError(f"expected {key} of {name} to be {choices}, got {text!r}{_nearest(text, get_args(hint))}")
        return text
    try:
        return int(text) if hint is int else float(text)
    except ValueError:
        kind = "a whole number" if hint is int else "a number"
        raise DataError(f"expected {key} of {name} to be {kind}, got {text!r}") from None


def _nearest(word: str, known: Any) -> str:  # noqa: ANN401 - anything that lists names
    found = get_close_matches(word, list(known), n=1, cutoff=0.4)
    return f"; did you mean {found[0]}?" if found else ""
