"""Re-sampling and re-weighting for people with few pictures, at once or deferred."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from passerby.data import Dataset
from passerby.errors import RecipeError
from passerby.models.network import Features
from passerby.training.learner import Learner
from passerby.training.long_tail import LongTail, effective_number_weights
from passerby.training.recipe import load_recipe
from passerby.training.targets import Targets
from passerby.training.task import prepare_task
from passerby.training.team import Team

ALONE = Team(0, 1, torch.device("cpu"))


def test_weights_are_the_inverse_of_the_effective_number() -> None:
    pictures = np.array([1, 5, 40, 1000])
    for beta in (0.0, 0.9, 0.999, 0.999999):
        naive = np.array([1 / sum(beta**j for j in range(n)) for n in pictures])
        np.testing.assert_allclose(effective_number_weights(pictures, beta), naive / naive.mean(), rtol=1e-5)
    assert LongTail().weights(pictures) is None
    np.testing.assert_allclose(effective_number_weights(pictures, 0), 1)


def test_deferred_weights_count_in_cross_entropy_alone_and_later() -> None:
    tail = "long_tail={reweighting: effective_number, beta: 0.9, from_epoch: 3}"
    recipe = load_recipe("small-resnet18", ["architecture.width=0.06", tail])
    counts = np.array([2, 9, 30])
    learner = Learner.build(recipe, counts, ALONE)
    objective, labels = learner.objective, torch.tensor([0, 0, 1, 1, 2, 2])
    features = Features(torch.randn(6, learner.network.raw_dimension), torch.randn(6, learner.network.dimension))
    early, late = (objective(features, Targets(labels), epoch)[1] for epoch in (2, 3))
    logits = 16 * F.normalize(features.neck) @ F.normalize(objective.losses[0].weight).T
    losses = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="none")
    weights = torch.from_numpy(effective_number_weights(counts, 0.9))[labels]
    assert early[0].item() == pytest.approx(losses.mean().item(), rel=1e-5)
    assert late[0].item() == pytest.approx(((weights * losses).sum() / weights.sum()).item(), rel=1e-5)
    assert early[1] == late[1]
    assert "person_weights" not in objective.state_dict()


def test_deferred_sampling_draws_as_before_until_its_epoch(dataset: Dataset) -> None:
    settings = ["batch={people: 4, pictures: 3}", "preprocessing={height: 64, width: 32}"]
    plain = load_recipe("small-resnet18", settings)
    deferred = load_recipe("small-resnet18", [*settings, "long_tail={sampling: people, from_epoch: 2}"])
    task = prepare_task(plain, dataset)
    for epoch, same in ((0, True), (1, True), (2, False)):
        one, other = task.batches(plain, epoch), task.batches(deferred, epoch)
        assert all(len(batch) == 12 for batch in other)
        assert (len(one) == len(other) and all(map(np.array_equal, one, other))) == same


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["long_tail.sampling=people", "batch.in_a_row=2"], "expected batch.in_a_row=1 with long_tail.sampling"),
        (
            ["long_tail.reweighting=effective_number", "losses=[{kind: triplet}]"],
            "expected a cross_entropy loss for long_tail.reweighting, got none",
        ),
        (["long_tail.beta=1"], "long_tail.beta: input should be less than 1, got 1"),
        (["long_tail.sampling=classes"], "long_tail.sampling: input should be 'pictures', 'square_root' or 'people'"),
    ],
)
def test_what_does_not_fit_is_refused(settings: list[str], reason: str) -> None:
    with pytest.raises(RecipeError) as raised:
        load_recipe("small-resnet18", settings)
    assert reason in str(raised.value)


def test_a_deferral_beyond_the_end_is_cautioned() -> None:
    recipe = load_recipe("small-resnet18", ["epochs=4", "schedule.warmup_epochs=0", "long_tail.from_epoch=4"])
    assert recipe.cautions() == ["training ends after 4 epochs, before long_tail.from_epoch"]
