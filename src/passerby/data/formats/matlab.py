"""MATLAB files of version 5, in which splits and attributes are published."""

import io
from typing import Any

import numpy as np

from passerby.data.tree import FileTree
from passerby.errors import DataError, ImageError
from passerby.types import IntArray

_LARGEST = 2**30


def read_mat(tree: FileTree, name: str, *variables: str) -> dict[str, Any]:
    """Read some variables of a `.mat`; nothing in it is run.

    Args:
        tree: Where it lies.
        name: Its path there.
        variables: What it must hold.

    Raises:
        DataError: There is no such file, it is damaged, or holds something else.
    """
    import scipy.io

    path = tree.path(name)
    try:
        content = tree.read(name, _LARGEST)
    except ImageError as error:
        raise DataError(str(error)) from error
    try:
        with io.BytesIO(content) as file:
            held = {known for known, _, _ in scipy.io.whosmat(file)}
        missing = [variable for variable in variables if variable not in held]
        if missing:
            got = ", ".join(sorted(held)) or "nothing"
            raise DataError(f"{path}: expected {', '.join(variables)}, got {got}; it is of another data set")
        with io.BytesIO(content) as file:
            return dict(scipy.io.loadmat(file, variable_names=list(variables)))
    except DataError:
        raise
    except NotImplementedError as error:
        raise DataError(f"{path}: expected a MATLAB file of version 5, got one of version 7.3") from error
    except Exception as error:  # scipy raises whatever its parser stumbles over
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path}: expected a whole MATLAB file, got a damaged one ({reason}); fetch it again"
        ) from error


def whole_numbers(values: Any, what: str, low: int, high: int) -> IntArray:  # noqa: ANN401 - whatever a file holds
    """Check integers of a MATLAB file and flatten them.

    Raises:
        DataError: They are no whole numbers from `low` to `high`.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or not (array == np.round(array)).all():
        raise DataError(f"{what}: expected whole numbers, got {array.dtype} of shape {array.shape}")
    if array.size and not (low <= array.min() and array.max() <= high):
        raise DataError(f"{what}: expected numbers from {low} to {high}, got {array.min():g} to {array.max():g}")
    return array.astype(np.int64).ravel()
