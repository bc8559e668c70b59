"""Tiny data sets in the layouts and under the names in which their authors publish them, written by hand.

MATLAB files are written by MATLAB's own rules: version 5 by scipy, and 7.3 as HDF5 behind a block of 512 bytes, with
arrays transposed and cells as references into `#refs#`.
"""

import json
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from PIL import Image

_numbers = count(1)


def draw(path: Path) -> None:
    """A picture like no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(next(_numbers)).integers(0, 256, (8, 4, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def cuhk01(root: Path, people: int = 6) -> Path:
    """971 people in truth; the archive holds a folder campus."""
    for person in range(1, people + 1):
        for picture in range(1, 5):
            draw(root / "campus" / f"{person:04d}{picture:03d}.png")
    return root


def cuhk02(root: Path) -> Path:
    for pair in range(1, 6):
        for camera in (1, 2):
            for person in (1, 2):
                for picture in (1, 2):
                    draw(
                        root
                        / "Dataset"
                        / f"P{pair}"
                        / f"cam{camera}"
                        / f"{person:03d}_{picture + 2 * camera - 2}.png"
                    )
    return root


def viper(root: Path) -> Path:
    for person in (0, 1, 2, 5, 872):
        draw(root / "VIPeR" / "cam_a" / f"{person:03d}_45.bmp")
        draw(root / "VIPeR" / "cam_b" / f"{person:03d}_90.bmp")
    (root / "VIPeR" / "README.txt").write_text("Viewpoint Invariant Pedestrian Recognition\n")
    return root


def grid(root: Path, trained: tuple[int, ...] = (1, 3)) -> Path:
    folder = root / "underground_reid"
    for person in range(1, 5):
        draw(folder / "probe" / f"{person:04d}_1_25004_107_32_106_221.jpeg")
        draw(folder / "gallery" / f"{person:04d}_2_25023_116_134_128_330.jpeg")
    for number in range(3):
        draw(folder / "gallery" / f"0000_{number + 5}_2502{number}_116_134_128_330.jpeg")
    splits = np.empty((1, 10), object)
    for split in range(10):
        people = [1 + (person - 1 + split) % 4 for person in trained]
        splits[0, split] = {"probe": [0.0], "gallery": [0.0], "people": np.array([people], np.uint16)}
    scipy.io.savemat(folder / "features_and_partitions.mat", {"trainIdxAll": splits, "features": np.zeros((2, 2))})
    return root


def prid(root: Path) -> Path:
    folder = root / "prid_2011"
    for camera, people in (("cam_a", (1, 2, 3, 4, 201, 202)), ("cam_b", (1, 2, 3, 4, 201, 202, 203))):
        for person in people:
            draw(folder / "single_shot" / camera / f"person_{person:04d}.png")
    for camera in ("cam_a", "cam_b"):
        for person, pictures in ((1, 23), (2, 22), (3, 21), (4, 23), (201, 23)):
            for picture in range(1, pictures + 1):
                draw(folder / "multi_shot" / camera / f"person_{person:04d}" / f"{picture:04d}.png")
    return root


def msmt17(root: Path, version: int = 1) -> Path:
    train, test = ("train", "test") if version == 1 else ("mask_train_v2", "mask_test_v2")
    folder = root / f"MSMT17_V{version}"
    lists: dict[str, list[str]] = {"train": [], "val": [], "query": [], "gallery": []}
    for which, part, cameras in (
        ("train", train, (1, 14)),
        ("val", train, (7,)),
        ("query", test, (1,)),
        ("gallery", test, (2, 15)),
    ):
        for person in (0, 1):
            for camera in cameras:
                name = f"{person:04d}/{person:04d}_{camera:03d}_{camera:02d}_0303morning_0015_0.jpg"
                draw(folder / part / name)
                lists[which].append(f"{name} {person}")
    for which, lines in lists.items():
        (folder / f"list_{which}.txt").write_text("".join(f"{line}\n" for line in lines))
    return root


def mars(root: Path) -> Path:
    (root / "info").mkdir(parents=True)
    tracks: dict[str, list[tuple[str, int, int, int]]] = {
        "train": [("0001", 1, 1, 1), ("0001", 1, 2, 2), ("0003", 3, 1, 1)],
        "test": [("00-1", -1, 1, 1), ("0000", 0, 2, 1), ("0002", 2, 1, 1), ("0002", 2, 3, 1), ("0002", 2, 3, 2)],
    }
    for part, rows in tracks.items():
        names: list[str] = []
        table = []
        for folder, person, camera, track in rows:
            first = len(names) + 1
            names += [f"{folder}C{camera}T{track:04d}F{frame:03d}.jpg" for frame in (1, 2)]
            table.append((first, len(names), person, camera))
        for name in names:
            draw(root / f"bbox_{part}" / name[:4] / name)
        (root / "info" / f"{part}_name.txt").write_text("".join(f"{name}\n" for name in names))
        scipy.io.savemat(
            root / "info" / f"tracks_{part}_info.mat", {f"track_{part}_info": np.array(table, np.float64)}
        )
    scipy.io.savemat(root / "info" / "query_IDX.mat", {"query_IDX": np.array([[3]], np.uint16)})
    return root


def sysu_mm01(root: Path) -> Path:
    seen = {1: (1, 2, 4), 2: (1, 4), 3: (1, 2, 3, 4), 4: (2, 3), 5: (3,), 6: (4,)}
    for camera, people in seen.items():
        for person in people:
            for picture in (1, 2):
                draw(root / "SYSU-MM01" / f"cam{camera}" / f"{person:04d}" / f"{picture:04d}.jpg")
    (root / "SYSU-MM01" / "exp").mkdir()
    for part, people in {"train": "1,2", "val": "3", "test": "4"}.items():
        (root / "SYSU-MM01" / "exp" / f"{part}_id.txt").write_text(people)
    return root


def cuhk_pedes(root: Path) -> Path:
    rows: list[dict[str, Any]] = []
    for part, person, file in (
        ("train", 1, "CUHK01/0363004.png"),
        ("train", 1, "test_query/p100_s14885.jpg"),
        ("train", 2, "Market/0002_c1s1_000451_03.jpg"),
        ("val", 11004, "cam_a/000_45.bmp"),
        ("test", 12004, "CUHK03/1_001_1_01.png"),
        ("test", 12004, "train_query/p1_s1.jpg"),
    ):
        draw(root / "CUHK-PEDES" / "imgs" / file)
        captions = [f"Person {person} wears a shirt. ", "The person walks."]
        rows.append({"split": part, "captions": captions, "file_path": file, "processed_tokens": [], "id": person})
    (root / "CUHK-PEDES" / "reid_raw.json").write_text(json.dumps(rows))
    return root


def prcc(root: Path) -> Path:
    for person in (1, 3):
        for letter in "ABC":
            draw(root / "prcc" / "rgb" / "train" / f"{person:03d}" / f"{letter}_cropped_rgb001.jpg")
        draw(root / "prcc" / "rgb" / "val" / f"{person:03d}" / "A_cropped_rgb009.jpg")
    for letter in "ABC":
        for person in (4, 5):
            draw(root / "prcc" / "rgb" / "test" / letter / f"{person:03d}" / "cropped_rgb001.jpg")
    return root


def ltcc(root: Path) -> Path:
    folder = root / "LTCC_ReID"
    for part, people in (("train", (0, 88)), ("query", (3, 5)), ("test", (3, 5))):
        for person in people:
            for clothes, camera in ((1, 9), (2, 12)) if person != 5 else ((1, 9), (1, 10)):
                number = f"{person * 10 + camera:06d}"
                draw(folder / part / f"{person:03d}_{clothes}_c{camera}_{number}.png")
    (folder / "info").mkdir()
    for kind, part, people in (("cloth-change", "train", "0\n88\n"), ("cloth-change", "test", "3\n")):
        (folder / "info" / f"{kind}_id_{part}.txt").write_text(people)
    return root


def market1501(root: Path) -> Path:
    """With the attributes of its people beside it, as their authors publish them."""
    folder = root / "Market-1501-v15.09.15"
    draw(folder / "bounding_box_train" / "0002_c1s1_000451_03.jpg")
    draw(folder / "bounding_box_train" / "0007_c2s3_070952_01.jpg")
    draw(folder / "query" / "0001_c1s1_001051_00.jpg")
    draw(folder / "bounding_box_test" / "0001_c2s1_001976_01.jpg")
    draw(folder / "bounding_box_test" / "-1_c3s1_002301_02.jpg")

    def table(people: list[str], **values: list[int]) -> dict[str, Any]:
        cells = np.array([people], object)
        return {name: np.array([column], np.float64) for name, column in values.items()} | {"image_index": cells}

    attributes = {
        "test": table(["0001"], age=[2], backpack=[2], upred=[1], downblue=[1], gender=[1], up=[2]),
        "train": table(
            ["0002", "0007"], age=[3, 4], backpack=[1, 2], upred=[2, 1], downblue=[1, 2], gender=[2, 1], up=[1, 2]
        ),
    }
    scipy.io.savemat(folder / "market_attribute.mat", {"market_attribute": attributes})
    return root


PAIRS = (3, 2, 1)
"""People before each pair of cameras in the tiny CUHK03."""


def cuhk03(root: Path, archive: bool = False) -> Path:
    """`cuhk03_release/cuhk-03.mat`, and beside it the files of the new protocol."""
    release = root / "cuhk03_release"
    release.mkdir(parents=True)
    (release / "README.md").write_text("CUHK03\n")
    pictures = write_cuhk03(release / "cuhk-03.mat")
    for kind, names in pictures.items():
        people = sorted({name[:5] for name in names})
        labels = [people.index(name[:5]) + 1 for name in names]
        test = [place for place, label in enumerate(labels, 1) if label > 3]
        query = [place for place in test if names[place - 1].endswith(("_01.png", "_06.png"))]
        scipy.io.savemat(
            root / f"cuhk03_new_protocol_config_{kind}.mat",
            {
                "filelist": np.array([[name] for name in names], object),
                "labels": np.array([labels], np.uint16).T,
                "camId": np.array([[int(name[6]) for name in names]], np.uint8).T,
                "train_idx": np.array([[p for p, label in enumerate(labels, 1) if label <= 3]], np.uint16).T,
                "query_idx": np.array([query], np.uint16).T,
                "gallery_idx": np.array([[place for place in test if place not in query]], np.uint16).T,
            },
        )
    if archive:
        shutil.make_archive(str(root / "cuhk03_release"), "zip", root, "cuhk03_release")
        shutil.rmtree(release)
    return root


def write_cuhk03(path: Path) -> dict[str, list[str]]:
    """Write the file and give the names of its pictures; `labeled` has one more of the first person."""
    import h5py

    names: dict[str, list[str]] = {"detected": [], "labeled": []}
    with h5py.File(path, "w", userblock_size=512) as file:
        kept = file.create_group("#refs#")

        def put(array: Any, kind: bytes) -> Any:
            stored = kept.create_dataset(f"r{len(kept)}", data=np.asarray(array).T)
            stored.attrs["MATLAB_class"] = np.bytes_(kind)
            return stored

        def cell(references: Any) -> Any:
            stored = put(np.array(references, h5py.ref_dtype), b"cell")
            return stored.ref

        def empty() -> Any:
            stored = put(np.zeros(2, np.uint64), b"double")
            stored.attrs["MATLAB_empty"] = np.uint8(1)
            return stored.ref

        for kind, listed in names.items():
            pairs = []
            for pair, people in enumerate(PAIRS, start=1):
                rows = []
                for person in range(1, people + 1):
                    row = []
                    for column in range(1, 11):
                        extra = kind == "labeled" and (pair, person, column) == (1, 1, 5)
                        if column in (1, 2, 6, 7) or extra:
                            height, width = 8 + person, 4 + pair
                            picture = np.zeros((height, width, 3), np.uint8)
                            picture[0] = (pair, person, column)
                            row.append(put(picture, b"uint8").ref)
                            listed.append(f"{pair}_{person:03d}_{1 if column <= 5 else 2}_{column:02d}.png")
                        else:
                            row.append(empty())
                    rows.append(row)
                pairs.append([cell(rows)])
            file.create_dataset(kind, data=np.array(pairs, h5py.ref_dtype).T).attrs["MATLAB_class"] = np.bytes_(
                "cell"
            )
        tested = [[[1, 1], [2, 2]], [[1, 2], [3, 1]]]
        sets = [[put(np.array(rows, np.float64), b"double").ref] for rows in tested]
        file.create_dataset("testsets", data=np.array(sets, h5py.ref_dtype).T)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124) + b"\0\x02IM")
    return names
