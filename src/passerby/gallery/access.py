"""The only way into a gallery: policy, audit, encryption and blurring happen here and nowhere else."""

import getpass
import os
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from passerby.errors import AccessError, GalleryError
from passerby.gallery import crops
from passerby.gallery.auditing import append_line
from passerby.gallery.database import Cursor, Database
from passerby.gallery.gallery import Gallery
from passerby.gallery.model import GalleryModel
from passerby.gallery.record import Record
from passerby.gallery.rows import read_setting, write_setting
from passerby.gallery.schema import prepare
from passerby.gallery.sqlite import SqliteDatabase
from passerby.gallery.url import MEMORY, is_server, without_password
from passerby.privacy.audit import AuditEvent, Detail
from passerby.privacy.crypto import FieldCipher
from passerby.privacy.keyring import Keys, read_keyring
from passerby.privacy.policy import Kept, Policy, read_policy
from passerby.privacy.receipt import ErasureDigest, ErasureKind, ErasureReceipt, sign_receipt
from passerby.privacy.redaction import blur_head
from passerby.privacy.roles import Action, Principal, permit
from passerby.privacy.secret import Secret, secret_from
from passerby.privacy.signing import SigningKey
from passerby.privacy.transform import SecretTransform
from passerby.types import FloatArray, Sighting

if TYPE_CHECKING:
    from passerby.models.embedder import Embedder

POLICY, KEYRING, SEED = "policy", "keyring", "signing_seed"

_MOST_SUBJECTS = 500  # Sightings that one line of the audit log names.


def open_gallery(
    url: str | os.PathLike[str],
    principal: str | Principal | None = None,
    purpose: str | None = None,
    case: str | None = None,
    *,
    model: "str | os.PathLike[str] | Embedder | None" = None,
    secret: Secret | None = None,
    create: bool = True,
    device: str = "auto",
    in_memory: bool = False,
) -> Gallery:
    """Open a gallery, under a name and for a purpose, which stand in its audit log with everything that is done.

    Args:
        url: "memory:", a folder, or "postgresql://…".
        principal: Who uses it; a name, of which the policy knows the role, or somebody whose role has been settled by
            a log-in. None: the system's user.
        purpose: What for. None: the purpose of the gallery's policy.
        case: Number of a case; the policy may ask for one.
        model: Name or folder of the bundle, or the embedder, that embeds pictures. None: the one that the gallery
            remembers; for a new gallery, the model that comes with Passerby.
        secret: What opens an encrypted gallery. None: what the environment says.
        create: Whether to make a gallery where there is none.
        device: Where the model runs: "cpu", "cuda", …; "auto" takes a GPU where there is one.
        in_memory: Whether this process holds an index in memory even where the database can compare by itself, in
            PostgreSQL: many searches at once become many times faster, but every embedding is read first, and kept.

    Raises:
        GalleryError: There is no gallery and none is to be made, or it is of a newer version.
        AccessError: The policy does not let them in, or does not allow the purpose.
        KeyringError: It is encrypted, and the secret is missing or does not fit.
        MachineError: The folder cannot be written to, or the database does not answer.
    """
    database = open_database(url, create=create)
    try:
        prepare(database, create=create)
        record = Record(database)
        access = Access(record, principal, purpose, case, secret_from() if secret is None else secret)
        return Gallery(record, access, GalleryModel(model, device), in_memory=in_memory)
    except BaseException:
        database.close()
        raise


def open_database(url: str | os.PathLike[str], *, create: bool) -> Database:
    """The database that a URL names.

    Raises:
        GalleryError: It is no URL of a gallery, or nothing is there and nothing is to be made.
        MachineError: It cannot be written to, or does not answer.
    """
    text = os.fspath(url)
    if text == MEMORY:
        return SqliteDatabase(None)
    if is_server(text):
        from passerby.gallery.postgres import PostgresDatabase

        return PostgresDatabase(text)
    if "://" in text or not text:
        raise GalleryError(
            f"expected memory:, a folder or postgresql://… as a gallery, got {without_password(text)!r}"
        )
    return SqliteDatabase(Path(text), create=create)


class Access:
    """One principal's way into one gallery; what `passerby.gallery.guard.Guard` asks for.

    Attributes:
        principal: Who.
        purpose: What for.
        case: Number of the case; empty where there is none.
        encrypted: Whether crops and embeddings are sealed.
    """

    def __init__(
        self,
        record: Record,
        principal: str | Principal | None,
        purpose: str | None,
        case: str | None,
        secret: Secret | None,
    ) -> None:
        self._record = record
        self._policy_text: str | None = None
        self._policy = Policy()
        self._named = getpass.getuser() if principal is None else principal
        self.purpose = purpose or ""
        self.case = case or ""
        self._name = self._named.name if isinstance(self._named, Principal) else self._named
        self._secret = secret
        self._held: tuple[int, ...] = ()
        self._keys: Keys | None = None
        self._cipher: FieldCipher | None = None
        self._transform: SecretTransform | None = None
        self._take_keys(record.setting(KEYRING))
        self.encrypted = self._keys is not None
        self._signing = self._signing_key()
        policy = self.policy()
        with self._refusals(Action.INFO):
            self.purpose = policy.purpose_of(purpose)
            self.principal = self._identified(policy)

    def policy(self) -> Policy:
        """The gallery's policy, as it is now."""
        text = self._record.setting(POLICY)
        if text != self._policy_text:
            self._policy = Policy() if text is None else read_policy(text)
            self._policy_text = text
        return self._policy

    def check(self, action: Action, cameras: Collection[str] | None = None) -> frozenset[str] | None:
        """The cameras at which the principal may do something; see `Guard.check`."""
        self._take_keys(self._record.setting(KEYRING))
        policy = self.policy()
        with self._refusals(action):
            policy.purpose_of(self.purpose)
            self.principal = self._identified(policy)
            if action is Action.SEARCH:
                policy.check_case(self.case)
            return permit(self.principal, action, cameras)

    def note(self, cursor: Cursor, action: Action, detail: Detail, sightings: Sequence[int] = ()) -> int:
        """Write a line into the audit log; see `Guard.note`."""
        self.hold(cursor)
        return self._append(cursor, action, detail, sightings)

    def hold(self, cursor: Cursor) -> None:
        """Refuse to write what is sealed with keys that are not the gallery's any more; see `Guard.hold`."""
        if self.encrypted and _numbers(read_setting(cursor, KEYRING)) != self._held:
            raise GalleryError(f"{self._record.database.place}: the gallery's keys have just been changed; try again")

    def kept(self, camera: str, *, matched: bool = False) -> Kept | None:
        """What the policy keeps of a camera's sighting."""
        return self._policy.kept(camera, matched=matched)

    def cutoff(self, camera: str, now: datetime) -> datetime | None:
        """Before when a camera's sightings are due to be purged."""
        return self._policy.cutoff(camera, now)

    def conceal(self, embeddings: FloatArray) -> FloatArray:
        """Embeddings as they are searched."""
        transform = self._turning(embeddings.shape[1])
        return embeddings if transform is None else transform.apply(embeddings)

    def reveal(self, embeddings: FloatArray) -> FloatArray:
        """Embeddings as the model made them."""
        transform = self._turning(embeddings.shape[1])
        return embeddings if transform is None else transform.undo(embeddings)

    def seal_embedding(self, sighting: str, embedding: FloatArray) -> bytes | None:
        """A concealed embedding, encrypted; None where the gallery is not."""
        if self._cipher is None:
            return None
        return self._cipher.seal(embedding.astype("<f4").tobytes(), sighting, "embedding")

    def open_embedding(self, sighting: str, vector: Any, sealed: bytes | None) -> FloatArray:  # noqa: ANN401
        """The concealed embedding that lies in the record."""
        if sealed is None or self._cipher is None:
            return self._record.database.from_vector(vector)
        return np.frombuffer(self._opened(bytes(sealed), sighting, "embedding"), "<f4").astype(np.float32)

    def seal_crop(self, sighting: str, content: bytes) -> bytes:
        """A picture as it is stored."""
        if self._policy.blur_stored_heads:
            content = crops.changed(content, f"sighting {sighting}", blur_head)
        return content if self._cipher is None else self._cipher.seal(content, sighting, "crop")

    def open_crop(self, sighting: str, stored: bytes) -> bytes:
        """The picture that lies in the record."""
        return stored if self._cipher is None else self._opened(stored, sighting, "crop")

    def show(self, sighting: Sighting) -> Sighting:
        """What of a sighting the role is shown."""
        sees = self._policy.sees_as(self.principal.role)
        if isinstance(sighting.crop, bytes) and sees.crops != "clear":
            blurred = sees.crops == "blurred"
            crop = crops.changed(sighting.crop, f"sighting {sighting.id}", blur_head) if blurred else None
            sighting = replace(sighting, crop=crop)
        if not sees.embeddings:
            sighting = replace(sighting, embedding=None)
        return sighting if sees.attributes else replace(sighting, attributes={})

    def receipt(self, kind: ErasureKind, removed: ErasureDigest, line: int) -> ErasureReceipt:
        """The signed receipt of an erasure that is complete."""
        return sign_receipt(kind, removed, time=datetime.now(UTC), audit_line=line, key=self._signing)

    def public_key(self) -> str:
        """What checks the gallery's signatures."""
        return self._signing.public

    @contextmanager
    def _refusals(self, action: Action) -> Iterator[None]:
        """Put on record what is refused."""
        try:
            yield
        except AccessError as error:
            reason = str(error)
            self._record.database.write(
                lambda cursor: self._append(cursor, action, {"reason": reason}, allowed=False)
            )
            raise

    def _take_keys(self, keyring: str | None) -> None:
        """Open the keyring, where it has other keys than those that are open already."""
        numbers = _numbers(keyring)
        if keyring is None or numbers == self._held:
            return
        self._keys = read_keyring(keyring).unlock(self._secret)
        self._cipher, self._transform, self._held = self._keys.cipher(), None, numbers

    def _opened(self, sealed: bytes, sighting: str, field: str) -> bytes:
        """What is sealed, even if with a key that has been added since."""
        assert self._cipher is not None
        if not self._cipher.has_key_of(sealed):
            self._take_keys(self._record.setting(KEYRING))
        return self._cipher.open(sealed, sighting, field)

    def _identified(self, policy: Policy) -> Principal:
        return self._named if isinstance(self._named, Principal) else policy.principal(self._named)

    def _append(
        self, cursor: Cursor, action: Action, detail: Detail, sightings: Sequence[int] = (), *, allowed: bool = True
    ) -> int:
        event = AuditEvent(
            time=datetime.now(UTC),
            principal=self._name,
            purpose=self.purpose,
            case=self.case,
            action=action,
            allowed=allowed,
            detail=detail,
            subjects=[str(number) for number in sightings[:_MOST_SUBJECTS]],
        )
        return append_line(cursor, event, self._signing)

    def _signing_key(self) -> SigningKey:
        """The gallery's own; in one that is not encrypted it lies in the record."""
        if self._keys is not None:
            return self._keys.signing_key()

        def seed(cursor: Cursor) -> str:
            found = read_setting(cursor, SEED)
            if found is None:
                found = b64encode(os.urandom(32)).decode()
                write_setting(cursor, SEED, found)
            return found

        return SigningKey(b64decode(self._record.setting(SEED) or self._record.database.write(seed)))

    def _turning(self, dimension: int) -> SecretTransform | None:
        if self._keys is not None and self._transform is None:
            self._transform = self._keys.transform(dimension)
        return self._transform


def _numbers(keyring: str | None) -> tuple[int, ...]:
    """The numbers of a keyring's keys: other keys have other numbers, another lock leaves them as they are."""
    return () if keyring is None else tuple(key.id for key in read_keyring(keyring).keys)
