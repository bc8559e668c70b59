"""Losses with something of their own, such as classifiers, centres and heads, each against a loop of a few lines."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from passerby.losses.attributes import AttributesLoss
from passerby.losses.camera import CameraLoss
from passerby.losses.camera_classifier import CameraClassifierLoss
from passerby.losses.centre import CentreLoss
from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.losses.decorrelated_centralised import DecorrelatedCentralisedLoss
from passerby.losses.domain_guided import DomainGuidedLoss, impact
from passerby.losses.feature_orthogonality import FeatureOrthogonalityLoss
from passerby.losses.focal import FocalLoss
from passerby.losses.oim import OnlineInstanceMatchingLoss
from passerby.losses.spectrum import spectral_spread
from passerby.losses.weight_orthogonality import WeightOrthogonalityLoss

Case = tuple[Tensor, Tensor]
CAMERAS = torch.tensor([0, 1, 1, -1, 0, 1, 0, 0, -1, 1])


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / math.sqrt(vector @ vector))


def log_share(logits: list[float], label: int) -> float:
    return logits[label] - math.log(sum(math.exp(logit) for logit in logits))


def drawn(loss: nn.Module) -> nn.Module:
    """The loss in float64, out of training, its parameters large enough to matter."""
    for parameter in loss.parameters():
        nn.init.normal_(parameter)
    return loss.double().eval()


def has_the_gradient(loss: nn.Module, embeddings: Tensor, *told: Any) -> bool:
    return bool(torch.autograd.gradcheck(lambda e: loss(e, *told), embeddings.clone().requires_grad_()))


def test_a_hidden_layer_of_the_classifier(case: Case) -> None:
    embeddings, labels = case
    loss = drawn(CrossEntropyLoss(6, 4, hidden=5))
    assert isinstance(loss.hidden, nn.Sequential)
    first, bias = (tensor.detach().numpy() for tensor in loss.hidden[0].parameters())
    total = 0.0
    for row, label in zip(embeddings.numpy(), labels.tolist(), strict=True):
        hidden = np.maximum(first @ row + bias, 0)
        total -= log_share((loss.weight.detach().numpy() @ hidden).tolist(), label)
    assert loss(embeddings, labels).item() == pytest.approx(total / 10, rel=1e-10)
    assert has_the_gradient(loss, embeddings, labels)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 3.5])
def test_focal_equals_a_plain_loop(case: Case, gamma: float) -> None:
    embeddings, labels = case
    loss = drawn(FocalLoss(6, 4, gamma))
    total = 0.0
    for row, label in zip(embeddings.numpy(), labels.tolist(), strict=True):
        share = log_share((loss.weight.detach().numpy() @ row).tolist(), label)
        total -= (1 - math.exp(share)) ** gamma * share
    assert loss(embeddings, labels).item() == pytest.approx(total / 10, rel=1e-8)
    assert has_the_gradient(loss, embeddings, labels)


def test_focal_has_finite_gradients_where_the_answer_is_certain() -> None:
    loss = FocalLoss(2, 2)
    nn.init.eye_(loss.weight)
    embeddings = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    loss(embeddings, torch.tensor([0, 1])).backward()
    assert embeddings.grad is not None
    assert bool(embeddings.grad.isfinite().all())


def test_centre_loss_and_how_its_centres_follow(case: Case) -> None:
    embeddings, labels = case
    loss = CentreLoss(6, 5, 0.5).double()
    loss.centres = torch.randn(5, 6, dtype=torch.double)
    rows, people, centres = embeddings.numpy(), labels.tolist(), loss.centres.numpy().copy()
    expected = sum(0.5 * ((row - centres[who]) ** 2).sum() for row, who in zip(rows, people, strict=True)) / 10
    assert has_the_gradient(loss.eval(), embeddings, labels)
    np.testing.assert_array_equal(loss.centres.numpy(), centres)
    assert loss.train()(embeddings, labels).item() == pytest.approx(expected, rel=1e-10)
    for person in range(5):
        own = [row for row, who in zip(rows, people, strict=True) if who == person]
        moved = centres[person] + 0.5 * sum((row - centres[person] for row in own), np.zeros(6)) / (1 + len(own))
        np.testing.assert_allclose(loss.centres[person].numpy(), moved)


def test_oim_and_how_its_table_follows(case: Case) -> None:
    embeddings, labels = case
    loss = OnlineInstanceMatchingLoss(6, 5, 0.25, 0.6).double()
    loss.table = nn.functional.normalize(torch.randn(5, 6, dtype=torch.double))
    table = loss.table.numpy().copy()
    total = 0.0
    for row, label in zip(embeddings.numpy(), labels.tolist(), strict=True):
        total -= log_share((table @ unit(row) / 0.25).tolist(), label)
    assert has_the_gradient(loss.eval(), embeddings, labels)
    assert loss.train()(embeddings, labels).item() == pytest.approx(total / 10, rel=1e-10)
    for row, label in zip(embeddings.numpy(), labels.tolist(), strict=True):
        table[label] = unit(0.6 * table[label] + 0.4 * unit(row))
    np.testing.assert_allclose(loss.table.numpy(), table)


def test_the_decorrelated_centralised_loss_equals_a_plain_loop(case: Case) -> None:
    embeddings, labels = case
    loss = drawn(DecorrelatedCentralisedLoss(6, 4, 16, 0.3, 0.7))
    loss.centre.centres = torch.randn(4, 6, dtype=torch.double)
    rows, people = embeddings.numpy(), labels.tolist()
    weight, centres = loss.classifier.weight.detach().numpy(), loss.centre.centres.numpy()
    identity = centred = 0.0
    for row, who in zip(rows, people, strict=True):
        identity -= log_share([16 * float(unit(row) @ unit(w)) for w in weight], who) / 10
        centred += ((row - centres[who]) ** 2).sum() / 10
    means = [sum(row[i] for row in rows) / 10 for i in range(6)]
    redundant = 0.0
    for i in range(6):
        for j in range(6):
            if i != j:
                redundant += (sum((row[i] - means[i]) * (row[j] - means[j]) for row in rows) / 9) ** 2
    expected = identity + 0.3 / 2 * centred + 0.7 / (6 * 5) * redundant
    assert loss(embeddings, labels).item() == pytest.approx(expected, rel=1e-9)
    assert has_the_gradient(loss, embeddings, labels)


def test_the_spread_is_that_of_eigenvalues() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, 4, 7, dtype=torch.double)
    for each in (matrices, matrices.transpose(1, 2)):
        values = torch.linalg.eigvalsh(matrices @ matrices.transpose(1, 2))
        torch.testing.assert_close(spectral_spread(each, 3000), values[:, -1] - values[:, 0], rtol=1e-6, atol=1e-6)
    apart = torch.diag(torch.tensor([1.0, 2.0, 3.0, 5.0], dtype=torch.double)) + 0.1 * matrices[0, :, :4]
    assert torch.autograd.gradcheck(lambda m: spectral_spread(m, 300), apart.requires_grad_())
    assert spectral_spread(torch.eye(3), 2).item() == pytest.approx(0, abs=1e-6)


def test_both_orthogonality_penalties_equal_plain_loops() -> None:
    maps = (torch.randn(2, 5, 2, 3, dtype=torch.double), torch.randn(2, 3, 4, 2, dtype=torch.double))
    expected = []
    for each in maps:
        spreads = []
        for picture in each.flatten(2).numpy():
            values = np.linalg.svd(picture)[1] ** 2
            spreads.append((values[0] - values[-1]) ** 2)
        expected.append(sum(spreads) / 2)
    found = FeatureOrthogonalityLoss(1000)(maps, torch.arange(2))
    assert found.item() == pytest.approx(sum(expected) / 2, rel=1e-3)
    weights = (torch.randn(4, 3, 2, 2), torch.randn(6, 5))
    spreads = [np.linalg.svd(weight.flatten(1).numpy())[1] ** 2 for weight in weights]
    loss = WeightOrthogonalityLoss(1000)(weights, torch.arange(2))
    assert loss.item() == pytest.approx(sum((s[0] - s[-1]) ** 2 for s in spreads) / 2, rel=1e-3)


def test_attributes_equal_a_plain_loop(case: Case) -> None:
    embeddings, _ = case
    rates = (0.2, 0.5, 0.9)
    told = torch.tensor(np.random.default_rng(0).integers(0, 2, (10, 3)), dtype=torch.float32)
    loss = drawn(AttributesLoss(6, rates))
    weight, bias = (tensor.detach().numpy() for tensor in loss.head.parameters())
    total = 0.0
    for row, has in zip(embeddings.numpy(), told.tolist(), strict=True):
        for column, rate in enumerate(np.float32(rates).tolist()):
            share = 1 / (1 + math.exp(-float(weight[column] @ row + bias[column])))
            total -= math.exp(1 - rate) * math.log(share) if has[column] else math.exp(rate) * math.log(1 - share)
    assert loss(embeddings, told).item() == pytest.approx(total / 30, rel=1e-6)
    assert has_the_gradient(loss, embeddings, told)


def test_cameras_equal_a_plain_loop_and_unknown_ones_are_left_out(case: Case) -> None:
    embeddings, _ = case
    loss = drawn(CameraLoss(6, 2))
    weight, bias = (tensor.detach().numpy() for tensor in loss.head.parameters())
    known = [(row, camera) for row, camera in zip(embeddings.numpy(), CAMERAS.tolist(), strict=True) if camera >= 0]
    expected = -sum(log_share((weight @ row + bias).tolist(), camera) for row, camera in known) / len(known)
    assert loss(embeddings, CAMERAS).item() == pytest.approx(expected, rel=1e-10)
    assert has_the_gradient(loss, embeddings, CAMERAS)
    assert loss(embeddings, torch.full((10,), -1)).item() == 0


def test_the_adversarial_camera_loss_turns_the_gradient_of_embeddings_alone(case: Case) -> None:
    embeddings, _ = case
    plain, adversarial = drawn(CameraLoss(6, 2)), drawn(CameraLoss(6, 2, adversarial=True))
    adversarial.load_state_dict(plain.state_dict())
    gradients = []
    for loss in (plain, adversarial):
        values = embeddings.clone().requires_grad_()
        gradients.append(torch.autograd.grad(loss(values, CAMERAS), [values, loss.head.weight]))
    torch.testing.assert_close(gradients[0][0], -gradients[1][0])
    torch.testing.assert_close(gradients[0][1], gradients[1][1])


def test_each_camera_classifies_its_own_pictures(case: Case) -> None:
    embeddings, labels = case
    loss = drawn(CameraClassifierLoss(6, 4, 2))
    weight = loss.weight.detach().numpy()
    values = [
        -log_share((weight[camera] @ row).tolist(), who)
        for row, who, camera in zip(embeddings.numpy(), labels.tolist(), CAMERAS.tolist(), strict=True)
        if camera >= 0
    ]
    assert loss(embeddings, labels, CAMERAS).item() == pytest.approx(sum(values) / len(values), rel=1e-10)
    assert has_the_gradient(loss, embeddings, labels, CAMERAS)


def test_the_impact_of_a_number_is_what_the_loss_rises_by_without_it(case: Case) -> None:
    embeddings, labels = 0.02 * case[0], case[1]
    torch.manual_seed(0)
    weight = torch.randn(4, 6, dtype=torch.double)

    def losses(values: Tensor) -> Tensor:
        return nn.functional.cross_entropy(values @ weight.T, labels, reduction="none")

    found = impact(embeddings, labels, weight)
    for number in range(6):
        without = embeddings.clone()
        without[:, number] = 0
        torch.testing.assert_close(found[:, number], losses(without) - losses(embeddings), rtol=0, atol=3e-4)
    assert float(found.abs().mean()) > 0.005


def test_domain_guided_dropout_keeps_what_helps_a_camera(case: Case) -> None:
    embeddings, labels = case
    loss = drawn(DomainGuidedLoss(6, 4, 2))
    plain = nn.functional.cross_entropy(embeddings @ loss.weight.T, labels)
    torch.testing.assert_close(loss(embeddings, labels, CAMERAS), plain)
    assert has_the_gradient(loss, embeddings, labels, CAMERAS)
    loss.train()(embeddings, labels, CAMERAS)
    impacts = impact(embeddings, labels, loss.weight.detach())
    for camera in (0, 1):
        expected = 0.1 * impacts[camera == CAMERAS].mean(0)
        torch.testing.assert_close(loss.impact[camera], expected)
        kept = 1 / (1 + torch.exp(-expected / expected.std(correction=0)))
        torch.testing.assert_close(loss.probabilities(torch.tensor([camera]))[0], kept)
    assert bool((loss.probabilities(torch.tensor([-1])) == 1).all())
    loss.impact[0] = torch.tensor([1e3, -1e3, 1e3, -1e3, 1e3, -1e3])
    loss = DomainGuidedLoss(6, 4, 2, temperature=0.01, momentum=0.999999).double()
    loss.impact[:] = torch.tensor([1.0, -1, 1, -1, 1, -1])
    nn.init.normal_(loss.weight)
    values = embeddings.clone().requires_grad_()
    loss(values, labels, torch.zeros(10, dtype=torch.int64)).backward()
    assert values.grad is not None
    assert bool((values.grad[:, 1::2] == 0).all())
    assert bool((values.grad[:, ::2] != 0).any(0).all())
