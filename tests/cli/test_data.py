"""`passerby data`, `--data` with what may stand behind it, and data sets that are not as they should be."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.io

from passerby.models.bundle import Bundle

Command = Callable[..., Any]


def test_inspect_says_what_it_took_a_folder_for_and_why(
    passerby: Command, published: ModuleType, tmp_path: Path
) -> None:
    mars = published.mars(tmp_path / "mars")
    outcome = passerby("data", "inspect", mars)
    assert outcome.code == 0
    assert "mars, known by folders bbox_train and bbox_test" in outcome.out
    assert "8 tracklets" in outcome.out
    archive = shutil.make_archive(str(tmp_path / "pedes"), "zip", published.cuhk_pedes(tmp_path / "pedes"))
    content = json.loads(passerby("data", "inspect", archive, "--json").out)
    assert (content["format"], content["more"], content["identical"]) == ("cuhk-pedes", ["12 sentences"], [])
    assert content["splits"]["train"]["pictures"] == 3


def test_inspect_says_what_an_unknown_folder_looks_like(
    passerby: Command, published: ModuleType, tmp_path: Path
) -> None:
    viper = published.viper(tmp_path / "viper")
    shutil.rmtree(viper / "VIPeR" / "cam_b")
    outcome = passerby("data", "inspect", viper)
    assert outcome.code == 2
    assert r"looks like viper because of cam_a/*_*.bmp, but cam_b/*_*.bmp is missing" in outcome.error
    # A set of which a part is missing is not taken for a folder per person, though its folders hold pictures.
    mars = published.mars(tmp_path / "mars")
    (mars / "info" / "tracks_train_info.mat").unlink()
    error = passerby("data", "inspect", mars).error
    assert "looks like mars because of bbox_train, bbox_test, info/tracks_test_info.mat, but " in error
    assert "info/tracks_train_info.mat is missing" in error
    assert "say --format folder" in error
    assert passerby("data", "inspect", mars, "--format", "folder").code == 0
    several = tmp_path / "several"
    published.viper(several / "one")
    published.grid(several / "two")
    for kept in ("one/VIPeR", "two/underground_reid"):
        shutil.move(several / kept, several / kept.partition("/")[2])
    outcome = passerby("data", "inspect", several)
    assert outcome.code == 2
    assert "expected one data set, got several: VIPeR (viper), underground_reid (grid)" in outcome.error


def break_archive(published: ModuleType, root: Path) -> Path:
    archive = Path(shutil.make_archive(str(root), "zip", published.viper(root)))
    archive.write_bytes(archive.read_bytes()[:-200])
    return archive


def wrong_archive(published: ModuleType, root: Path) -> Path:
    root.with_suffix(".zip").write_text("404 Not Found")
    return root.with_suffix(".zip")


def wrong_mat(published: ModuleType, root: Path) -> Path:
    """A file of version 7.3, but of another set."""
    import h5py

    root.mkdir()
    with h5py.File(root / "cuhk-03.mat", "w", userblock_size=512) as file:
        file["features"] = np.zeros((3, 3))
    return root


def old_mat(published: ModuleType, root: Path) -> Path:
    root.mkdir()
    scipy.io.savemat(root / "cuhk-03.mat", {"labeled": np.zeros(3)})
    return root


def cut_mat(published: ModuleType, root: Path) -> Path:
    published.cuhk03(root)
    mat = root / "cuhk03_release" / "cuhk-03.mat"
    mat.write_bytes(mat.read_bytes()[: mat.stat().st_size // 2])
    return root


def other_split(published: ModuleType, root: Path) -> Path:
    """The split of hand-drawn boxes under the name of the other."""
    published.cuhk03(root)
    configs = [root / f"cuhk03_new_protocol_config_{kind}.mat" for kind in ("labeled", "detected")]
    shutil.copy(*configs)
    return root


def grid_mat(published: ModuleType, root: Path) -> Path:
    published.grid(root)
    scipy.io.savemat(root / "underground_reid" / "features_and_partitions.mat", {"queryIdx": np.zeros(3)})
    return root


def text_mat(published: ModuleType, root: Path) -> Path:
    published.grid(root)
    (root / "underground_reid" / "features_and_partitions.mat").write_text("<html>log in</html>")
    return root


def without(build: str, picture: str) -> Callable[[ModuleType, Path], Path]:
    """A data set of which a picture is missing that its split names."""

    def make(published: ModuleType, root: Path) -> Path:
        getattr(published, build)(root)
        (found,) = root.rglob(picture)
        found.unlink()
        return root

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (break_archive, "expected a whole zip archive, but it stops half-way or is damaged"),
        (wrong_archive, "expected a folder with pictures, an archive (zip, tar)"),
        (wrong_mat, "expected CUHK03's labeled, detected and testsets, got features"),
        (
            old_mat,
            "expected an archive (zip, tar), CUHK03's .mat or a Parquet table, got one that begins with b'MATLAB",
        ),
        (cut_mat, "expected a whole MATLAB 7.3 file, but it stops half-way"),
        (other_split, "got 1 that"),
        (grid_mat, "expected trainIdxAll, got queryIdx; it is of another data set"),
        (text_mat, "expected a whole MATLAB file, got a damaged one"),
        (without("mars", "0002C3T0001F002.jpg"), "got 1 that are missing, first bbox_test/0002/0002C3T0001F002.jpg"),
        (
            without("msmt17", "0001_015_15_*.jpg"),
            "list_gallery.txt: expected 4 pictures that it names, got 1 that are",
        ),
        (without("cuhk_pedes", "0363004.png"), "reid_raw.json: expected 6 pictures that it names, got 1 that are"),
        (without("mars", "query_IDX.mat"), "info/query_IDX.mat: there is no such file"),
    ],
)
def test_sets_that_are_not_whole_are_refused_in_one_line(
    make: Callable[[ModuleType, Path], Path],
    reason: str,
    passerby: Command,
    published: ModuleType,
    recipe_file: Path,
    tmp_path: Path,
) -> None:
    root = make(published, tmp_path / "set")
    for command in (
        ("data", "inspect", root),
        ("data", "convert", root, tmp_path / "out", "--to", "shards"),
        ("train", recipe_file, "--data", root, "--output", tmp_path / "out"),
    ):
        outcome = passerby(*command)
        assert outcome.code == 2
        assert reason in outcome.error
    assert not (tmp_path / "out").exists()


def test_a_variant_and_a_split_stand_behind_the_path(
    passerby: Command, published: ModuleType, tmp_path: Path
) -> None:
    root = published.cuhk03(tmp_path / "cuhk03")
    for settings, pictures in (("", 12), (":variant=labelled", 13), (":variant=labelled,split=1", 16)):
        content = json.loads(passerby("data", "inspect", f"{root}{settings}", "--json").out)
        assert content["splits"]["train"]["pictures"] == pictures
    outcome = passerby("data", "inspect", f"{root}:variant=drawn")
    assert outcome.code == 2
    assert "expected one of detected, labelled, labeled, got variant=drawn" in outcome.error
    assert "after the path, got 'varaint'" in passerby("data", "inspect", f"{root}:varaint=labelled").error


def test_one_picture_under_two_ids_is_told(passerby: Command, market: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    train = root / "bounding_box_train"
    shutil.copy(train / "0001_c1s1_000000_00.jpg", train / "0002_c1s1_000009_00.jpg")
    outcome = passerby("data", "inspect", root)
    assert outcome.code == 0
    assert "identical pictures of two people, perhaps one under two ids: 1" in outcome.out
    assert json.loads(passerby("data", "inspect", root, "--json").out)["identical"] == [
        [str(train / "0001_c1s1_000000_00.jpg"), str(train / "0002_c1s1_000009_00.jpg")]
    ]


def test_several_sets_are_trained_on_together_and_what_is_odd_is_said_first(
    passerby: Command, market: Path, people_folder: Path, recipe_file: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    train = root / "bounding_box_train"
    shutil.copy(train / "0001_c1s1_000000_00.jpg", train / "0002_c1s1_000009_00.jpg")
    outcome = passerby(
        *("train", recipe_file, "--data", root, "--data", f"{people_folder}:test_share=0.25"),
        *("--output", tmp_path / "run", "--set", "epochs=1", "--set", "batch.pictures=7", "--device", "cpu"),
    )
    assert outcome.code == 0, outcome.err
    # 12 people of one set, and 6 of 8 of the other.
    assert "17 of 18 people have fewer than batch.pictures=7 pictures" in outcome.err
    assert "1 pairs of people share a picture, first " in outcome.err
    card = passerby("models", "show", tmp_path / "run" / "best").out
    assert "of market + friends" in card
    figures = tmp_path / "figures.json"
    outcome = passerby(
        *("evaluate", tmp_path / "run" / "best", "--data", root, "--data", people_folder, "--json", figures)
    )
    assert outcome.code == 0, outcome.err
    assert json.loads(figures.read_text())["data"] == "market + friends"
    assert (
        "each picture in one data set"
        in passerby("evaluate", tmp_path / "run" / "best", "--data", root, "--data", root).error
    )


def test_convert_writes_what_the_other_commands_read(
    passerby: Command, market: Path, untrained: Bundle, tmp_path: Path
) -> None:
    figures = []
    for number, (to, options) in enumerate(
        (("shards", ("--height", 64, "--width", 32)), ("parquet", ()), ("market1501", ()))
    ):
        target = tmp_path / f"out{number}"
        outcome = passerby("data", "convert", market, target, "--to", to, *options)
        assert outcome.code == 0, outcome.err
        assert "108" in outcome.out
        outcome = passerby("evaluate", untrained.path, "--data", target, "--json", tmp_path / "f.json")
        assert outcome.code == 0, outcome.err
        content = json.loads((tmp_path / "f.json").read_text())
        figures.append((content["mAP"], content["rank_1"]))
    assert len(set(figures)) == 1
    for arguments, reason in (
        ((market, tmp_path / "out0", "--to", "shards"), "something stands there already"),
        ((market, tmp_path / "new", "--to", "shards", "--height", 64), "both --height and --width"),
        ((market, market / "inner", "--to", "shards"), "another place than the data set's own"),
        ((tmp_path / "none", tmp_path / "new", "--to", "shards"), "there is no such folder"),
    ):
        outcome = passerby("data", "convert", *arguments)
        assert outcome.code == 2
        assert reason in outcome.error
    assert passerby("data", "convert", market, tmp_path / "new", "--to", "pickle").code == 2
    assert not (tmp_path / "new").exists()


def test_what_the_new_form_cannot_hold_is_said(passerby: Command, published: ModuleType, tmp_path: Path) -> None:
    outcome = passerby(
        *(
            "data",
            "convert",
            published.prcc(tmp_path / "prcc"),
            tmp_path / "out",
            "--to",
            "market1501",
            "--drop-broken",
        )
    )
    assert outcome.code == 0
    assert "market1501 has no place for clothes; shards and parquet have" in outcome.err
