"""The gallery: one interface, whatever keeps the record and whoever guards it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from passerby.errors import GalleryError
from passerby.gallery import intake, retention
from passerby.gallery.answers import Acknowledgement, Answer
from passerby.gallery.bookmarks import Bookmark, read_bookmark, write_bookmark
from passerby.gallery.catalogue import Catalogue
from passerby.gallery.filter import Filter, several
from passerby.gallery.guard import Guard
from passerby.gallery.mirror import Mirror
from passerby.gallery.model import GalleryModel
from passerby.gallery.record import Record
from passerby.gallery.searching import Asked, Searcher
from passerby.gallery.watchlist import WatchList
from passerby.privacy.receipt import ErasureKind, ErasureReceipt
from passerby.privacy.roles import Action
from passerby.probability import EVEN
from passerby.types import FloatArray, Sighting

if TYPE_CHECKING:
    from passerby.data.images import ImageSource
    from passerby.retrieval.methods import Reranker


class Gallery(Catalogue):
    """Sightings kept, searched and forgotten; `passerby.gallery.open_gallery` opens one.

    Any number of threads may use it, and any number of processes may have the same gallery open. Close it, or use it
    in a `with` statement.

    Attributes:
        record: What keeps the sightings.
        guard: What is allowed and shown, and what is put on record.
        model: What embeds pictures.
        watch_list: Whom it looks for, where its policy keeps nothing of anybody else.
    """

    def __init__(self, record: Record, guard: Guard, model: GalleryModel, *, in_memory: bool = False) -> None:
        super().__init__(record, guard)
        self.model = model
        self.watch_list = WatchList(record, guard, model)
        self._searcher = Searcher(record, guard, model, in_memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the gallery."""
        self._searcher.close()
        self.record.database.close()

    def add(self, sightings: Iterable[Sighting], bookmark: Bookmark | None = None) -> list[Acknowledgement]:
        """Add sightings: all of them or, where one does not fit, none.

        What is added twice is there once: whoever got no answer may ask again.

        Args:
            sightings: With a crop, an embedding, or both. A crop may hold several pictures of the person, the best
                first (see `passerby.gallery.crops`); without an embedding it gets the mean of theirs.
            bookmark: How far the adding has come, for `bookmark`; it is there if and only if the sightings are.

        Returns:
            An acknowledgement for each, in order, when all are in the record on the disk.

        Raises:
            GalleryError: A field does not fit, or an embedding is another model's.
            DataError: An embedding is not finite, or of another dimension.
            ImageError: A crop is no picture.
            AccessError: The policy or the role does not allow it.
            MachineError: The disk is full or read-only, or the database does not answer.
        """
        asked = list(sightings)
        self.guard.check(Action.ADD, {sighting.camera for sighting in asked})
        if asked:
            return intake.take_in(self.record, self.guard, self.model, self.watch_list, asked, bookmark)
        if bookmark is not None:
            self.record.database.write(lambda cursor: write_bookmark(cursor, bookmark))
        return []

    def bookmark(self, name: str) -> str | None:
        """The place that `add` was last given under that name; None: it has been given none."""
        self.guard.check(Action.ADD)
        return self.record.database.read(lambda cursor: read_bookmark(cursor, name))

    def search(
        self,
        image: "ImageSource | None" = None,
        *,
        embedding: FloatArray | None = None,
        sighting: str | Sighting | None = None,
        cameras: str | Collection[str] | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        min_quality: float | None = None,
        top: int = 10,
        min_probability: float | None = None,
        prior: float = EVEN,
        rerank: "Reranker | None" = None,
    ) -> Answer:
        """Find the sightings that look most like the same person, by exact comparison with all that are meant.

        Args:
            image: A picture of the person: a path, an open file, an array or a PIL image.
            embedding: Or an embedding (D,) of the gallery's model.
            sighting: Or a sighting of the gallery, or its id; it is not among the answers.
            cameras: Only sightings of these; one name, or several.
            after: Only of this moment or later; without a zone it is UTC.
            before: Only of earlier than this moment.
            min_quality: Only of at least this quality, 0 to 1.
            top: How many answers at most.
            min_probability: Only answers that are at least so likely to show the same person, 0 to 1.
            prior: How likely it is, before looking, that the person is among the sightings that are meant.
            rerank: Puts the 200 nearest in another order, by their neighbourhoods, as
                `passerby.retrieval.methods.reranker` makes it; distances and probabilities stay what they are.

        Raises:
            GalleryError: Not one of image, embedding and sighting is given, there is no such sighting or camera, the
                embedding is of another dimension, or a probability is asked of a model without a calibration.
            DataError: The embedding is not finite.
            AccessError: The policy or the role does not allow it.
        """
        return self._searcher.search(
            Asked(image, embedding, sighting.id if isinstance(sighting, Sighting) else sighting),
            Filter(None if cameras is None else frozenset(several(cameras)), after, before, min_quality),
            top,
            min_probability,
            prior,
            rerank,
        )

    def delete(self, identifiers: str | Sequence[str]) -> ErasureReceipt:
        """Erase single sightings by their ids.

        Raises:
            GalleryError: There is none of one of the ids; then none is erased.
        """
        found = [self.record.sighting(identifier) for identifier in dict.fromkeys(several(identifiers))]
        self.guard.check(Action.DELETE, {sighting.camera for sighting in found})
        numbers = [sighting.sequence for sighting in found]
        return self._erase(numbers, "sightings", Action.DELETE)

    def erase(
        self,
        *,
        person: str | None = None,
        camera: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> ErasureReceipt:
        """Erase all sightings of a person, of a camera or of a time range; of all that is given, where several are.

        It returns when the record, every live process's index, what is saved of it, and the files hold nothing of
        them any more.

        Raises:
            GalleryError: Nothing is given, or there is no such camera.
            MachineError: They are erased, but a process that still holds them does not let go.
        """
        if person is None and camera is None and after is None and before is None:
            raise GalleryError("expected a person, a camera or a time range to erase, got none; name one")
        asked = self.record.known_cameras(None if camera is None else {camera})
        wanted = Filter(self.guard.check(Action.ERASE, asked), after, before, None, person)
        kind: ErasureKind = "person" if person is not None else "camera" if camera is not None else "range"
        return self._erase(self.record.numbers(wanted), kind, Action.ERASE)

    def purge(self, now: datetime | None = None) -> ErasureReceipt:
        """Erase what is older than the policy keeps it, camera by camera.

        Args:
            now: The time to count from; None: this moment.
        """
        due = retention.due(self.record, self.guard, now)
        self.guard.check(Action.PURGE, set(due))
        return self._erase([number for numbers in due.values() for number in numbers], "purge", Action.PURGE)

    def index(self) -> Mirror | None:
        """The index that follows the record, as searches use it; None where the database compares by itself."""
        return self._searcher.index()

    def compact(self) -> None:
        """Give back the room of what is deleted, write the index down anew, and leave nothing of it in the files."""
        self.guard.check(Action.MAINTAIN)
        self.record.database.write(lambda cursor: self.guard.note(cursor, Action.MAINTAIN, {"compacted": True}))
        retention.settle(self.record, self._searcher.mirror)
        self.record.database.compact()
        index = self.index()
        if index is not None:
            index.save()

    def _erase(self, numbers: Sequence[int], kind: ErasureKind, action: Action) -> ErasureReceipt:
        return retention.erase(self.record, self.guard, self._searcher.mirror, numbers, kind=kind, action=action)
