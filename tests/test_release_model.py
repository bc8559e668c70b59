"""`tools/release_model.py` on people and a network small enough for a test."""

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from passerby.data import read_dataset
from passerby.evaluation.bootstrap import Interval
from passerby.evaluation.groups import GroupErrors, GroupReport
from passerby.evaluation.model import evaluate_on, from_model, group_errors_of, task_on
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.embedder import TorchEmbedder
from passerby.synthetic import render_people
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train

ASKED_FOR = (
    *("skin_tone", "build", "height", "upper", "lower", "upper_colour", "lower_colour", "bag", "light", "size"),
    *("visible_fraction", "camera"),
)


@pytest.fixture(scope="module")
def tool(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    return module_at(Path(__file__).parents[1] / "tools" / "release_model.py")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People to train on, and unseen ones."""
    root = tmp_path_factory.mktemp("world")
    small = {"cameras": 2, "pictures": 2, "height": 64, "width": 32}
    render_people(root / "people", people=6, seed=1, train_people=6, **small)
    render_people(root / "unseen", people=16, seed=2, train_people=5, **small)
    return root


@pytest.fixture(scope="module")
def released(tool: ModuleType, world: Path, recipe_file: Path) -> Bundle:
    recipe = load_recipe(recipe_file, ["epochs=2", "batch.pictures=2"])
    train(recipe, read_dataset(world / "people"), world / "run", device="cpu")
    arguments = [world / "run", "--data", world / "people", "--unseen", world / "unseen"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "argv", ["", *map(str, arguments), "--hardware", "a test", "--output", str(world / "model")]
        )
        tool.main()
    return load_bundle(world / "model")


def test_the_card_holds_error_rates_of_every_kind_of_person(released: Bundle, world: Path) -> None:
    assert released.groups is not None
    assert released.calibration is not None
    found = GroupReport.from_dict(released.groups)
    assert found.source == "11 synthetic test people of unseen"
    assert found.threshold == pytest.approx(released.calibration.threshold, rel=1e-3)
    assert {group.attribute for group in found.groups} == set(ASKED_FOR)
    for attribute in ASKED_FOR:
        assert sum(group.queries for group in found.groups if group.attribute == attribute) == 22
    for group in found.groups:
        for interval in (group.rank_1, group.false_reject_rate, group.false_accept_rate):
            assert interval is not None
            assert 0 <= interval.low <= interval.value <= interval.high <= 1

    unseen = read_dataset(world / "unseen")
    embeddings = from_model(TorchEmbedder(released, "cpu"))
    measured = group_errors_of(task_on(embeddings, unseen), unseen, ["bag"], released.calibration)
    again = [group for group in found.groups if group.attribute == "bag"]
    assert [group.group for group in again] == [group.group for group in measured.groups]
    for stored, new in zip(again, measured.groups, strict=True):
        assert stored.rank_1 is not None
        assert new.rank_1 is not None
        assert stored.rank_1.value == pytest.approx(new.rank_1.value, rel=1e-3)
        assert stored.rank_1.high == pytest.approx(new.rank_1.high, rel=1e-3)
    assert released.figures["unseen, synthetic test people"]["mAP"] == pytest.approx(
        evaluate_on(embeddings, unseen).metrics.mean_ap
    )


def test_the_card_says_what_a_training_cannot_know(released: Bundle) -> None:
    card = released.card
    assert "synthetic people drawn by passerby.synthetic" in card.trained_on
    assert card.hardware is not None
    assert card.hardware.startswith("a test, ")
    assert len(card.training_keys()) == 6
    assert len([limit for limit in card.limits if "Tried against it" in limit]) == len(
        {sentence.partition(":")[0] for sentence in released.groups["differences"]}  # type: ignore[index]
    )


def test_large_differences_become_limits_one_for_each_attribute(tool: ModuleType) -> None:
    sentences = (
        "skin_tone: rank-1 is 80.0% (light, 50 people) against 60.0% (dark, 20 people).",
        "skin_tone: FAR is 2.00% (dark, 20 people) against 0.50% (light, 50 people).",
        "bag: FRR is 30.0% (none, 90 people) against 20.0% (backpack, 30 people).",
    )
    limits = tool.differences(GroupReport(0.3, (), sentences, "150 synthetic test people of unseen"))
    assert len(limits) == 2
    assert limits[0].startswith(
        "by skin tone, on 150 synthetic test people of unseen: rank-1 is 80.0% (light, 50 people) against 60.0% "
        "(dark, 20 people); FAR is 2.00% (dark, 20 people) against 0.50% (light, 50 people). Tried against it: "
    )
    assert "bag: FRR" not in limits[1]
    assert limits[1].startswith("by bag, ")
    assert tool.differences(GroupReport(0.3, (), (), "")) == []


def test_rounding_keeps_four_digits_and_everything_else(tool: ModuleType) -> None:
    interval = Interval(0.123456, 0.0000123456, 1.0)
    group = GroupErrors("bag", "none", 3, 9, interval, None, interval, None)
    report = GroupReport(0.314159, (group,), ("a: b.",), "c")
    back = GroupReport.from_dict(tool.rounded(report.to_dict()))
    short = Interval(0.1235, 0.00001235, 1.0)
    assert back == replace(report, threshold=0.3142, groups=(replace(group, rank_1=short, false_accept_rate=short),))


def test_a_training_on_other_pictures_is_refused(tool: ModuleType, released: Bundle, world: Path) -> None:
    foreign = replace(released, card=released.card.model_copy(update={"provenance": None}))
    with pytest.raises(Exception, match="expected a training on synthetic people, got one on other pictures"):
        tool.whole_card(
            foreign, read_dataset(world / "people"), GroupReport(0.3, (), ()), Namespace(training=world / "run")
        )
