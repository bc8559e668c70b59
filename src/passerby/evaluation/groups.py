"""Error rates by kind of person and picture: whom a model fails more often, and by how much."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from passerby.errors import DataError
from passerby.evaluation.blocks import cosine_rows, for_each_block
from passerby.evaluation.bootstrap import Interval, mean_interval, ratio_interval
from passerby.evaluation.protocols import RankingTask
from passerby.evaluation.ranking import right_ranks
from passerby.types import IntArray

FEWEST_PEOPLE = 10
"""Groups of fewer people are told, but nothing is said about them."""

LARGE_POINTS, LARGE_FACTOR = 0.05, 2.0
"""Differences that are named: of rank-1 and FRR in points, of FAR as a factor."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupErrors:
    """How a model does on the queries of one group.

    Attributes:
        attribute: What groups people or pictures, such as "skin_tone".
        group: Which of them, such as "dark".
        people: How many people ask.
        queries: How many queries they put.
        rank_1: Share of these queries whose nearest picture is right; None where none has a right answer.
        false_reject_rate: Of their pairs of the same person, those beyond the threshold (FRR); None without any.
        false_accept_rate: Of their pairs with anybody else in the gallery, those within it (FAR).
        false_accept_rate_within: Of their pairs with others of the same group, those within it: mostly higher, as
            people of one kind look more alike. None where the group has nobody else in the gallery.
    """

    attribute: str
    group: str
    people: int
    queries: int
    rank_1: Interval | None
    false_reject_rate: Interval | None
    false_accept_rate: Interval | None
    false_accept_rate_within: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them."""
        figures = {name: getattr(self, name) for name in _FIGURES}
        return {
            "attribute": self.attribute,
            "group": self.group,
            "people": self.people,
            "queries": self.queries,
            **{name: None if value is None else value.to_dict() for name, value in figures.items()},
        }


_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")

_FIGURES = ("rank_1", "false_reject_rate", "false_accept_rate", "false_accept_rate_within")
_NAMES = dict(zip(_FIGURES, ("rank-1", "FRR", "FAR", "FAR among themselves"), strict=True))


@dataclass(frozen=True, slots=True)
class GroupReport:
    """All groups of all attributes at one threshold.

    Attributes:
        threshold: The cosine distance up to which pairs are accepted.
        groups: By attribute, then in the order of the groups' names, numbers in them by size.
        differences: Large differences between groups of one attribute, a sentence each.
        source: Whose pictures these are, in words; empty where nobody said.
    """

    threshold: float
    groups: tuple[GroupErrors, ...]
    differences: tuple[str, ...]
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them."""
        return {
            "source": self.source,
            "threshold": self.threshold,
            "groups": [group.to_dict() for group in self.groups],
            "differences": list(self.differences),
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "GroupReport":
        """Give the report that `to_dict` wrote.

        Raises:
            DataError: The content is not such a report.
        """
        try:
            return TypeAdapter(GroupReport).validate_python(content)
        except ValidationError as error:
            problem = error.errors()[0]
            what = f"{'.'.join(map(str, problem['loc']))} {problem['msg']}".strip().lower()
            raise DataError(f"expected error rates by group, got others ({what}); measure them again") from error


def group_error_rates(
    task: RankingTask,
    query_labels: Mapping[str, Sequence[str]],
    gallery_labels: Mapping[str, Sequence[str]],
    threshold: float,
    *,
    seed: int = 0,
) -> GroupReport:
    """Measure rank-1, FRR and FAR of each group at a threshold, with bootstrap intervals over its people.

    Groups are those of the query. FAR among themselves looks at gallery pictures of the same group only.

    Args:
        task: As `ranking_task` makes it; the whole gallery answers.
        query_labels: For each attribute, the group of each query.
        gallery_labels: For the same attributes, the group of each gallery picture.
        threshold: A cosine distance, 0 to 2, best that of a calibration on other people.
        seed: The draws of the bootstrap.

    Returns:
        All groups, and the large differences among those of at least ten people: where rank-1 or FRR of the best and
        the worst group are five points apart, or FAR twofold, and their intervals do not overlap.

    Raises:
        DataError: Lengths or attributes do not fit.
    """
    queries, gallery = len(task.queries.samples), len(task.gallery.samples)
    if list(query_labels) != list(gallery_labels):
        raise DataError(
            f"expected the same attributes of query and gallery, got {', '.join(query_labels)} and "
            f"{', '.join(gallery_labels)}"
        )
    for attribute in query_labels:
        found = len(query_labels[attribute]), len(gallery_labels[attribute])
        if found != (queries, gallery):
            raise DataError(f"expected {queries} and {gallery} labels of {attribute}, got {found[0]} and {found[1]}")
    codes = {name: _codes(query_labels[name], gallery_labels[name]) for name in query_labels}
    hits, counts = _counted(task, list(codes.values()), threshold)
    asked = task.queries.column("person_id")
    groups = [
        _group(attribute, name, np.flatnonzero(codes[attribute][0] == code), asked, hits, counts, place, seed)
        for place, attribute in enumerate(codes)
        for code, name in enumerate(codes[attribute][2])
        if (codes[attribute][0] == code).any()
    ]
    return GroupReport(threshold, tuple(groups), _large_differences(groups))


_Codes = tuple[IntArray, IntArray, list[str]]


def _codes(query: Sequence[str], gallery: Sequence[str]) -> _Codes:
    names = sorted({*query, *gallery}, key=_natural)
    places = {name: place for place, name in enumerate(names)}
    asking, shown = (np.array([places[label] for label in labels], np.int64) for labels in (query, gallery))
    return asking, shown, names


def _natural(name: str) -> list[tuple[float, str]]:
    """Numbers in a name sort as numbers: "from 64" comes before "from 128"."""
    return [(float(part), "") if part.replace(".", "").isdecimal() else (-1, part) for part in _NUMBER.split(name)]


def _counted(task: RankingTask, codes: list[_Codes], threshold: float) -> tuple[Floats, IntArray]:
    """(Q,) whether the nearest is right, and (Q, 2 + attributes, 2) pairs: how many are wrong, and how many in all.

    The second axis is the same person, anybody else, and others of the query's group of each attribute.
    """
    rule = task.rule
    rows = cosine_rows(task.queries.embeddings, task.gallery.embeddings)

    def work(start: int, stop: int) -> tuple[Floats, IntArray]:
        hits, counts = np.full(stop - start, np.nan), np.zeros((stop - start, 2 + len(codes), 2), np.int64)
        for number, row in enumerate(rows(slice(start, stop))):
            query = start + number
            right, removed = rule.split(query)
            if len(right):
                hits[number] = right_ranks(row, rule, query)[0] == 1
            near = row <= threshold
            counts[number, 0] = np.count_nonzero(~near[right]), len(right)
            others = np.ones(len(row), bool)
            others[removed] = others[right] = False
            counts[number, 1] = np.count_nonzero(near & others), np.count_nonzero(others)
            for place, (asking, shown, _) in enumerate(codes, start=2):
                alike = others & (shown == asking[query])
                counts[number, place] = np.count_nonzero(near & alike), np.count_nonzero(alike)
        return hits, counts

    blocks = for_each_block(work, rule.queries, rule.gallery)
    return np.concatenate([hits for hits, _ in blocks]), np.concatenate([counts for _, counts in blocks])


def _group(
    attribute: str,
    name: str,
    members: IntArray,
    asked: IntArray,
    hits: Floats,
    counts: IntArray,
    place: int,
    seed: int,
) -> GroupErrors:
    people, numbers = np.unique(asked[members], return_inverse=True)

    def ratio(kind: int) -> Interval | None:
        wrong, all_ = (np.bincount(numbers, counts[members, kind, side], len(people)) for side in (0, 1))
        return ratio_interval(wrong, all_, seed=seed) if all_.any() else None

    answered = hits[members]
    return GroupErrors(
        attribute=attribute,
        group=name,
        people=len(people),
        queries=len(members),
        rank_1=None if np.isnan(answered).all() else mean_interval(answered, asked[members], seed=seed),
        false_reject_rate=ratio(0),
        false_accept_rate=ratio(1),
        false_accept_rate_within=ratio(2 + place),
    )


def _large_differences(groups: Sequence[GroupErrors]) -> tuple[str, ...]:
    sentences = []
    for attribute in dict.fromkeys(group.attribute for group in groups):
        large = [group for group in groups if group.attribute == attribute and group.people >= FEWEST_PEOPLE]
        for figure in _FIGURES:
            known = [(group, getattr(group, figure)) for group in large if getattr(group, figure) is not None]
            if len(known) < 2:
                continue
            (low, least), (high, most) = min(known, key=_value), max(known, key=_value)
            far = figure.startswith("false_accept")
            apart = most.value >= LARGE_FACTOR * least.value if far else most.value - least.value >= LARGE_POINTS
            if apart and least.high < most.low:
                digits = 2 if far else 1
                sentences.append(
                    f"{attribute}: {_NAMES[figure]} is {most.value:.{digits}%} ({high.group}, {high.people} people) "
                    f"against {least.value:.{digits}%} ({low.group}, {low.people} people)."
                )
    return tuple(sentences)


def _value(known: tuple[GroupErrors, Interval]) -> float:
    return known[1].value
