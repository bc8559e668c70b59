"""Every command on tiny data: what it prints, and what it leaves."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from passerby.models.backbones import BACKBONES
from passerby.models.bundle import Bundle, load_bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.probability import same_person_probability, search_odds
from passerby.training.recipe import Recipe
from passerby.training.trainer import TrainingResult


@pytest.fixture
def model(trained: TrainingResult, tmp_path: Path) -> Path:
    """A copy of the trained model, to change."""
    return Path(shutil.copytree(trained.best.path, tmp_path / "model"))


@pytest.fixture
def pictures(market: Path) -> list[Path]:
    return sorted((market / "query").iterdir())


def fields(out: str) -> dict[str, str]:
    return {line.split("  ")[0].strip(): line.partition("  ")[2].strip() for line in out.splitlines() if "  " in line}


def test_inspecting_a_data_set(passerby: Callable[..., Any], market: Path) -> None:
    outcome = passerby("data", "inspect", market)
    assert outcome.code == 0
    assert fields(outcome.out)["format"].startswith("market1501, known by folders bounding_box_train")
    rows = {line.split()[0]: line.split()[1:] for line in outcome.out.splitlines() if line}
    assert rows["train"] == ["72", "12", "2", "6–6", "0", "0", "0"]
    assert rows["query"] == ["12", "6", "2", "2–2", "0", "0", "0"]
    assert "broken: none" in outcome.out
    assert "not part of the data set: none" in outcome.out


def test_inspecting_as_json_tells_all(passerby: Callable[..., Any], market: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    (root / "query" / "Thumbs.db").touch()
    broken = root / "query" / "0013_c1s1_000000_00.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    outcome = passerby("data", "inspect", root, "--json")
    assert outcome.code == 2
    content = json.loads(outcome.out)
    assert (content["name"], content["format"]) == ("market", "market1501")
    assert content["splits"]["train"]["pictures"] == 72
    assert content["ignored"] == [
        {"path": str(root / "query" / "Thumbs.db"), "reason": "not a picture by its ending"}
    ]
    assert [entry["path"] for entry in content["broken"]] == [str(broken)]
    text = passerby("data", "inspect", root)
    assert text.code == 2
    assert "broken: 1" in text.out
    assert str(broken) in text.out


def test_inspecting_folders_per_person_with_cameras(passerby: Callable[..., Any], people_folder: Path) -> None:
    options = ("--camera-pattern", "cam([0-9])", "--test-share", 0.5)
    outcome = passerby("data", "inspect", people_folder, *options, "--json")
    splits = json.loads(outcome.out)["splits"]
    assert (outcome.code, splits["query"]["people"], splits["gallery"]["cameras"]) == (0, 4, 2)
    unknown = passerby("data", "inspect", people_folder)
    assert "unknown" in unknown.out


def test_names_with_square_brackets_are_printed_as_they_are(
    passerby: Callable[..., Any], people_folder: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(people_folder, tmp_path / "[red]set[blue]"))
    (root / "ann" / "[bold]broken[x].jpg").write_text("no picture")
    outcome = passerby("data", "inspect", root)
    assert outcome.code == 2
    assert str(root / "ann" / "[bold]broken[x].jpg") in outcome.out


def test_recipes_are_listed_and_printed(passerby: Callable[..., Any], tmp_path: Path) -> None:
    listed = passerby("recipes")
    assert listed.code == 0
    for name in ("baseline-resnet50", "trihard-resnet50", "osnet-x1-0", "osnet-x0-25", "small-resnet18"):
        assert f"{name} " in listed.out
    printed = passerby("recipes", "small-resnet18")
    (tmp_path / "mine.yaml").write_text(printed.out)
    again = passerby("recipes", tmp_path / "mine.yaml")
    assert (again.code, again.out) == (0, printed.out)


def test_training_leaves_bundles_and_says_where(
    passerby: Callable[..., Any], recipe_file: Path, market: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    settings = ("--set", "epochs=2", "--set", "seed=3")
    outcome = passerby("train", recipe_file, "--data", market, "--output", output, *settings, "--device", "cpu")
    assert outcome.code == 0, outcome.err
    found = fields(outcome.out)
    assert (found["best"], found["last"], found["log"]) == (
        str(output / "best"),
        str(output / "last"),
        str(output / "log.csv"),
    )
    assert "rank-1" in found["validation"]
    assert "FAR at most 0.01" in found["threshold"]
    assert "epoch   2  loss" in outcome.err
    assert load_bundle(output / "best").card.recipe["seed"] == 3  # type: ignore[index]
    again = passerby("train", recipe_file, "--data", market, "--output", output, *settings)
    assert again.code == 2
    assert "--resume" in again.error
    resumed = passerby("train", recipe_file, "--data", market, "--output", output, *settings, "--resume")
    assert (resumed.code, resumed.out) == (0, outcome.out)
    forced = passerby("train", recipe_file, "--data", market, "--output", output, "--force", "--set", "epochs=1")
    assert forced.code == 0


def test_training_on_one_s_own_pictures(
    passerby: Callable[..., Any], recipe_file: Path, people_folder: Path, tmp_path: Path
) -> None:
    pattern = ("--camera-pattern", "cam([0-9])", "--test-share", 0.25)
    where = ("--data", people_folder, "--output", tmp_path / "run", "--set", "epochs=1")
    outcome = passerby("train", recipe_file, *where, *pattern)
    assert outcome.code == 0, outcome.err
    evaluated = passerby("evaluate", tmp_path / "run" / "best", "--data", people_folder, *pattern)
    assert evaluated.code == 0


def test_evaluating_a_model(passerby: Callable[..., Any], model: Path, market: Path, tmp_path: Path) -> None:
    outcome = passerby(
        "evaluate", model, "--data", market, "--json", tmp_path / "deep" / "f.json", "--report", tmp_path / "report"
    )
    assert outcome.code == 0, outcome.err
    found = fields(outcome.out)
    figures = json.loads((tmp_path / "deep" / "f.json").read_text())
    assert figures["model"] == load_bundle(model).identity
    assert figures["data"] == "market"
    interval = figures["intervals"]["rank_1"]
    assert interval["value"] == figures["rank_1"]
    shown = f"{interval['value']:.1%} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"
    assert found["rank-1"] == shown
    assert found["AUC"].startswith(f"{figures['verification']['auc']:.1%}")
    assert found["mAP"].startswith(f"{figures['mAP']:.1%} [")
    assert (found["queries"], found["gallery"]) == ("12", "24 pictures")
    assert "Left out of each ranking" in outcome.err
    report = (tmp_path / "report" / "report.html").read_text()
    assert f"{figures['mAP'] * 100:.1f}" in report


def test_evaluating_embeddings_gives_the_model_s_own_figures(
    passerby: Callable[..., Any], model: Path, market: Path, tmp_path: Path
) -> None:
    file = tmp_path / "all.npz"
    embedded = passerby("embed", model, market / "query", market / "bounding_box_test", "--output", file)
    assert embedded.code == 0
    assert "36 embeddings of" in embedded.err
    assert embedded.out == ""
    own = passerby("evaluate", model, "--data", market)
    from_file = passerby("evaluate", file, "--data", market)
    assert (from_file.code, from_file.out) == (0, own.out)
    with np.load(file) as arrays:
        vectors, paths = arrays["embeddings"], arrays["paths"]
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    foreign = tmp_path / "foreign.npz"
    order = np.random.default_rng(0).permutation(36)
    np.savez(foreign, embeddings=vectors[order] * 7, paths=[Path(path).name for path in paths[order]])
    by_name = passerby("evaluate", foreign, "--data", market)
    assert (by_name.code, by_name.out) == (0, own.out)


def test_searching_a_folder_and_its_embeddings(
    passerby: Callable[..., Any], model: Path, market: Path, pictures: list[Path], tmp_path: Path
) -> None:
    gallery, file, grid = market / "bounding_box_test", tmp_path / "g.npz", tmp_path / "new" / "grid.png"
    passerby("embed", model, gallery, "--output", file)
    from_file = passerby("search", pictures[0], "--gallery", file, "--top", 5, "--json", "--grid", grid)
    from_folder = passerby("search", pictures[0], "--gallery", gallery, "--model", model, "--top", 5, "--json")
    assert from_file.code == from_folder.code == 0
    answers, others = json.loads(from_file.out), json.loads(from_folder.out)
    assert [answer["path"] for answer in answers] == [answer["path"] for answer in others]
    assert [answer["rank"] for answer in answers] == [1, 2, 3, 4, 5]
    assert set(answers[0]) == {
        *("rank", "path", "distance", "same_person", "probability", "expected_false_matches", "no_match")
    }
    with Image.open(grid) as image:
        assert image.format == "PNG"
    table = passerby("search", pictures[0], "--gallery", file, "--top", 100)
    assert table.code == 0
    assert len(table.out.splitlines()) == 25
    assert "same person" in table.out
    assert Path(answers[0]["path"]).name in table.out


def test_searching_without_a_calibration_says_so(
    passerby: Callable[..., Any], untrained: Bundle, market: Path, pictures: list[Path]
) -> None:
    outcome = passerby("search", pictures[0], "--gallery", market / "query", "--model", untrained.path)
    assert outcome.code == 0
    assert "no calibration" in outcome.err
    assert "someone else" not in outcome.out


def test_calibrating_and_verifying(
    passerby: Callable[..., Any], untrained: Bundle, market: Path, pictures: list[Path], tmp_path: Path
) -> None:
    model = untrained.path
    refused = passerby("verify", pictures[0], pictures[1], "--model", model)
    assert refused.code == 2
    assert "passerby calibrate" in refused.error
    calibrated = passerby("calibrate", model, "--data", market, "--far", 0.1)
    assert calibrated.code == 0, calibrated.err
    bundle = load_bundle(model)
    assert bundle.identity == untrained.identity
    assert bundle.calibration is not None
    found = fields(calibrated.out)
    assert found["criterion"] == "FAR at most 0.1"
    assert found["threshold"].startswith(f"{bundle.calibration.threshold:.4f}")
    for name in ("FAR", "FRR", "detection rate (TPR)", "false detection (FPR)", "precision", "accuracy"):
        assert "%" in found[name]
    drawing = tmp_path / "pair.jpg"
    verified = passerby("verify", pictures[0], pictures[0], "--model", model, "--output", drawing)
    assert verified.code == 0
    assert verified.out.splitlines()[0] == "TRUE"
    assert "calibrated on 12 training people of market" in fields(verified.out)["threshold from"]
    assert Image.open(drawing).format == "JPEG"
    other = json.loads(passerby("verify", pictures[0], pictures[5], "--model", model, "--json", "--threshold", 0).out)
    assert (other["same_person"], other["threshold"]) == (False, 0)
    assert "given" in other["source"]


def test_probabilities_are_told_and_rest_on_a_prior(
    passerby: Callable[..., Any], model: Path, market: Path, pictures: list[Path]
) -> None:
    assert passerby("calibrate", model, "--data", market, "--people", "test").code == 0
    calibration = load_bundle(model).calibration
    for prior in (0.5, 0.01):
        answer = json.loads(
            passerby("verify", pictures[0], pictures[1], "--model", model, "--json", "--prior", prior).out
        )
        expected = same_person_probability(calibration, answer["distance"], prior=prior)
        assert answer["probability"] == pytest.approx(float(expected))
    told = fields(passerby("verify", pictures[0], pictures[1], "--model", model).out)
    assert "before looking" in told["probability"]

    gallery = market / "bounding_box_test"
    found = json.loads(passerby("search", pictures[0], "--gallery", gallery, "--model", model, "--json").out)
    odds = search_odds(calibration, [answer["distance"] for answer in found], 24)
    assert [answer["probability"] for answer in found] == pytest.approx(list(odds.probabilities))
    assert {answer["no_match"] for answer in found} == {odds.no_match}
    table = passerby("search", pictures[0], "--gallery", gallery, "--model", model)
    assert f"{odds.probabilities[0]:.1%}" in table.out
    assert "would be as near as the first" in table.err
    # Somebody who is almost surely not there.
    stranger = passerby("search", pictures[0], "--gallery", gallery, "--model", model, "--prior", 1e-9)
    assert "no match is likely" in stranger.err
    sure = passerby("search", pictures[0], "--gallery", gallery, "--model", model, "--prior", 0.99)
    assert "no match is likely" not in sure.err
    for refused in (
        passerby("search", pictures[0], "--gallery", gallery, "--model", model, "--prior", 1),
        passerby("verify", pictures[0], pictures[1], "--model", model, "--prior", 0),
    ):
        assert refused.code == 2
        assert "expected a prior between 0 and 1" in refused.error


def test_a_threshold_for_searches_of_a_gallery(passerby: Callable[..., Any], untrained: Bundle, market: Path) -> None:
    arguments = ("calibrate", untrained.path, "--data", market, "--far", 0.5, "--gallery-size", 10)
    outcome = passerby(*arguments)
    assert outcome.code == 0, outcome.err
    assert fields(outcome.out)["criterion"] == "false alarms in at most 0.5 of searches of 10 pictures"
    calibration = load_bundle(untrained.path).calibration
    assert 1 - (1 - calibration.false_accept_rate) ** 10 <= 0.5
    for size in ("1,000", "10,000", "100,000"):
        assert "on average at the threshold" in fields(outcome.out)[f"false matches in {size}"]


def test_calibrating_on_tracks_says_whether_the_model_works(
    passerby: Callable[..., Any], model: Path, market: Path, draw_person: Callable[..., Any], tmp_path: Path
) -> None:
    tracks = tmp_path / "tracks"
    for person in range(12):  # three are seen together at a time, for six frames
        folder = tracks / "door" / f"track-{person}"
        folder.mkdir(parents=True)
        for frame in range(6):
            picture = Image.fromarray(draw_person(40 + person, 1, frame))
            picture.save(folder / f"{person // 3 * 100 + frame:06d}.png")
    outcome = passerby("calibrate", model, "--tracks", tracks)
    assert outcome.code == 0, outcome.err
    assert "this model works here" in outcome.out.splitlines()[0].lower() or "here" in outcome.out.splitlines()[0]
    assert "12 tracks by 1 camera" in outcome.err
    assert "The threshold kept so far" in outcome.err
    calibration = load_bundle(model).calibration
    assert (calibration.people, calibration.negative_pairs) == (12, 12 * 36)
    assert calibration.source == "12 tracks of tracks, without labels"
    for arguments in ((), ("--data", market, "--tracks", tracks)):
        refused = passerby("calibrate", model, *arguments)
        assert refused.code == 2
        assert "expected one of --data and --tracks" in refused.error


def test_calibrating_never_takes_people_whom_training_has_seen(
    passerby: Callable[..., Any], model: Path, market: Path
) -> None:
    outcome = passerby("calibrate", model, "--data", market, "--equal-error")
    assert outcome.code == 0
    assert "2 training people of market" in fields(outcome.out)["measured on"]
    assert fields(outcome.out)["criterion"] == "equal error rate"


def test_models_are_listed_and_shown(
    passerby: Callable[..., Any], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = passerby("models")
    assert nothing.code == 0
    monkeypatch.setenv("PASSERBY_MODELS", str(model.parent))
    listed = passerby("models")
    assert listed.code == 0
    assert load_bundle(model).identity[:12] in listed.out
    shown = passerby("models", "show", "model")
    assert shown.code == 0
    assert load_bundle(model).identity in shown.out
    assert "must not be used for" in shown.out
    assert "FRR" not in shown.out
    (model / "card.json").write_text("{}")
    damaged = passerby("models")
    assert damaged.code == 0
    assert "damaged" in damaged.out
    assert "card.json" in damaged.err


def test_architectures_are_listed_with_what_they_cost(
    passerby: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: BACKBONES[name] for name in ("resnet50", "osnet_x1_0", "vit_small")}
    monkeypatch.setattr("passerby.models.complexity.BACKBONES", few)
    outcome = passerby("models", "architectures")
    assert outcome.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in outcome.out.splitlines()[1:]}
    # As published: 23.5 M and 4.1 G for ResNet-50 with a last stride of 1, 0.98 G for OSNet.
    assert rows["resnet50"] == ["23.51", "M", "4,053", "M", "2048", "resnet50-imagenet"]
    assert rows["osnet_x1_0"] == ["1.91", "M", "979", "M", "512"]
    assert rows["vit_small"][-2:] == ["384", "vit_small-imagenet"]
    smaller = passerby("models", "architectures", "--height", 128, "--width", 64)
    assert "245 M" in smaller.out


def test_weights_by_name_need_a_network(
    passerby: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("passerby.models.hub.PUBLISHED", {"tiny-imagenet": "http://127.0.0.1:9/tiny-00000000.pth"})
    monkeypatch.setattr("passerby.models.hub.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    outcome = passerby("models", "import", "tiny-imagenet", "--output", tmp_path / "bundle")
    assert outcome.code == 1
    assert "tiny-imagenet: expected to fetch http://127.0.0.1:9/" in outcome.error
    assert not (tmp_path / "bundle").exists()


def test_error_rates_by_kind_of_person_are_shown(
    passerby: Callable[..., Any], untrained: Bundle, tmp_path: Path
) -> None:
    rate = {"value": 0.25, "low": 0.125, "high": 0.5, "confidence": 0.95}
    group = {"attribute": "skin_tone", "group": "dark", "people": 12, "queries": 24, "rank_1": rate}
    rates = {"false_reject_rate": rate, "false_accept_rate": None, "false_accept_rate_within": None}
    difference = "skin_tone: rank-1 is 75.0% (light, 40 people) against 25.0% (dark, 12 people)."
    content = {
        "source": "52 synthetic test people of unseen",
        "threshold": 0.3,
        "groups": [group | rates],
        "differences": [difference],
    }
    card, size, place = untrained.card, untrained.preprocessing, tmp_path / "measured"
    bundle = save_bundle(place, untrained.load_network(), size, card, groups=content)
    shown = passerby("models", "show", bundle.path)
    assert shown.code == 0, shown.err
    assert "of 52 synthetic test people of unseen at the distance 0.3000" in shown.err
    row = next(line for line in shown.out.splitlines() if line.startswith("skin_tone  "))
    assert row.split() == ["skin_tone", "dark", "12", *(2 * ["25.0%", "[12.5,", "50.0]"])]
    assert difference in shown.out
    save_bundle(place, untrained.load_network(), size, card, groups={"groups": 3}, replace=True)
    assert "expected error rates by group" in passerby("models", "show", bundle.path).error


def test_importing_a_checkpoint(
    passerby: Callable[..., Any], market: Path, pictures: list[Path], tmp_path: Path
) -> None:
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, neck="none", last_stride=2))
    weights = {name.removeprefix("backbone."): tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": weights | {"fc.weight": torch.ones(5, 64)}}, tmp_path / "model.pth")
    arguments = ("models", "import", tmp_path / "model.pth", "--output", tmp_path / "bundle")
    outcome = passerby(*arguments, "--height", 64, "--width", 32)
    assert outcome.code == 0, outcome.err
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.preprocessing == Preprocessing(height=64, width=32)
    found = fields(outcome.out)
    assert (found["identity"], found["backbone"]) == (bundle.identity, "resnet18")
    assert "fc.weight (5, 64): the classifier" in outcome.out
    refused = passerby(*arguments)
    assert refused.code == 2
    assert "--force" in refused.error
    assert passerby(*arguments, "--force").code == 0
    assert load_bundle(tmp_path / "bundle").preprocessing.height == 256
    assert passerby("evaluate", tmp_path / "bundle", "--data", market).code == 0


def test_the_published_checkpoint_is_imported_and_embeds(
    passerby: Callable[..., Any], published_osnet: Path, pictures: list[Path], tmp_path: Path
) -> None:
    outcome = passerby("models", "import", published_osnet, "--output", tmp_path / "osnet")
    assert outcome.code == 0, outcome.err
    assert fields(outcome.out)["backbone"] == "osnet_x0_25"
    assert passerby("embed", tmp_path / "osnet", pictures[0], "--output", tmp_path / "v.npz").code == 0
    with np.load(tmp_path / "v.npz") as arrays:
        assert arrays["embeddings"].shape == (1, 512)


def test_broken_pictures_are_left_out_only_when_asked(
    passerby: Callable[..., Any], model: Path, market: Path, recipe_file: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    for folder in ("bounding_box_train", "bounding_box_test"):
        sorted((root / folder).iterdir())[0].write_text("not a picture")
    evaluated = passerby("evaluate", model, "--data", root)
    assert evaluated.code == 2
    assert "0013_c1s1_000001_00.jpg" in evaluated.error
    dropped = passerby("evaluate", model, "--data", root, "--drop-broken")
    assert dropped.code == 0
    assert "left out 2 broken pictures of 108" in dropped.err
    assert fields(dropped.out)["gallery"] == "23 pictures"
    training = ("train", recipe_file, "--data", root, "--output", tmp_path / "run", "--set", "epochs=1")
    assert "--drop-broken" in passerby(*training).error
    assert passerby(*training, "--drop-broken").code == 0


def test_a_model_of_the_user_s_folder_goes_by_its_name(
    passerby: Callable[..., Any],
    tiny_recipe: Recipe,
    model_card: ModelCard,
    pictures: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PASSERBY_MODELS", str(tmp_path / "models"))
    network = ReidNetwork(tiny_recipe.architecture)
    save_bundle(tmp_path / "models" / "mine", network, tiny_recipe.preprocessing, model_card)
    assert passerby("embed", "mine", pictures[0], "--output", tmp_path / "v.npz").code == 0


def test_comparing_two_models(
    passerby: Callable[..., Any], model: Path, untrained: Bundle, market: Path, tmp_path: Path
) -> None:
    outcome = passerby("compare", untrained.path, model, "--data", market, "--json", tmp_path / "c.json")
    assert outcome.code == 0, outcome.err
    content = json.loads((tmp_path / "c.json").read_text())
    assert outcome.out.splitlines()[0] == content["verdict"]
    assert content["figures"]["mAP"]["difference"]["p_value"] <= 1
    assert "B less A" in outcome.out
    alike = passerby("compare", model, model, "--data", market)
    assert alike.code == 0
    assert alike.out.startswith("No difference between")


def test_protocols_strangers_and_kinds_of_people(
    passerby: Callable[..., Any], model: Path, market: Path, tmp_path: Path
) -> None:
    arguments = ("evaluate", model, "--data", market)
    drawn = passerby(*arguments, "--protocol", "cuhk03", "--open-set", "--json", tmp_path / "f.json", "--seed", 3)
    assert drawn.code == 0, drawn.err
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["protocol"] == "cuhk03"
    assert set(figures["spread_over_draws"]) == {"rank_1", "mAP", "mINP"}
    assert figures["open_set"]["enrolled_people"] == 3
    assert "TPIR at FPIR 10%" in drawn.out
    for extra, reason in (
        (("--protocol", "nonsense"), "expected one of the protocols market1501"),
        (("--protocol", "sysu-all"), "SYSU-MM01's cameras"),
        (("--open-set", "--enrolled", 1), "between 0 and 1, got 1"),
        (("--by", "mood"), "expected some of skin_tone"),
        (("--by", "bag"), "expected truth.jsonl"),
        (("--by", "bag", "--protocol", "multi-shot"), "expected truth.jsonl"),
    ):
        refused = passerby(*arguments, *extra)
        assert refused.code == 2, extra
        assert reason in refused.error
