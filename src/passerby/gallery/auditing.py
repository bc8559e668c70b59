"""A gallery's audit log: its lines and its head, in the same record as what they are about."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from passerby.errors import AuditError
from passerby.gallery.database import Cursor
from passerby.gallery.record import PAGE, Record
from passerby.gallery.rows import marks, pieces, read_setting, write_setting
from passerby.privacy.audit import (
    AuditEvent,
    AuditHead,
    AuditRecord,
    append,
    read_head,
    read_line,
)
from passerby.privacy.audit_report import AuditProblem, AuditReport, verify_lines
from passerby.privacy.signing import SigningKey

HEAD = "audit_head"
"""The setting that keeps count, last hash and signature, apart from the lines."""


def append_line(cursor: Cursor, event: AuditEvent, key: SigningKey) -> int:
    """Write a line behind the last, within the transaction of what it is about.

    Args:
        cursor: The transaction's.
        event: What to put on record.
        key: Signs the new head.

    Returns:
        The line's number.

    Raises:
        AuditError: The head has been put back or damaged.
    """
    text = read_setting(cursor, HEAD)
    line, head = append(event, AuditHead() if text is None else read_head(text))
    if cursor.execute("SELECT 1 FROM audit WHERE number = ?", (line.sequence,)):
        raise AuditError(
            f"the audit log has a line {line.sequence}, where its head says that it ends before; "
            "run `passerby audit verify` and restore a backup"
        )
    cursor.execute("INSERT INTO audit (number, line) VALUES (?, ?)", (line.sequence, line.to_line()))
    write_setting(cursor, HEAD, head.signed(key).to_text())
    return line.sequence


def lines(record: Record) -> Iterator[str]:
    """Every line of the log, in order."""
    return (line for _, line in record.audit_lines())


def verify(record: Record, public: str, witnesses: Sequence[AuditHead] = ()) -> AuditReport:
    """Check the log from its first line to its last, against its head and what witnesses have noted of it.

    Args:
        record: Whose log.
        public: The gallery's public key.
        witnesses: Older heads that were written down elsewhere.
    """

    def check(cursor: Cursor) -> AuditReport:
        text = read_setting(cursor, HEAD)
        try:
            head = AuditHead() if text is None else read_head(text)
        except AuditError:
            report = verify_lines(_lines_in(cursor), witnesses=witnesses)
            problem = AuditProblem(
                report.lines + 1, "the head is damaged, so nobody can say whether the end is there"
            )
            return replace(report, problems=(*report.problems, problem))
        return verify_lines(_lines_in(cursor), head, public=public, witnesses=witnesses)

    return record.database.read(check)  # Of one moment: others may be writing.


def forget_gone(cursor: Cursor) -> list[int]:
    """Erase from the log which sightings it was about, where they are not in the record any more.

    Returns:
        The numbers of the lines that have been changed, ascending; a line about the erasure has to name them.
    """
    changed: list[int] = []
    after = 0
    statement = f"SELECT number, line FROM audit WHERE number > ? AND line NOT LIKE ? ORDER BY number LIMIT {PAGE}"
    while page := cursor.execute(statement, (after, '%"subjects":[]%')):
        after = page[-1][0]
        found = {number: record for number, line in page if (record := _readable(line)) is not None}
        named = {subject for record in found.values() for subject in record.known_subjects}
        gone = named - _existing(cursor, sorted(named))
        for number, record in found.items():
            if not gone.isdisjoint(record.known_subjects):
                cursor.execute("UPDATE audit SET line = ? WHERE number = ?", (record.without(gone).to_line(), number))
                changed.append(number)
    return changed


def _lines_in(cursor: Cursor) -> Iterator[str]:
    after = 0
    statement = f"SELECT number, line FROM audit WHERE number > ? ORDER BY number LIMIT {PAGE}"
    while page := cursor.execute(statement, (after,)):
        yield from (line for _, line in page)
        after = page[-1][0]


def _readable(line: str) -> AuditRecord | None:
    """A line's content; None where somebody has damaged it, which `verify` finds."""
    try:
        return read_line(line)
    except AuditError:
        return None


def _existing(cursor: Cursor, subjects: Sequence[str]) -> set[str]:
    """Those of the subjects that are numbers of sightings in the record."""
    numbers = [int(subject) for subject in subjects if subject.isascii() and subject.isdecimal()]
    return {
        str(row[0])
        for piece in pieces(numbers)
        for row in cursor.execute(f"SELECT number FROM sightings WHERE number IN ({marks(len(piece))})", piece)
    }
