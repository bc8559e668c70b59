"""Encrypted galleries: the right secret, a wrong one, damage; keys that change while the gallery is used."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import GalleryError, KeyringError
from passerby.gallery import open_gallery, securing
from passerby.gallery.access import KEYRING
from passerby.gallery.creation import create_gallery
from passerby.gallery.crops import encode
from passerby.gallery.gallery import Gallery
from passerby.privacy.crypto import FieldCipher
from passerby.privacy.keyring import read_keyring
from passerby.privacy.roles import Action
from passerby.privacy.secret import Key, Passphrase
from passerby.retrieval.distance import normalise
from passerby.types import Sighting

KEY, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
Vectors = Callable[..., list[Sighting]]


@pytest.fixture
def sealed(lasting_url: str, vectors: Vectors, draw_person: Callable[[int, int, int], np.ndarray]) -> str:
    """An encrypted gallery of 30 sightings with pictures, whose embeddings are turned, in each lasting home."""
    create_gallery(lasting_url, secret=KEY, encrypt=True, turn=True)
    with open_gallery(lasting_url, secret=KEY) as gallery:
        gallery.add([replace(one, crop=draw_person(place, 1, 0)) for place, one in enumerate(vectors(30))])
    return lasting_url


def answers(gallery: Gallery, vectors: Vectors) -> list[list[tuple[str, float]]]:
    return [
        [
            (hit.sighting.id, round(hit.distance, 4))
            for hit in gallery.search(embedding=query.embedding, top=5, cameras=["gate"])
        ]
        for query in vectors(6, seed=9)
    ]


def test_answers_are_those_of_a_plain_gallery(sealed: str, vectors: Vectors) -> None:
    with open_gallery("memory:") as plain, open_gallery(sealed, secret=KEY) as gallery:
        plain.add(vectors(30))
        assert answers(gallery, vectors) == answers(plain, vectors)
        own, same = gallery.get("gate-0-3"), plain.get("gate-0-3")
        assert own.embedding is not None
        assert same.embedding is not None
        np.testing.assert_allclose(own.embedding, same.embedding, atol=1e-6)
        assert gallery.info().encrypted
        assert not plain.info().encrypted


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (OTHER, "wrong key: it does not open this gallery"),
        (None, "this gallery is encrypted; give its key file"),
        (Passphrase("correct horse battery"), "got the other kind"),
    ],
)
def test_without_the_right_secret_nobody_comes_in(secret: Key | None, message: str, sealed: str) -> None:
    with pytest.raises(KeyringError, match=message):
        open_gallery(sealed, secret=secret)


def test_damage_is_named_and_everything_else_still_opens(sealed: str) -> None:
    with open_gallery(sealed, secret=KEY) as gallery:
        rows = gallery.record.database.read(
            lambda cursor: cursor.execute("SELECT content FROM crops WHERE number = 4")
        )
        content = bytearray(rows[0][0])
        content[40] ^= 1
        gallery.record.database.write(
            lambda cursor: cursor.execute("UPDATE crops SET content = ? WHERE number = 4", (bytes(content),))
        )
        with pytest.raises(KeyringError, match="crop of sighting gate-0-3 is damaged or belongs to another"):
            gallery.get("gate-0-3")
        assert gallery.get("gate-0-4").crop is not None


def test_pictures_and_embeddings_cannot_be_exchanged_between_sightings(sealed: str) -> None:
    with open_gallery(sealed, secret=KEY) as gallery:
        gallery.record.database.write(
            lambda cursor: cursor.execute(
                "UPDATE crops SET content = (SELECT content FROM crops WHERE number = 5) WHERE number = 4"
            )
        )
        with pytest.raises(KeyringError, match="belongs to another"):
            gallery.get("gate-0-3")


def test_another_lock_opens_the_same_data_and_the_old_one_no_more(sealed: str, vectors: Vectors) -> None:
    words = Passphrase("correct horse battery")
    with open_gallery(sealed, secret=KEY) as gallery:
        before = answers(gallery, vectors)
        stored = gallery.record.database.read(lambda cursor: cursor.execute("SELECT content FROM crops"))
        securing.change_lock(gallery, KEY, words)
        assert gallery.record.database.read(lambda cursor: cursor.execute("SELECT content FROM crops")) == stored
        assert answers(gallery, vectors) == before  # Who is inside stays inside.
        gallery.add(vectors(1, seed=3, camera="yard"))
    with pytest.raises(KeyringError, match="opened by its passphrase"):
        open_gallery(sealed, secret=KEY)
    with open_gallery(sealed, secret=words) as gallery:
        assert answers(gallery, vectors) == before
        assert gallery.verify_audit().intact
        with pytest.raises(KeyringError, match="wrong passphrase"):
            securing.change_lock(gallery, Passphrase("wrong horse battery"), OTHER)


def data_keys(gallery: Gallery) -> set[int]:
    tables = (("crops", "content"), ("embeddings", "sealed"))
    return {
        FieldCipher.key_of(bytes(row[0]))
        for table, column in tables
        for row in gallery.record.database.read(lambda c, q=f"SELECT {column} FROM {table}": c.execute(q))  # type: ignore[misc]
    }


def test_new_data_keys_while_others_use_the_gallery(sealed: str, vectors: Vectors) -> None:
    with open_gallery(sealed, secret=KEY) as other, open_gallery(sealed, secret=KEY) as gallery:
        before, old = answers(other, vectors), data_keys(gallery)
        assert securing.renew_data_key(gallery, KEY) == 60
        assert len(data_keys(gallery)) == 1
        assert data_keys(gallery).isdisjoint(old)
        keyring = read_keyring(gallery.record.setting(KEYRING) or "")
        assert sum(key.purpose == "data" for key in keyring.keys) == 1
        assert answers(other, vectors) == before
        assert other.get("gate-0-3").crop is not None
        other.add(vectors(5, seed=4, camera="yard"))
        assert len(data_keys(gallery)) == 1
        assert gallery.get("yard-4-0").embedding is not None
        assert securing.renew_data_key(gallery, KEY) == 65
        assert gallery.verify_audit().intact
    with open_gallery(sealed, secret=KEY) as again:
        assert answers(again, vectors) == before


def test_an_interrupted_renewal_goes_on(sealed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Exception):  # noqa: N818
        pass

    def interrupt(done: int, total: int) -> None:
        if done >= 20:
            raise Interrupted

    monkeypatch.setattr(securing, "_AT_ONCE", 10)
    with open_gallery(sealed, secret=KEY) as gallery:
        with pytest.raises(Interrupted):
            securing.renew_data_key(gallery, KEY, interrupt)
        assert len(data_keys(gallery)) == 2
        assert gallery.get("gate-0-3").crop is not None
    with open_gallery(sealed, secret=KEY) as gallery:
        assert gallery.get("gate-0-29").crop is not None
        assert securing.renew_data_key(gallery, KEY) == 40
        assert len(data_keys(gallery)) == 1


def test_nothing_is_written_under_a_key_that_has_gone(sealed: str, vectors: Vectors) -> None:
    """Who sealed a sighting just before the old key was dropped must not get it acknowledged."""
    with open_gallery(sealed, secret=KEY) as slow, open_gallery(sealed, secret=KEY) as gallery:
        late = slow.guard.seal_embedding("late", np.ones(16, np.float32))
        assert late is not None
        securing.renew_data_key(gallery, KEY)
        with pytest.raises(GalleryError, match="keys have just been changed; try again"):
            slow.record.database.write(slow.guard.hold)
        assert slow.add(vectors(1, seed=5))[0].new  # The next call takes the new key up.
        assert gallery.get("gate-5-0").embedding is not None


def test_a_new_secret_revokes_stolen_embeddings(sealed: str, vectors: Vectors) -> None:
    with open_gallery(sealed, secret=KEY) as other, open_gallery(sealed, secret=KEY) as gallery:
        before = answers(other, vectors)
        plain = normalise(np.stack([one.embedding for one in vectors(30)]))  # type: ignore[misc]
        stolen = gallery.guard.conceal(plain)
        assert securing.renew_transform(gallery, KEY) == 30
        assert answers(gallery, vectors) == before
        assert answers(other, vectors) == before
        gallery.guard.check(Action.INFO)
        renewed = gallery.guard.conceal(plain)
        assert np.abs(np.sum(stolen * renewed, axis=1)).mean() < 0.5  # strangers in 16 dimensions: 0.2
        assert gallery.verify_audit().intact
    with open_gallery(sealed, secret=KEY) as again:
        assert answers(again, vectors) == before


def test_plain_galleries_have_no_keys_to_change(lasting_url: str) -> None:
    with open_gallery(lasting_url) as gallery:
        for attempt in (
            lambda: securing.change_lock(gallery, KEY, OTHER),
            lambda: securing.renew_data_key(gallery, KEY),
            lambda: securing.renew_transform(gallery, KEY),
        ):
            with pytest.raises(GalleryError, match="expected an encrypted gallery, got a plain one"):
                attempt()


def test_creating_asks_for_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="expected a key file or a passphrase"):
        create_gallery(tmp_path / "g", encrypt=True)
    with pytest.raises(GalleryError, match="--turn with --encrypt"):
        create_gallery(tmp_path / "g", turn=True)
    with pytest.raises(KeyringError, match="at least 12 characters"):
        create_gallery(tmp_path / "g", encrypt=True, secret=Passphrase("short"))
    assert not (tmp_path / "g").exists()


def test_the_watch_list_is_sealed_and_moves_to_a_new_key(tmp_path: Path) -> None:
    picture = encode(np.random.default_rng(3).integers(0, 256, (64, 32, 3), dtype=np.uint8))
    create_gallery(tmp_path / "watching", secret=KEY, encrypt=True)
    with open_gallery(tmp_path / "watching", secret=KEY) as gallery:
        gallery.watch_list.add("somebody", picture)

        def stored() -> bytes:
            rows = gallery.record.database.read(lambda cursor: cursor.execute("SELECT content FROM wanted"))
            return bytes(rows[0][0])

        before = stored()
        assert picture[100:200] not in before
        securing.renew_data_key(gallery, KEY)
        assert stored() != before
        assert gallery.guard.open_crop("watch list somebody", stored()) == picture
