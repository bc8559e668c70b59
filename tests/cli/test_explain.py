"""`passerby explain`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerby.models.bundle import Bundle

Command = Callable[..., Any]


def test_a_pair_is_explained(passerby: Command, untrained: Bundle, people_folder: Path, tmp_path: Path) -> None:
    pair = [people_folder / "ann" / name for name in ("cam1_0.png", "cam2_0.png")]
    outcome = passerby("explain", untrained.path, *pair, "--output", tmp_path / "out")
    assert outcome.code == 0
    assert "cosine of the two embeddings" in outcome.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"explanation.png", "explanation.html"}
    assert passerby("explain", untrained.path, people_folder / "ann", "--output", tmp_path / "out").code == 0


def test_what_cannot_be_explained(passerby: Command, untrained: Bundle, people_folder: Path, tmp_path: Path) -> None:
    picture = people_folder / "ann" / "cam1_0.png"
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for arguments, reason in (
        (
            (untrained.path, picture, "--output", tmp_path / "file"),
            "expected a folder for the explanation, got a file",
        ),
        ((tmp_path / "nothing", picture), "nothing"),
        ((untrained.path, tmp_path / "file"), "file"),
        ((untrained.path, tmp_path / "missing.png"), "missing.png"),
        ((untrained.path, tmp_path / "empty"), "empty"),
        ((untrained.path, *[picture] * 201), "expected 1 to 200 pictures to explain, got 201"),
        ((untrained.path, picture, "--device", "abacus"), "expected a device"),
    ):
        outcome = passerby("explain", *arguments)
        assert outcome.code == 2, reason
        assert reason in outcome.error
