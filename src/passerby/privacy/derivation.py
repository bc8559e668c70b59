"""Keys from secrets: HKDF where the secret is random (RFC 5869), Argon2id where somebody chose it (RFC 9106)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passerby.errors import KeyringError, MachineError

if TYPE_CHECKING:
    from passerby.privacy.secret import Passphrase


def derive(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """HKDF-SHA-256 without salt: keys for different purposes from one random secret tell nothing of each other.

    Args:
        secret: At least 16 random bytes.
        purpose: What the key is for; HKDF's info.
        length: Bytes wanted, at most 8,160.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt=None, info=purpose.encode()).derive(secret)


def stretch(passphrase: Passphrase, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Argon2id: 32 bytes that cost whoever guesses passphrases as much memory and time for each guess.

    Args:
        passphrase: What somebody chose.
        salt: At least 8 random bytes.
        memory_kib: Memory in KiB.
        iterations: Passes over it.
        lanes: How many can be computed at a time.

    Raises:
        MachineError: There is not enough memory.
        KeyringError: The installed `cryptography` was built without Argon2id.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        function = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
        return function.derive(passphrase.reveal())
    except UnsupportedAlgorithm as error:
        raise KeyringError(
            "passphrases need Argon2id, which this build of `cryptography` lacks; use a key file"
        ) from error
    except MemoryError as error:
        raise MachineError(f"a passphrase needs {memory_kib // 1024} MiB of memory; free some") from error
