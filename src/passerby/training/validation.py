"""Measuring a network on people who were held out of training."""

from collections.abc import Sequence

from passerby.data.loader import PictureStore
from passerby.data.splits import query_and_gallery
from passerby.errors import CalibrationError
from passerby.evaluation.evaluate import Evaluation, evaluate
from passerby.evaluation.protocols import ranking_rule
from passerby.evaluation.verification import calibrate
from passerby.models.embedder import embed_pictures
from passerby.models.network import ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.types import Calibration, Progress, Sample


class Validator:
    """Held-out people, their pictures decoded, and how a network finds them again.

    Attributes:
        can_measure: Whether any of them can be found again at all: has another picture that is ranked.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        preprocessing: Preprocessing,
        seed: int,
        source: str,
        progress: Progress | None = None,
    ) -> None:
        """Decode the pictures and choose which of them are queries.

        Args:
            samples: All pictures of the held-out people.
            preprocessing: What the network expects.
            seed: Which pictures are queries.
            source: What a calibration says it was measured on.
            progress: Told about the decoding.
        """
        self._query, self._gallery = query_and_gallery(samples, seed)
        self._preprocessing = preprocessing
        self._source = source
        paths = [sample.path for sample in self._gallery]
        self._store = PictureStore(paths, preprocessing.height, preprocessing.width, progress=progress)
        places = {sample: place for place, sample in enumerate(self._gallery)}
        self._query_places = [places[sample] for sample in self._query]
        rule = ranking_rule(self._query, self._gallery)
        self.can_measure = any(len(rule.split(query)[0]) for query in range(rule.queries))

    def measure(self, network: ReidNetwork) -> tuple[Evaluation, Calibration | None]:
        """Rank the held-out people's pictures, and choose a threshold on their pairs; None where they have none."""
        network.eval()
        cameras = [sample.camera_id for sample in self._gallery]
        embeddings = embed_pictures(network, self._store, self._preprocessing, cameras=cameras)
        evaluation = evaluate(embeddings[self._query_places], self._query, embeddings, self._gallery)
        people = [sample.person_id for sample in self._gallery]
        try:
            return evaluation, calibrate(embeddings, people, cameras, source=self._source)
        except CalibrationError:
            return evaluation, None
