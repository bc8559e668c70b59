"""Receipts of erasures: signed proof that something was removed, which says nothing of whom it showed."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from passerby.errors import AuditError
from passerby.privacy.canonical import canonical, utc_text
from passerby.privacy.signing import SigningKey, is_signed

_DOMAIN = b"passerby erasure receipt 1\n"
_LARGEST = 65_536  # characters

ErasureKind: TypeAlias = Literal["person", "sightings", "range", "camera", "purge"]
"""What was asked for: a person, single sightings, a time range, a camera, or what was older than the policy keeps."""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was erased, without personal data.

    Attributes:
        kind: What was asked for.
        time: When it was done: UTC, as 2026-01-31T12:00:00.000000Z.
        sightings: How many were removed.
        audit_line: The audit log's line about it.
        nonce: 16 random bytes in hexadecimal, which keep digests of two receipts from being compared.
        digest: SHA-256 over what was removed. It can be computed again only by whoever still holds a copy, such as
            an old backup, and so knows that it is one of what had to go.
        public: Public key of the gallery.
        signature: Of all the above.
    """

    kind: ErasureKind
    time: str
    sightings: int
    audit_line: int
    nonce: str
    digest: str
    public: str
    signature: str = ""

    def to_json(self) -> str:
        """The receipt as one line of JSON, as `read_receipt` reads it."""
        return canonical(asdict(self))

    def is_valid(self, public: str | None = None) -> bool:
        """Whether nothing in it was changed.

        Args:
            public: The gallery's public key, from where one trusts it; None: the one in the receipt, which shows only
                that it is whole.
        """
        if public is not None and public != self.public:
            return False
        return is_signed(self._message(), self.signature, self.public)

    def _message(self) -> bytes:
        return _DOMAIN + canonical(asdict(replace(self, signature=""))).encode()


class ErasureDigest:
    """Collects what is being removed; neither order nor batches matter.

    Args:
        nonce: Of a receipt, to compute its digest again; None: a new one.

    Example:
        >>> removed = ErasureDigest()
        >>> removed.add("17", [b"the crop", b"the embedding"])
        >>> removed.sightings
        1
    """

    def __init__(self, nonce: str | None = None) -> None:
        self.nonce = secrets.token_hex(16) if nonce is None else nonce
        self.sightings = 0
        self._sum = 0

    def add(self, sighting_id: str, parts: Iterable[bytes]) -> None:
        """Take in one sighting: its id, and what was stored of it (crop, embedding), in the clear, in that order."""
        keyed = hmac.new(bytes.fromhex(self.nonce), digestmod="sha256")
        for part in (sighting_id.encode(), *parts):
            keyed.update(len(part).to_bytes(8, "big"))
            keyed.update(part)
        # A sum does not depend on the order, so that millions of sightings need not be sorted. It would be weak
        # against someone who chooses among many sightings to reach a wanted sum; the signature is against that.
        self._sum = (self._sum + int.from_bytes(keyed.digest(), "big")) % 2**256
        self.sightings += 1

    def hexdigest(self) -> str:
        """SHA-256 over all that was taken in, in hexadecimal."""
        content = self.sightings.to_bytes(8, "big") + self._sum.to_bytes(32, "big")
        return hashlib.sha256(_DOMAIN + content).hexdigest()


def sign_receipt(
    kind: ErasureKind, removed: ErasureDigest, *, time: datetime, audit_line: int, key: SigningKey
) -> ErasureReceipt:
    """Make the receipt of an erasure that is complete."""
    receipt = ErasureReceipt(
        kind=kind,
        time=utc_text(time),
        sightings=removed.sightings,
        audit_line=audit_line,
        nonce=removed.nonce,
        digest=removed.hexdigest(),
        public=key.public,
    )
    return replace(receipt, signature=key.sign(receipt._message()))


def read_receipt(text: str) -> ErasureReceipt:
    """Read a receipt from JSON; whether it is genuine, `is_valid` says.

    Raises:
        AuditError: It is no receipt.
    """
    try:
        if len(text) > _LARGEST:
            raise AuditError(f"expected a receipt of at most {_LARGEST:,} characters, got {len(text):,}")
        return TypeAdapter(ErasureReceipt).validate_json(text, strict=True)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))
        what = f"{place or 'text'}: {problem['msg'].lower()}"
        raise AuditError(f"expected an erasure receipt in JSON; {what}") from error
