"""Cameras, places, weather, other sensors, masks and calibration."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from passerby.errors import DataError
from passerby.synthetic import render_people
from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.calibration import calibration, projected_by
from passerby.synthetic.camera import Box, Camera, sample_camera
from passerby.synthetic.effects import in_motion, sample_look
from passerby.synthetic.modes import depth_range
from passerby.synthetic.parts import PARTS, part_labels
from passerby.synthetic.plan import Plan
from passerby.synthetic.production import produce_people
from passerby.synthetic.renderer import Drawing
from passerby.synthetic.scene import build_site
from passerby.synthetic.site_kinds import INDOORS, SITE_KINDS
from passerby.synthetic.studio import Studio
from passerby.synthetic.truth import Picture

HEIGHT, WIDTH = 96, 48
NOBODY = np.zeros((0, 3), np.float32)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set with masks and tables."""
    return render_people(
        tmp_path_factory.mktemp("scenes") / "people",
        people=3, cameras=12, cameras_per_person=2, pictures=2, height=HEIGHT, width=WIDTH, masks=True, parquet=True,
    )  # fmt: skip


@cache
def take(**options: object) -> list[Picture]:
    with Studio(5, HEIGHT, WIDTH, **options) as studio:
        return [studio.take(number, 3 * number + 1, 0) for number in range(6)]


@pytest.mark.parametrize("index", range(len(SITE_KINDS)))
def test_every_kind_of_place_can_be_seen(index: int) -> None:
    camera = sample_camera(0, index)
    site = build_site(0, index, camera)
    assert site.kind == SITE_KINDS[index]
    assert site.indoors == (site.kind in INDOORS)
    size = 60, 80
    box = Box(480.0, 260.0, 800.0, 500.0)
    shown = Backdrop(site, camera).draw(box, size, site.light, NOBODY, np.ones(size, np.bool_))
    assert np.isfinite(shown).all()
    assert shown.min() >= 0
    assert shown.std() > 0.02


def test_a_part_of_a_place_is_the_same_as_in_the_whole() -> None:
    for index in (0, 9):
        camera = sample_camera(1, index)
        site = build_site(1, index, camera)
        backdrop = Backdrop(site, camera)
        box = Box(600.0, 320.0, 680.0, 400.0)
        part = backdrop._drawn(box)
        whole = backdrop._drawn(Box(0.0, 0.0, 1280.0, 720.0))
        rows, columns = slice(320, 400), slice(600, 680)
        assert (part.facing == whole.facing[rows, columns]).mean() > 0.99
        off = np.abs(part.albedo.astype(int) - whole.albedo[rows, columns].astype(int))
        assert (off <= 2).mean() > 0.99


def test_people_keep_off_things() -> None:
    for index in range(8):
        camera = sample_camera(2, index)
        site = build_site(2, index, camera)
        for left, near, right, far in site.obstacles:
            assert not site.is_free((left + right) / 2, (near + far) / 2)
            assert site.is_free(left - 100.0, near)
    assert build_site(2, 0, sample_camera(2, 0)).is_free(500.0, 500.0)


def test_cameras_differ_in_look_viewpoint_and_framing() -> None:
    cameras, looks = [sample_camera(0, i) for i in range(60)], [sample_look(0, i) for i in range(60)]
    assert len({(c.height, c.focal_length, c.path, c.framing) for c in cameras}) == 60
    assert len(set(looks)) == 60
    assert {round(c.path / 90) % 4 for c in cameras} == {0, 1, 2, 3}
    assert any(c.distortion for c in cameras)
    assert any(not c.distortion for c in cameras)
    assert any(look.interlaced for look in looks)
    assert sample_camera(0, 7) == sample_camera(0, 7)


def test_motion_smears_along_rows_and_keeps_what_there_is() -> None:
    look = replace(sample_look(0, 0), shutter=0.05, interlaced=False)
    figure = np.zeros((20, 40, 4), np.float32)
    figure[:, 18:22] = 1.0
    moved = in_motion(look, figure, 120.0)
    assert moved.sum() == pytest.approx(figure.sum(), rel=1e-5)
    assert ((moved[10, :, 3] > 0).sum()) in (9, 10, 11)  # 4 wide, moving 6
    assert (in_motion(look, figure, 10.0) == figure).all()
    torn = in_motion(replace(look, interlaced=True, shutter=0.001), figure, 100.0)
    assert (torn[::2] == figure[::2]).all()
    assert (torn[1::2] == np.roll(figure[1::2], 2, axis=1)).all()


@pytest.mark.parametrize("mode", ["infrared", "depth"])
def test_infrared_and_depth_show_the_same_moments_in_grey(mode: str) -> None:
    pictures, coloured = take(mode=mode), take()
    for picture, colour in zip(pictures, coloured, strict=True):
        assert np.ptp(picture.pixels.astype(int), axis=2).max() <= (0 if mode == "depth" else 24)
        assert picture.truth.box == colour.truth.box
        assert picture.truth.key_points == colour.truth.key_points
        assert (picture.pixels != colour.pixels).any()


def test_depth_tells_metres_to_the_person() -> None:
    with Studio(5, HEIGHT, WIDTH, mode="depth", masks=True) as studio:
        for number in range(6):
            picture = studio.take(number, 3 * number + 1, 0)
            near, far = depth_range(sample_camera(5, 3 * number + 1))
            torso = picture.pixels[..., 0][picture.mask == PARTS.index("upper body")].astype(float)
            measured = far - (torso[torso > 0] - 1.0) / 254.0 * (far - near)
            # Along the line of sight, which is never longer than the way to the person.
            assert 0.8 * picture.truth.distance - 0.6 < np.median(measured) < picture.truth.distance + 0.4


@pytest.mark.parametrize("weather", ["night", "rain", "snow", "mixed"])
def test_weather_changes_pictures_but_nobody_in_them(weather: str) -> None:
    changed = []
    for picture, clear in zip(take(weather=weather), take(), strict=True):
        assert picture.truth.box == clear.truth.box
        assert picture.truth.key_points == clear.truth.key_points
        told = picture.truth.light.weather
        assert told == weather or weather == "mixed" or (told == "clear" and picture.truth.light.indoors)
        assert clear.truth.light.weather == "clear"
        if told == "clear":
            assert (picture.pixels == clear.pixels).all()
        else:
            changed.append((picture.pixels != clear.pixels).mean())
    assert changed
    assert min(changed) > 0.2


def test_nights_are_darker_and_snow_is_brighter() -> None:
    brightness = {w: np.mean([p.pixels.mean() for p in take(weather=w)]) for w in ("clear", "night", "snow")}
    assert brightness["night"] < 0.9 * brightness["clear"] < 0.9 * brightness["snow"]


def test_masks_hold_the_parts_where_the_key_points_are() -> None:
    names = {"ankle": {"lower body", "shoes"}, "knee": {"lower body"}, "elbow": {"arms", "bag"}, "head top": {"head"}}
    right = total = 0
    for picture in take(masks=True, effects=False):
        assert picture.mask is not None
        assert picture.mask.shape == (HEIGHT, WIDTH)
        assert picture.mask.max() < len(PARTS)
        for point in picture.truth.key_points:
            expected = next((parts for end, parts in names.items() if point.name.endswith(end)), None)
            if expected and point.visible:
                row, column = min(HEIGHT - 2, max(1, round(point.y))), min(WIDTH - 2, max(1, round(point.x)))
                near = picture.mask[row - 1 : row + 3, column - 1 : column + 2]
                right += bool(expected & {PARTS[label] for label in near.ravel()})
                total += 1
    assert total > 15
    assert right / total > 0.85


def test_masks_cover_the_visible_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    with Studio(5, HEIGHT, WIDTH, masks=True) as studio:
        shares = []
        mask = studio._painter.mask

        def watch(scene: object, shown: Drawing) -> np.ndarray:
            labelled = mask(scene, shown)
            shares.append(((labelled > 0).mean(), shown.of(0).mean()))
            return labelled

        monkeypatch.setattr(studio._painter, "mask", watch)
        for number in range(6):
            studio.take(number, 3 * number + 1, 0)
    for labelled, figure in shares:
        assert labelled == pytest.approx(figure, abs=0.02)


def test_every_surface_of_a_body_has_one_part() -> None:
    with Studio(5, HEIGHT, WIDTH) as studio:
        for index in range(6):
            body = studio._body(index, 0)
            labels = part_labels(body)[body.mesh.triangles]
            assert (labels == labels[:, :1]).all()
            assert {"head", "upper body", "arms", "lower body", "shoes"} <= {
                PARTS[label] for label in np.unique(labels)
            }


def test_key_points_come_back_through_the_calibration(everything: Path) -> None:
    calibrated = {camera["camera_id"]: camera for camera in json.loads((everything / "cameras.json").read_text())}
    lines = [json.loads(line) for line in (everything / "truth.jsonl").read_text().splitlines()]
    assert {line["camera_id"] for line in lines} == set(calibrated)
    for line in lines:
        pixels = projected_by(calibrated[line["camera_id"]], np.array(line["places"], np.float32))
        box, (rows, columns) = line["box"], line["size"]
        x = (pixels[:, 0] - box["left"]) * columns / (box["right"] - box["left"])
        y = (pixels[:, 1] - box["top"]) * rows / (box["bottom"] - box["top"])
        told = np.array(line["key_points"])[:, :2]
        assert np.abs(np.stack([x, y], 1) - told).max() < 1.0


def test_calibration_is_a_rotation_and_the_height_above_the_ground() -> None:
    camera = Camera(3.0, 12.0, 4.0, 900.0, (5.0, 9.0), 180.0, 10.0, distortion=-0.15)
    told = calibration(camera)
    rotation, translation = np.array(told["rotation"]), np.array(told["translation"])
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(-rotation.T @ translation, [0.0, 0.0, 3.0], atol=1e-6)
    points = np.array([[0.5, 7.0, 1.0], [-2.0, 6.0, 0.0]], np.float32)
    assert np.allclose(projected_by(told, points), camera.pixels(points), atol=0.05)


def test_masks_and_tables_lie_beside_the_pictures(everything: Path) -> None:
    import pyarrow.parquet

    pictures = sorted(path.relative_to(everything).with_suffix("") for path in everything.glob("[bq]*/*.jpg"))
    masks = sorted(
        path.relative_to(everything / "masks").with_suffix("") for path in everything.glob("masks/*/*.png")
    )
    assert pictures == masks
    for path in everything.glob("masks/*/*.png"):
        with Image.open(path) as mask:
            assert (mask.mode, mask.size) == ("L", (WIDTH, HEIGHT))
    for name in ("truth", "people", "cameras"):
        table = pyarrow.parquet.read_table(everything / f"{name}.parquet")
        text = (everything / f"{name}.json{'l' * (name == 'truth')}").read_text()
        rows = [json.loads(line) for line in text.splitlines()] if name == "truth" else json.loads(text)
        assert table.num_rows == len(rows)
        assert set(table.column_names) == set(rows[0])
        for told, row in zip(table.to_pylist(), rows, strict=True):
            assert all(told[key] == row[key] for key in row if not isinstance(row[key], dict | list))


def test_masks_are_made_by_several_processes_too(everything: Path, tmp_path: Path) -> None:
    produced = produce_people(
        tmp_path / "out", people=3, cameras=12, cameras_per_person=2, pictures=2, height=HEIGHT, width=WIDTH,
        masks=True, parquet=True, processes=2,
    )  # fmt: skip
    files = {path.relative_to(everything) for path in everything.rglob("*") if path.is_file()}
    assert files == {path.relative_to(produced) for path in produced.rglob("*") if path.is_file()}
    assert all((produced / name).read_bytes() == (everything / name).read_bytes() for name in files)


@pytest.mark.parametrize(
    "wrong", [{"mode": "sonar"}, {"weather": "hail"}, {"mode": "depth", "weather": "rain"}], ids=str
)
def test_unknown_modes_and_weathers_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(DataError) as caught:
        Plan(4, 2, 1, 0, 64, 32, 2, **wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert list(wrong.values())[-1] in str(caught.value)
