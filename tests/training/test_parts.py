"""The trainer's parts: objective, optimizer, precision, initial weights, interrupt, task, validation."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from passerby.data import Dataset
from passerby.data.dataset import people, people_among
from passerby.errors import BundleError, DataError, RecipeError
from passerby.losses.cross_entropy import CrossEntropySpec
from passerby.losses.spec import Supervision
from passerby.losses.supervised_contrastive import SupervisedContrastiveSpec
from passerby.losses.triplet import TripletSpec
from passerby.models.backbones import Attend, Backbone, Transformer, as_they_are
from passerby.models.bundle import Bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.network import Architecture, Features, ReidNetwork
from passerby.training.averaging import WeightAverage
from passerby.training.freezing import Freeze, Freezer, belongs
from passerby.training.initial import initial_network
from passerby.training.interrupt import deferred_interrupt
from passerby.training.learner import Learner
from passerby.training.objective import Objective
from passerby.training.optimizer import Optimizer, set_learning_rate
from passerby.training.precision import autocast, choose_precision
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.targets import Targets
from passerby.training.task import prepare_task, step_generator
from passerby.training.team import Team
from passerby.training.trainer import TrainingResult
from passerby.training.validation import Validator
from passerby.types import Sample

ALONE = Team(0, 1, torch.device("cpu"))


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
    objective = Objective(specs, network, Supervision(4))
    assert objective.names == ["cross_entropy", "triplet_1", "supervised_contrastive", "triplet_3"]
    features = Features(torch.randn(8, network.raw_dimension), torch.randn(8, 9))
    labels = torch.arange(8) // 2
    total, parts = objective(features, Targets(labels), 0)
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
    objective = Objective(specs, network, Supervision(4))
    features, labels = Features(torch.randn(4, network.raw_dimension), torch.randn(4, 9)), torch.arange(4) // 2
    before, after = (objective(features, Targets(labels), epoch) for epoch in (1, 2))
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


def test_what_is_added_to_a_transformers_patches_does_not_decay() -> None:
    transformer = Transformer(positions=(4, 2), camera_weight=3.0, cameras=(3, 7))
    network = ReidNetwork(Architecture(backbone="vit_small", width=0.125, transformer=transformer))
    decayed, free = ({id(p) for p in group["params"]} for group in Optimizer().build([network]).param_groups)
    parameters = dict(network.named_parameters())
    tokens = {f"backbone.{name}" for name in ("cls_token", "pos_embed", "sie_embed")}
    assert tokens <= parameters.keys()
    for name, parameter in parameters.items():
        if parameter.requires_grad:
            assert id(parameter) in (free if name in tokens or parameter.ndim == 1 else decayed), name


def test_each_part_learns_at_the_rate_of_its_longest_prefix_and_stage() -> None:
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.06))
    objective = Objective([CrossEntropySpec(kind="cross_entropy")], network, Supervision(3))
    multipliers = {"backbone": 0.5, "backbone.layer1.0": 3.0, "losses": 2.0}
    spec = Optimizer(learning_rate=0.1, multipliers=multipliers, stage_decay=0.9)
    optimizer = spec.build([network, objective])
    set_learning_rate(optimizer, 0.01)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    parameters = dict(network.named_parameters())
    # ResNet's stages from the input on: conv1 with bn1, then four layers; the neck stands behind them all.
    for name, factor in {
        "backbone.conv1.weight": 0.5 * 0.9**5,
        "backbone.bn1.bias": 0.5 * 0.9**5,
        "backbone.layer1.0.conv1.weight": 3 * 0.9**4,
        "backbone.layer1.1.conv1.weight": 0.5 * 0.9**4,
        "backbone.layer4.1.bn2.weight": 0.5 * 0.9,
        "neck.weight": 1.0,
    }.items():
        assert rates[id(parameters[name])] == pytest.approx(0.01 * factor), name
    assert rates[id(objective.losses[0].weight)] == pytest.approx(0.02)
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert all((decays[id(p)] > 0) == (p.ndim > 1) for p in parameters.values() if p.requires_grad)
    with pytest.raises(RecipeError, match=r"got 'backbone\.layer', with which none begins"):
        Optimizer(multipliers={"backbone.layer": 2.0}).build([network])


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50_ibn_b", "osnet_x0_25"])
def test_every_parameter_of_a_backbone_is_in_one_of_its_stages(backbone: str) -> None:
    network = ReidNetwork(Architecture(backbone=backbone, width=0.06)).backbone
    stages = network.stages()
    assert len(stages) == 5
    for name, _ in network.named_parameters():
        assert sum(belongs(name, part) for stage in stages for part in stage) == 1, name


def test_sequences_and_lists_of_blocks_are_opened_into_stages() -> None:
    class Blocks(Backbone):
        def __init__(self, blocks: nn.Module, *, alone: bool) -> None:
            super().__init__()
            if not alone:
                self.position = nn.Parameter(torch.zeros(1))
                self.patches = nn.Conv2d(3, 2, 1)
            self.blocks = blocks
            if not alone:
                self.norm = nn.LayerNorm(2)

        def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
            return pictures

    layers = [nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Sequential(nn.Conv2d(2, 2, 1))]
    assert Blocks(nn.Sequential(*layers), alone=True).stages() == [
        ("blocks.0", "blocks.1", "blocks.2"),
        ("blocks.3",),
    ]
    blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    expected = [("patches", "position"), ("blocks.0",), ("blocks.1", "norm")]
    assert Blocks(blocks, alone=False).stages() == expected


def test_frozen_stages_keep_weights_and_statistics_until_they_thaw() -> None:
    recipe = load_recipe("small-resnet18", ["architecture.width=0.06", "freeze={stages: 3, epochs: 2}"])
    learner = Learner.build(recipe, np.full(3, 2), ALONE)
    pictures, labels = torch.randn(6, 3, 32, 16), torch.arange(6) // 2
    for epoch, changes in ((0, False), (1, False), (2, True)):
        before = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
        learner.begin_epoch(epoch)
        learner.step(pictures, Targets(labels), epoch, 0, 1)
        changed = {name for name, t in learner.network.state_dict().items() if not torch.equal(t, before[name])}
        for part in ("conv1", "bn1", "layer1", "layer2"):
            assert any(name.startswith(f"backbone.{part}.") for name in changed) == changes, (epoch, part)
        assert {"backbone.layer3.0.conv1.weight", "backbone.layer4.1.bn2.running_mean", "neck.weight"} <= changed
    with pytest.raises(RecipeError, match="expected 0 to 5, the stages of this backbone, or all, got 6"):
        Freezer(Freeze(stages=6), learner.network.backbone)


def test_the_mean_of_weights_is_the_naive_one(network: ReidNetwork) -> None:
    average = WeightAverage(network, 0.6)
    name, buffer = "backbone.conv1.weight", "backbone.bn1.running_var"
    expected = {key: network.state_dict()[key].double().clone() for key in (name, buffer)}
    for step in range(12):
        with torch.no_grad():
            for tensor in (network.state_dict()[name], network.state_dict()[buffer]):
                tensor += torch.randn_like(tensor)
        network.state_dict()["backbone.bn1.num_batches_tracked"] += 1
        average.update(network)
        decay = min(0.6, (1 + step) / (10 + step))
        expected = {k: decay * v + (1 - decay) * network.state_dict()[k].double() for k, v in expected.items()}
    means = average.network.state_dict()
    for key, value in expected.items():
        torch.testing.assert_close(means[key].double(), value, rtol=1e-5, atol=1e-5)
    assert int(means["backbone.bn1.num_batches_tracked"]) == 12
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_accumulated_gradients_are_the_mean_of_the_batches_and_are_clipped() -> None:
    settings = ["architecture={backbone: resnet18, width: 0.06, neck: linear}", "precision=fp32"]
    settings += ["optimizer={kind: sgd, learning_rate: 0.1, weight_decay: 0, momentum: 0, accumulate: 2}"]
    recipe = load_recipe("small-resnet18", [*settings, "optimizer.clip_norm=0.01"])
    learner, plain = (Learner.build(recipe, np.full(4, 2), ALONE) for _ in range(2))
    batches = [(torch.randn(8, 3, 32, 16), torch.arange(8) // 2) for _ in range(3)]
    # Fixed statistics, or the second batch would see other ones than the first.
    learner.network.eval()
    plain.network.eval()
    start = torch.cat([p.detach().flatten().clone() for p in learner.network.parameters()])
    moved = []
    for step, (pictures, labels) in enumerate(batches):
        assert learner.updates_after(step, 3) == (step > 0)
        learner.step(pictures, Targets(labels), 0, step, 3)
        moved.append(torch.cat([p.detach().flatten() for p in learner.network.parameters()]) - start)
    assert not bool(moved[0].any())
    total = sum(plain.objective(plain.network(p), Targets(labels), 0)[0] for p, labels in batches[:2]) / 2
    total.backward()
    parameters = [p for p in (*plain.network.parameters(), *plain.objective.parameters()) if p.grad is not None]
    norm = torch.sqrt(sum(p.grad.square().sum() for p in parameters))
    gradient = torch.cat(
        [torch.zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in plain.network.parameters()]
    )
    torch.testing.assert_close(moved[1], -0.1 * gradient * 0.01 / norm, rtol=1e-3, atol=1e-7)
    # The last batch of an epoch makes a step by itself where it begins a group, with its own whole gradient.
    assert 0 < (moved[2] - moved[1]).norm() <= 0.1 * 0.01 * 1.001


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
