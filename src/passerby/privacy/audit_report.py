"""Whether an audit log is as it was written: its chain, its end, its witnesses, and what it has forgotten."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from passerby.errors import AuditError
from passerby.privacy.audit import AuditHead, AuditRecord, commitment_of, hash_of, read_line


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """Something in a log that is not as it was written.

    Attributes:
        line: Which line, from 1; one past the last where lines are missing at the end.
        message: What is wrong with it.
    """

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What verifying a log found.

    Attributes:
        lines: How many there are.
        head: The head as the lines themselves give it, unsigned.
        erased_subjects: Lines of which a subject has been erased.
        problems: What is wrong, in the order of lines; empty: nothing.
    """

    lines: int
    head: AuditHead
    erased_subjects: int
    problems: tuple[AuditProblem, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


ERASED_LINES = "erased_subjects"
"""Key of an event's `detail` that lists as [first, last, first, last, …] the lines whose subjects it erased."""


def verify_lines(
    lines: Iterable[str],
    head: AuditHead | None = None,
    *,
    public: str | None = None,
    witnesses: Sequence[AuditHead] = (),
) -> AuditReport:
    """Check a log from its first line to its last.

    Found are lines that were changed, cut out, put in or moved; with `head` also those cut off or added at the end;
    with `witnesses` also a log that was rewritten as a whole; and subjects removed without an erasure on record.

    Args:
        lines: The lines in their stored order, without line breaks. They are read once.
        head: The head that was kept apart.
        public: Public key of the gallery; the head's signature is checked where it is given.
        witnesses: Older heads that were written down elsewhere.
    """
    problems: list[AuditProblem] = []
    reached = AuditHead()
    expected: dict[int, str] = {witness.count: witness.hash for witness in witnesses if witness.count}
    unexplained: set[int] = set()
    erased = number = 0
    for number, line in enumerate(lines, 1):
        try:
            record = read_line(line)
        except AuditError as error:
            problems.append(AuditProblem(number, str(error)))
            reached = AuditHead(reached.count + 1, "")  # the next line's `previous` cannot be checked
            continue
        message = _disagreement(record, reached)
        if message:
            problems.append(AuditProblem(number, message))
        if "" in record.subjects:
            erased += 1
            unexplained.add(record.sequence)
        if expected.pop(record.sequence, record.hash) != record.hash:
            problems.append(AuditProblem(number, "not the line that the witness saw; the log has been rewritten"))
        for explained in _erased_by(record):
            unexplained.difference_update(explained)
        reached = AuditHead(record.sequence, record.hash)
    problems += [AuditProblem(n, "a subject was removed, but no erasure is on record") for n in unexplained]
    problems += [
        AuditProblem(number + 1, f"a witness saw {count:,} lines; line {count:,} is gone") for count in expected
    ]
    problems += _at_the_end(number, reached, head, public)
    return AuditReport(number, reached, erased, tuple(sorted(problems, key=lambda problem: problem.line)))


def line_ranges(sequences: Iterable[int]) -> list[int]:
    """Write numbers of lines as [first, last, first, last, …], for `ERASED_LINES`."""
    ranges: list[int] = []
    for sequence in sorted(set(sequences)):
        if ranges and ranges[-1] == sequence - 1:
            ranges[-1] = sequence
        else:
            ranges += [sequence, sequence]
    return ranges


def _disagreement(record: AuditRecord, before: AuditHead) -> str:
    """What is wrong with a line that follows `before`; empty: nothing."""
    if hash_of(record) != record.hash:
        return "changed"
    pairs = zip(record.subjects, record.commitments, strict=True)
    if any(subject and commitment_of(subject) != expected for subject, expected in pairs):
        return "a subject was changed"
    if record.sequence != before.count + 1:
        return f"expected line {before.count + 1}, got {record.sequence}: lines are missing, were moved or put in"
    if before.hash and record.previous != before.hash:
        return "does not follow from the line before: that one was changed, or this one put in"
    return ""


def _at_the_end(lines: int, reached: AuditHead, head: AuditHead | None, public: str | None) -> list[AuditProblem]:
    if head is None:
        return []
    problems = []
    if reached.count < head.count:
        missing = head.count - reached.count
        problems.append(AuditProblem(lines + 1, f"{missing:,} missing at the end: the head counts {head.count:,}"))
    elif reached.count > head.count:
        problems.append(AuditProblem(head.count + 1, f"added after the end: the head counts {head.count:,}"))
    elif reached.hash and reached.hash != head.hash:
        problems.append(AuditProblem(max(lines, 1), "not the last line that the head names; the log was rewritten"))
    if public is not None and head.count and not head.is_signed_by(public):
        problems.append(AuditProblem(lines + 1, "the head is not signed with the gallery's key"))
    return problems


def _erased_by(record: AuditRecord) -> list[range]:
    """The lines whose subjects a line says it erased; only lines before it can be."""
    ends = record.detail.get(ERASED_LINES, ())
    if not isinstance(ends, list) or not all(type(end) is int for end in ends):
        return []
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return [range(max(first, 1), min(last + 1, record.sequence)) for first, last in pairs]
