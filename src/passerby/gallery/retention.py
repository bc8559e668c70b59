"""Forgetting: what is erased is gone from the record, from every index, and from what lies in the files."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from passerby.errors import MachineError
from passerby.gallery.auditing import forget_gone
from passerby.gallery.database import Cursor
from passerby.gallery.filter import Filter
from passerby.gallery.guard import Guard
from passerby.gallery.mirror import Mirror, forget_saved, waiting_for
from passerby.gallery.record import Record
from passerby.gallery.rows import delete_sightings, marks, pieces
from passerby.privacy.audit_report import ERASED_LINES, line_ranges
from passerby.privacy.receipt import ErasureDigest, ErasureKind, ErasureReceipt
from passerby.privacy.roles import Action

_RANGES = 2_000  # Ends of ranges that fit into one line of the audit log.
_PATIENCE = 60.0  # Seconds to wait until every live reader has forgotten.


def erase(
    record: Record,
    guard: Guard,
    mirror: Mirror | None,
    numbers: Sequence[int],
    *,
    kind: ErasureKind,
    action: Action,
) -> ErasureReceipt:
    """Erase sightings, wait until nobody holds them any more, and say so.

    Interrupted, it may be asked for again: what is gone stays gone, and the rest goes.

    Args:
        record: Where they are.
        guard: Puts it on record, and signs.
        mirror: This process's, if it has one.
        numbers: Which sightings.
        kind: What was asked for.
        action: As the audit log calls it.

    Raises:
        MachineError: They are erased, but a process that still holds them does not let go.
    """
    removed, line = ErasureDigest(), 0
    parts = list(pieces(numbers)) or [[]]
    for place, part in enumerate(parts, start=1):
        step = partial(_step, guard=guard, kind=kind, action=action, numbers=part, last=place == len(parts))
        taken, line = record.database.write(step)
        for identifier, contents in taken:
            removed.add(identifier, contents)
    settle(record, mirror)
    return guard.receipt(kind, removed, line)


def settle(record: Record, mirror: Mirror | None) -> None:
    """Wait until every live reader has forgotten what is deleted, and leave nothing of what is deleted in the files.

    Raises:
        MachineError: A reader does not answer.
    """
    if mirror is not None:
        mirror.follow()
    until = time.monotonic() + _PATIENCE
    while behind := waiting_for(record):
        if time.monotonic() > until:
            host, process, *_ = behind[0].split("/")
            raise MachineError(
                f"{record.database.place}: erased from the record, but process {process} on {host} still holds it in "
                "memory; end that process and run `passerby gallery compact`"
            )
        time.sleep(0.05)
    forget_saved(record.database.folder)
    if mirror is not None:
        mirror.save_anew()
    record.database.scrub()


def due(record: Record, guard: Guard, now: datetime | None = None) -> dict[str, list[int]]:
    """The numbers of the sightings that are older than the policy keeps them, by camera."""
    found = {}
    for camera in record.cameras():
        cutoff = guard.cutoff(camera, now or datetime.now(UTC))
        if cutoff is not None:
            numbers = record.numbers(Filter(cameras=frozenset({camera}), before=cutoff))
            if numbers:
                found[camera] = numbers
    return found


def _step(
    cursor: Cursor, *, guard: Guard, kind: ErasureKind, action: Action, numbers: Sequence[int], last: bool
) -> tuple[list[tuple[str, list[bytes]]], int]:
    """Delete sightings and put it on record; at last, take out of earlier lines whom they were about."""
    taken = _take_out(cursor, guard, numbers)
    detail: dict[str, str | int | Sequence[int]] = {"kind": kind, "erased": len(taken)}
    if last:
        *others, ranges = list(pieces(line_ranges(forget_gone(cursor)), _RANGES)) or [[]]
        for more in others:
            guard.note(cursor, action, {ERASED_LINES: more})
        detail[ERASED_LINES] = ranges
    return taken, guard.note(cursor, action, detail)


def _take_out(cursor: Cursor, guard: Guard, numbers: Sequence[int]) -> list[tuple[str, list[bytes]]]:
    """Delete sightings; gives each one's id, and its crop and embeddings in the clear."""
    if not numbers:  # PostgreSQL takes no empty list.
        return []
    these = f"number IN ({marks(len(numbers))})"
    identifiers: dict[int, str] = dict(cursor.execute(f"SELECT number, id FROM sightings WHERE {these}", numbers))
    parts: dict[int, list[bytes]] = {number: [] for number in identifiers}
    for number, content in cursor.execute(f"SELECT number, content FROM crops WHERE {these}", numbers):
        parts[number].append(guard.open_crop(identifiers[number], bytes(content)))
    statement = f"SELECT number, vector, sealed FROM embeddings WHERE {these} ORDER BY number, model"
    for number, vector, sealed in cursor.execute(statement, numbers):
        concealed = guard.open_embedding(identifiers[number], vector, sealed)
        parts[number].append(guard.reveal(concealed[None])[0].astype("<f4").tobytes())
    delete_sightings(cursor, numbers)
    return [(identifier, parts[number]) for number, identifier in identifiers.items()]
