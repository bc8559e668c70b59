"""What each role may do and see, through `open_gallery`, and that every access and refusal is on record."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.data.images import read_image
from passerby.errors import AccessError
from passerby.gallery import open_gallery
from passerby.gallery.access import POLICY
from passerby.gallery.clock import Camera
from passerby.gallery.creation import create_gallery
from passerby.gallery.gallery import Gallery
from passerby.gallery.rows import write_setting
from passerby.privacy.audit import read_line
from passerby.privacy.redaction import blur_head
from passerby.privacy.roles import Principal, Role
from passerby.types import Sighting

POLICY_TEXT = json.dumps(
    {
        "purpose": "testing",
        "purposes": ["testing", "a lost child"],
        "members": {
            "vic": {"role": "viewer"},
            "ann": {"role": "analyst"},
            "ada": {"role": "administrator"},
            "gus": {"role": "analyst", "cameras": ["gate"]},
            "nil": {"role": "administrator", "cameras": []},
        },
        "others": None,
        "sees": {"viewer": {"crops": "blurred", "embeddings": False, "attributes": False}},
    }
)
NOBODYS = frozenset[str]()
EVERYBODY = frozenset({"vic", "ann", "ada"})

Call = Callable[[Gallery, list[Sighting]], Any]
CALLS: dict[str, tuple[Call, frozenset[str]]] = {
    "info": (lambda g, s: g.info(), EVERYBODY),
    "cameras": (lambda g, s: g.cameras(), EVERYBODY),
    "count": (lambda g, s: g.count(camera="hall"), EVERYBODY),
    "get": (lambda g, s: g.get("hall-0"), EVERYBODY),
    "list": (lambda g, s: list(g.sightings(cameras=["hall"])), EVERYBODY),
    "watch": (lambda g, s: list(g.watch_changes(0, seconds=0)), EVERYBODY),
    "search": (lambda g, s: g.search(embedding=np.ones(16, np.float32), cameras=["hall"]), frozenset({"ann", "ada"})),
    "search by sighting": (lambda g, s: g.search(sighting="hall-0"), frozenset({"ann", "ada"})),
    "add": (lambda g, s: g.add([replace(s[0], camera="hall", id="new")]), frozenset({"ann", "ada"})),
    "add nothing": (lambda g, s: g.add([]), frozenset({"ann", "ada"})),
    "label": (lambda g, s: g.assign(["hall-0"], "Ann"), frozenset({"ann", "ada"})),
    "set a camera": (lambda g, s: g.set_camera(Camera("yard")), frozenset({"ada"})),
    "audit": (lambda g, s: list(g.audit_lines()), frozenset({"ada"})),
    "purge": (lambda g, s: g.purge(), frozenset({"ada"})),
    "delete nothing": (lambda g, s: g.delete([]), frozenset({"ada"})),
    "delete": (lambda g, s: g.delete(["hall-0"]), frozenset({"ada"})),
    "erase nothing": (lambda g, s: g.erase(person="nobody"), frozenset({"ada"})),
    "erase": (lambda g, s: g.erase(camera="hall"), frozenset({"ada"})),
}


@pytest.fixture
def sightings(draw_person: Callable[[int, int, int], np.ndarray]) -> list[Sighting]:
    random = np.random.default_rng(4)

    return [
        Sighting(
            camera,
            datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=number),
            crop=draw_person(number + 1, 1, 0),
            embedding=random.standard_normal(16).astype(np.float32),
            model="m",
            attributes={"upper": "red"},
            id=f"{camera}-{number}",
        )
        for camera in ("gate", "hall")
        for number in range(3)
    ]


@pytest.fixture
def place(tmp_path: Path, sightings: list[Sighting]) -> Path:
    url = tmp_path / "gallery"
    create_gallery(url, policy='{"purpose": "setting up"}')
    with open_gallery(url) as gallery:
        gallery.add(sightings)
        gallery.record.database.write(lambda cursor: write_setting(cursor, POLICY, POLICY_TEXT))
    return url


@pytest.mark.parametrize("name", ["vic", "ann", "ada"])
def test_each_role_may_do_what_the_table_says(name: str, place: Path, sightings: list[Sighting]) -> None:
    with open_gallery(place, principal=name) as gallery:
        for call, (attempt, allowed) in CALLS.items():
            if name in allowed:
                attempt(gallery, sightings)
                continue
            with pytest.raises(AccessError, match=f"{name} is a"):
                attempt(gallery, sightings)
            assert gallery.record.count() in (6, 7), call


def test_whoever_is_limited_to_one_camera_sees_nothing_of_another(place: Path, sightings: list[Sighting]) -> None:
    with open_gallery(place, principal="gus") as gallery:
        assert gallery.info().cameras == {"gate": 3}
        assert gallery.info().sightings == 3
        assert gallery.count() == 3
        assert [camera.name for camera in gallery.cameras()] == ["gate"]
        assert {sighting.camera for sighting in gallery.sightings()} == {"gate"}
        assert {change.sighting.camera for change in gallery.watch_changes(0, seconds=0) if change.sighting} == {
            "gate"
        }
        answer = gallery.search(embedding=sightings[3].embedding, top=10)
        assert {hit.sighting.camera for hit in answer} == {"gate"}
        assert answer.compared == 3
        for call in ("get", "list", "search", "search by sighting", "add", "label", "count"):
            with pytest.raises(AccessError, match="gus is limited to camera gate; 'hall' is not among them"):
                CALLS[call][0](gallery, sightings)
        assert gallery.get("gate-0").id == "gate-0"


def test_an_administrator_without_cameras_can_do_nothing_to_any(place: Path, sightings: list[Sighting]) -> None:
    with open_gallery(place, principal="nil") as gallery:
        assert gallery.info().sightings == 0
        assert list(gallery.sightings()) == []
        assert gallery.purge().sightings == 0
        assert gallery.erase(person="nobody").sightings == 0
        for call in ("get", "search", "add", "label", "erase", "delete"):
            with pytest.raises(AccessError, match="nil is limited to no camera"):
                CALLS[call][0](gallery, sightings)
        for call in ("audit", "set a camera"):
            with pytest.raises(AccessError, match="concerns every camera"):
                CALLS[call][0](gallery, sightings)


def test_a_viewer_sees_blurred_heads_and_no_embeddings_nor_attributes(place: Path) -> None:
    with open_gallery(place, principal="ada") as gallery:
        clear = gallery.get("gate-0")
    with open_gallery(place, principal="vic") as gallery:
        shown = gallery.get("gate-0")
        listed = next(iter(gallery.sightings()))
    assert clear.embedding is not None
    assert clear.attributes == {"upper": "red"}
    assert shown.embedding is None
    assert shown.attributes == {} == listed.attributes
    before, after = read_clear(clear), read_clear(shown)
    expected = blur_head(before)
    top = before.shape[0] // 4
    assert np.abs(after[:top].astype(int) - expected[:top]).mean() < 12  # but for the picture's own coding
    assert np.abs(after[:top].astype(int) - before[:top]).mean() > 12
    assert np.abs(after[-top:].astype(int) - before[-top:]).mean() < 5


def read_clear(sighting: Sighting) -> np.ndarray:

    assert isinstance(sighting.crop, bytes)
    return read_image(io.BytesIO(sighting.crop))


def test_heads_blurred_in_store_are_blurred_for_all_for_ever(tmp_path: Path, sightings: list[Sighting]) -> None:
    create_gallery(tmp_path / "g", policy='{"blur_stored_heads": true}')
    with open_gallery(tmp_path / "g") as gallery:
        gallery.add(sightings[:1])
        stored = read_clear(gallery.get("gate-0"))
    original = read_image(sightings[0].crop)  # type: ignore[arg-type]
    top = original.shape[0] // 4
    assert np.abs(stored[:top].astype(int) - original[:top]).mean() > 12


@pytest.mark.parametrize(
    ("store", "crops", "count"), [("crops", True, 1), ("embeddings", False, 1), ("matches", False, 0)]
)
def test_no_more_is_stored_than_the_policy_says(
    store: str, crops: bool, count: int, tmp_path: Path, sightings: list[Sighting]
) -> None:
    create_gallery(tmp_path / "g", policy=json.dumps({"cameras": {"gate": {"store": store}}}))
    with open_gallery(tmp_path / "g") as gallery:
        acknowledged = gallery.add([sightings[0], sightings[3]])
        assert [bool(one.sequence) for one in acknowledged] == [bool(count), True]
        assert gallery.info().cameras.get("gate", 0) == count
        assert gallery.get("hall-0").crop is not None
        if count:
            assert (gallery.get("gate-0").crop is not None) == crops


def test_strangers_stay_outside_and_unknown_purposes_are_refused(place: Path) -> None:
    with pytest.raises(AccessError, match="'eve' is not a member"):
        open_gallery(place, principal="eve")
    with pytest.raises(AccessError, match="'curiosity' is none of them"):
        open_gallery(place, principal="ann", purpose="curiosity")
    with open_gallery(place, principal="ann", purpose="a lost child") as gallery:
        assert gallery.info().sightings == 6
    with open_gallery(place, principal=Principal("a service", Role.VIEWER)) as gallery, pytest.raises(AccessError):
        gallery.search(sighting="gate-0")


def test_a_case_is_asked_for_where_the_policy_says_so(tmp_path: Path, sightings: list[Sighting]) -> None:
    create_gallery(tmp_path / "g", policy='{"require_case": true}')
    with open_gallery(tmp_path / "g") as gallery:
        gallery.add(sightings)
        with pytest.raises(AccessError, match="asks for a case"):
            gallery.search(sighting="gate-0")
    with open_gallery(tmp_path / "g", case="2026-014") as gallery:
        assert len(gallery.search(sighting="gate-0", top=2)) == 2


def test_every_access_and_every_refusal_is_on_record_with_principal_purpose_and_case(place: Path) -> None:
    with open_gallery(place, principal="ann", purpose="a lost child", case="2026-014") as gallery:
        gallery.search(sighting="gate-0", top=2)
        gallery.get("gate-1")
        with pytest.raises(AccessError):
            gallery.erase(camera="gate")
    with open_gallery(place, principal="ada") as gallery:
        lines = [read_line(line) for line in gallery.audit_lines()]
        assert gallery.verify_audit().intact
    own = [line for line in lines if line.principal == "ann"]
    assert [(line.action, line.allowed) for line in own] == [("search", True), ("view", True), ("erase", False)]
    assert {(line.purpose, line.case) for line in own} == {("a lost child", "2026-014")}
    assert len(own[0].known_subjects) == 3  # whom was asked for, and who was shown
    assert own[2].detail["reason"] == "ann is an analyst; erase needs an administrator"
    assert (lines[-1].principal, lines[-1].action, lines[-1].purpose) == ("ada", "audit", "testing")


def test_a_change_of_the_policy_holds_at_once_for_whoever_is_inside(place: Path) -> None:
    with open_gallery(place, principal="ann") as inside:
        inside.search(sighting="gate-0")
        changed = POLICY_TEXT.replace('"ann": {"role": "analyst"}', '"ann": {"role": "viewer"}')
        inside.record.database.write(lambda cursor: write_setting(cursor, POLICY, changed))
        with pytest.raises(AccessError, match="ann is a viewer"):
            inside.search(sighting="gate-0")
        gone = POLICY_TEXT.replace('"ann"', '"annabel"')
        inside.record.database.write(lambda cursor: write_setting(cursor, POLICY, gone))
        with pytest.raises(AccessError, match="'ann' is not a member"):
            inside.info()
