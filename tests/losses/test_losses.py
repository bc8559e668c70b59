import itertools
import math
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from passerby.errors import PasserbyError
from passerby.losses import AnyLoss, Supervision
from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.losses.distance import pairwise_euclidean, same_identity
from passerby.losses.mining import batch_hard
from passerby.losses.supervised_contrastive import SupervisedContrastiveLoss
from passerby.losses.triplet import TripletLoss


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / math.sqrt(sum(x * x for x in vector))


@pytest.mark.parametrize(("smoothing", "scale"), [(0.0, None), (0.1, None), (0.0, 16.0), (0.3, 4.0)])
def test_cross_entropy_equals_a_plain_loop(
    case: tuple[Tensor, Tensor], smoothing: float, scale: float | None
) -> None:
    embeddings, labels = case
    loss = CrossEntropyLoss(6, 4, smoothing, scale).double()
    nn.init.normal_(loss.weight)
    weight = loss.weight.detach().numpy()
    total = 0.0
    for embedding, label in zip(embeddings.numpy(), labels.tolist(), strict=True):
        if scale is None:
            logits = [float(embedding @ row) for row in weight]
        else:
            logits = [scale * float(unit(embedding) @ unit(row)) for row in weight]
        normaliser = math.log(sum(math.exp(logit) for logit in logits))
        targets = [smoothing / 4 + (1 - smoothing) * (place == label) for place in range(4)]
        total -= sum(t * (logit - normaliser) for t, logit in zip(targets, logits, strict=True))
    assert loss(embeddings, labels).item() == pytest.approx(total / 10, rel=1e-12)


@pytest.mark.parametrize("margin", [0.0, 0.3, 2.0, "soft"])
def test_triplet_equals_a_plain_loop(case: tuple[Tensor, Tensor], margin: float | Literal["soft"]) -> None:
    embeddings, labels = case
    rows, people = embeddings.numpy(), labels.tolist()
    total = 0.0
    for anchor in range(10):
        positives = [math.dist(rows[anchor], rows[i]) for i in range(10) if people[i] == people[anchor]]
        negatives = [math.dist(rows[anchor], rows[i]) for i in range(10) if people[i] != people[anchor]]
        difference = max(positives) - min(negatives)
        total += math.log1p(math.exp(difference)) if margin == "soft" else max(0.0, difference + margin)
    # A picture is 1e-6, not 0, from itself, for the gradient's sake.
    assert TripletLoss(margin)(embeddings, labels).item() == pytest.approx(total / 10, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_supervised_contrastive_equals_a_plain_loop(case: tuple[Tensor, Tensor], temperature: float) -> None:
    embeddings, labels = case
    rows, people = [unit(row) for row in embeddings.numpy()], labels.tolist()
    anchors = []
    for i in range(10):
        positives = [p for p in range(10) if p != i and people[p] == people[i]]
        if positives:
            everything = sum(math.exp(rows[i] @ rows[a] / temperature) for a in range(10) if a != i)
            shares = [math.log(math.exp(rows[i] @ rows[p] / temperature) / everything) for p in positives]
            anchors.append(-sum(shares) / len(positives))
    loss = SupervisedContrastiveLoss(temperature)(embeddings, labels)
    assert len(anchors) == 9
    assert loss.item() == pytest.approx(sum(anchors) / len(anchors), rel=1e-10)


@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropyLoss(6, 4, 0.1),
        CrossEntropyLoss(6, 4, 0.1, scale=8.0),
        TripletLoss(0.3),
        TripletLoss("soft"),
        SupervisedContrastiveLoss(),
    ],
)
def test_gradients_are_those_of_finite_differences(case: tuple[Tensor, Tensor], loss: nn.Module) -> None:
    embeddings, labels = case
    assert torch.autograd.gradcheck(lambda e: loss.double()(e, labels), embeddings.clone().requires_grad_())


@pytest.mark.parametrize("scale", [None, 8.0])
def test_the_classifiers_gradient_is_that_of_finite_differences(
    case: tuple[Tensor, Tensor], scale: float | None
) -> None:
    embeddings, labels = case
    loss = CrossEntropyLoss(6, 4, 0.1, scale).double()

    def of_weight(weight: Tensor) -> Any:
        return torch.func.functional_call(loss, {"weight": weight}, (embeddings, labels))

    assert torch.autograd.gradcheck(of_weight, torch.randn(4, 6, dtype=torch.double, requires_grad=True))


@pytest.mark.parametrize(
    "loss",
    [TripletLoss(0.3), TripletLoss("soft"), SupervisedContrastiveLoss(), CrossEntropyLoss(3, 2)],
)
@pytest.mark.parametrize("value", [0.0, 1.0, 1e4])
def test_equal_embeddings_give_finite_gradients(loss: nn.Module, value: float) -> None:
    embeddings = torch.full((4, 3), value, requires_grad=True)
    result = loss(embeddings, torch.tensor([0, 0, 1, 1]))
    result.backward()
    assert bool(result.isfinite())
    assert embeddings.grad is not None
    assert bool(embeddings.grad.isfinite().all())


def test_distances_are_euclidean_symmetric_and_never_zero() -> None:
    embeddings = torch.randn(12, 5, dtype=torch.double)
    embeddings[7] = embeddings[2]
    distances = pairwise_euclidean(embeddings)
    for i, j in itertools.product(range(12), repeat=2):
        expected = max(1e-6, math.dist(embeddings[i].tolist(), embeddings[j].tolist()))
        assert distances[i, j].item() == pytest.approx(expected, abs=1e-7)


def test_batch_hard_takes_the_farthest_positive_and_the_nearest_negative() -> None:
    distances = torch.tensor([[0.0, 5, 2, 7], [5, 0, 3, 1], [2, 3, 0, 4], [7, 1, 4, 0]])
    positive, negative = batch_hard(distances, torch.tensor([0, 0, 1, 1]))
    assert positive.tolist() == [5, 5, 4, 4]
    assert negative.tolist() == [2, 1, 2, 1]


def test_batch_hard_with_ties_and_people_with_one_picture() -> None:
    distances = torch.full((3, 3), 4.0).fill_diagonal_(0.0)
    positive, negative = batch_hard(distances, torch.tensor([0, 0, 1]))
    assert positive.tolist() == [4, 4, 0]
    assert negative.tolist() == [4, 4, 4]


def test_a_tie_gives_its_gradient_in_equal_shares() -> None:
    distances = torch.full((3, 3), 4.0).fill_diagonal_(0.0).requires_grad_()
    _, negative = batch_hard(distances, torch.tensor([0, 1, 1]))
    negative[0].backward()
    assert distances.grad is not None
    assert distances.grad[0].tolist() == [0, 0.5, 0.5]


def test_batches_of_one_person_cannot_be_mined() -> None:
    with pytest.raises(PasserbyError, match="at least two people for mining negatives, got one"):
        batch_hard(torch.zeros(2, 2), torch.tensor([3, 3]))


def test_batches_without_any_positive_pair_have_no_contrastive_loss() -> None:
    embeddings = torch.randn(4, 3, requires_grad=True)
    loss = SupervisedContrastiveLoss()(embeddings, torch.arange(4))
    loss.backward()
    assert loss.item() == 0
    assert embeddings.grad is not None
    assert torch.equal(embeddings.grad, torch.zeros(4, 3))


def test_same_identity_holds_for_each_row_and_itself() -> None:
    same = same_identity(torch.tensor([4, 9, 4]))
    assert same.tolist() == [[True, False, True], [False, True, False], [True, False, True]]


def test_losses_are_built_from_their_descriptions() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(AnyLoss)
    spec = adapter.validate_python({"kind": "cross_entropy", "scale": 16})
    assert (spec.space, spec.weight, spec.from_epoch, spec.label_smoothing) == ("neck", 1, 0, 0.1)
    assert spec.build(8, Supervision(5)).weight.shape == (5, 8)
    for kind, space in (("triplet", "raw"), ("supervised_contrastive", "unit")):
        spec = adapter.validate_python({"kind": kind})
        assert spec.space == space
        assert not list(spec.build(8, Supervision(5)).parameters())
    for wrong in ({"kind": "triplet", "margin": "hard"}, {"kind": "nothing"}, {"kind": "triplet", "temperature": 1}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
