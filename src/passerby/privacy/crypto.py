"""Encryption of what is stored of a sighting: AES-256-GCM, bound to the sighting and the field it belongs to."""

import os
from collections.abc import Mapping

from passerby.errors import KeyringError

_VERSION = b"\x01"
_NONCE = 12
_TAG = 16

OVERHEAD = len(_VERSION) + 4 + _NONCE + _TAG
"""Bytes by which a sealed field is longer than its content."""


class FieldCipher:
    """Seals and opens fields of sightings (AES-256-GCM, NIST SP 800-38D).

    A sealed field is version (1 byte), number of the data key (4 bytes, big-endian), nonce (12 random bytes),
    ciphertext and tag (16 bytes). Keyring, key, sighting and field are authenticated with it: a field that was moved
    to another sighting, to another field or to another gallery does not open.

    Nonces are random: after 2^32 fields under one key the chance that two were ever alike is still below 2^-32.

    Args:
        keyring_id: Which keyring the keys are of.
        keys: 32 bytes each, by number.
        active: Number of the key that seals.
    """

    __slots__ = ("_active", "_ciphers", "_keyring")

    def __init__(self, keyring_id: str, keys: Mapping[int, bytes], active: int) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._keyring = keyring_id
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._active = active

    @property
    def head(self) -> bytes:
        """The 5 bytes that fields begin with which are sealed with the newest key."""
        return _VERSION + self._active.to_bytes(4, "big")

    def __repr__(self) -> str:
        return f"FieldCipher({self._keyring}, key {self._active})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a cipher is not to be copied or pickled")

    def seal(self, content: bytes, sighting_id: str, field: str) -> bytes:
        """Encrypt one field.

        Args:
            content: What is stored of it in the clear.
            sighting_id: Whose.
            field: Which, such as "crop" or "embedding".

        Returns:
            `OVERHEAD` bytes more than `content`.
        """
        nonce = os.urandom(_NONCE)
        head = self.head
        cipher = self._ciphers[self._active]
        return head + nonce + cipher.encrypt(nonce, content, self._bound(head, sighting_id, field))

    def open(self, sealed: bytes, sighting_id: str, field: str) -> bytes:
        """Decrypt what `seal` made of the same field of the same sighting.

        Raises:
            KeyringError: It is sealed with a key that is not in the keyring, or damaged, or another's.
        """
        from cryptography.exceptions import InvalidTag

        if len(sealed) < OVERHEAD or sealed[:1] != _VERSION:
            raise KeyringError(f"{field} of sighting {sighting_id}: expected encrypted data, got something else")
        number = self.key_of(sealed)
        cipher = self._ciphers.get(number)
        if cipher is None:
            raise KeyringError(
                f"{field} of sighting {sighting_id} is encrypted with key {number}, which is not in the keyring; "
                "restore the keyring that belongs to this data"
            )
        nonce, body = sealed[5 : 5 + _NONCE], sealed[5 + _NONCE :]
        try:
            return cipher.decrypt(nonce, body, self._bound(sealed[:5], sighting_id, field))
        except InvalidTag as error:
            raise KeyringError(
                f"{field} of sighting {sighting_id} is damaged or belongs to another; restore it from a backup"
            ) from error

    @staticmethod
    def key_of(sealed: bytes) -> int:
        """Number of the data key that sealed a field."""
        return int.from_bytes(sealed[1:5], "big")

    def has_key_of(self, sealed: bytes) -> bool:
        """Whether the key that sealed a field is there."""
        return self.key_of(sealed) in self._ciphers

    def reseal(self, sealed: bytes, sighting_id: str, field: str) -> bytes:
        """The same field under the newest key; unchanged where it is under that already.

        Raises:
            KeyringError: As `open`.
        """
        if len(sealed) >= OVERHEAD and self.key_of(sealed) == self._active:
            return sealed
        return self.seal(self.open(sealed, sighting_id, field), sighting_id, field)

    def _bound(self, head: bytes, sighting_id: str, field: str) -> bytes:
        """What is authenticated besides: each part with its length, so that no two lists give the same bytes."""
        parts = (b"passerby field", head, self._keyring.encode(), sighting_id.encode(), field.encode())
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
