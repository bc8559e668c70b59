"""Which distances of a batch a metric loss compares.

Each miner takes (N, N) distances and (N,) labels, and gives the distances to the same person and to another that are
compared one by one.
"""

import torch
from torch import Tensor

from passerby.errors import PasserbyError
from passerby.losses.distance import positives, same_identity

Mined = tuple[Tensor, Tensor]
"""Two tensors of one length: distances to the same person, and to another."""


def batch_hard(distances: Tensor, labels: Tensor) -> Mined:
    """Each anchor's farthest positive and nearest negative (Hermans et al., 2017, equation 5).

    Args:
        distances: (N, N) within the batch.
        labels: (N,) int64.

    Returns:
        Two (N,) tensors: the largest distance to the same person (to itself, where a person has one picture) and
        the smallest to another.

    Raises:
        PasserbyError: All pictures show one person.
    """
    same = _same(labels)
    hardest_positive = distances.masked_fill(~same, float("-inf")).amax(1)
    hardest_negative = distances.masked_fill(same, float("inf")).amin(1)
    return hardest_positive, hardest_negative


def every_positive(distances: Tensor, labels: Tensor) -> Mined:
    """Every pair of pictures of one person, each with its anchor's nearest negative: K·(K - 1) a person.

    Raises:
        PasserbyError: All pictures show one person.
    """
    _, hardest = batch_hard(distances, labels)
    pairs = positives(labels)
    return distances[pairs], hardest[:, None].expand_as(distances)[pairs]


def semi_hard(distances: Tensor, labels: Tensor) -> Mined:
    """Every pair of one person with the nearest negative that is farther than the positive.

    Where no negative is farther, the farthest of all stands in (Schroff et al., "FaceNet", CVPR 2015, section 3.2).

    Raises:
        PasserbyError: All pictures show one person.
    """
    same = _same(labels)
    anchors, others = positives(labels).nonzero(as_tuple=True)
    positive = distances[anchors, others]
    negatives = distances[anchors]
    farther = negatives.masked_fill(same[anchors] | (negatives <= positive[:, None]), float("inf")).amin(1)
    farthest = negatives.masked_fill(same[anchors], float("-inf")).amax(1)
    return positive, torch.where(farther.isinf(), farthest, farther)


def at_random(distances: Tensor, labels: Tensor) -> Mined:
    """For each anchor one other picture of the person and one of somebody else, by torch's random numbers.

    Anchors without another picture are left out.

    Raises:
        PasserbyError: All pictures show one person.
    """
    same, other = _same(labels), positives(labels)
    anchors = other.any(1).nonzero()[:, 0]
    positive = torch.multinomial(other[anchors].float(), 1)[:, 0] if len(anchors) else anchors
    negative = torch.multinomial((~same)[anchors].float(), 1)[:, 0] if len(anchors) else anchors
    return distances[anchors, positive], distances[anchors, negative]


def by_hardness(distances: Tensor, labels: Tensor, hardness: float) -> Mined:
    """Each anchor's positive and negative of a chosen difficulty, for training from easy to hard.

    An anchor's positives are sorted from near to far and its negatives from far to near; of both, the one at the
    share `hardness` of the way is taken: at 0 the easiest, at 1 those of `batch_hard`. Anchors without another
    picture of the person are left out.

    Args:
        distances: (N, N) within the batch.
        labels: (N,) int64.
        hardness: 0 to 1.

    Raises:
        PasserbyError: All pictures show one person.
    """
    same, other = _same(labels), positives(labels)
    anchors = other.any(1)
    positive = _at_share(distances[anchors], other[anchors], hardness)
    return positive, _at_share(distances[anchors], ~same[anchors], 1 - hardness)


def _at_share(distances: Tensor, among: Tensor, share: float) -> Tensor:
    """Of each row's chosen distances in ascending order, the one at that share of the way."""
    ascending = distances.masked_fill(~among, float("inf")).sort(1).values
    place = (share * (among.sum(1) - 1)).round().long()
    return ascending.gather(1, place[:, None])[:, 0]


def _same(labels: Tensor) -> Tensor:
    same = same_identity(labels)
    if bool(same.all()):
        raise PasserbyError("expected a batch of at least two people for mining negatives, got one")
    return same
