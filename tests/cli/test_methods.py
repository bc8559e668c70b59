"""What `passerby train` says of recipes of methods that do not fit, before training starts."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("recipe", "settings", "reason"),
    [
        (
            "agw-resnet50",
            ["architecture.attention.0.after=layer5"],
            "architecture.attention.0.after: input should be 'layer1', 'layer2', 'layer3' or 'layer4', got 'layer5'",
        ),
        (
            "agw-resnet50",
            ["architecture.attention.0.afer=layer3"],
            "unknown key 'architecture.attention.0.afer'; did you mean 'architecture.attention.0.after'?",
        ),
        (
            "siamese-attention-resnet50",
            ["architecture.width=0.06", "preprocessing.height=128", "preprocessing.width=64"],
            "architecture.attention after layer3: unpadded convolutions want maps of at least 7×7, so pictures of at "
            "least 97×97, got 128×64; see preprocessing.height, preprocessing.width and small_pictures",
        ),
        (
            "siamese-attention-resnet50",
            ["architecture.width=0.06", "small_pictures={epochs: 2, scale: 0.5}"],
            "pictures of at least 97×97, got 128×64",
        ),
        (
            "trihard-resnet50",
            ["batch.pictures=1"],
            "losses: expected batch.pictures of at least 2 for triplet, which compares pictures of one person, got "
            "1: a batch without positives",
        ),
        (
            "circle-resnet50",
            ["weighting={kind: learnt, losses: [circle, triplet]}"],
            "weighting: expected names of the recipe's losses (cross_entropy, circle), got 'triplet'",
        ),
        ("circle-resnet50", ["losses.2.weight=3"], "unknown key 'losses.2.weight': nothing stands at '2'"),
        (
            "circle-resnet50",
            ["losses=[{kind: cross_entropy}, {kind: uniformity}]"],
            "losses: expected attention of a kind channel, encoder_decoder, harmonious for uniformity, got none",
        ),
        (
            "baseline-resnet50",
            ["decorrelation.rounds=1"],
            "decorrelation: expected architecture.neck=projection or reduced for decorrelation, got bnneck",
        ),
        (
            "trihard-resnet50",
            ["occlusion.share=0.1"],
            "occlusion: expected a cross_entropy loss on the neck for occlusion, got none",
        ),
        (
            "baseline-resnet50",
            ["batch={sampler: pairs, in_a_row: 2}"],
            "batch: expected the sampler people with in_a_row, got pairs",
        ),
        (
            "baseline-resnet50",
            ["batch.sampler=pairs", "long_tail.sampling=people"],
            "long_tail: expected batch.sampler=people with long_tail.sampling, which is a sampler itself",
        ),
        (
            "attributes-resnet50",
            ["architecture.width=0.06"],
            "expected attributes of people for the loss attributes, got none; use Market-1501 with its attributes",
        ),
    ],
)
def test_recipes_that_do_not_fit_are_refused_before_training(
    passerby: Command, market: Path, tmp_path: Path, recipe: str, settings: list[str], reason: str
) -> None:
    output = tmp_path / "run"
    given = [part for setting in settings for part in ("--set", setting)]
    outcome = passerby("train", recipe, "--data", market, "--output", output, "--device", "cpu", *given)
    assert outcome.code == 2
    assert reason in outcome.error
    assert not output.exists()


def test_people_without_attributes_are_named_before_training(passerby: Command, market: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    described = [f"{person:04d}" for person in range(1, 19) if person not in (4, 7)]
    columns = {"hat": np.arange(len(described)) % 2 + 1, "image_index": np.array(described, dtype=object)}
    split = np.empty((1, 1), dtype=[(name, object) for name in columns])
    for name, values in columns.items():
        split[0, 0][name] = values.reshape(1, -1) if name == "hat" else values.reshape(-1, 1)
    both = np.empty((1, 1), dtype=[("train", object), ("test", object)])
    both[0, 0]["train"] = both[0, 0]["test"] = split
    savemat(root / "market_attribute.mat", {"market_attribute": both})
    small = ("--set", "architecture.width=0.06", "--set", "validation.share=0")
    outcome = passerby("train", "attributes-resnet50", "--data", root, "--output", tmp_path / "run", *small)
    assert outcome.code == 2
    assert "expected attributes of all 12 training people, got none of 2, such as 4" in outcome.error
    assert not (tmp_path / "run").exists()
