"""Galleries that are drawn: a few pictures of everybody, several times, and the query ranked in each of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.rule import RankingRule
from passerby.types import JUNK, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class DrawnRanks:
    """Where one query's right answers stand in each drawn gallery.

    Attributes:
        pictures: (R, S) int64, for each of R draws the ranks of the S right answers among all pictures, ascending.
        people: (R,) int64, the rank of the person asked for among all people, each at their nearest picture.
    """

    pictures: IntArray
    people: IntArray


class GalleryDraws:
    """Which gallery pictures stand in each of several drawn galleries.

    Args:
        groups: (G,) integers; of the pictures of one group, `shots` are drawn, or all where there are fewer.
        person_ids: (G,) whom the gallery shows; junk is never drawn. Nobody shares a group with anybody else.
        shots: How many pictures of each group, at least 1.
        draws: How many galleries, at least 1.
        seed: Which pictures.
        redraw_own: Draw the pictures of the person asked for among the right answers of each query, as they are not
            the same for all: those from the query's own camera do not count. Else the common draw is kept to.

    Raises:
        DataError: `shots` or `draws` is less than 1.
    """

    def __init__(
        self,
        groups: IntArray,
        person_ids: IntArray,
        *,
        shots: int = 1,
        draws: int = 10,
        seed: int = 0,
        redraw_own: bool,
    ) -> None:
        if shots < 1 or draws < 1:
            raise DataError(f"expected at least 1 shot and 1 draw, got {shots} and {draws}")
        self.draws = draws
        self._shots = shots
        self._seed = seed
        self._redraw_own = redraw_own
        usable = np.flatnonzero(person_ids != JUNK)
        # By person, then by group, both in gallery order.
        order = usable[np.lexsort((groups[usable], person_ids[usable]))]
        random = np.random.default_rng(np.random.SeedSequence([seed, 0]))
        starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[:1]] - 1))
        sizes = np.diff(np.append(starts, len(order)))
        kept = np.minimum(sizes, shots)
        chosen = np.arange(len(order)) - np.repeat(starts, sizes) < np.repeat(kept, sizes)
        members = np.empty((draws, int(kept.sum())), np.int64)
        of_group = np.repeat(np.arange(len(starts)), sizes)
        for draw in range(draws):
            # Shuffled within each group, its first few are a draw without replacement.
            shuffled = order[np.lexsort((random.random(len(order)), of_group))]
            members[draw] = shuffled[chosen]
        self._members = members
        self._people = person_ids[members[0]]

    def gallery(self, draw: int) -> IntArray:
        """Places of one drawn gallery's pictures, by person."""
        members: IntArray = self._members[draw]
        return members

    def ranks(self, distances: npt.NDArray[Any], rule: RankingRule, query: int, person: int) -> DrawnRanks:
        """Rank one query in every drawn gallery; equal distances are ranked in gallery order.

        Args:
            distances: (G,) the query's distances to the whole gallery, without NaN.
            rule: What is right and what is removed.
            query: The query's number.
            person: Whom it shows.
        """
        right, removed = rule.split(query)
        of_person = self._people == person
        if self._redraw_own:
            own = self._drawn_own(right, query)
        else:
            # A draw takes as many of every group, so what one draw loses to the rule, all lose.
            own = self._members[:, of_person]
            own = own[:, np.isin(own[0], right)]
        if not own.shape[1]:
            return DrawnRanks(np.empty((self.draws, 0), np.int64), np.empty(0, np.int64))
        others, people = self._members[:, ~of_person], self._people[~of_person]
        # NaN is neither smaller than anything nor equal to it, so removed pictures drop out of every count.
        row = distances.astype(np.result_type(distances, np.float16))
        row[removed] = np.nan
        their, mine = row[others], row[own]
        by_distance = np.lexsort((own, mine), axis=1)
        own, mine = np.take_along_axis(own, by_distance, 1), np.take_along_axis(mine, by_distance, 1)
        ranks = np.empty(own.shape, np.int64)
        for place in range(own.shape[1]):
            bar, tie = mine[:, place, None], own[:, place, None]
            nearer = (their < bar) | ((their == bar) & (others < tie))
            ranks[:, place] = nearer.sum(1) + place + 1
            if place == 0:
                first = nearer
        starts = np.flatnonzero(np.diff(people, prepend=JUNK))
        by_person = np.logical_or.reduceat(first, starts, axis=1) if len(starts) else first
        return DrawnRanks(ranks, by_person.sum(1) + 1)

    def _drawn_own(self, right: IntArray, query: int) -> IntArray:
        """(draws, shots or fewer) of a query's right answers."""
        if not len(right):
            return np.empty((self.draws, 0), np.int64)
        random = np.random.default_rng(np.random.SeedSequence([self._seed, 1, query]))
        shuffled = random.random((self.draws, len(right))).argsort(1)
        return right[shuffled[:, : self._shots]]
