"""`passerby ablate`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerby.models.bundle import load_bundle

Command = Callable[..., Any]
ATTENTION = "architecture.attention=[{kind: channel, after: layer2}, {kind: position, after: layer2}]"


def test_attention_moves_from_layer_to_layer(
    passerby: Command, recipe_file: Path, market: Path, tmp_path: Path
) -> None:
    settings = [ATTENTION, "epochs=1", "schedule.warmup_epochs=0"]
    settings.append("losses=[{kind: cross_entropy}, {kind: uniformity}]")
    command = ["ablate", recipe_file, "--data", market, "--output", tmp_path / "runs"]
    command += [part for setting in settings for part in ("--set", setting)]
    outcome = passerby(*command, "--layers", "none,layer1,layer4")
    assert outcome.code == 0
    content = json.loads((tmp_path / "runs" / "ablation.json").read_text())
    assert [one["place"] for one in content["places"]] == ["none", "layer1", "layer4"]
    for one in content["places"]:
        assert f"{one['figures']['validation_mean_ap']:.4f}" in outcome.out
        attention = load_bundle(one["model"]).architecture.attention
        assert [spec.after for spec in attention] == ([] if one["place"] == "none" else [one["place"]] * 2)
    first = (tmp_path / "runs" / "layer1" / "checkpoint.safetensors").stat().st_mtime_ns
    assert passerby(*command, "--layers", "layer1").code == 0
    assert (tmp_path / "runs" / "layer1" / "checkpoint.safetensors").stat().st_mtime_ns == first


def test_layers_that_cannot_be(passerby: Command, recipe_file: Path, market: Path, tmp_path: Path) -> None:
    command = ["ablate", recipe_file, "--data", market, "--output", tmp_path / "runs"]
    masks = "losses=[{kind: uniformity}]"
    tight = "architecture.attention=[{kind: encoder_decoder}]"
    for arguments, reason in (
        (("--set", ATTENTION, "--layers", "layer5"), "expected different layers of none, layer1"),
        (("--set", ATTENTION, "--layers", "layer1,layer1"), "expected different layers"),
        (("--set", ATTENTION, "--layers", ","), "expected different layers"),
        ((), "tiny: expected a recipe with attention, got none"),
        (("--set", ATTENTION, "--set", masks, "--layers", "none"), "expected a loss that needs no attention"),
        (("--set", tight, "--layers", "layer1,layer3"), "pictures of at least 97×97, got 64×32"),
    ):
        outcome = passerby(*command, *arguments)
        assert outcome.code == 2
        assert reason in outcome.error
        assert not (tmp_path / "runs").exists()
