from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import AuditError
from passerby.privacy.receipt import ErasureDigest, ErasureReceipt, read_receipt, sign_receipt
from passerby.privacy.signing import SigningKey

KEY = SigningKey(bytes(range(32)))
REMOVED = {"17": [b"crop of seventeen", b"vector"], "18": [b"", b"another"], "19": []}


def receipt() -> ErasureReceipt:
    removed = ErasureDigest()
    for sighting, parts in REMOVED.items():
        removed.add(sighting, parts)
    time = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return sign_receipt("person", removed, time=time, audit_line=42, key=KEY)


def test_a_receipt_is_valid_read_or_written_and_counts_what_went() -> None:
    made = receipt()
    assert (made.kind, made.sightings, made.audit_line) == ("person", 3, 42)
    assert made.time == "2026-01-31T12:00:00.000000Z"
    assert made.is_valid()
    assert made.is_valid(KEY.public)
    assert read_receipt(made.to_json()) == made


@pytest.mark.parametrize(
    "change",
    [{"kind": "camera"}, {"time": "2026-02-01T12:00:00.000000Z"}, {"sightings": 4}, {"audit_line": 43},
     {"nonce": "0" * 32}, {"digest": "0" * 64}, {"public": SigningKey(bytes(32)).public}, {"signature": ""}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_whatever_is_changed_makes_it_invalid(change: dict[str, object]) -> None:
    assert not replace(receipt(), **change).is_valid()


def test_another_gallerys_receipt_is_not_taken_for_this_ones() -> None:
    other = SigningKey(bytes(32))
    assert not receipt().is_valid(other.public)


def test_it_says_nothing_of_what_was_removed() -> None:
    text = receipt().to_json()
    for sighting, parts in REMOVED.items():
        assert all(part.decode() not in text for part in parts if part)
        assert f'"{sighting}"' not in text
    assert receipt().digest != receipt().digest  # two receipts of the same cannot be compared


def test_whoever_holds_a_copy_can_tell_that_it_is_what_had_to_go() -> None:
    made = receipt()
    again = ErasureDigest(made.nonce)
    for sighting, parts in reversed(REMOVED.items()):
        again.add(sighting, parts)
    assert again.hexdigest() == made.digest


parts = st.lists(st.binary(max_size=6), max_size=3)
removed = st.dictionaries(st.text(max_size=4), parts, max_size=5)


def digest_of(content: dict[str, list[bytes]]) -> str:
    collected = ErasureDigest("00" * 16)
    for sighting, pieces in content.items():
        collected.add(sighting, pieces)
    return collected.hexdigest()


@given(removed, removed)
def test_digests_are_equal_where_the_content_is(
    first: dict[str, list[bytes]], second: dict[str, list[bytes]]
) -> None:
    assert (digest_of(first) == digest_of(second)) == (first == second)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"kind": "person"}', "x" * 70_000, "{" * 5000])
def test_what_is_no_receipt_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(AuditError) as raised:
        read_receipt(text)
    assert "\n" not in str(raised.value)
    with pytest.raises(AuditError):
        read_receipt(receipt().to_json().replace('"person"', '"everything"'))
