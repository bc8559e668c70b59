"""What trainings of methods have besides a network: weights of losses, running embeddings, turns, occlusion."""

import math
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from passerby.data import Dataset, read_dataset
from passerby.errors import DataError, RecipeError
from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.models.attention.spec import AttentionSpec
from passerby.models.network import Architecture, ReidNetwork
from passerby.training.attributes import attribute_table, table_of
from passerby.training.decorrelation import Decorrelation, decorrelated, embedding_layer
from passerby.training.fitting import check_map_sizes
from passerby.training.learner import Learner
from passerby.training.occlusion import Occlusion, occlude
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.reporter import Reporter
from passerby.training.running import RunningEmbeddings
from passerby.training.targets import Targets
from passerby.training.task import prepare_task
from passerby.training.team import Team
from passerby.training.trainer import train
from passerby.training.weighting import Weighting

NAMES = ["cross_entropy", "triplet", "centre"]


def test_fixed_weights_are_a_plain_sum() -> None:
    weighted = Weighting().build(NAMES, [1, 0.5, 2])
    losses = torch.tensor([3.0, 2.0, 1.0], requires_grad=True)
    assert weighted(losses, torch.ones(3, dtype=torch.bool)).item() == 3 + 1 + 2
    assert not list(weighted.parameters())


def test_learnt_weights_are_kendall_s_for_the_named_losses() -> None:
    weighted = Weighting(kind="learnt", losses=("triplet", "centre")).build(NAMES, [1, 0.5, 2])
    (s,) = weighted.parameters()
    with torch.no_grad():
        s.copy_(torch.tensor([9.0, 0.4, -1.0]))
    losses = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float32, requires_grad=True)
    total = weighted(losses, torch.tensor([True, True, False]))
    # Cross-entropy stays fixed, and centre has not begun.
    assert total.item() == pytest.approx(3 + 0.5 * (math.exp(-0.4) * 2 + 0.2))
    total.backward()
    assert s.grad is not None
    assert s.grad.tolist() == pytest.approx([0, 0.5 * (-math.exp(-0.4) * 2 + 0.5), 0])
    with torch.no_grad():
        s.fill_(-50)
    assert math.isfinite(weighted(losses, torch.ones(3, dtype=torch.bool)).item())


def test_dynamic_weights_follow_how_slowly_losses_fall() -> None:
    weighted = Weighting(kind="dynamic", temperature=2).build(NAMES, [1, 1, 1])
    losses = torch.tensor([3.0, 2.0, 1.0])
    every = torch.ones(3, dtype=torch.bool)
    weighted.end_epoch(torch.tensor([4.0, 2.0, 0.0]))
    assert weighted(losses, every).item() == 6
    weighted.end_epoch(torch.tensor([2.0, 1.8, 1.0]))
    shares = [math.exp(ratio / 2) for ratio in (0.5, 0.9, 1.0)]
    factors = [3 * share / sum(shares) for share in shares]
    expected = sum(factor * loss for factor, loss in zip(factors, (3, 2, 1), strict=True))
    assert weighted(losses, every).item() == pytest.approx(expected)
    assert set(weighted.state_dict()) == {"factors", "before"}


def test_running_embeddings_are_those_at_the_epoch_s_start() -> None:
    running = RunningEmbeddings(3, 2, momentum=0.5)
    running.begin_epoch()
    assert not running.drawn_by().any()
    running.follow(torch.tensor([[2.0, 0], [0, 5.0], [3, 0]]), torch.tensor([0, 0, 2]))
    np.testing.assert_allclose(running.now, [[0.5, 0.5], [0, 0], [1, 0]])
    assert not running.drawn_by().any()
    running.follow(torch.tensor([[0.0, 1.0]]), torch.tensor([2]))
    running.begin_epoch()
    np.testing.assert_allclose(running.drawn_by(), [[0.5, 0.5], [0, 0], [0.5, 0.5]])


def test_decorrelated_rows_are_orthogonal_and_keep_distances() -> None:
    weight = torch.randn(5, 9)
    turned, turn = decorrelated(weight)
    torch.testing.assert_close(weight.T @ turn, turned.T, atol=1e-5, rtol=1e-5)
    gram = turned @ turned.T
    torch.testing.assert_close(gram, torch.diag(gram.diagonal()), atol=1e-4, rtol=0)
    inputs = torch.randn(6, 9)
    before, after = inputs @ weight.T, inputs @ turned.T
    torch.testing.assert_close(torch.cdist(after, after), torch.cdist(before, before))
    wide, turn = decorrelated(torch.randn(9, 5))
    assert wide.shape == (9, 5)
    assert turn.shape == (9, 9)
    assert not bool(wide[5:].any())


def test_classifiers_turn_with_the_layer_and_say_what_they_said() -> None:
    settings = ["architecture={backbone: resnet18, width: 0.06, neck: projection, dimension: 6}", "precision=fp32"]
    settings += [
        "decorrelation={rounds: 1, from_epoch: 0}",
        "losses=[{kind: cross_entropy}, {kind: cross_entropy, hidden: 6}]",
    ]
    learner = Learner.build(load_recipe("svdnet-resnet50", settings), np.full(4, 2), Team(0, 1, torch.device("cpu")))
    pictures, targets = torch.randn(4, 3, 32, 16), Targets(torch.arange(4))
    nn.init.normal_(learner.objective.losses[0].weight)
    learner.network.eval()
    before = learner.network(pictures)
    loss = learner.objective(before, targets, 0)[0]
    learner.begin_epoch(0)
    learner.network.eval()
    after = learner.network(pictures)
    assert not torch.allclose(after.neck, before.neck)
    torch.testing.assert_close(learner.objective(after, targets, 0)[0], loss)


def test_turns_of_restraint_and_relaxation() -> None:
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.06, neck="projection", dimension=6))
    linear = embedding_layer(network)
    assert linear is not None
    turns = Decorrelation(rounds=2, from_epoch=1, restraint=2, relaxation=1)
    learns = []
    for epoch in range(8):
        before = linear.weight.detach().clone()
        turns.apply(network, epoch, starts=True)
        learns.append(linear.weight.requires_grad)
        assert torch.equal(before, linear.weight) == (epoch not in (1, 4)), epoch
        with torch.no_grad():
            linear.weight += 0.1 * torch.randn_like(linear.weight)
    assert learns == [True, False, False, True, False, False, True, True]
    before = linear.weight.detach().clone()
    turns.apply(network, 4, starts=False)
    assert torch.equal(before, linear.weight)
    assert embedding_layer(ReidNetwork(Architecture(backbone="resnet18", width=0.06))) is None


def test_the_window_is_hidden_that_the_network_misses_most() -> None:
    class Looks(nn.Module):
        """Knows people by the first channel's mean in the lower left corner alone."""

        def forward(self, pictures: torch.Tensor) -> "Looks.Seen":
            corner = pictures[:, 0, -10:, :10].mean((1, 2))
            return Looks.Seen(torch.stack([corner, -corner], 1))

        class Seen:
            def __init__(self, neck: torch.Tensor) -> None:
                self.neck = neck

    identity = CrossEntropyLoss(2, 2)
    nn.init.eye_(identity.weight)
    network = Looks().train()
    pictures = torch.rand(4, 3, 40, 20) + 1
    labels = torch.zeros(4, dtype=torch.int64)

    def hide(occlusion: Occlusion) -> torch.Tensor:
        return occlude(network, identity, pictures, labels, occlusion)  # type: ignore[arg-type]

    hidden = hide(Occlusion(share=0.5, rows=0.25, columns=0.5))
    changed = (hidden != pictures).flatten(1).any(1)
    assert int(changed.sum()) == 2
    for picture in changed.nonzero()[:, 0]:
        where = (hidden[picture] == 0).all(0).nonzero()
        assert where.min(0).values.tolist() == [30, 0]
        assert where.max(0).values.tolist() == [39, 9]
    assert network.training
    assert torch.equal(hide(Occlusion()), pictures)


@pytest.mark.parametrize("backbone", ["resnet18", "osnet_x0_25"])
def test_the_smallest_pictures_for_unpadded_convolutions_are_named(backbone: str) -> None:
    spec = AttentionSpec(kind="encoder_decoder", after="layer3")
    network = ReidNetwork(Architecture(backbone=backbone, width=0.125, attention=(spec,)))
    with pytest.raises(RecipeError, match=r"at least 7×7, so pictures of at least (\d+)×(\d+), got 128×64") as raised:
        check_map_sizes(network, 128, 64)
    smallest = int(str(raised.value).split("pictures of at least ")[1].split("×")[0])
    check_map_sizes(network, smallest, smallest)
    network.eval()(torch.zeros(1, 3, smallest, smallest))
    with pytest.raises(RecipeError):
        check_map_sizes(network, smallest - 1, smallest)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, smallest - 1, smallest))


class Stopper(Reporter):
    """Presses Ctrl-C after a step."""

    def __init__(self, after: int) -> None:
        self.after = after

    def step(self, done: int, total: int, loss: float) -> None:
        if done == self.after:
            os.kill(os.getpid(), signal.SIGINT)


STATEFUL = {
    "hard people, dynamic weights": [
        "batch={sampler: hard_people, people: 4, pictures: 2, together: 2}",
        "losses=[{kind: cross_entropy}, {kind: oim}, {kind: centre, weight: 0.001}]",
        "weighting.kind=dynamic",
    ],
    "turns, learnt weights": [
        "architecture.neck=projection",
        "architecture.dimension=8",
        "decorrelation={rounds: 1, from_epoch: 1, restraint: 1, relaxation: 1}",
        "losses=[{kind: domain_guided}, {kind: camera, adversarial: true}, {kind: triplet, mining: curriculum}]",
        "weighting.kind=learnt",
    ],
    "pairs, attention, occlusion, transfer": [
        "batch={sampler: pairs, people: 4}",
        "architecture.attention=[{kind: channel, after: layer2}, {kind: drop_block, beside: true}]",
        "losses=[{kind: cross_entropy}, {kind: uniformity}, {kind: verification}, {kind: feature_orthogonality}]",
        "occlusion={share: 0.2, from_epoch: 1}",
        "augmentation={camera_transfer: 0.5, blur: 0.3, jpeg: 0.3}",
    ],
    "cameras in turn": [
        "batch={sampler: cameras, people: 4, pictures: 2}",
        "losses=[{kind: camera_classifier}, {kind: batch_all}, {kind: weight_orthogonality}]",
    ],
}


@pytest.mark.parametrize("settings", STATEFUL.values(), ids=STATEFUL.keys())
def test_interrupted_in_the_middle_of_an_epoch_it_goes_on_to_the_same_end(
    settings: list[str], recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    recipe = load_recipe(recipe_file, [*settings, "validation.every=3"])
    whole = train(recipe, dataset, tmp_path / "whole", device="cpu")
    steps = len(prepare_task(recipe, dataset).batches(recipe, 0))
    assert steps > 1
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "cut", device="cpu", reporter=Stopper(steps + 1))
    rest = train(recipe, dataset, tmp_path / "cut", device="cpu", resume=True)
    assert rest.last.identity == whole.last.identity
    for row in (*whole.rows, *rest.rows):
        del row["seconds"], row["cpu_seconds"]
    assert whole.rows == rest.rows


def test_words_become_columns() -> None:
    words = [{"hat": "no", "up": "red"}, {"hat": "yes", "up": "blue"}, {"hat": "no"}, {"hat": "no", "up": "green"}]
    table = table_of(words)
    assert table.names == ("hat=yes", "up=blue", "up=green", "up=red")
    assert table.values.tolist() == [[0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert table.rates() == (0.25, 0.25, 0.25, 0.25)
    with pytest.raises(DataError, match="in which training people differ"):
        table_of([{"hat": "no"}, {"hat": "no"}])


def test_attributes_of_the_data_set_and_who_has_none(dataset: Dataset) -> None:
    known = {sample.person_id: {"hat": "yes" if sample.person_id % 2 else "no"} for sample in dataset.train}
    told = replace(dataset, attributes=known)
    table = attribute_table(told, dataset.train)
    assert table.names == ("hat=yes",)
    assert table.values[:, 0].tolist() == [sample.person_id % 2 for sample in dataset.train]
    del known[3]
    with pytest.raises(DataError, match=r"attributes of all 12 training people, got none of 1, such as 3; complete"):
        attribute_table(told, dataset.train)
    with pytest.raises(DataError, match=r"expected attributes of people .*, got none; use Market-1501"):
        attribute_table(dataset, dataset.train)


def test_losses_of_cameras_want_two_of_them(tiny_recipe: Recipe, people_folder: Path) -> None:
    alone = read_dataset(people_folder)
    recipe = tiny_recipe.model_copy(
        update={"losses": load_recipe("oim-resnet50", ["losses=[{kind: camera}]"]).losses}
    )
    one = replace(alone, train=tuple(replace(sample, camera_id=1) for sample in alone.train))
    with pytest.raises(DataError, match="at least two known cameras for camera, got 1"):
        prepare_task(recipe, one)
