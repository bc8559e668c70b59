"""What opens a gallery: a key from a file or the environment, or a passphrase. None of it is ever shown."""

import os
import re
import secrets
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from passerby.errors import KeyringError, PasserbyError

KEY_VARIABLE = "PASSERBY_KEY"
"""Environment variable with a key, as it stands in a key file."""

PASSPHRASE_VARIABLE = "PASSERBY_PASSPHRASE"
"""Environment variable with a passphrase."""

NEW_PASSPHRASE_VARIABLE = "PASSERBY_NEW_PASSPHRASE"
"""Environment variable with the passphrase that shall take the old one's place."""

SHORTEST_PASSPHRASE = 12
"""Characters that a new passphrase must have at least."""

_PREFIX = "passerby-key-1:"
_LARGEST = 4096  # bytes of a key file


class Key:
    """A random key of 32 bytes.

    Args:
        content: The bytes.

    Raises:
        KeyringError: They are not 32.
    """

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        if len(content) != 32:
            raise KeyringError(f"expected a key of 32 bytes, got {len(content)}")
        self._content = content

    def reveal(self) -> bytes:
        """The bytes, for computing only."""
        return self._content

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key is not to be copied or pickled")


class Passphrase:
    """Words that somebody remembers.

    Args:
        words: As they were typed; the ways to write the same letter are made one (Unicode NFC).

    Raises:
        KeyringError: There are none, or more than 1,024 characters.
    """

    __slots__ = ("_content",)

    def __init__(self, words: str) -> None:
        if not 1 <= len(words) <= 1024:
            raise KeyringError(f"expected a passphrase of 1 to 1,024 characters, got {len(words):,}")
        self._content = unicodedata.normalize("NFC", words)

    def reveal(self) -> bytes:
        """The words as UTF-8, for computing only."""
        return self._content.encode()

    def check_strength(self) -> None:
        """Do nothing where it is long enough for a new gallery.

        Raises:
            KeyringError: It is not.
        """
        if len(self._content) < SHORTEST_PASSPHRASE:
            raise KeyringError(
                f"expected a passphrase of at least {SHORTEST_PASSPHRASE} characters, got {len(self._content)}; "
                "several words in a row are easy to remember"
            )

    def __repr__(self) -> str:
        return "Passphrase(…)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a passphrase is not to be copied or pickled")


Secret: TypeAlias = Key | Passphrase


def write_new_key(path: Path | str) -> Key:
    """Make a key and write it to a new file that only its owner may read.

    Raises:
        PasserbyError: There is a file of that name already, which may be the only key to something.
    """
    key = Key(secrets.token_bytes(32))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise PasserbyError(f"{path} is there already, perhaps the only key to something; name a new file") from error
    except FileNotFoundError as error:
        raise KeyringError(f"{path}: expected a file in a folder that is there, to write a new key to") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{key_text(key)}\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def key_text(key: Key) -> str:
    """A key as it stands in a key file: for the one place where it must be written."""
    return _PREFIX + b64encode(key.reveal()).decode()


def read_key(path: Path | str) -> Key:
    """Read a key file.

    Raises:
        KeyringError: There is no such file, or it is none; what it holds is not shown.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise KeyringError(f"{path}: there is no such key file") from error
    except OSError as error:
        raise KeyringError(f"{path}: expected a key file, got something unreadable") from error
    return _parse_key(content.decode("ascii", "replace"), str(path))


def secret_from(key_file: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Secret | None:
    """Find what opens a gallery: the file that was named, else `PASSERBY_KEY`, else `PASSERBY_PASSPHRASE`.

    Args:
        key_file: A key file, as `write_new_key` makes it.
        environment: Variables; None: those of this process.

    Returns:
        The secret; None where there is none.

    Raises:
        KeyringError: The file or the variable holds no key.
    """
    environment = os.environ if environment is None else environment
    if key_file is not None:
        return read_key(key_file)
    if environment.get(KEY_VARIABLE):
        return _parse_key(environment[KEY_VARIABLE], KEY_VARIABLE)
    if environment.get(PASSPHRASE_VARIABLE):
        return Passphrase(environment[PASSPHRASE_VARIABLE])
    return None


def new_secret_from(
    key_file: Path | str | None = None, environment: Mapping[str, str] | None = None
) -> Secret | None:
    """Find what shall open a gallery from now on: the file that was named, else `PASSERBY_NEW_PASSPHRASE`.

    Args:
        key_file: A key file; it is made where there is none.
        environment: Variables; None: those of this process.

    Returns:
        The secret; None where there is none.

    Raises:
        KeyringError: The file holds no key.
    """
    environment = os.environ if environment is None else environment
    if key_file is not None:
        return read_key(key_file) if Path(key_file).exists() else write_new_key(key_file)
    words = environment.get(NEW_PASSPHRASE_VARIABLE)
    return Passphrase(words) if words else None


def _parse_key(text: str, place: str) -> Key:
    found = re.fullmatch(re.escape(_PREFIX) + r"([A-Za-z0-9+/]{43}=)", text.strip())
    if found is None:
        raise KeyringError(f"{place}: expected one line that begins with {_PREFIX}, got something else")
    return Key(b64decode(found[1]))
