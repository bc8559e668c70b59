import copy
import pickle

import pytest

from passerby.errors import AuditError, KeyringError
from passerby.privacy.signing import SigningKey, fingerprint, is_signed


def test_signatures_are_those_of_rfc_8032() -> None:
    """Section 7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = SigningKey(seed)
    assert key.public == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    expected = "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="
    assert key.sign(b"") == expected
    assert is_signed(b"", expected, key.public)
    assert not is_signed(b" ", expected, key.public)


@pytest.mark.parametrize("signature", ["", "x", "AAAA", "é", "A" * 88])
def test_what_is_no_signature_signs_nothing(signature: str) -> None:
    assert not is_signed(b"a", signature, SigningKey(bytes(32)).public)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(KeyringError, match="32 bytes, got 31"):
        SigningKey(bytes(31))
    for public in ("", "AAAA", "%"):
        with pytest.raises(AuditError, match="public key"):
            is_signed(b"a", "", public)


def test_the_secret_part_is_neither_shown_nor_copied() -> None:
    key = SigningKey(bytes(range(32)))
    assert repr(key) == f"SigningKey({fingerprint(key.public)})"
    assert len(fingerprint(key.public)) == 16
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(key)
