"""The trainer's parts: objective, optimizer, precision, initial weights, interrupt, task, validation."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from passerby.data import Dataset
from passerby.data.dataset import people, people_among
from passerby.errors import BundleError, DataError
from passerby.losses.cross_entropy import CrossEntropySpec
from passerby.losses.supervised_contrastive import SupervisedContrastiveSpec
from passerby.losses.triplet import TripletSpec
from passerby.models.bundle import Bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.network import Architecture, Features, ReidNetwork
from passerby.training.initial import initial_network
from passerby.training.interrupt import deferred_interrupt
from passerby.training.objective import Objective
from passerby.training.optimizer import Optimizer
from passerby.training.precision import autocast, choose_precision
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.task import prepare_task, step_generator
from passerby.training.trainer import TrainingResult
from passerby.training.validation import Validator
from passerby.types import Sample


@pytest.fixture
def network() -> ReidNetwork:
    torch.manual_seed(0)
    return ReidNetwork(Architecture(backbone="resnet18", width=0.06, neck="linear", dimension=9))


def test_the_objective_is_the_weighted_sum_in_each_loss_s_own_space(network: ReidNetwork) -> None:
    specs = (
        CrossEntropySpec(kind="cross_entropy", space="neck", weight=2),
        TripletSpec(kind="triplet", space="raw", weight=0.5),
        SupervisedContrastiveSpec(kind="supervised_contrastive"),
        TripletSpec(kind="triplet", space="unit", weight=0),
    )
    objective = Objective(specs, network, 4)
    assert objective.names == ["cross_entropy", "triplet_1", "supervised_contrastive", "triplet_3"]
    features = Features(torch.randn(8, network.raw_dimension), torch.randn(8, 9))
    labels = torch.arange(8) // 2
    total, parts = objective(features, labels, 0)
    unit = features.neck / features.neck.norm(dim=1, keepdim=True)
    losses = objective.losses
    expected = [losses[0](features.neck, labels), losses[1](features.raw, labels)]
    expected += [losses[2](unit, labels), losses[3](unit, labels)]
    torch.testing.assert_close(parts, torch.stack(expected).detach())
    assert total.item() == pytest.approx(2 * parts[0].item() + 0.5 * parts[1].item() + parts[2].item())
    assert total.requires_grad
    assert not parts.requires_grad


def test_a_loss_counts_from_its_epoch_on(network: ReidNetwork) -> None:
    specs = (
        TripletSpec(kind="triplet", margin="soft"),
        CrossEntropySpec(kind="cross_entropy", from_epoch=2),
    )
    objective = Objective(specs, network, 4)
    features, labels = Features(torch.randn(4, network.raw_dimension), torch.randn(4, 9)), torch.arange(4) // 2
    before, after = (objective(features, labels, epoch) for epoch in (1, 2))
    assert (before[1][1].item(), before[0].item()) == (0, before[1][0].item())
    assert after[1][1].item() > 0


@pytest.mark.parametrize("kind", ["adamw", "adam", "sgd"])
def test_only_weights_decay_and_frozen_parameters_stay_out(kind: str, network: ReidNetwork) -> None:
    bnneck = ReidNetwork(Architecture(backbone="resnet18", width=0.06))
    optimizer = Optimizer.model_validate({"kind": kind, "weight_decay": 0.3}).build([bnneck, network])
    decayed, free = optimizer.param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.3, 0)
    assert all(parameter.ndim > 1 for parameter in decayed["params"])
    assert all(parameter.ndim == 1 for parameter in free["params"])
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert id(bnneck.neck.bias) not in held
    trainable = [p for module in (bnneck, network) for p in module.parameters() if p.requires_grad]
    assert len(held) == len(trainable)


def test_sgd_with_momentum_makes_the_known_step() -> None:
    layer = nn.Linear(1, 1)
    nn.init.ones_(layer.weight)
    optimizer = Optimizer(kind="sgd", learning_rate=0.1, weight_decay=0.5, momentum=0.9).build([layer])
    for _ in range(2):
        optimizer.zero_grad()
        layer(torch.ones(1, 1)).sum().backward()
        optimizer.step()
    # g1 = 1 + 0.5·1 = 1.5, w = 0.85; g2 = 1 + 0.425 = 1.425, v = 1.35 + 1.425
    assert layer.weight.item() == pytest.approx(0.85 - 0.1 * 2.775)


def test_precision_is_as_asked_and_auto_is_one_of_both() -> None:
    cpu = torch.device("cpu")
    assert [choose_precision(wanted, cpu) for wanted in ("fp32", "bf16")] == ["fp32", "bf16"]
    assert choose_precision("auto", cpu) in ("fp32", "bf16")
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with autocast(precision, cpu):
            assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


def test_training_can_start_from_a_bundle_s_backbone(untrained: Bundle) -> None:
    source = untrained.load_network()
    same = initial_network(untrained.architecture, untrained.path)
    for name, tensor in source.state_dict().items():
        assert torch.equal(same.state_dict()[name], tensor)
    other_neck = untrained.architecture.model_copy(update={"neck": "linear", "dimension": 7})
    started = initial_network(other_neck, untrained.path)
    assert torch.equal(started.backbone.state_dict()["conv1.weight"], source.backbone.state_dict()["conv1.weight"])
    assert started.dimension == 7


def test_training_cannot_start_from_another_backbone(untrained: Bundle, tmp_path: Path) -> None:
    for changed in ({"backbone": "resnet34"}, {"width": 0.25}):
        with pytest.raises(BundleError, match=r"expected weights of .* got those of resnet18 at width 0.125"):
            initial_network(untrained.architecture.model_copy(update=changed), untrained.path)
    with pytest.raises(BundleError, match="got nothing there"):
        initial_network(untrained.architecture, tmp_path / "none")


def test_training_can_start_from_a_published_checkpoint(published_osnet: Path, tmp_path: Path) -> None:
    network = initial_network(Architecture(backbone="osnet_x0_25"), published_osnet)
    weights = torch.load(published_osnet, weights_only=True, map_location="cpu")
    weights = weights.get("state_dict", weights)
    name = next(name for name in weights if name.endswith("conv5.conv.weight"))
    assert torch.equal(network.backbone.state_dict()["conv5.conv.weight"], weights[name])


def test_the_first_interrupt_waits_and_the_second_does_not() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as interrupted:
        assert not interrupted()
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with deferred_interrupt() as interrupted:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupted()
    assert signal.getsignal(signal.SIGINT) == before


def test_outside_the_main_thread_nothing_is_held_back() -> None:
    found: list[bool] = []

    def work() -> None:
        with deferred_interrupt() as interrupted:
            found.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]


def test_people_are_held_out_and_the_others_numbered_from_0(dataset: Dataset, tiny_recipe: Recipe) -> None:
    task = prepare_task(tiny_recipe, dataset)
    assert (len(people(task.held_out)), task.classes) == (2, 10)
    assert not people(task.held_out) & people(task.samples)
    assert sorted(set(task.labels.tolist())) == list(range(10))
    of_person = {sample.person_id: label for sample, label in zip(task.samples, task.labels.tolist(), strict=True)}
    assert list(of_person.values()) == sorted(of_person.values())
    assert len(task.samples) + len(task.held_out) == len(dataset.train)


def test_batches_depend_on_seed_and_epoch_alone(dataset: Dataset, tiny_recipe: Recipe) -> None:
    task = prepare_task(tiny_recipe, dataset)
    one, same, other = (task.batches(tiny_recipe, epoch) for epoch in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])
    draws = {
        step_generator(tiny_recipe.model_copy(update={"seed": seed}), epoch, step).initial_seed()
        for seed in (0, 1)
        for epoch in (0, 1)
        for step in (0, 1)
    }
    assert len(draws) == 8


def test_nobody_is_held_out_when_nobody_shall_be(dataset: Dataset, recipe_file: Path) -> None:
    task = prepare_task(load_recipe(recipe_file, ["validation.share=0"]), dataset)
    assert (task.held_out, task.classes) == ((), 12)


def test_at_least_two_people_must_be_left_to_train_on(tmp_path: Path, tiny_recipe: Recipe) -> None:
    train = tuple(Sample(tmp_path / f"{person}.jpg", person) for person in (1, 2, 3))
    dataset = Dataset("x", tmp_path, "folder", train, (), ())
    with pytest.raises(DataError, match=r"beside 2 held out, got 3 .*--set validation\.share=0"):
        prepare_task(tiny_recipe, dataset)


def test_validation_says_what_an_evaluation_would(
    trained: TrainingResult, dataset: Dataset, tiny_recipe: Recipe
) -> None:
    known = people_among(dataset.train, trained.best.card.training_keys())
    held_out = [s for s in dataset.train if s.person_id not in known]
    validator = Validator(held_out, tiny_recipe.preprocessing, tiny_recipe.seed, "here")
    network = trained.best.load_network().train()
    assert validator.can_measure
    evaluation, calibration = validator.measure(network)
    assert evaluation.metrics.mean_ap == trained.best.figures["validation"]["mean_ap"]
    assert calibration is not None
    assert trained.best.calibration is not None
    assert calibration.threshold == trained.best.calibration.threshold
    assert not Validator(held_out[:1], tiny_recipe.preprocessing, 0, "here").can_measure


def test_a_checkpoint_starts_weights_of_the_same_neck(model_card: ModelCard, tmp_path: Path) -> None:
    architecture = Architecture(backbone="resnet18", width=0.06, neck="linear", dimension=8)
    network = ReidNetwork(architecture)
    bundle = save_bundle(tmp_path / "b", network, load_recipe("small-resnet18").preprocessing, model_card)
    wider = initial_network(architecture.model_copy(update={"dimension": 16}), bundle.path)
    assert wider.dimension == 16
    same = initial_network(architecture, bundle.path)
    assert torch.equal(same.state_dict()["neck.0.weight"], network.state_dict()["neck.0.weight"])
