"""Keys, keyring and cipher: published answers, a frozen format, tampering, and nothing secret in sight."""

import copy
import json
import pickle
import stat
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import KeyringError, PasserbyError
from passerby.privacy import derivation
from passerby.privacy.crypto import OVERHEAD, FieldCipher
from passerby.privacy.derivation import derive, stretch
from passerby.privacy.keyring import KeyLock, Keyring, PassphraseLock, new_keyring, read_keyring
from passerby.privacy.secret import (
    KEY_VARIABLE,
    PASSPHRASE_VARIABLE,
    Key,
    Passphrase,
    key_text,
    read_key,
    secret_from,
    write_new_key,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
WORDS = Passphrase("correct horse battery")
CHEAP = PassphraseLock(memory_kib=64, iterations=1, lanes=1)


# What others have published


def test_aes_gcm_is_the_published_one() -> None:
    """McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16 (256 bits, with data beside)."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    beside = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    expected = (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    assert AESGCM(key).encrypt(nonce, plain, beside).hex() == expected


def test_hkdf_is_the_published_one() -> None:
    """RFC 5869, test case 3: no salt, no info."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert derive(b"\x0b" * 22, "", 42).hex() == expected


def test_argon2id_is_the_reference_one() -> None:
    """From the tests of the reference implementation: version 0x13, t=2, m=65536, p=1."""
    derived = stretch(Passphrase("password"), b"somesalt", memory_kib=65536, iterations=2, lanes=1)
    assert derived.hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"


KEYRING = json.dumps(
    {
        "version": 1,
        "id": "523e5a36e9ca0fb3263d6fb99e2439d3",
        "lock": {
            "kind": "passphrase",
            "salt": "DsnpL2BgJN3vrzZ0M3so/g==",
            "memory_kib": 64,
            "iterations": 1,
            "lanes": 1,
        },
        "check": "Q/CbzbIEvR6AxTqqaUCHvw==",
        "keys": [
            {
                "id": 1,
                "purpose": "data",
                "created": "2026-01-31T12:00:00+00:00",
                "sealed": "J6s+Al6DPuIPfSsMpAxhpEbKaHKttoBQlOqon5OkZfGOQfs3M5uABU62PKdVZabpYlZFnIT1Tje5wjR/",
            },
            {
                "id": 2,
                "purpose": "signing",
                "created": "2026-01-31T12:00:00+00:00",
                "sealed": "osLlzC0QCbi9leHjvM3E0kV3w5NQDpQKMu2K2rYG4iW4QIxouUfTMvOTuEYwvXbCAxPDppiWG1a+X9jc",
            },
            {
                "id": 3,
                "purpose": "transform",
                "created": "2026-01-31T12:00:00+00:00",
                "sealed": "x3EpnqKpSmeTXaIac9tL3xnhPTd9Qs643vqkRv1GzSizod6DHQMW2I0laaXFF69i2aalGGP0PdK4w0Fm",
            },
        ],
        "checksum": "70e5218f789b36d4d755a5728a718e95ea7006bd66d52b6cadaee32cadc56978",
    }
)
"""Written by the first version: galleries must stay readable."""


def test_what_the_first_version_wrote_can_be_read() -> None:
    keys = read_keyring(KEYRING).unlock(WORDS)
    sealed = "0100000001880b6556e76c65e8098d4cda6bed073804b9c59193495f2548998f779bdeb65045ebb4bde9"
    assert keys.cipher().open(bytes.fromhex(sealed), "17", "crop") == b"a picture"
    assert keys.signing_key().public == "j9Wj2BCAs0xfsVadznWzqcFA7AdGddMS5WBuYnLgx8k="
    transform = keys.transform(3)
    assert transform is not None
    assert transform.suffix == "6e830707862da855"


# The cipher


def cipher(*numbers: int, active: int = 0) -> FieldCipher:
    return FieldCipher("ring", {n: bytes([n]) * 32 for n in numbers or (1,)}, active or max(numbers or (1,)))


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_what_is_sealed_opens_for_the_same_sighting_and_field_only(content: bytes, sighting: str, field: str) -> None:
    sealed = cipher().seal(content, sighting, field)
    assert len(sealed) == len(content) + OVERHEAD
    assert cipher().open(sealed, sighting, field) == content
    for other in ((sighting + "1", field), (sighting, field + "1"), (sighting + field, ""), ("", sighting + field)):
        if other != (sighting, field):
            with pytest.raises(KeyringError, match="damaged or belongs to another"):
                cipher().open(sealed, *other)


@given(st.integers(0, 8 * (5 + OVERHEAD) - 1))
def test_every_changed_bit_is_found(bit: int) -> None:
    sealed = bytearray(cipher(1, 2).seal(b"crop!", "17", "crop"))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KeyringError):
        cipher(1, 2).open(bytes(sealed), "17", "crop")


@given(st.integers(0, 4 + OVERHEAD))
def test_every_cut_is_found(length: int) -> None:
    with pytest.raises(KeyringError):
        cipher().open(cipher().seal(b"crop!", "17", "crop")[:length], "17", "crop")


def test_the_format_is_the_one_described() -> None:
    sealed = cipher(7).seal(b"a picture", "17", "crop")
    version, number, nonce, body = sealed[:1], sealed[1:5], sealed[5:17], sealed[17:]
    assert (version, number) == (b"\x01", b"\x00\x00\x00\x07")
    bound = b"".join(
        len(part).to_bytes(4, "big") + part
        for part in (b"passerby field", b"\x01\x00\x00\x00\x07", b"ring", b"17", b"crop")
    )
    assert AESGCM(b"\x07" * 32).decrypt(nonce, body, bound) == b"a picture"


def test_nonces_differ_and_equal_contents_look_different() -> None:
    sealed = [cipher().seal(b"same", "17", "crop") for _ in range(2000)]
    assert len({one[5:17] for one in sealed}) == 2000
    assert len({one[17:] for one in sealed}) == 2000
    assert all(b"same" not in one[17:-16] for one in sealed)


def test_another_gallerys_data_another_key_and_plain_data_are_told_apart() -> None:
    sealed = cipher(2).seal(b"a", "17", "crop")
    with pytest.raises(KeyringError, match="encrypted with key 2, which is not in the keyring"):
        cipher(1).open(sealed, "17", "crop")
    with pytest.raises(KeyringError, match="expected encrypted data"):
        cipher(1).open(b"\xff\xd8\xff\xe0" * 20, "17", "crop")
    moved = FieldCipher("another ring", {2: b"\x02" * 32}, 2)
    with pytest.raises(KeyringError, match="damaged or belongs to another"):
        moved.open(sealed, "17", "crop")


def test_data_moves_to_a_new_key_piece_by_piece() -> None:
    old = cipher(1).seal(b"a", "17", "crop")
    both = cipher(1, 2)
    assert both.open(old, "17", "crop") == b"a"
    new = both.reseal(old, "17", "crop")
    assert (FieldCipher.key_of(old), FieldCipher.key_of(new)) == (1, 2)
    assert cipher(2).open(new, "17", "crop") == b"a"
    assert both.reseal(new, "17", "crop") is new
    with pytest.raises(KeyringError):
        both.reseal(old, "18", "crop")


# The keyring


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return new_keyring(KEY, NOW, transform=True)


def content_of(keyring: Keyring, secret: Key | Passphrase) -> bytes:
    """A field that only this gallery's data key opens."""
    return keyring.unlock(secret).cipher().seal(b"crop", "17", "crop")


def test_a_keyring_is_read_as_it_was_written(keyring: Keyring) -> None:
    again = read_keyring(keyring.to_json())
    assert again == keyring
    assert again.unlock(KEY).cipher().open(content_of(keyring, KEY), "17", "crop") == b"crop"


def test_every_gallery_has_keys_of_its_own(keyring: Keyring) -> None:
    other = new_keyring(KEY, NOW, transform=True)
    with pytest.raises(KeyringError):
        other.unlock(KEY).cipher().open(content_of(keyring, KEY), "17", "crop")
    assert other.unlock(KEY).signing_key().public != keyring.unlock(KEY).signing_key().public
    assert other.unlock(KEY).transform(8).suffix != keyring.unlock(KEY).transform(8).suffix  # type: ignore[union-attr]
    assert new_keyring(KEY, NOW).unlock(KEY).transform(8) is None


def test_a_wrong_secret_a_missing_one_and_damage_are_told_apart(keyring: Keyring) -> None:
    locked = new_keyring(WORDS, NOW, lock=CHEAP)
    for ring, secret, message in (
        (keyring, OTHER, "wrong key: it does not open this gallery"),
        (keyring, None, "this gallery is encrypted; give its key file"),
        (keyring, WORDS, "opened by its key file .*, got the other kind"),
        (locked, Passphrase("correct horse batterz"), "wrong passphrase"),
        (locked, None, "give its passphrase"),
        (locked, KEY, "opened by its passphrase .*, got the other kind"),
    ):
        with pytest.raises(KeyringError, match=message):
            ring.unlock(secret)
    first = keyring.keys[0]
    content = bytearray(b64decode(first.sealed))
    content[20] ^= 1
    broken = first.model_copy(update={"sealed": b64encode(content).decode()})
    with pytest.raises(KeyringError, match="key 1 of the keyring is damaged"):
        keyring.model_copy(update={"keys": (broken, *keyring.keys[1:])}).unlock(KEY)


def test_a_wrapped_key_in_anothers_place_does_not_open(keyring: Keyring) -> None:
    data, signing, transform = keyring.keys
    swapped = (data.model_copy(update={"sealed": signing.sealed}), signing, transform)
    with pytest.raises(KeyringError, match="key 1 of the keyring is damaged"):
        keyring.model_copy(update={"keys": swapped}).unlock(KEY)
    with pytest.raises(KeyringError, match="no data key"):
        keyring.model_copy(update={"keys": (signing,)}).unlock(KEY)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_keyring_is_refused_in_one_line(keyring: Keyring, data: st.DataObject) -> None:
    text = keyring.to_json()
    place = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:place] + data.draw(st.characters(exclude_characters=text[place])) + text[place + 1 :]
    try:
        content = json.loads(damaged)
        same = content == json.loads(text)  # only the space between words has changed
    except ValueError:
        same = False
    if not same:
        with pytest.raises(KeyringError) as raised:
            read_keyring(damaged)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "7", "{" * 5000, '{"checksum": 1}', " " * 1_000_001])
def test_what_is_no_keyring_is_refused(text: str) -> None:
    with pytest.raises(KeyringError, match="damaged"):
        read_keyring(text)


def test_a_newer_keyring_is_refused_as_such(keyring: Keyring) -> None:
    with pytest.raises(KeyringError, match="version 2, newer than this Passerby knows"):
        read_keyring(keyring.to_json().replace('"version": 1', '"version": 2'))


def test_costs_that_would_stop_the_machine_are_refused() -> None:
    content = json.loads(KEYRING)
    content["lock"]["memory_kib"] = 2**40
    with pytest.raises(KeyringError, match="damaged"):
        read_keyring(json.dumps(content))


def test_what_opens_it_can_change_without_touching_data(keyring: Keyring) -> None:
    sealed = content_of(keyring, KEY)
    by_words = keyring.locked_by(KEY, WORDS, CHEAP)
    by_other = read_keyring(by_words.to_json()).locked_by(WORDS, OTHER)
    assert (by_words.lock.kind, by_other.lock) == ("passphrase", KeyLock())
    for ring, secret in ((by_words, WORDS), (by_other, OTHER)):
        keys = ring.unlock(secret)
        assert keys.cipher().open(sealed, "17", "crop") == b"crop"
        assert keys.signing_key().public == keyring.unlock(KEY).signing_key().public
    with pytest.raises(KeyringError, match="wrong key"):
        by_other.unlock(KEY)
    with pytest.raises(KeyringError, match="wrong key"):
        keyring.locked_by(OTHER, KEY)


def test_a_new_data_key_seals_while_the_old_one_still_opens(keyring: Keyring) -> None:
    sealed = content_of(keyring, KEY)
    newer = keyring.with_new_key(KEY, "data", NOW)
    keys = newer.unlock(KEY)
    moved = keys.cipher().reseal(sealed, "17", "crop")
    assert FieldCipher.key_of(moved) == 4
    newest = newer.without_old_keys("data")
    assert [key.id for key in newest.keys] == [2, 3, 4]
    assert newest.unlock(KEY).cipher().open(moved, "17", "crop") == b"crop"
    with pytest.raises(KeyringError, match="key 1, which is not in the keyring"):
        newest.unlock(KEY).cipher().open(sealed, "17", "crop")


def test_a_new_transform_key_revokes_the_old_identity(keyring: Keyring) -> None:
    newer = keyring.with_new_key(KEY, "transform", NOW).unlock(KEY).transform(8)
    assert newer is not None
    assert newer.suffix != keyring.unlock(KEY).transform(8).suffix  # type: ignore[union-attr]


def test_the_default_cost_is_that_of_rfc_9106() -> None:
    lock = PassphraseLock()
    assert (lock.memory_kib, lock.iterations, lock.lanes) == (65536, 3, 4)
    assert lock.salt != PassphraseLock().salt


# Where secrets come from


def test_a_key_file_is_new_private_and_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "gallery.key"
    key = write_new_key(file)
    assert read_key(file).reveal() == key.reveal()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(PasserbyError, match="is there already"):
        write_new_key(file)
    assert read_key(file).reveal() == key.reveal()
    assert write_new_key(tmp_path / "other.key").reveal() != key.reveal()


@pytest.mark.parametrize("content", [b"", b"secret", b"passerby-key-1:AAAA", b"\xff" * 50, b"A" * 5000])
def test_a_file_that_is_no_key_is_refused_without_showing_it(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "gallery.key"
    file.write_bytes(content)
    with pytest.raises(KeyringError, match="expected one line that begins with passerby-key-1:") as raised:
        read_key(file)
    assert "secret" not in str(raised.value)
    assert len(str(raised.value)) < 200
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyringError):
            read_key(missing)


def test_the_file_named_comes_before_the_environment_and_a_key_before_a_passphrase(tmp_path: Path) -> None:
    key = write_new_key(tmp_path / "k")
    both = {KEY_VARIABLE: key_text(OTHER), PASSPHRASE_VARIABLE: "correct horse battery"}
    named, from_key = secret_from(tmp_path / "k", both), secret_from(None, both)
    assert isinstance(named, Key)
    assert named.reveal() == key.reveal()
    assert isinstance(from_key, Key)
    assert from_key.reveal() == OTHER.reveal()
    words = secret_from(None, {PASSPHRASE_VARIABLE: "correct horse battery"})
    assert isinstance(words, Passphrase)
    assert words.reveal() == WORDS.reveal()
    assert secret_from(None, {}) is None
    with pytest.raises(KeyringError, match=KEY_VARIABLE):
        secret_from(None, {KEY_VARIABLE: "nonsense"})


def test_one_letter_written_in_two_ways_is_one_passphrase() -> None:
    assert (
        Passphrase("gr\u00fc\u00dfe aus der ferne").reveal() == Passphrase("gru\u0308\u00dfe aus der ferne").reveal()
    )


def test_short_passphrases_open_but_lock_nothing_new() -> None:
    with pytest.raises(KeyringError, match="at least 12 characters, got 5"):
        new_keyring(Passphrase("short"), NOW, lock=CHEAP)
    for words in ("", "x" * 1025):
        with pytest.raises(KeyringError, match="1 to 1,024"):
            Passphrase(words)
    with pytest.raises(KeyringError, match="32 bytes, got 16"):
        Key(bytes(16))


def test_a_machine_without_the_memory_or_the_function_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf import argon2

    for error, message in ((MemoryError(), "needs 64 MiB of memory"), (UnsupportedAlgorithm("x"), "use a key file")):

        def fail(error: Exception = error, **_: object) -> None:
            raise error

        monkeypatch.setattr(argon2, "Argon2id", fail)
        with pytest.raises(PasserbyError, match=message):
            derivation.stretch(WORDS, b"somesalt", memory_kib=65536, iterations=3, lanes=4)


# Nothing secret in sight


def secrets_in_all_spellings(*contents: bytes) -> list[str]:
    spellings: list[str] = []
    for content in contents:
        spellings += [content.hex(), b64encode(content).decode(), repr(content)[2:-1]]
    return spellings


def test_no_secret_is_in_a_representation_an_error_or_a_traceback(keyring: Keyring, tmp_path: Path) -> None:
    words = "correct horse battery"
    keys = keyring.unlock(KEY)
    hidden = [words, *secrets_in_all_spellings(KEY.reveal(), OTHER.reveal())]
    transform = keys.transform(4)
    shown = [KEY, WORDS, keys, keys.cipher(), keys.signing_key(), transform, keyring, read_keyring(KEYRING)]
    text = " ".join(f"{thing!r} {thing!s}" for thing in shown) + keyring.to_json()
    (tmp_path / "k").write_text(f"x{key_text(KEY)}")
    attempts: list[Callable[[], object]] = [
        lambda: keyring.unlock(OTHER),
        lambda: keyring.unlock(WORDS),
        lambda: new_keyring(WORDS, NOW, lock=CHEAP).unlock(Passphrase(words + "!")),
        lambda: keyring.locked_by(OTHER, KEY),
        lambda: new_keyring(WORDS, NOW, lock=KeyLock()),
        lambda: keys.cipher().open(bytes(99), "17", "crop"),
        lambda: read_key(tmp_path / "k"),
        lambda: secret_from(None, {KEY_VARIABLE: f"{key_text(KEY)}A"}),
        lambda: Key(KEY.reveal() + b"x"),
    ]
    for attempt in attempts:
        with pytest.raises(KeyringError) as raised:
            attempt()
        error = raised.value
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        text += str(error) + "".join(line for line in lines if "test_keys.py" not in line)
    assert not [secret for secret in hidden if secret in text]


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.copy, copy.deepcopy])
def test_nothing_secret_is_copied_or_pickled(attempt: Callable[[object], object], keyring: Keyring) -> None:
    keys = keyring.unlock(KEY)
    for thing in (KEY, WORDS, keys, keys.cipher(), keys.transform(4)):
        with pytest.raises(TypeError):
            attempt(thing)
