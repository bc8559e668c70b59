"""The keyring: a gallery's own keys, each wrapped by what opens it, so that the latter can change at any time.

Data is encrypted with random data keys. These lie beside the data, wrapped (encrypted) by a key that does not: one
from a file, from the environment, or from a passphrase. Another key file or passphrase wraps the same data keys anew,
and no data has to be touched; a new data key is added beside the old, and data moves to it piece by piece.
"""

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passerby.errors import KeyringError
from passerby.privacy.canonical import canonical
from passerby.privacy.crypto import FieldCipher
from passerby.privacy.derivation import derive, stretch
from passerby.privacy.secret import Key, Passphrase, Secret
from passerby.privacy.signing import SigningKey
from passerby.privacy.transform import SecretTransform

KeyPurpose: TypeAlias = Literal["data", "transform", "signing"]
"""data: encrypts crops and embeddings. transform: turns embeddings. signing: signs audit heads and receipts."""

_LARGEST = 1_000_000  # characters of JSON
_Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class KeyLock(_Strict):
    """Opened by a key of 32 bytes."""

    kind: Literal["key"] = "key"


class PassphraseLock(_Strict):
    """Opened by a passphrase through Argon2id; the defaults are RFC 9106's second choice, 64 MiB and three passes."""

    kind: Literal["passphrase"] = "passphrase"
    salt: _Base64 = Field(default_factory=lambda: b64encode(secrets.token_bytes(16)).decode(), min_length=12)
    memory_kib: int = Field(64 * 1024, ge=64, le=4 * 1024 * 1024)  # Argon2 needs 8 KiB for each lane
    iterations: int = Field(3, ge=1, le=100)
    lanes: int = Field(4, ge=1, le=8)


class WrappedKey(_Strict):
    """One key of the gallery, encrypted by what opens the keyring."""

    id: int = Field(ge=1, le=2**32 - 1)
    purpose: KeyPurpose
    created: str = Field(max_length=40)
    sealed: _Base64


class Keys:
    """The keys of an open keyring. They live in memory only; nothing shows or copies them."""

    __slots__ = ("_active", "_keys", "keyring_id")

    def __init__(self, keyring_id: str, keys: dict[KeyPurpose, dict[int, bytes]]) -> None:
        self.keyring_id = keyring_id
        self._keys = keys
        self._active = {purpose: max(of_purpose) for purpose, of_purpose in keys.items() if of_purpose}

    def __repr__(self) -> str:
        return f"Keys({self.keyring_id})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("keys are not to be copied or pickled")

    def cipher(self) -> FieldCipher:
        """What seals and opens crops and embeddings: with the newest data key, and with any of them."""
        return FieldCipher(self.keyring_id, self._keys["data"], self._active["data"])

    def transform(self, dimension: int) -> SecretTransform | None:
        """The secret transform of embeddings of a length; None where the gallery has none."""
        if "transform" not in self._active:
            return None
        return SecretTransform(self._keys["transform"][self._active["transform"]], dimension)

    def signing_key(self) -> SigningKey:
        """What signs audit heads and receipts."""
        return SigningKey(self._keys["signing"][self._active["signing"]])


class Keyring(_Strict):
    """A gallery's keys under lock, as JSON beside its data."""

    version: Literal[1] = 1
    id: str = Field(pattern="^[0-9a-f]{32}$")
    lock: KeyLock | PassphraseLock = Field(discriminator="kind")
    check: _Base64
    keys: tuple[WrappedKey, ...] = Field(strict=False, max_length=1000)

    def unlock(self, secret: Secret | None) -> Keys:
        """Open it.

        Raises:
            KeyringError: There is no secret, it is of the other kind, it does not fit, or a wrapped key is damaged.
        """
        wrapping = self._wrapping_key(secret)
        opened: dict[KeyPurpose, dict[int, bytes]] = {"data": {}, "transform": {}, "signing": {}}
        for key in self.keys:
            opened[key.purpose][key.id] = _unwrap(self.id, key, wrapping)
        for purpose in ("data", "signing"):
            if not opened[purpose]:
                raise KeyringError(f"the keyring has no {purpose} key; restore it from a backup")
        return Keys(self.id, opened)

    def locked_by(self, old: Secret, new: Secret, lock: KeyLock | PassphraseLock | None = None) -> "Keyring":
        """The same keys under another key or passphrase: no data has to be encrypted again.

        Args:
            old: What opens it now.
            new: What shall open it from now on.
            lock: How; by default as the kind of `new` needs it.

        Raises:
            KeyringError: `old` does not fit, or `new` is too short a passphrase.
        """
        wrapping = self._wrapping_key(old)
        plain = [(key, _unwrap(self.id, key, wrapping)) for key in self.keys]
        lock, check, wrapping = _lock(self.id, new, lock)
        keys = tuple(_wrap(self.id, key.id, key.purpose, key.created, content, wrapping) for key, content in plain)
        return Keyring(id=self.id, lock=lock, check=check, keys=keys)

    def with_new_key(self, secret: Secret | None, purpose: KeyPurpose, now: datetime) -> "Keyring":
        """With one more key, used from now on for all that is new; what the older ones sealed can still be opened.

        A new data key is due after 2^32 sealed fields (NIST SP 800-38D), or when an old one may have leaked; a new
        transform key when a copy of the gallery may have been stolen.
        """
        wrapping = self._wrapping_key(secret)
        number = max((key.id for key in self.keys), default=0) + 1
        key = _wrap(self.id, number, purpose, now.isoformat(), secrets.token_bytes(32), wrapping)
        return self.model_copy(update={"keys": (*self.keys, key)})

    def without_old_keys(self, purpose: KeyPurpose) -> "Keyring":
        """With only the newest key of a purpose: once nothing is left that the older ones sealed."""
        newest = max((key.id for key in self.keys if key.purpose == purpose), default=0)
        return self.model_copy(
            update={"keys": tuple(key for key in self.keys if key.purpose != purpose or key.id == newest)}
        )

    def to_json(self) -> str:
        """The keyring with a checksum, as `read_keyring` reads it."""
        content = self.model_dump(mode="json")
        return json.dumps(content | {"checksum": _checksum(content)}, indent=2) + "\n"

    def _wrapping_key(self, secret: Secret | None) -> bytes:
        """The key that wraps the others, if the secret is the right one."""
        wanted = "key file (or PASSERBY_KEY)" if self.lock.kind == "key" else "passphrase (PASSERBY_PASSPHRASE)"
        if secret is None:
            raise KeyringError(f"this gallery is encrypted; give its {wanted}")
        if isinstance(secret, Key) != (self.lock.kind == "key"):
            raise KeyringError(f"this gallery is opened by its {wanted}, got the other kind of secret")
        root = _root(secret, self.lock)
        if not hmac.compare_digest(_check(root, self.id), self.check):
            what = "key" if isinstance(secret, Key) else "passphrase"
            raise KeyringError(f"wrong {what}: it does not open this gallery; give the one it was locked with")
        return derive(root, _WRAPPING)


_WRAPPING = "passerby keyring 1 wrapping"
_CHECKING = "passerby keyring 1 check "


def new_keyring(
    secret: Secret, now: datetime, *, transform: bool = False, lock: KeyLock | PassphraseLock | None = None
) -> Keyring:
    """A keyring with a new data key and a new signing key.

    Args:
        secret: What shall open it.
        now: The time, to be noted with the keys.
        transform: Whether embeddings shall be turned by a secret transform too.
        lock: How a passphrase is stretched; by default as RFC 9106 suggests.

    Raises:
        KeyringError: The passphrase is too short.
    """
    keyring_id = secrets.token_hex(16)
    lock, check, _ = _lock(keyring_id, secret, lock)
    keyring = Keyring(id=keyring_id, lock=lock, check=check, keys=())
    purposes: tuple[KeyPurpose, ...] = ("data", "signing", "transform") if transform else ("data", "signing")
    for purpose in purposes:
        keyring = keyring.with_new_key(secret, purpose, now)
    return keyring


def read_keyring(text: str) -> Keyring:
    """Read what `Keyring.to_json` wrote.

    Raises:
        KeyringError: It is damaged, or from a newer version.
    """
    try:
        if len(text) > _LARGEST:
            raise ValueError
        content: Any = json.loads(text)
        checksum = content.pop("checksum")
        version = content.get("version")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise KeyringError("the keyring is damaged; restore it from a backup") from error
    if type(version) is int and version > 1:
        raise KeyringError(f"the keyring has version {version}, newer than this Passerby knows (1); update Passerby")
    try:
        keyring = Keyring.model_validate(content)
    except ValidationError as error:
        raise KeyringError("the keyring is damaged; restore it from a backup") from error
    if checksum != _checksum(content):
        raise KeyringError("the keyring is damaged; restore it from a backup")
    return keyring


def _lock(
    keyring_id: str, secret: Secret, lock: KeyLock | PassphraseLock | None
) -> tuple[KeyLock | PassphraseLock, str, bytes]:
    """A lock for a secret, what tells the right secret from a wrong one, and the key that wraps the others."""
    if isinstance(secret, Passphrase):
        secret.check_strength()
    if lock is None:
        lock = KeyLock() if isinstance(secret, Key) else PassphraseLock()
    root = _root(secret, lock)
    return lock, _check(root, keyring_id), derive(root, _WRAPPING)


def _root(secret: Secret, lock: KeyLock | PassphraseLock) -> bytes:
    if isinstance(secret, Key) and isinstance(lock, KeyLock):
        return secret.reveal()
    if isinstance(secret, Passphrase) and isinstance(lock, PassphraseLock):
        return stretch(
            secret,
            b64decode(lock.salt),
            memory_kib=lock.memory_kib,
            iterations=lock.iterations,
            lanes=lock.lanes,
        )
    raise KeyringError("expected a lock of the secret's own kind")


def _check(root: bytes, keyring_id: str) -> str:
    return b64encode(derive(root, _CHECKING + keyring_id, 16)).decode()


def _wrap(
    keyring_id: str, number: int, purpose: KeyPurpose, created: str, content: bytes, wrapping: bytes
) -> WrappedKey:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(12)
    sealed = nonce + AESGCM(wrapping).encrypt(nonce, content, _bound(keyring_id, number, purpose))
    return WrappedKey(id=number, purpose=purpose, created=created, sealed=b64encode(sealed).decode())


def _unwrap(keyring_id: str, key: WrappedKey, wrapping: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        sealed = b64decode(key.sealed)
        content = AESGCM(wrapping).decrypt(sealed[:12], sealed[12:], _bound(keyring_id, key.id, key.purpose))
    except (ValueError, InvalidTag) as error:
        raise KeyringError(f"key {key.id} of the keyring is damaged; restore the keyring from a backup") from error
    return content


def _bound(keyring_id: str, number: int, purpose: KeyPurpose) -> bytes:
    """What a wrapped key is bound to, so that none can be put in another's place."""
    return f"passerby keyring 1 {keyring_id} {number} {purpose}".encode()


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()
