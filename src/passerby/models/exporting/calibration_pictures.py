"""Pictures that INT8 is calibrated on, and what is lost on them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from passerby.data.loader import PictureStore
from passerby.errors import DataError
from passerby.models.embedder import Embedder
from passerby.models.export_record import MeasuredLoss
from passerby.models.preprocessing import Preprocessing

_MOST = 200
"""Pictures whose ranges are taken; more change little."""

_AT_ONCE = 8


class CalibrationPictures:
    """Pictures like those that the model will see, and perhaps a measure of how well it finds people on them.

    Attributes:
        source: What they are, for reading.
    """

    def __init__(
        self, pictures: Sequence[Path], source: str, mean_ap: Callable[[Embedder], float] | None = None
    ) -> None:
        """Choose some of the pictures, evenly.

        Args:
            pictures: All of them.
            source: What they are, for reading.
            mean_ap: The mAP that an embedder has on them, 0 to 1, where they are labelled.

        Raises:
            DataError: There is none.
        """
        if not pictures:
            raise DataError(f"{source}: expected pictures to calibrate on, got none")
        step = -(-len(pictures) // _MOST)
        self._pictures = list(pictures)[::step]
        self._mean_ap = mean_ap
        self._of_source: float | None = None
        self._name = source
        self.source = f"{len(self._pictures)} pictures of {source}"

    def batches(self, preprocessing: Preprocessing) -> list[Tensor]:
        """The pictures as networks take them, each batch B×H×W×3 uint8.

        Raises:
            ImageError: One is broken.
        """
        store = PictureStore(self._pictures, preprocessing.height, preprocessing.width, keep_decoded=False)
        order = np.split(np.arange(len(store)), range(_AT_ONCE, len(store), _AT_ONCE))
        return [batch.permute(0, 2, 3, 1).contiguous() for batch in store.batches(order)]

    def loss(self, source: Embedder, export: Embedder) -> MeasuredLoss | None:
        """What an export loses against its source; None where the pictures are not labelled."""
        if self._mean_ap is None:
            return None
        if self._of_source is None:
            self._of_source = self._mean_ap(source)
        return MeasuredLoss(data=self.source, source_mean_ap=self._of_source, export_mean_ap=self._mean_ap(export))
