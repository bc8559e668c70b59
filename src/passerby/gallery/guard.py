"""What stands between a gallery and whoever uses it; `passerby.gallery.access` is the one that does."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from passerby.gallery.database import Cursor
from passerby.privacy.audit import Detail
from passerby.privacy.policy import Kept
from passerby.privacy.receipt import ErasureDigest, ErasureKind, ErasureReceipt
from passerby.privacy.roles import Action
from passerby.types import FloatArray, Sighting


class Guard(Protocol):
    """Policy, audit, encryption and blurring.

    Attributes:
        encrypted: Whether crops and embeddings are sealed.
    """

    encrypted: bool

    def check(self, action: Action, cameras: Collection[str] | None = None) -> frozenset[str] | None:
        """The cameras at which somebody may do something, of those that they ask for; None: all.

        Raises:
            AccessError: They may not; it is in the audit log.
        """
        ...

    def note(self, cursor: Cursor, action: Action, detail: Detail, sightings: Sequence[int] = ()) -> int:
        """Write a line into the audit log, within a transaction; gives its number.

        Args:
            cursor: The transaction's.
            action: What is done.
            detail: How much of it; nothing of the people concerned.
            sightings: Numbers of the sightings concerned, the first hundreds of them; they can be erased later.
        """
        ...

    def kept(self, camera: str, *, matched: bool = False) -> Kept | None:
        """What the policy keeps of a camera's sighting; None: nothing."""
        ...

    def cutoff(self, camera: str, now: datetime) -> datetime | None:
        """Before when a camera's sightings are due to be purged; None: none are."""
        ...

    def conceal(self, embeddings: FloatArray) -> FloatArray:
        """Embeddings (N, D) as they are searched: turned, where the gallery has a secret transform."""
        ...

    def reveal(self, embeddings: FloatArray) -> FloatArray:
        """Embeddings (N, D) as the model made them."""
        ...

    def seal_embedding(self, sighting: str, embedding: FloatArray) -> bytes | None:
        """A concealed embedding, encrypted; None where the gallery is not."""
        ...

    def open_embedding(self, sighting: str, vector: Any, sealed: bytes | None) -> FloatArray:  # noqa: ANN401
        """The concealed embedding that lies in the record, plain or encrypted."""
        ...

    def seal_crop(self, sighting: str, content: bytes) -> bytes:
        """A picture as it is stored: its head blurred where the policy says so, encrypted where the gallery is."""
        ...

    def open_crop(self, sighting: str, stored: bytes) -> bytes:
        """The picture that lies in the record."""
        ...

    def show(self, sighting: Sighting) -> Sighting:
        """What of a sighting the role is shown."""
        ...

    def public_key(self) -> str:
        """What checks the gallery's signatures."""
        ...

    def receipt(self, kind: ErasureKind, removed: ErasureDigest, line: int) -> ErasureReceipt:
        """The signed receipt of an erasure that is complete."""
        ...
