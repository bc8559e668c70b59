"""The commands of galleries, as a user meets them, good input and bad."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from passerby.models.bundle import Bundle
from passerby.training.trainer import TrainingResult

Command = Callable[..., Any]


@pytest.fixture
def model(trained: TrainingResult) -> Path:
    return trained.best.path


@pytest.fixture
def gallery(passerby: Command, people_folder: Path, model: Path, tmp_path: Path) -> Path:
    """Eight people, six pictures of each, all from one camera."""
    place = tmp_path / "site"
    done = passerby(
        "gallery", "add", people_folder, "--camera", "gate", "--gallery", place, "--people", "--model", model
    )
    assert done.code == 0, done.err
    assert done.out == "48 added, 0 there already\n"
    return place


def info(passerby: Command, gallery: Path) -> dict[str, Any]:
    outcome = passerby("gallery", "info", gallery, "--json")
    assert outcome.code == 0
    content: dict[str, Any] = json.loads(outcome.out)
    return content


def test_adding_searching_and_erasing(
    passerby: Command, gallery: Path, people_folder: Path, model: Path, tmp_path: Path
) -> None:
    again = passerby("gallery", "add", people_folder, "--camera", "gate", "--gallery", gallery, "--people")
    assert again.out == "0 added, 48 there already\n"
    found = info(passerby, gallery)
    assert (found["sightings"], found["cameras"]) == (48, {"gate": 48})
    assert found["model"] == json.loads((model / "bundle.json").read_text())["identity"]
    query = people_folder / "cem" / "cam1_0.png"
    outcome = passerby("search", query, "--gallery", gallery, "--json", "--top", 4, "--grid", tmp_path / "grid.png")
    hits = json.loads(outcome.out)
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert (hits[0]["person"], hits[0]["camera"]) == ("cem", "gate")
    assert hits[0]["distance"] == pytest.approx(0, abs=1e-5)
    assert 0 < hits[0]["probability"] < 1
    assert Image.open(tmp_path / "grid.png").width > 500
    by_id = passerby("search", hits[0]["id"], "--gallery", gallery, "--camera", "gate", "--top", 1)
    assert hits[1]["id"] in by_id.out
    assert passerby("gallery", "erase", gallery, "--person", "cem", "--yes").out.startswith("6 sightings erased")
    assert info(passerby, gallery)["sightings"] == 42
    left = json.loads(passerby("search", query, "--gallery", gallery, "--json", "--top", 48).out)
    assert "cem" not in {hit["person"] for hit in left}
    assert passerby("gallery", "verify", gallery).code == 0
    assert passerby("audit", "verify", gallery).code == 0


def test_probabilities_come_with_a_calibration(
    passerby: Command, people_folder: Path, model: Path, untrained: Bundle, tmp_path: Path
) -> None:
    query = people_folder / "ann" / "cam1_0.png"
    passerby("gallery", "add", people_folder, "--camera", "a", "--gallery", tmp_path / "g", "--model", model)
    hits = json.loads(passerby("search", query, "--gallery", tmp_path / "g", "--json", "--top", 48).out)
    assert all(0 <= hit["probability"] <= 1 and hit["expected_false_matches"] >= 0 for hit in hits)
    assert hits[0]["probability"] > hits[-1]["probability"]
    few = passerby(
        "search", query, "--gallery", tmp_path / "g", "--json", "--min-probability", hits[3]["probability"]
    )
    assert 4 <= len(json.loads(few.out)) < 48
    passerby("gallery", "add", query, "--camera", "a", "--gallery", tmp_path / "u", "--model", untrained.path)
    without = passerby("search", query, "--gallery", tmp_path / "u", "--json")
    assert json.loads(without.out)[0]["probability"] is None
    assert "no probabilities: its model has no calibration" in without.err
    refused = passerby("search", query, "--gallery", tmp_path / "u", "--min-probability", 0.5)
    assert (refused.code, "expected a calibrated model" in refused.error) == (2, True)


def test_folders_and_files_of_embeddings_are_searched_as_before(
    passerby: Command, people_folder: Path, model: Path, tmp_path: Path
) -> None:
    query = people_folder / "ann" / "cam1_0.png"
    hits = json.loads(passerby("search", query, "--gallery", people_folder, "--model", model, "--json").out)
    assert hits[0]["path"].endswith("ann/cam1_0.png")
    refused = passerby("search", query, "--gallery", people_folder, "--model", model, "--camera", "gate")
    assert refused.code == 2
    assert "expected a gallery to filter" in refused.error


def test_backup_export_and_import(passerby: Command, gallery: Path, tmp_path: Path) -> None:
    before = info(passerby, gallery)
    assert passerby("gallery", "backup", gallery, tmp_path / "copy").code == 0
    assert passerby("gallery", "restore", tmp_path / "back", tmp_path / "copy").out == "48 sightings restored\n"
    assert passerby("gallery", "export", gallery, tmp_path / "lines.jsonl").code == 0
    assert passerby("gallery", "import", tmp_path / "third", tmp_path / "lines.jsonl").out.startswith("48 added")
    for other in (tmp_path / "copy", tmp_path / "back", tmp_path / "third"):
        found = info(passerby, other)
        assert {key: found[key] for key in ("sightings", "cameras", "model", "first", "last")} == {
            key: before[key] for key in ("sightings", "cameras", "model", "first", "last")
        }
        assert passerby("gallery", "verify", other).code == 0
    refused = passerby("gallery", "restore", gallery, tmp_path / "copy")
    assert (refused.code, "stands there already" in refused.error) == (2, True)
    refused = passerby("gallery", "backup", gallery, tmp_path / "copy")
    assert (refused.code, "already" in refused.error) == (2, True)


def test_an_import_with_bad_lines_names_them_and_loses_no_other(
    passerby: Command, gallery: Path, tmp_path: Path
) -> None:
    file = tmp_path / "lines.jsonl"
    passerby("gallery", "export", gallery, file)
    lines = file.read_text().splitlines()
    lines[6] = lines[6][:100]
    lines[9] = json.dumps(json.loads(lines[9]) | {"embedding": [0.0] * 64})
    lines[30] = json.dumps(json.loads(lines[30]) | {"colour": "red"})
    lines[40] = json.dumps(json.loads(lines[40]) | {"model": "another"})
    file.write_text("\n".join(lines))
    outcome = passerby("gallery", "import", tmp_path / "new", file)
    assert outcome.code == 2
    assert outcome.out == "44 added, 0 there already\n"
    assert "4 lines are not in the gallery, the first is line 7" in outcome.error
    for number in (7, 10, 31, 41):
        assert f"line {number}: " in outcome.err
    assert info(passerby, tmp_path / "new")["sightings"] == 44


def test_moving_to_another_model(passerby: Command, gallery: Path, untrained: Bundle, people_folder: Path) -> None:
    query = people_folder / "ann" / "cam1_0.png"
    refused = passerby("search", query, "--gallery", gallery, "--model", untrained.path)
    assert refused.code == 2
    assert f"got those of {untrained.identity[:12]}…" in refused.error
    assert passerby("gallery", "reembed", gallery, "--model", untrained.path).out == "48 sightings embedded\n"
    assert info(passerby, gallery)["model"] == untrained.identity
    assert passerby("search", query, "--gallery", gallery).code == 0
    assert passerby("gallery", "verify", gallery).code == 0


def test_an_encrypted_gallery(
    passerby: Command, people_folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, query = tmp_path / "sealed", people_folder / "ann" / "cam1_0.png"
    missing = passerby("gallery", "create", place, "--encrypt")
    assert (missing.code, "expected a key file or a passphrase" in missing.error) == (2, True)
    monkeypatch.setenv("PASSERBY_PASSPHRASE", "correct horse battery staple")
    assert passerby("gallery", "create", place, "--encrypt", "--turn").code == 0
    added = passerby("gallery", "add", people_folder, "--camera", "gate", "--gallery", place, "--model", model)
    assert added.out == "48 added, 0 there already\n"
    assert json.loads(passerby("search", query, "--gallery", place, "--json").out)[0]["distance"] < 1e-5
    assert passerby("gallery", "verify", place).code == 0
    assert not any(query.read_bytes()[100:200] in file.read_bytes() for file in place.rglob("*") if file.is_file())
    monkeypatch.setenv("PASSERBY_PASSPHRASE", "incorrect horse battery staple")
    wrong = passerby("search", query, "--gallery", place)
    assert (wrong.code, "wrong passphrase" in wrong.error) == (2, True)
    monkeypatch.delenv("PASSERBY_PASSPHRASE")
    assert "this gallery is encrypted" in passerby("gallery", "info", place).error


def test_what_is_no_gallery(passerby: Command, people_folder: Path, model: Path, tmp_path: Path) -> None:
    query = people_folder / "ann" / "cam1_0.png"
    (tmp_path / "file").write_text("a file")
    for place, reason in (
        (tmp_path / "nothing", "expected a gallery, got nothing there"),
        (tmp_path / "file", "expected a gallery's folder, got a file"),
        (people_folder, "got a folder of other things"),
        ("mysql://here/there", "expected memory:, a folder or postgresql://"),
        ("memory:", "expected a folder or postgresql://… as a gallery, got memory:"),
    ):
        outcome = passerby("gallery", "info", place)
        assert outcome.code == 2
        assert reason in outcome.error
    assert not (tmp_path / "nothing").exists()
    empty = passerby("gallery", "create", tmp_path / "empty")
    assert empty.code == 0
    outcome = passerby("search", query, "--gallery", tmp_path / "empty", "--model", model)
    assert (outcome.code, "the gallery is empty" in outcome.error) == (2, True)
    away = passerby("gallery", "info", "postgresql://localhost:1/none?connect_timeout=1")
    assert "does not" in away.error or "refused" in away.error


def test_bad_input(passerby: Command, gallery: Path, people_folder: Path, tmp_path: Path) -> None:
    query = people_folder / "ann" / "cam1_0.png"
    (tmp_path / "empty.jpg").touch()
    for arguments, reason in (
        (
            ("search", query, "--gallery", gallery, "--camera", "roof"),
            "there is no camera 'roof'; the gallery has gate",
        ),
        (("search", "nobody", "--gallery", gallery), "there is no sighting 'nobody'"),
        (("search", tmp_path / "no.jpg", "--gallery", gallery), "there is no such file"),
        (("search", query, "--gallery", gallery, "--after", "yesterday"), "expected a time such as"),
        (("gallery", "add", tmp_path / "empty.jpg", "--camera", "a", "--gallery", gallery), "got an empty one"),
        (("gallery", "add", query, "--camera", "", "--gallery", gallery), "expected a camera's name"),
        (("gallery", "erase", gallery, "--yes"), "expected a person, a camera or a time range"),
        (("gallery", "erase", gallery, "--camera", "roof", "--yes"), "there is no camera 'roof'"),
        (("gallery", "import", gallery, tmp_path / "no.jsonl"), "there is no such file"),
        (("gallery", "restore", tmp_path / "new", tmp_path / "no"), "expected the folder of a backup, got none"),
        (("gallery", "camera", gallery, "a", "--zone", "Atlantis"), "expected a time zone"),
    ):
        outcome = passerby(*arguments)
        assert outcome.code == 2, arguments
        assert reason in outcome.error
    assert info(passerby, gallery)["sightings"] == 48


def test_a_newer_gallery_is_refused_and_a_damaged_one_is_named(passerby: Command, gallery: Path) -> None:
    with sqlite3.connect(gallery / "gallery.sqlite") as connection:
        connection.execute("UPDATE settings SET value = '99' WHERE name = 'schema'")
    connection.close()
    newer = passerby("gallery", "info", gallery)
    assert (newer.code, "got version 99; use a newer Passerby" in newer.error) == (2, True)
    (gallery / "gallery.sqlite").write_bytes(np.random.default_rng(0).bytes(5000))
    for leftover in gallery.glob("gallery.sqlite-*"):
        os.remove(leftover)
    damaged = passerby("gallery", "info", gallery)
    assert (damaged.code, "restore a backup" in damaged.error) == (2, True)


def test_a_changed_line_of_the_audit_log_is_found(passerby: Command, gallery: Path) -> None:
    assert '"action":"add"' in passerby("audit", "show", gallery, "--json").out
    with sqlite3.connect(gallery / "gallery.sqlite") as connection:
        connection.execute("UPDATE audit SET line = replace(line, '\"add\"', '\"view\"') WHERE number = 1")
    connection.close()
    outcome = passerby("audit", "verify", gallery)
    assert outcome.code == 2
    assert "line 1: changed" in outcome.err
