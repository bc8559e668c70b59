"""The calibration of a camera, as `cameras.json` tells it: how its pixels follow from places in the world."""

from typing import Any

import numpy as np

from passerby.synthetic.camera import FARTHEST_BEND, FRAME_HEIGHT, FRAME_WIDTH, Camera
from passerby.synthetic.modes import depth_range
from passerby.types import FloatArray


def calibration(camera: Camera) -> dict[str, Any]:
    """A camera's calibration, as JSON takes it.

    The world's origin is the ground below the camera: x to its right, y the way it looks, z up, in metres. The
    camera's own axes are OpenCV's: x to the right, y down, z forward.

    Returns:
        `frame` (rows, columns), `intrinsics` (3 × 3), `distortion` (`k1` and `farthest`), `rotation` (3 × 3) and
        `translation` (3) from the world to the camera, `height` in metres, `tilt` and `roll` in degrees, and
        `depth_range` in metres, of pictures in the mode "depth".
    """
    rotation = camera.rotation.astype(np.float64) * np.array([[1.0], [-1.0], [1.0]])
    translation = -rotation @ np.array([0.0, 0.0, camera.height])
    middle = FRAME_WIDTH / 2, FRAME_HEIGHT / 2
    focal = camera.focal_length
    return {
        "frame": [FRAME_HEIGHT, FRAME_WIDTH],
        "intrinsics": [[focal, 0.0, middle[0]], [0.0, focal, middle[1]], [0.0, 0.0, 1.0]],
        "distortion": {"k1": camera.distortion, "farthest": FARTHEST_BEND},
        "rotation": np.round(rotation, 9).tolist(),
        "translation": np.round(translation, 9).tolist(),
        "height": camera.height,
        "tilt": camera.tilt,
        "roll": camera.roll,
        "depth_range": list(depth_range(camera)),
    }


def projected_by(calibrated: dict[str, Any], points: FloatArray) -> FloatArray:
    """Project world points (N, 3) in front of a camera by its calibration to (N, 2) pixels of its picture."""
    rotation, translation = np.array(calibrated["rotation"]), np.array(calibrated["translation"])
    local = np.asarray(points, np.float64) @ rotation.T + translation
    straight = local[:, :2] / local[:, 2:]
    squared = np.minimum((straight**2).sum(axis=1, keepdims=True), calibrated["distortion"]["farthest"])
    bent = straight * (1.0 + calibrated["distortion"]["k1"] * squared)
    intrinsics = np.array(calibrated["intrinsics"])
    return np.asarray(bent @ intrinsics[:2, :2].T + intrinsics[:2, 2], np.float32)
