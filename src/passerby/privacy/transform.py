"""A secret rotation of embeddings: searching works as before, but only among those who share the secret.

The rotation is drawn evenly from all orthogonal matrices (Mezzadri, "How to generate random matrices from the
classical compact groups", 2007) by a generator that the secret seeds. Angles and distances stay as they are, so that
ranking and calibration stay valid; embeddings of a stolen gallery match no other, and a new secret revokes them.

It is not encryption. Whoever knows as many embeddings before and after as they are long can compute the matrix, and
whoever has many embeddings of the same model can try to align the two clouds. Encrypt the gallery as well.
"""

import numpy as np
import numpy.typing as npt

from passerby.errors import PasserbyError
from passerby.privacy.derivation import derive
from passerby.types import FloatArray

_LARGEST = 8192


class SecretTransform:
    """An orthogonal matrix that only the holder of a secret can make.

    Args:
        secret: 32 random bytes.
        dimension: Length of the embeddings, 2 to 8,192.

    Raises:
        PasserbyError: The dimension is out of range.
    """

    __slots__ = ("_matrix", "dimension", "suffix")

    suffix: str
    """16 hexadecimal digits that stand for the secret and tell nothing of it."""

    def __init__(self, secret: bytes, dimension: int) -> None:
        if not 2 <= dimension <= _LARGEST:
            raise PasserbyError(f"expected embeddings of length 2 to {_LARGEST:,} to transform, got {dimension:,}")
        self.dimension = dimension
        self.suffix = derive(secret, f"passerby transform 1 identity {dimension}", 8).hex()
        self._matrix = _orthogonal(secret, dimension).astype(np.float32)

    def __repr__(self) -> str:
        return f"SecretTransform({self.suffix}, dimension={self.dimension})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret transform is not to be copied or pickled")

    def identity(self, model: str) -> str:
        """What embeddings of a model are to be called once transformed: they compare with no others."""
        return f"{model}~{self.suffix}"

    def apply(self, embeddings: FloatArray) -> FloatArray:
        """Transform embeddings.

        Args:
            embeddings: (N, D) float32.

        Returns:
            (N, D) float32, of the same lengths and the same distances to each other within 1e-5.

        Raises:
            PasserbyError: They are not of the transform's dimension.
        """
        return self._checked(embeddings) @ self._matrix

    def undo(self, embeddings: FloatArray) -> FloatArray:
        """Give embeddings back as they were: to move a gallery to a new secret, or to take it off.

        Args:
            embeddings: (N, D) float32, as `apply` gives them.

        Raises:
            PasserbyError: They are not of the transform's dimension.
        """
        return self._checked(embeddings) @ self._matrix.T

    def _checked(self, embeddings: FloatArray) -> FloatArray:
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dimension:
            raise PasserbyError(f"expected embeddings (N, {self.dimension}), got {embeddings.shape}")
        return np.asarray(embeddings, dtype=np.float32)


def _orthogonal(secret: bytes, dimension: int) -> npt.NDArray[np.float64]:
    """(D, D) float64, evenly among all orthogonal matrices; the same for the same secret on every machine."""
    gaussian = _normal(derive(secret, f"passerby transform 1 matrix {dimension}"), dimension * dimension)
    q, r = np.linalg.qr(gaussian.reshape(dimension, dimension))
    # Without this the signs are the library's choice: neither even nor the same everywhere.
    return np.asarray(q * np.where(np.diagonal(r) < 0, -1.0, 1.0))


def _normal(key: bytes, count: int) -> npt.NDArray[np.float64]:
    """Standard normal numbers from AES-256-CTR by Box and Muller.

    Not from numpy's generator: it may draw other numbers in another version, and a gallery must outlive versions.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    pairs = (count + 1) // 2
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(16 * pairs))
    integers = np.frombuffer(stream, dtype="<u8").reshape(pairs, 2) >> np.uint64(11)
    uniform = (integers.astype(np.float64) + 0.5) * 2.0**-53  # in (0, 1)
    radius, angle = np.sqrt(-2 * np.log(uniform[:, 0])), 2 * np.pi * uniform[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]
