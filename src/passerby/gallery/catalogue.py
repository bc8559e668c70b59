"""What a gallery holds, as a role may see it: sightings, cameras, changes, labels and the audit log."""

import time as clock
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from passerby.gallery import auditing, intake
from passerby.gallery.answers import Change, GalleryInfo
from passerby.gallery.clock import Camera, from_microseconds, zone_of
from passerby.gallery.database import Cursor
from passerby.gallery.filter import Filter, several
from passerby.gallery.guard import Guard
from passerby.gallery.reading import completed
from passerby.gallery.record import Record
from passerby.gallery.rows import insert_camera, set_person
from passerby.privacy.audit import AuditHead
from passerby.privacy.audit_report import AuditReport
from passerby.privacy.roles import Action
from passerby.types import Sighting

_WATCHING = 0.2  # Seconds between looks for changes.


class Catalogue:
    """What of a gallery needs neither model nor index; `passerby.gallery.gallery.Gallery` is the whole.

    Attributes:
        record: What keeps the sightings.
        guard: What is allowed and shown, and what is put on record.
    """

    def __init__(self, record: Record, guard: Guard) -> None:
        self.record = record
        self.guard = guard

    def get(self, identifier: str) -> Sighting:
        """A sighting with its picture and embedding, as far as the role is shown them.

        Raises:
            GalleryError: There is none of that id.
        """
        found = self.record.sighting(identifier)
        self.guard.check(Action.VIEW, {found.camera})
        (whole,) = completed(self.record, self.guard, [found])
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.VIEW, {}, [found.sequence]))
        return whole

    def sightings(
        self,
        *,
        cameras: str | Collection[str] | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        min_quality: float | None = None,
        person: str | None = None,
    ) -> Iterator[Sighting]:
        """All sightings that are meant, in the order in which they were added, without pictures and embeddings."""
        allowed = self.guard.check(
            Action.VIEW, self.record.known_cameras(None if cameras is None else several(cameras))
        )
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.VIEW, {"listed": True}))
        for page in self.record.pages(Filter(allowed, after, before, min_quality, person)):
            yield from map(self.guard.show, page)

    def watch_changes(self, after: int | None = None, *, seconds: float | None = None) -> Iterator[Change]:
        """What happens to the gallery, as it happens.

        Args:
            after: Begin behind the change of this number; None: with what comes from now on; 0: with all there is.
            seconds: Stop when nothing has come for so long; None: never.
        """
        allowed = self.guard.check(Action.WATCH)
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.WATCH, {}))
        position = self.record.sequence() if after is None else after
        until = None if seconds is None else clock.monotonic() + seconds
        while True:
            changes = self.record.changes(position)
            for change in changes:
                position = change.sequence
                if change.sighting is None or allowed is None or change.sighting.camera in allowed:
                    shown = change.sighting and self.guard.show(change.sighting)
                    yield replace(change, sighting=shown)
            if changes:
                until = None if seconds is None else clock.monotonic() + seconds
            elif until is not None and clock.monotonic() > until:
                return
            else:
                clock.sleep(_WATCHING)

    def count(
        self,
        *,
        person: str | None = None,
        camera: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> int:
        """How many sightings there are of a person, a camera or a time range."""
        allowed = self.guard.check(Action.INFO, self.record.known_cameras(None if camera is None else {camera}))
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.INFO, {"counted": True}))
        return self.record.count(Filter(allowed, after, before, None, person))

    def assign(self, identifiers: str | Sequence[str], person: str | None) -> None:
        """Say whom sightings show; None: nobody knows.

        Raises:
            GalleryError: There is none of one of the ids; then none is changed.
        """
        found = [self.record.sighting(identifier) for identifier in dict.fromkeys(several(identifiers))]
        self.guard.check(Action.LABEL, {sighting.camera for sighting in found})

        def write(cursor: Cursor) -> None:
            numbers = [sighting.sequence for sighting in found]
            set_person(cursor, numbers, person)
            self.guard.note(cursor, Action.LABEL, {"labelled": len(numbers)}, numbers)

        self.record.database.write(write)

    def set_camera(self, camera: Camera) -> None:
        """Add a camera, or set its zone and clock offset; what is in the gallery already keeps its times."""
        self.guard.check(Action.CONFIGURE)
        intake.check_camera_name(camera.name)
        zone_of(camera.zone)

        def write(cursor: Cursor) -> None:
            insert_camera(cursor, camera)
            self.guard.note(cursor, Action.CONFIGURE, {"camera": camera.name})

        self.record.database.write(write)

    def cameras(self) -> list[Camera]:
        """The cameras that the role may see, by name."""
        allowed = self.guard.check(Action.INFO)
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.INFO, {}))
        return [camera for camera in self.record.counted_cameras() if allowed is None or camera.name in allowed]

    def info(self) -> GalleryInfo:
        """What the gallery holds, of the cameras that the role may see."""
        cameras = {camera.name: camera.sightings for camera in self.cameras()}
        model = self.record.model()
        span = self.record.span(Filter(frozenset(cameras)))
        first, last = (None if moment is None else from_microseconds(moment).isoformat() for moment in span)
        return GalleryInfo(
            gallery=self.record.database.place,
            sightings=sum(cameras.values()),
            cameras=cameras,
            model=model.identity if model else None,
            model_source=model.source if model else "",
            dimension=model.dimension if model else None,
            first=first,
            last=last,
            sequence=self.record.sequence(),
            encrypted=self.guard.encrypted,
            bytes=self.record.database.size(),
        )

    def audit_lines(self) -> Iterator[str]:
        """The lines of the audit log, oldest first; `passerby.privacy.audit.read_line` reads one."""
        self.guard.check(Action.AUDIT)
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.AUDIT, {}))
        return auditing.lines(self.record)

    def verify_audit(self, witnesses: Sequence[AuditHead] = ()) -> AuditReport:
        """Check the audit log from its first line to its last.

        Args:
            witnesses: Heads that earlier reports gave, kept elsewhere since.
        """
        self.guard.check(Action.AUDIT)
        report = auditing.verify(self.record, self.guard.public_key(), witnesses)
        if report.intact:  # A broken chain stays as it is.
            self.record.database.write(
                lambda cursor: self.guard.note(cursor, Action.AUDIT, {"verified": report.lines})
            )
        return report
