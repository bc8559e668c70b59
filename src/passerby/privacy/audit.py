"""The audit log: who did what to a gallery, when, for which purpose and case; each line is chained to the one before.

A line's hash covers its content and the hash of the line before, so that a line that is changed, cut out, put in or
moved breaks the chain. Lines missing at the end break nothing; that is what the *head* is for: count and last hash,
signed and kept apart from the lines. An older head that somebody has written down elsewhere (a witness) shows besides
that everything before it is still as it was then, even if log and head were both put back to an earlier state.

What refers to people (the *subjects*, one by one) is chained only as salted hashes. Each subject and its salt stand
beside what is hashed and can be removed: then the line says that somebody looked, no longer at whom. The chain holds.
"""

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeAlias

from passerby.errors import AuditError
from passerby.privacy.canonical import canonical, utc_text
from passerby.privacy.signing import SigningKey, is_signed

Detail: TypeAlias = Mapping[str, str | int | float | bool | Sequence[str] | Sequence[int] | None]

GENESIS = "0" * 64
"""What stands for the hash before the first line."""

_DOMAIN = b"passerby audit line 1\n"
_HEAD_DOMAIN = b"passerby audit head 1\n"
_SUBJECT_DOMAIN = b"passerby audit subject 1\n"
_LARGEST = 65_536  # characters of a line
_SALTED = 33  # characters of a salt and its colon


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What is to be put on record.

    Attributes:
        time: When, with its zone.
        principal: Who.
        purpose: What for.
        case: The case's number, not a name; empty where there is none.
        action: What was done or tried, one of `passerby.privacy.roles.Action`.
        allowed: Whether it was allowed.
        detail: What else is needed to understand it later: counts, cameras, the reason of a refusal. Stays for ever,
            so nothing of the people in the pictures belongs in it.
        subjects: What refers to people in the pictures, such as the numbers of sightings; each can be erased later.
    """

    time: datetime
    principal: str
    purpose: str
    case: str
    action: str
    allowed: bool = True
    detail: Detail = field(default_factory=dict)
    subjects: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line of the log.

    Attributes:
        sequence: 1 for the first line.
        time: UTC, as 2026-01-31T12:00:00.000000Z.
        principal: Who.
        purpose: What for.
        case: Number of the case, or empty.
        action: What was done or tried.
        allowed: Whether it was allowed.
        detail: See `AuditEvent`.
        commitments: For each subject the first 32 digits of its salted SHA-256.
        previous: The line before's hash, `GENESIS` for the first.
        hash: SHA-256 of all the above.
        subjects: What the commitments are of: for each, 16 random bytes in hexadecimal (the salt), a colon, and the
            subject; an empty text where it has been erased.
    """

    sequence: int
    time: str
    principal: str
    purpose: str
    case: str
    action: str
    allowed: bool
    detail: Detail
    commitments: Sequence[str]
    previous: str
    hash: str
    subjects: Sequence[str]

    @property
    def known_subjects(self) -> tuple[str, ...]:
        """The subjects that have not been erased, without their salts."""
        return tuple(subject[_SALTED:] for subject in self.subjects if subject)

    def without(self, subjects: Collection[str]) -> "AuditRecord":
        """The same line without some of its subjects; its hash stays."""
        kept = tuple("" if subject[_SALTED:] in subjects else subject for subject in self.subjects)
        return replace(self, subjects=kept)

    def to_line(self) -> str:
        """The line, without a line break; there is only one way of writing it."""
        return canonical({name: getattr(self, name) for name in _FIELDS})


_FIELDS = tuple(field.name for field in fields(AuditRecord))


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How long a log is and how it ends: kept apart from it, to see whether its end has been cut off.

    Attributes:
        count: Lines.
        hash: The last line's hash; `GENESIS` where there is none.
        signature: Of count and hash, by the gallery's signing key; empty where it is unsigned.
    """

    count: int = 0
    hash: str = GENESIS
    signature: str = ""

    def signed(self, key: SigningKey) -> "AuditHead":
        """The same with a signature."""
        return replace(self, signature=key.sign(self._message()))

    def is_signed_by(self, public: str) -> bool:
        """Whether the signature is that of a public key's holder."""
        return is_signed(self._message(), self.signature, public)

    def _message(self) -> bytes:
        return _HEAD_DOMAIN + f"{self.count}:{self.hash}".encode()

    def to_text(self) -> str:
        """The head as one word, to be written down elsewhere: `count:hash`, and `:signature` where there is one."""
        return ":".join(str(part) for part in (self.count, self.hash, self.signature) if part != "")


def read_head(text: str) -> AuditHead:
    """Read what `AuditHead.to_text` wrote.

    Raises:
        AuditError: It is no head.
    """
    parts = text.strip().split(":")
    count, digest = (*parts, "", "")[:2]
    is_hash = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    if len(parts) not in (2, 3) or not (count.isascii() and count.isdecimal() and len(count) < 19) or not is_hash:
        raise AuditError("expected the head of an audit log as COUNT:HASH, as `passerby audit verify` prints it")
    return AuditHead(int(count), digest, parts[2] if len(parts) == 3 else "")


def append(event: AuditEvent, head: AuditHead) -> tuple[AuditRecord, AuditHead]:
    """The next line of a log, and its new head, unsigned.

    Whoever stores them must see to it that nobody else appends to the same head meanwhile, and that line and head are
    stored together or not at all.

    Args:
        event: What to put on record.
        head: Of the log so far; `AuditHead()` for an empty one.

    Raises:
        ValueError: The time has no zone, a number is not finite, or the line would pass 64 KiB.
    """
    if event.time.tzinfo is None:
        raise ValueError("expected a time with a zone")
    subjects = tuple(f"{secrets.token_hex(16)}:{subject}" for subject in event.subjects)
    record = AuditRecord(
        sequence=head.count + 1,
        time=utc_text(event.time),
        principal=event.principal,
        purpose=event.purpose,
        case=event.case,
        action=str(event.action),
        allowed=event.allowed,
        detail=dict(event.detail),
        commitments=tuple(map(commitment_of, subjects)),
        previous=head.hash,
        hash="",
        subjects=subjects,
    )
    record = replace(record, hash=hash_of(record))
    if len(record.to_line()) > _LARGEST:
        raise ValueError(f"expected an audit line of at most {_LARGEST} characters; name fewer subjects in one line")
    return record, AuditHead(record.sequence, record.hash)


def read_line(line: str) -> AuditRecord:
    """Read one line.

    Raises:
        AuditError: It is no line of an audit log, or not written as `AuditRecord.to_line` writes it.
    """
    try:
        if len(line) > _LARGEST:
            raise ValueError
        content: Any = json.loads(line)
        record = AuditRecord(**content)
        well_formed = _has_types(record) and record.to_line() == line
    except (ValueError, TypeError, RecursionError) as error:
        raise AuditError("unreadable") from error
    if not well_formed:
        raise AuditError("not written as audit lines are")
    return record


def hash_of(record: AuditRecord) -> str:
    """The hash that a line must have: of all but itself and the subjects."""
    content = {name: getattr(record, name) for name in _FIELDS if name not in ("hash", "subjects")}
    return hashlib.sha256(_DOMAIN + canonical(content).encode()).hexdigest()


def commitment_of(salted: str) -> str:
    """What a line is chained with in place of a subject and its salt."""
    return hashlib.sha256(_SUBJECT_DOMAIN + salted.encode()).hexdigest()[:32]


def _has_types(record: AuditRecord) -> bool:
    texts = ("time", "principal", "purpose", "case", "action", "previous", "hash")
    return (
        all(isinstance(getattr(record, name), str) for name in texts)
        and type(record.sequence) is int
        and isinstance(record.allowed, bool)
        and isinstance(record.detail, dict)
        and isinstance(record.commitments, list)
        and isinstance(record.subjects, list)
        and len(record.subjects) == len(record.commitments)
        and all(isinstance(text, str) for text in (*record.subjects, *record.commitments))
    )
