"""What an administrator changes about a gallery that is in use: its policy, what opens it, and its keys."""

from datetime import UTC, datetime
from functools import partial

import numpy as np

from passerby.errors import GalleryError
from passerby.gallery import watchlist
from passerby.gallery.access import KEYRING, POLICY
from passerby.gallery.database import Cursor
from passerby.gallery.gallery import Gallery
from passerby.gallery.rows import active_model, new_generation, read_setting, write_setting
from passerby.privacy.crypto import FieldCipher
from passerby.privacy.keyring import Keyring, read_keyring
from passerby.privacy.policy import Policy, read_policy
from passerby.privacy.roles import Action
from passerby.privacy.secret import Secret
from passerby.types import FloatArray, Progress

_AT_ONCE = 200  # Rows of a transaction: others write between two.

_SEALED = {"crops": ("number", "content", "crop"), "embeddings": ("number, model", "sealed", "embedding")}
"""By table: the columns that name a row, the column that is sealed, and the field that it is sealed as."""


def set_policy(gallery: Gallery, text: str) -> Policy:
    """Give a gallery another policy; it holds at once, for those who have the gallery open too.

    Raises:
        PolicyError: It has an unknown key or a value that does not fit.
        AccessError: The role does not allow it.
    """
    gallery.guard.check(Action.CONFIGURE)
    policy = read_policy(text)

    def write(cursor: Cursor) -> None:
        write_setting(cursor, POLICY, policy.to_json())
        gallery.guard.note(cursor, Action.CONFIGURE, {"policy": True})

    gallery.record.database.write(write)
    return policy


def policy_of(gallery: Gallery) -> Policy:
    """The policy that holds now."""
    gallery.guard.check(Action.INFO)
    text = gallery.record.setting(POLICY)
    return Policy() if text is None else read_policy(text)


def change_lock(gallery: Gallery, old: Secret, new: Secret) -> None:
    """Have another key or passphrase open an encrypted gallery. No data is encrypted again.

    A backup that was taken before still opens with the old one.

    Raises:
        GalleryError: The gallery is not encrypted.
        KeyringError: `old` does not open it, or `new` is too short a passphrase.
    """
    gallery.guard.check(Action.CONFIGURE)

    def write(cursor: Cursor) -> None:
        write_setting(cursor, KEYRING, _keyring(gallery, cursor).locked_by(old, new).to_json())
        gallery.guard.note(cursor, Action.CONFIGURE, {"lock": True})

    gallery.record.database.write(write)
    gallery.record.database.scrub()  # What the old key opened is in no file any more.


def renew_data_key(gallery: Gallery, secret: Secret | None, progress: Progress | None = None) -> int:
    """Encrypt all crops and embeddings under a new data key, while others go on using the gallery.

    Interrupted, the same call goes on where it stopped.

    Args:
        gallery: Whose.
        secret: What opens it.
        progress: Told how many fields are done, and of how many.

    Returns:
        How many fields were encrypted again.

    Raises:
        GalleryError: The gallery is not encrypted.
        KeyringError: The secret does not open it.
    """
    gallery.guard.check(Action.CONFIGURE)
    database = gallery.record.database
    cipher = database.write(partial(_begin, gallery=gallery, secret=secret))
    done, total = 0, sum(database.read(partial(_stale, table=table, cipher=cipher)) for table in _SEALED)
    while True:
        for table in _SEALED:
            last = 0
            while True:
                count, last = database.write(partial(_reseal, table=table, cipher=cipher, after=last))
                done += count
                if progress is not None:
                    progress(done, total)
                if not count:
                    break
        # Somebody may have written with the old key meanwhile; after this transaction nobody can.
        gallery.guard.check(Action.CONFIGURE)  # Takes the new key up.
        if database.write(partial(_finish, gallery=gallery, cipher=cipher)):
            break
    database.scrub()
    return done


def renew_transform(gallery: Gallery, secret: Secret | None) -> int:
    """Turn all embeddings by a new secret, so that a copy that was stolen matches this gallery no more.

    It is one transaction: searches go on with the old embeddings until it is done, and then with the new.

    Returns:
        How many embeddings were turned.

    Raises:
        GalleryError: The gallery is not encrypted.
        KeyringError: The secret does not open it.
    """
    gallery.guard.check(Action.CONFIGURE)
    count = gallery.record.database.write(partial(_turn, gallery=gallery, secret=secret))
    index = gallery.index()
    if index is not None:
        index.follow()
    gallery.record.database.scrub()
    return count


def _keyring(gallery: Gallery, cursor: Cursor) -> Keyring:
    text = read_setting(cursor, KEYRING)
    if text is None:
        raise GalleryError(
            f"{gallery.record.database.place}: expected an encrypted gallery, got a plain one; export it, and import "
            "it into one that `passerby gallery create --encrypt` made"
        )
    return read_keyring(text)


def _begin(cursor: Cursor, *, gallery: Gallery, secret: Secret | None) -> FieldCipher:
    """Add a new data key, unless an earlier call has added one and was interrupted."""
    keyring = _keyring(gallery, cursor)
    if sum(key.purpose == "data" for key in keyring.keys) == 1:
        keyring = keyring.with_new_key(secret, "data", datetime.now(UTC))
        gallery.guard.note(cursor, Action.CONFIGURE, {"data_key": "added"})
        write_setting(cursor, KEYRING, keyring.to_json())
    return keyring.unlock(secret).cipher()


def _stale(cursor: Cursor, *, table: str, cipher: FieldCipher) -> int:
    """How many rows are sealed with an older key than the newest."""
    column = _SEALED[table][1]
    statement = f"SELECT count(*) FROM {table} WHERE substr({column}, 1, 5) <> ?"
    return int(cursor.execute(statement, (cipher.head,))[0][0])


def _reseal(cursor: Cursor, *, table: str, cipher: FieldCipher, after: int) -> tuple[int, int]:
    """Seal some rows behind a sighting's number anew; gives how many, and the last one's number."""
    keys, column, field = _SEALED[table]
    rows = cursor.execute(
        f"SELECT {keys}, {column} FROM {table} WHERE number > ? AND substr({column}, 1, 5) <> ? ORDER BY number "
        f"LIMIT {_AT_ONCE}",
        (after, cipher.head),
    )
    condition = " AND ".join(f"{key} = ?" for key in keys.split(", "))
    for *key, sealed in rows:
        identifier = cursor.execute("SELECT id FROM sightings WHERE number = ?", (key[0],))[0][0]
        anew = cipher.reseal(bytes(sealed), identifier, field)
        cursor.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (anew, *key))
    # A sighting may have embeddings of two models, of which a page may end between: look at its number again.
    return len(rows), rows[-1][0] - 1 if rows else after


def _finish(cursor: Cursor, *, gallery: Gallery, cipher: FieldCipher) -> bool:
    """Drop the old keys, if nothing is sealed with them any more."""
    if any(_stale(cursor, table=table, cipher=cipher) for table in _SEALED):
        return False
    watchlist.reseal(cursor, cipher)
    gallery.guard.note(cursor, Action.CONFIGURE, {"data_key": "renewed"})
    write_setting(cursor, KEYRING, _keyring(gallery, cursor).without_old_keys("data").to_json())
    return True


def _turn(cursor: Cursor, *, gallery: Gallery, secret: Secret | None) -> int:
    """Turn every embedding, and put the new secret into the keyring."""
    keyring = _keyring(gallery, cursor)
    old = keyring.unlock(secret)
    keyring = keyring.with_new_key(secret, "transform", datetime.now(UTC)).without_old_keys("transform")
    new = keyring.unlock(secret)
    cipher, model, last, count = new.cipher(), active_model(cursor), 0, 0
    if model is not None:
        # A model that the gallery is just moving to begins anew.
        cursor.execute("DELETE FROM embeddings WHERE model <> ?", (model.number,))
        before, after = old.transform(model.dimension), new.transform(model.dimension)
        assert after is not None
        statement = (
            "SELECT e.number, s.id, e.sealed FROM embeddings e JOIN sightings s ON s.number = e.number "
            f"WHERE e.number > ? ORDER BY e.number LIMIT {_AT_ONCE}"
        )
        while rows := cursor.execute(statement, (last,)):
            turned: FloatArray = np.stack(
                [np.frombuffer(cipher.open(bytes(sealed), name, "embedding"), "<f4") for _, name, sealed in rows]
            )
            turned = after.apply(turned if before is None else before.undo(turned))
            for (number, name, _), vector in zip(rows, turned, strict=True):
                sealed = cipher.seal(vector.astype("<f4").tobytes(), name, "embedding")
                cursor.execute("UPDATE embeddings SET sealed = ? WHERE number = ?", (sealed, number))
            last, count = rows[-1][0], count + len(rows)
    gallery.guard.note(cursor, Action.CONFIGURE, {"turned": count})
    write_setting(cursor, KEYRING, keyring.to_json())
    new_generation(cursor)
    return count
