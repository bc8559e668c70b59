"""Which distances between pictures of one camera mean the same person, by the model's calibration."""

import numpy as np

from passerby.types import Calibration
from passerby.video.tracking import TrackerSettings

_FALSE_ACCEPTS = 0.0001  # Of pairs of different people, taken for somebody who comes back: many pairs are compared.
_FALSE_REJECTS = 0.005  # Of pairs of the same person, who is not taken up again though motion allows it.


def settings_for(calibration: Calibration | None) -> TrackerSettings:
    """How a tracker uses a model's embeddings: as far as the model's calibration says what distances mean.

    Args:
        calibration: Of the model; None, or one without evidence: motion alone decides.
    """
    if calibration is None or calibration.evidence is None:
        return TrackerSettings(same=-1.0, other=2.0, weight=0.0)
    evidence = calibration.evidence
    distances = np.array(evidence.distances)
    sure = distances[np.array(evidence.false_accept_rates) <= _FALSE_ACCEPTS]
    unlike = distances[np.array(evidence.false_reject_rates) <= _FALSE_REJECTS]
    return TrackerSettings(
        same=float(sure.max(initial=0.0)), other=float(unlike.min(initial=2.0)) if len(unlike) else 2.0
    )
