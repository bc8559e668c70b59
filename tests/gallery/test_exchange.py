"""Sightings as JSON lines: complete, exact, and bad lines named one by one."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import GalleryError
from passerby.gallery import open_gallery
from passerby.gallery.backup import backup, restore
from passerby.gallery.consistency import verify
from passerby.gallery.exchange import export, import_lines
from passerby.models.embedder import Embedder
from passerby.types import Sighting

Vectors = Callable[..., list[Sighting]]


def test_what_is_exported_comes_back_the_same(
    url: str, embedder: Embedder, sightings: list[Sighting], tmp_path: Path
) -> None:
    with open_gallery(url, model=embedder) as gallery, open_gallery("memory:", model=embedder) as other:
        gallery.add(sightings)
        assert export(gallery, tmp_path / "lines") == 24
        done = import_lines(other, tmp_path / "lines")
        assert (done.added, done.known, done.refused) == (24, 0, ())
        for sighting in gallery.sightings():
            one, same = gallery.get(sighting.id), other.get(sighting.id)
            assert one.embedding is not None
            np.testing.assert_array_equal(one.embedding, same.embedding)
            for name in ("camera", "time", "crop", "box", "track", "person", "quality", "attributes", "model"):
                assert getattr(one, name) == getattr(same, name)
        assert import_lines(other, tmp_path / "lines").known == 24


def test_bad_lines_are_named_and_no_other_is_lost(url: str, vectors: Vectors, tmp_path: Path) -> None:
    with open_gallery("memory:") as source:
        source.add(vectors(1_300))
        export(source, tmp_path / "lines")
    lines = (tmp_path / "lines").read_text().splitlines()
    bad = {
        3: ("{", "expected a sighting as a JSON object"),
        500: (json.dumps(json.loads(lines[499]) | {"embedding": [0.0] * 16}), "all zeros"),
        501: (json.dumps(json.loads(lines[500]) | {"embedding": [float("nan")] * 16}), "NaN is no number"),
        777: (json.dumps(json.loads(lines[776]) | {"time": "yesterday"}), "time: input should be"),
        778: (json.dumps(json.loads(lines[777]) | {"crop": "####"}), "expected a sighting as a JSON object"),
        779: (
            json.dumps(json.loads(lines[778]) | {"model": "another"}),
            "expected embeddings of the gallery's model",
        ),
        1300: (lines[1299][:40], "expected a sighting as a JSON object"),
    }
    for number, (text, _) in bad.items():
        lines[number - 1] = text
    (tmp_path / "lines").write_text("\n".join(lines))
    with open_gallery(url) as gallery:
        done = import_lines(gallery, tmp_path / "lines")
        assert (done.added, done.known) == (1_293, 0)
        assert [number for number, _ in done.refused] == list(bad)
        for (_, reason), (_, expected) in zip(done.refused, bad.values(), strict=True):
            assert expected in reason
        assert gallery.info().sightings == 1_293


def test_a_backup_goes_into_any_home(
    lasting_url: str, new_url: Callable[[str], str], embedder: Embedder, sightings: list[Sighting], tmp_path: Path
) -> None:
    with open_gallery(lasting_url, model=embedder) as gallery:
        gallery.add(sightings)
        gallery.delete([next(gallery.sightings()).id])
        assert backup(gallery, tmp_path / "copy") == 23
        gallery.add(sightings[:1])
        expected = gallery.search(sightings[1].crop, top=30)
    for home in ("folder", "postgresql"):
        place = new_url(home)
        assert restore(tmp_path / "copy", place) == 23
        with open_gallery(place, model=embedder) as restored:
            assert verify(restored) == []
            found = restored.search(sightings[1].crop, top=30)
            assert [hit.sighting.id for hit in found] == [
                hit.sighting.id for hit in expected if hit.sighting.sequence <= 24
            ]
            (again,) = restored.add(sightings[:1])
            assert (again.sequence, again.new) == (26, True)  # Behind all that came before, the tombstone too.
        with pytest.raises(GalleryError, match="stands there already"):
            restore(tmp_path / "copy", place)


def test_a_move_to_another_model_is_resumed_and_switches_at_once(
    url: str, embedder: Embedder, new_embedder: Callable[[int], Embedder], sightings: list[Sighting],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from passerby.gallery import reembedding
    from passerby.gallery.model import GalleryModel

    monkeypatch.setattr(reembedding, "_AT_ONCE", 5)
    other = new_embedder(1)

    def interrupt(done: int, total: int) -> None:
        assert total == 24
        if done >= 10:
            raise KeyboardInterrupt

    with open_gallery(url, model=embedder) as gallery:
        gallery.add(sightings)
        before = [hit.distance for hit in gallery.search(sightings[2].crop)]
        with pytest.raises(KeyboardInterrupt):
            reembedding.reembed(gallery, GalleryModel(other), interrupt)
        assert [hit.distance for hit in gallery.search(sightings[2].crop)] == before
        assert gallery.info().model == embedder.identity
        assert reembedding.reembed(gallery, GalleryModel(other)) == 14
        assert gallery.info().model == other.identity
        after = gallery.search(sightings[2].crop)
        assert after.hits[0].sighting.sequence == 3
        assert [hit.distance for hit in after] != before
        assert verify(gallery) == []
        assert reembedding.reembed(gallery, GalleryModel(other)) == 0
