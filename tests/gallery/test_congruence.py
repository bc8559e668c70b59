"""Every call gives the same in memory, in a folder and in PostgreSQL."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from passerby.errors import PasserbyError
from passerby.gallery import open_gallery
from passerby.gallery.clock import Camera
from passerby.gallery.creation import create_gallery
from passerby.gallery.crops import content_of
from passerby.gallery.gallery import Gallery
from passerby.models.embedder import Embedder
from passerby.privacy.receipt import ErasureReceipt
from passerby.retrieval.distance import normalise
from passerby.retrieval.methods import reranker
from passerby.types import Sighting

Call = Callable[[Gallery], Any]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)  # of the fixture's sightings


class Three:
    """One gallery in each home; what is called is called on all, and must give the same."""

    def __init__(self, galleries: dict[str, Gallery]) -> None:
        self.galleries = galleries

    def __call__(self, call: Call) -> Any:
        found = {home: self._outcome(call, gallery) for home, gallery in self.galleries.items()}
        first = next(iter(found.values()))
        expected = comparable(first)
        for home, outcome in found.items():
            assert comparable(outcome) == expected, home
        if isinstance(first, PasserbyError):
            raise first
        return first

    @staticmethod
    def _outcome(call: Call, gallery: Gallery) -> Any:
        try:
            result = call(gallery)
            return list(result) if isinstance(result, Iterator) else result
        except PasserbyError as error:
            return error


def comparable(value: Any) -> Any:
    """A result without what must differ: places, sizes, signatures; embeddings and distances to 5 digits."""
    match value:
        case PasserbyError():
            return type(value).__name__, str(value).split(": ", 1)[-1]
        case ErasureReceipt():
            return value.kind, value.sightings, value.audit_line
        case np.ndarray():
            return np.round(value, 5).tolist()
        case float():
            return round(value, 5)
        case list() | tuple():
            return [comparable(part) for part in value]
        case dict():
            return {key: comparable(part) for key, part in value.items() if key not in ("gallery", "bytes")}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return comparable({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    return value


@pytest.fixture
def three(new_url: Callable[[str], str], embedder: Embedder, sightings: list[Sighting]) -> Iterator[Three]:
    galleries = {home: open_gallery(new_url(home), model=embedder) for home in ("memory", "folder", "postgresql")}
    three = Three(galleries)
    three(lambda gallery: gallery.add(sightings))
    yield three
    for gallery in galleries.values():
        gallery.close()


def test_adding(three: Three, sightings: list[Sighting]) -> None:
    again = three(lambda gallery: gallery.add(sightings[:3]))
    assert [(one.sequence, one.new) for one in again] == [(1, False), (2, False), (3, False)]
    more = three(lambda gallery: gallery.add([dataclasses.replace(sightings[0], track="other", camera="yard")]))
    assert (more[0].sequence, more[0].new) == (25, True)
    assert three(lambda gallery: gallery.add([])) == []
    info = three(Gallery.info)
    assert info.cameras == {"gate": 12, "hall": 12, "yard": 1}


SEARCHES: dict[str, dict[str, Any]] = {
    "all": {},
    "one camera": {"cameras": ["gate"]},
    "two cameras": {"cameras": {"gate", "hall"}},
    "after": {"after": START + timedelta(minutes=5)},
    "before": {"before": datetime(2026, 3, 1, 12, 5)},
    "a range": {"after": START + timedelta(seconds=2), "before": START + timedelta(seconds=5)},
    "nothing left": {"before": START - timedelta(days=1)},
    "quality": {"min_quality": 0.4},
    "everything": {"cameras": ["hall"], "after": START, "before": START + timedelta(days=1), "min_quality": 0.3},
    "top 1": {"top": 1},
    "top 100": {"top": 100},
    "likely": {"min_probability": 0.5},
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searching(three: Three, sightings: list[Sighting], name: str) -> None:
    wanted = SEARCHES[name]
    answer = three(lambda gallery: gallery.search(sightings[5].crop, **wanted))
    meant = [
        s
        for s in sightings
        if s.camera in wanted.get("cameras", ("gate", "hall"))
        and s.time >= wanted.get("after", START)
        and s.time.replace(tzinfo=None) < wanted.get("before", datetime(2027, 1, 1)).replace(tzinfo=None)
        and (s.quality or 0) >= wanted.get("min_quality", 0)
    ]
    assert answer.compared == len(meant)
    if "min_probability" in wanted:
        assert 0 < len(answer) < 10
        assert all(hit.probability >= 0.5 for hit in answer)
    else:
        assert len(answer) == min(wanted.get("top", 10), len(meant))
    if len(answer):
        assert 0 < answer.hits[0].probability < 1
        assert 0 < answer.hits[0].expected_false_matches < len(meant)


def test_re_ranking_the_nearest(three: Three, embedder: Embedder, sightings: list[Sighting]) -> None:
    method = reranker("k-reciprocal:k1=5,k2=3")
    # Between two people, so that neighbourhoods have something to say.
    query = normalise(embedder.embed(sightings[7].crop) + embedder.embed(sightings[22].crop))
    plain = three(lambda gallery: gallery.search(embedding=query[0], top=24))
    answer = three(lambda gallery: gallery.search(embedding=query[0], top=8, rerank=method))
    vectors = np.stack([three(lambda gallery, hit=hit: gallery.get(hit.sighting.id)).embedding for hit in plain])
    order = np.argsort(method(query, vectors)[0], kind="stable")[:8].tolist()
    assert order != list(range(8))
    for rank, (place, hit) in enumerate(zip(order, answer, strict=True), start=1):
        assert hit == dataclasses.replace(plain.hits[place], rank=rank, sighting=hit.sighting)
        assert hit.sighting.id == plain.hits[place].sighting.id


def test_searching_with_an_embedding_or_a_sighting(
    three: Three, embedder: Embedder, sightings: list[Sighting]
) -> None:
    vector = embedder.embed(sightings[7].crop)[0]
    by_embedding = three(lambda gallery: gallery.search(embedding=3 * vector))
    assert by_embedding.hits[0].sighting.sequence == 8
    identifier = by_embedding.hits[0].sighting.id
    by_sighting = three(lambda gallery: gallery.search(sighting=identifier, top=100))
    assert (len(by_sighting), by_sighting.compared) == (23, 23)
    assert identifier not in {hit.sighting.id for hit in by_sighting}
    elsewhere = three(lambda gallery: gallery.search(sighting=identifier, cameras=["gate"]))
    assert elsewhere.compared == 12 - (by_embedding.hits[0].sighting.camera == "gate")


def test_an_index_in_memory_answers_as_the_database_does(
    new_url: Callable[[str], str], embedder: Embedder, sightings: list[Sighting]
) -> None:
    url = new_url("postgresql")
    with open_gallery(url, model=embedder) as one, open_gallery(url, model=embedder, in_memory=True) as other:
        one.add(sightings)
        both = Three({"compared by the database": one, "in memory": other})
        assert one.index() is None
        assert other.index() is not None
        for wanted in SEARCHES.values():
            both(lambda gallery, wanted=wanted: gallery.search(sightings[5].crop, **wanted))
        one.erase(person="person 2")
        assert both(lambda gallery: gallery.search(sightings[5].crop, top=30)).compared == 20


def test_one_name_is_as_good_as_a_list_of_one(three: Three, sightings: list[Sighting]) -> None:
    found = three(lambda gallery: gallery.search(sightings[0].crop, cameras="gate")).hits[0].sighting
    assert found.camera == "gate"
    asked = three(lambda gallery: gallery.search(sighting=found, cameras="gate", top=30))
    assert (asked.compared, found.id in {hit.sighting.id for hit in asked}) == (11, False)
    assert len(three(lambda gallery: gallery.sightings(cameras="hall"))) == 12
    three(lambda gallery: gallery.assign(found.id, "somebody"))
    assert three(lambda gallery: gallery.count(person="somebody")) == 1
    assert three(lambda gallery: gallery.delete(found.id)).sightings == 1


def test_equal_distances_come_in_the_order_in_which_they_were_added(three: Three, sightings: list[Sighting]) -> None:
    twins = [dataclasses.replace(sightings[0], track=f"twin {number}") for number in range(30)]
    three(lambda gallery: gallery.add(twins))
    answer = three(lambda gallery: gallery.search(sightings[0].crop, top=20))
    assert [hit.sighting.sequence for hit in answer] == [1, *range(25, 44)]


def test_getting_and_listing(three: Three, sightings: list[Sighting]) -> None:
    listed = three(lambda gallery: gallery.sightings())
    assert [s.sequence for s in listed] == list(range(1, 25))
    found = three(lambda gallery: gallery.get(listed[3].id))
    assert (found.camera, found.time, found.box, found.track) == ("hall", sightings[3].time, (10, 20, 32, 64), "2-1")
    assert (found.person, found.quality, found.attributes) == ("person 1", 0.2, dict(sightings[3].attributes))
    assert found.crop.startswith(b"\xff\xd8")
    assert np.linalg.norm(found.embedding) == pytest.approx(1)
    assert len(three(lambda gallery: gallery.sightings(person="person 2", cameras=["hall"]))) == 2
    assert len(three(lambda gallery: gallery.sightings(min_quality=0.65, before=START + timedelta(hours=1)))) == 2


def test_labelling_and_watching(three: Three, sightings: list[Sighting]) -> None:
    first, second = [s.id for s in three(lambda gallery: gallery.sightings())[:2]]
    three(lambda gallery: gallery.assign([first], "somebody"))
    three(lambda gallery: gallery.delete([second]).sightings)
    changes = three(lambda gallery: gallery.watch_changes(0, seconds=0))
    assert [change.kind for change in changes] == ["added"] * 22 + ["changed", "removed"]
    assert changes[-2].sighting.person == "somebody"
    assert (changes[-1].number, changes[-1].sighting) == (2, None)
    assert three(lambda gallery: gallery.watch_changes(25, seconds=0)) == changes[-1:]
    three(lambda gallery: gallery.assign([first], None))
    assert three(lambda gallery: gallery.get(first)).person is None


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"person": "person 3"}, 20),
        ({"camera": "gate"}, 12),
        ({"after": START + timedelta(minutes=10)}, 12),
        ({"before": START + timedelta(minutes=10)}, 12),
        ({"camera": "hall", "person": "person 1", "before": START + timedelta(minutes=5)}, 23),
        ({"person": "nobody"}, 24),
    ],
)
def test_erasing(three: Three, sightings: list[Sighting], asked: dict[str, Any], left: int) -> None:
    three(lambda gallery: len(gallery.search(sightings[0].crop)))  # Whatever is kept in memory is there.
    assert three(lambda gallery: gallery.count(**asked)) == 24 - left
    assert three(lambda gallery: gallery.erase(**asked)).sightings == 24 - left
    assert three(Gallery.info).sightings == left
    assert len(three(lambda gallery: gallery.search(sightings[0].crop, top=100))) == left
    assert three(lambda gallery: gallery.erase(**asked)).sightings == 0


def test_cameras_and_their_clocks(three: Three, sightings: list[Sighting]) -> None:
    three(lambda gallery: gallery.set_camera(Camera("yard", "Europe/Vienna", clock_offset=90)))
    local = dataclasses.replace(sightings[0], camera="yard", time=datetime(2026, 7, 1, 14, 1, 30))
    identifier = three(lambda gallery: gallery.add([local]))[0].id
    assert three(lambda gallery: gallery.get(identifier)).time.isoformat() == "2026-07-01T12:00:00+00:00"
    assert [camera.name for camera in three(Gallery.cameras)] == ["gate", "hall", "yard"]


def test_what_cannot_be_done(
    three: Three, sightings: list[Sighting], new_embedder: Callable[[int], Embedder]
) -> None:
    crop = sightings[0].crop
    other = new_embedder(1)
    wrong: dict[str, Call] = {
        "there is no sighting 'x'": lambda gallery: gallery.get("x"),
        "there is no camera 'roof'; the gallery has gate, hall": lambda gallery: gallery.search(
            crop, cameras=["roof"]
        ),
        "expected one of image, embedding and sighting": lambda gallery: gallery.search(),
        "expected a person, a camera or a time range": lambda gallery: gallery.erase(),
        "expected to look for at least 1": lambda gallery: gallery.search(crop, top=0),
        "expected an embedding of 16": lambda gallery: gallery.search(embedding=np.ones(8, np.float32)),
        "is not finite": lambda gallery: gallery.search(embedding=np.full(16, np.nan, np.float32)),
        "expected embeddings of the gallery's model 000": lambda gallery: gallery.add(
            [dataclasses.replace(sightings[0], embedding=other.embed(crop)[0], model=other.identity)]
        ),
        "sighting 2: expected a quality of 0 to 1": lambda gallery: gallery.add(
            [dataclasses.replace(sightings[0], track="new"), dataclasses.replace(sightings[0], quality=7.0)]
        ),
        "expected a time zone": lambda gallery: gallery.set_camera(Camera("yard", "Atlantis/Poseidonis")),
        "sighting 1: expected a picture, got an empty one": lambda gallery: gallery.add(
            [dataclasses.replace(sightings[0], crop=b"")]
        ),
        "sighting 1: expected a finite embedding": lambda gallery: gallery.add(
            [dataclasses.replace(sightings[0], embedding=np.full(16, np.nan, np.float32))]
        ),
        "expected a crop or an embedding": lambda gallery: gallery.add(
            [dataclasses.replace(sightings[0], crop=None)]
        ),
    }
    for reason, call in wrong.items():
        with pytest.raises(PasserbyError, match=reason):
            three(call)
    assert three(Gallery.info).sightings == 24


def test_only_matches_of_the_watch_list_are_kept(
    new_url: Callable[[str], str],
    embedder: Embedder,
    sightings: list[Sighting],
) -> None:
    policy = '{"store": "matches", "cameras": {"hall": {"store": "crops"}}}'
    galleries = {}
    for home in ("folder", "postgresql"):
        url = new_url(home)
        create_gallery(url, policy=policy)
        galleries[home] = open_gallery(url, model=embedder)
    three = Three(galleries)
    picture = content_of(sightings[0].crop, "a picture")
    assert three(lambda gallery: [one.new for one in gallery.add(sightings)]) == [False, False, True, True] * 6
    three(lambda gallery: gallery.watch_list.add("somebody", picture))
    assert three(lambda gallery: gallery.watch_list.names()) == ["somebody"]
    three(lambda gallery: gallery.add(sightings))
    kept = three(lambda gallery: gallery.sightings(cameras=["gate"]))
    assert "person 1" in {sighting.person for sighting in kept}
    assert len(kept) < 12
    three(lambda gallery: gallery.watch_list.remove("somebody"))
    with pytest.raises(PasserbyError, match="nobody called 'somebody' is on the watch list"):
        three(lambda gallery: gallery.watch_list.remove("somebody"))
    for gallery in galleries.values():
        gallery.close()
