"""Making a gallery: its keys and its policy, before anything is in it."""

import os
from datetime import UTC, datetime

from passerby.errors import GalleryError, KeyringError
from passerby.gallery.access import KEYRING, POLICY, open_database, open_gallery
from passerby.gallery.database import Cursor
from passerby.gallery.rows import write_setting
from passerby.gallery.schema import prepare
from passerby.privacy.keyring import new_keyring
from passerby.privacy.policy import read_policy
from passerby.privacy.roles import Action
from passerby.privacy.secret import Secret


def create_gallery(
    url: str | os.PathLike[str],
    *,
    policy: str | None = None,
    secret: Secret | None = None,
    encrypt: bool = False,
    turn: bool = False,
) -> None:
    """Make an empty gallery.

    Args:
        url: A folder, or "postgresql://…".
        policy: A policy as JSON; None: the default.
        secret: What shall open an encrypted gallery.
        encrypt: Whether crops and embeddings are encrypted.
        turn: Whether embeddings are turned by a secret transform besides.

    Raises:
        GalleryError: There is a gallery already, or `turn` is asked for without `encrypt`.
        KeyringError: It shall be encrypted, and there is no secret or too short a passphrase.
        PolicyError: The policy has an unknown key or a value that does not fit.
    """
    if turn and not encrypt:
        raise GalleryError("expected --turn with --encrypt: what turns embeddings is kept encrypted")
    if encrypt and secret is None:
        raise KeyringError("expected a key file or a passphrase to encrypt with; give --key or PASSERBY_PASSPHRASE")
    checked = None if policy is None else read_policy(policy)
    keyring = None if secret is None or not encrypt else new_keyring(secret, datetime.now(UTC), transform=turn)
    database = open_database(url, create=True)
    try:
        if database.read(lambda cursor: cursor.execute(database.dialect.has_record)):
            raise GalleryError(f"{database.place}: a gallery stands there already; name a new place")
        prepare(database, create=True)

        def write(cursor: Cursor) -> None:
            if checked is not None:
                write_setting(cursor, POLICY, checked.to_json())
            if keyring is not None:
                write_setting(cursor, KEYRING, keyring.to_json())

        database.write(write)
    finally:
        database.close()
    with open_gallery(url, secret=secret, create=False) as gallery:
        gallery.record.database.write(
            lambda cursor: gallery.guard.note(cursor, Action.CONFIGURE, {"created": True, "encrypted": encrypt})
        )
