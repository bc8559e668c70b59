"""Losses that compare the pictures of a batch, each against a loop of a few lines."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from passerby.errors import PasserbyError
from passerby.losses.batch_all import BatchAllLoss
from passerby.losses.circle import CircleLoss
from passerby.losses.class_hard import ClassHardLoss
from passerby.losses.contrastive import ContrastiveLoss
from passerby.losses.distance import all_pairs, pairwise_euclidean
from passerby.losses.lifted import LiftedLoss
from passerby.losses.margin_sample_mining import MarginSampleMiningLoss
from passerby.losses.mining import at_random, by_hardness, semi_hard
from passerby.losses.quadruplet import QuadrupletLoss
from passerby.losses.triplet import TripletLoss
from passerby.losses.uniformity import UniformityLoss
from passerby.losses.verification import VerificationLoss
from passerby.losses.weighted_regularised import WeightedRegularisedTripletLoss

Rows = Sequence[np.ndarray]
Case = tuple[Tensor, Tensor]
EVERYBODY = range(10)


def positives(people: list[int], anchor: int) -> list[int]:
    return [i for i in EVERYBODY if i != anchor and people[i] == people[anchor]]


def negatives(people: list[int], anchor: int) -> list[int]:
    return [i for i in EVERYBODY if people[i] != people[anchor]]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def softmax(values: Sequence[float]) -> list[float]:
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def plain_every_positive(rows: Rows, people: list[int]) -> float:
    return mean(
        [
            max(0, math.dist(rows[a], rows[p]) - min(math.dist(rows[a], rows[n]) for n in negatives(people, a)) + 0.3)
            for a in EVERYBODY
            for p in positives(people, a)
        ]
    )


def plain_semi_hard(rows: Rows, people: list[int]) -> float:
    values = []
    for a in EVERYBODY:
        away = [math.dist(rows[a], rows[n]) for n in negatives(people, a)]
        for p in positives(people, a):
            near = math.dist(rows[a], rows[p])
            farther = [d for d in away if d > near]
            values.append(max(0, near - (min(farther) if farther else max(away)) + 0.3))
    return mean(values)


def plain_curriculum(rows: Rows, people: list[int], share: float) -> float:
    hardness, values = min(1.0, share / 0.5), []
    for a in EVERYBODY:
        near = sorted(math.dist(rows[a], rows[p]) for p in positives(people, a))
        away = sorted((math.dist(rows[a], rows[n]) for n in negatives(people, a)), reverse=True)
        if near:
            p = near[round(hardness * (len(near) - 1))]
            # Halves are rounded from the other end.
            n = away[::-1][round((1 - hardness) * (len(away) - 1))]
            values.append(max(0, p - n + 3.0))
    return mean(values)


def plain_batch_all(rows: Rows, people: list[int]) -> float:
    values = [
        math.dist(rows[a], rows[p]) - math.dist(rows[a], rows[n]) + 0.3
        for a in EVERYBODY
        for p in positives(people, a)
        for n in negatives(people, a)
    ]
    return mean([value for value in values if value > 0])


def plain_quadruplet(rows: Rows, people: list[int]) -> float:
    total = 0.0
    for a in EVERYBODY:
        far = max([math.dist(rows[a], rows[p]) for p in positives(people, a)], default=1e-6)
        near = min(math.dist(rows[a], rows[n]) for n in negatives(people, a))
        strangers = [
            math.dist(rows[j], rows[k])
            for j, k in itertools.product(negatives(people, a), repeat=2)
            if people[j] != people[k]
        ]
        total += max(0, far - near + 0.3) + max(0, far - min(strangers) + 0.15)
    return total / 10


def plain_msml(rows: Rows, people: list[int]) -> float:
    pairs = list(itertools.combinations(EVERYBODY, 2))
    far = max(math.dist(rows[i], rows[j]) for i, j in pairs if people[i] == people[j])
    return max(0, far - min(math.dist(rows[i], rows[j]) for i, j in pairs if people[i] != people[j]) + 0.3)


def plain_lifted(rows: Rows, people: list[int]) -> float:
    values = []
    for a in EVERYBODY:
        if positives(people, a):
            far = math.log(sum(math.exp(math.dist(rows[a], rows[p])) for p in positives(people, a)))
            near = math.log(sum(math.exp(1 - math.dist(rows[a], rows[n])) for n in negatives(people, a)))
            values.append(max(0, far + near))
    return mean(values)


def plain_class_hard(rows: Rows, people: list[int]) -> float:
    total = 0.0
    for person in range(4):
        own = [i for i in EVERYBODY if people[i] == person]
        others = [i for i in EVERYBODY if people[i] != person]
        far = max([math.dist(rows[i], rows[j]) for i, j in itertools.combinations(own, 2)], default=1e-6)
        total += max(0, far - min(math.dist(rows[i], rows[j]) for i in own for j in others) + 0.3)
    return total / 4


def plain_weighted_regularised(rows: Rows, people: list[int]) -> float:
    values = []
    for a in EVERYBODY:
        near = [math.dist(rows[a], rows[p]) for p in positives(people, a)]
        away = [math.dist(rows[a], rows[n]) for n in negatives(people, a)]
        if near:
            pull = sum(w * d for w, d in zip(softmax(near), near, strict=True))
            push = sum(w * d for w, d in zip(softmax([-d for d in away]), away, strict=True))
            values.append(math.log1p(math.exp(pull - push)))
    return mean(values)


def plain_circle(rows: Rows, people: list[int]) -> float:
    unit = [row / math.sqrt(row @ row) for row in rows]
    values = []
    for a in EVERYBODY:
        near = [float(unit[a] @ unit[p]) for p in positives(people, a)]
        away = [float(unit[a] @ unit[n]) for n in negatives(people, a)]
        if near:
            first = sum(math.exp(16 * max(0, s + 0.25) * (s - 0.25)) for s in away)
            second = sum(math.exp(-16 * max(0, 1.25 - s) * (s - 0.75)) for s in near)
            values.append(math.log1p(first * second))
    return mean(values)


def plain_contrastive(rows: Rows, people: list[int]) -> float:
    same, others = [], []
    for i, j in itertools.combinations(EVERYBODY, 2):
        distance = math.dist(rows[i], rows[j])
        if people[i] == people[j]:
            same.append(0.5 * distance**2)
        else:
            others.append(0.5 * max(0, 2.5 - distance) ** 2)
    return mean(same) + mean(others)


PAIRS = all_pairs(10)
LOSSES: list[tuple[str, nn.Module, tuple[Any, ...], Callable[[Rows, list[int]], float]]] = [
    ("every_positive", TripletLoss(0.3, "every_positive"), (), plain_every_positive),
    ("semi_hard", TripletLoss(0.3, "semi_hard"), (), plain_semi_hard),
    ("easy", TripletLoss(3.0, "curriculum"), (0.0,), lambda r, p: plain_curriculum(r, p, 0.0)),
    ("between", TripletLoss(3.0, "curriculum"), (0.2,), lambda r, p: plain_curriculum(r, p, 0.2)),
    ("hard", TripletLoss(3.0, "curriculum"), (0.8,), lambda r, p: plain_curriculum(r, p, 0.8)),
    ("batch_all", BatchAllLoss(0.3), (), plain_batch_all),
    ("quadruplet", QuadrupletLoss(0.3, 0.15), (), plain_quadruplet),
    ("msml", MarginSampleMiningLoss(0.3), (), plain_msml),
    ("lifted", LiftedLoss(1.0), (), plain_lifted),
    ("class_hard", ClassHardLoss(0.3), (), plain_class_hard),
    ("weighted_regularised", WeightedRegularisedTripletLoss(), (), plain_weighted_regularised),
    ("circle", CircleLoss(0.25, 16), (), plain_circle),
    ("contrastive", ContrastiveLoss(2.5), (PAIRS,), plain_contrastive),
]


@pytest.mark.parametrize(("loss", "extras", "plain"), [row[1:] for row in LOSSES], ids=[row[0] for row in LOSSES])
def test_the_loss_equals_a_plain_loop(
    case: Case, loss: nn.Module, extras: tuple[Any, ...], plain: Callable[[Rows, list[int]], float]
) -> None:
    embeddings, labels = case
    expected = plain(list(embeddings.numpy()), labels.tolist())
    assert expected > 0
    assert loss(embeddings, labels, *extras).item() == pytest.approx(expected, rel=1e-8, abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "extras"), [row[1:3] for row in LOSSES if row[0] != "circle"],
    ids=[row[0] for row in LOSSES if row[0] != "circle"],
)  # fmt: skip
def test_gradients_are_those_of_finite_differences(case: Case, loss: nn.Module, extras: tuple[Any, ...]) -> None:
    embeddings, labels = case
    assert torch.autograd.gradcheck(lambda e: loss(e, labels, *extras), embeddings.clone().requires_grad_())


def test_circle_has_the_gradient_of_constant_paces(case: Case) -> None:
    embeddings, labels = case
    loss = CircleLoss(0.25, 16)
    unit = nn.functional.normalize(embeddings)
    cosines = unit @ unit.T
    paces = (1.25 - cosines).clamp(min=0), (cosines + 0.25).clamp(min=0)

    def at_constant_paces(values: Tensor) -> Any:
        rows = nn.functional.normalize(values)
        return loss.at_paces(rows @ rows.T, labels, *paces)

    values = embeddings.clone().requires_grad_()
    assert torch.autograd.gradcheck(at_constant_paces, values)
    (expected,) = torch.autograd.grad(at_constant_paces(values), values)
    (found,) = torch.autograd.grad(loss(values, labels), values)
    torch.testing.assert_close(found, expected)


def test_verification_equals_a_plain_loop_and_has_its_gradient(case: Case) -> None:
    embeddings, labels = case
    loss = VerificationLoss(6).double()
    rows, people = embeddings.numpy(), labels.tolist()
    weight, bias = (tensor.detach().numpy() for tensor in (loss.classifier.weight, loss.classifier.bias))
    kinds: dict[bool, list[float]] = {True: [], False: []}
    for i, j in PAIRS.tolist():
        logits = weight @ (rows[i] - rows[j]) ** 2 + bias
        same = people[i] == people[j]
        kinds[same].append(-math.log(softmax(logits.tolist())[int(same)]))
    expected = 0.5 * (mean(kinds[True]) + mean(kinds[False]))
    assert loss(embeddings, labels, PAIRS).item() == pytest.approx(expected, rel=1e-10)
    assert torch.autograd.gradcheck(lambda e: loss(e, labels, PAIRS), embeddings.clone().requires_grad_())


def test_uniformity_equals_a_plain_loop_and_has_its_gradient(case: Case) -> None:
    embeddings, labels = case
    masks = (embeddings.view(10, 1, 2, 3), embeddings[:, :2].reshape(10, 2, 1, 1))
    people = labels.tolist()
    per_mask = []
    for mask in masks:
        flat = mask.flatten(1).numpy()
        same = [(i, j) for i, j in PAIRS.tolist() if people[i] == people[j]]
        per_mask.append(mean([float(np.abs(flat[i] - flat[j]).mean()) for i, j in same]))
    loss = UniformityLoss()
    assert loss(masks, labels, PAIRS).item() == pytest.approx(mean(per_mask), rel=1e-10)

    def of_embeddings(values: Tensor) -> Any:
        return loss((values.view(10, 1, 2, 3), values[:, :2].reshape(10, 2, 1, 1)), labels, PAIRS)

    assert torch.autograd.gradcheck(of_embeddings, embeddings.clone().requires_grad_())
    assert loss(masks, torch.arange(10), PAIRS).item() == 0


def test_the_hardest_of_the_curriculum_is_batch_hard(case: Case) -> None:
    embeddings, labels = case
    others = labels != 3  # whose person has one picture, and is left out of the curriculum
    distances = pairwise_euclidean(embeddings)
    found = by_hardness(distances, labels, 1.0)
    rows, people = list(embeddings.numpy()), labels.tolist()
    anchors = others.nonzero()[:, 0].tolist()
    for row, a in enumerate(anchors):
        assert found[0][row].item() == pytest.approx(
            max(math.dist(rows[a], rows[p]) for p in positives(people, a)), abs=1e-7
        )
        assert found[1][row].item() == pytest.approx(
            min(math.dist(rows[a], rows[n]) for n in negatives(people, a)), abs=1e-7
        )


def test_random_triplets_are_triplets_and_all_of_them_come() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    distances = torch.arange(36.0).view(6, 6)
    seen = set()
    for _ in range(200):
        positive, negative = at_random(distances, labels)
        assert len(positive) == 5
        for anchor, (p, n) in enumerate(zip(positive.long().tolist(), negative.long().tolist(), strict=True)):
            assert (p // 6, n // 6) == (anchor, anchor)
            assert p % 6 != anchor
            assert labels[p % 6] == labels[anchor]
            assert labels[n % 6] != labels[anchor]
            seen.add((anchor, p % 6, n % 6))
    assert len(seen) == 3 * 2 * 3 + 2 * 1 * 4


def test_semi_hard_negatives_are_farther_where_there_are_some() -> None:
    distances = torch.tensor([[0.0, 2, 1, 3], [2, 0, 1, 1], [1, 1, 0, 5], [3, 1, 5, 0]])
    positive, negative = semi_hard(distances, torch.tensor([0, 0, 1, 1]))
    assert positive.tolist() == [2, 2, 5, 5]
    assert negative.tolist() == [3, 1, 1, 3]


WITHOUT_PAIRS = [row for row in LOSSES if row[0] not in ("contrastive",)]


@pytest.mark.parametrize("loss", [row[1] for row in WITHOUT_PAIRS], ids=[row[0] for row in WITHOUT_PAIRS])
@pytest.mark.parametrize("value", [0.0, 1.0, 1e4])
def test_equal_embeddings_give_finite_gradients(loss: nn.Module, value: float) -> None:
    embeddings = torch.full((6, 3), value, requires_grad=True)
    result = loss(embeddings, torch.tensor([0, 0, 1, 1, 2, 2]))
    result.backward()
    assert bool(result.isfinite())
    assert embeddings.grad is not None
    assert bool(embeddings.grad.isfinite().all())


def test_batches_without_positives_have_a_finite_loss() -> None:
    for name, loss, extras, _ in LOSSES:
        told = (all_pairs(4),) if name == "contrastive" else extras
        assert bool(loss(torch.randn(4, 3), torch.arange(4), *told).isfinite()), name


MINED = {"every_positive", "semi_hard", "easy", "between", "hard", "quadruplet", "msml", "class_hard"}


def test_batches_of_one_person_are_refused_by_miners_and_finite_elsewhere() -> None:
    for name, loss, extras, _ in LOSSES:
        told = (all_pairs(4),) if name == "contrastive" else extras
        batch = torch.randn(4, 3), torch.zeros(4, dtype=torch.int64)
        if name in MINED:
            with pytest.raises(PasserbyError, match="at least two people"):
                loss(*batch, *told)
        else:
            assert bool(loss(*batch, *told).isfinite()), name
