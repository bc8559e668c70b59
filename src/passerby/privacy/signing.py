"""Ed25519 signatures: what a gallery has said of itself can be checked later, by anybody with its public key."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from passerby.errors import AuditError, KeyringError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class SigningKey:
    """A gallery's key to sign audit heads and erasure receipts with (Ed25519, RFC 8032).

    Args:
        seed: 32 secret bytes; `new_signing_seed` makes some.

    Raises:
        KeyringError: They are not 32 bytes.
    """

    __slots__ = ("_key", "public")

    _key: Ed25519PrivateKey
    public: str
    """The public key, base64: to be kept by whoever wants to check signatures."""

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if len(seed) != 32:
            raise KeyringError(f"expected a signing key of 32 bytes, got {len(seed)}; restore it from a backup")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = b64encode(self._key.public_key().public_bytes_raw()).decode()

    def __repr__(self) -> str:
        return f"SigningKey({fingerprint(self.public)})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a signing key is not to be copied or pickled")

    def sign(self, message: bytes) -> str:
        """The signature of a message, base64."""
        return b64encode(self._key.sign(message)).decode()


def is_signed(message: bytes, signature: str, public: str) -> bool:
    """Whether the holder of a public key's secret signed a message.

    Args:
        message: What was signed.
        signature: Base64, as `SigningKey.sign` gives it; anything else is no signature.
        public: The public key, base64.

    Raises:
        AuditError: `public` is no public key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
    except ValueError as error:
        raise AuditError("expected a public key (base64 of 32 bytes), got something else") from error
    try:
        key.verify(b64decode(signature, validate=True), message)
    except (ValueError, InvalidSignature):
        return False
    return True


def fingerprint(public: str) -> str:
    """16 hexadecimal digits that stand for a public key, short enough to read out."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]
