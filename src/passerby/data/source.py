"""A data set as the command line names it: `PATH`, or `PATH:key=value,…` where the path alone does not say enough."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from passerby.data.dataset import Dataset
from passerby.data.formats import ReadOptions, read_dataset
from passerby.data.joining import join
from passerby.errors import DataError

_SPECIFIED = re.compile(r"(?P<path>.+?):(?P<settings>[a-z_]+=[^,:]*(?:,[a-z_]+=[^,:]*)*)")

_KEYS: dict[str, Callable[[str], Any]] = {
    "format": str,
    "variant": str,
    "split": int,
    "test_share": float,
    "seed": int,
    "camera_pattern": str,
}
"""What may stand after the path, each with what makes a value of its text."""


@dataclass(frozen=True)
class DataSource:
    """Where a data set lies, and how it is read.

    Attributes:
        path: Its folder or archive.
        format: A reader's name, or None: it is recognised.
        options: What the data set itself does not say.
    """

    path: Path
    format: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)

    @classmethod
    def parse(cls, text: str, format: str | None = None, options: ReadOptions | None = None) -> "DataSource":
        """Read `PATH` or `PATH:key=value,…`; a path that exists is never taken apart.

        Args:
            text: What the user wrote.
            format: The reader where the text names none.
            options: The options where the text sets none.

        Raises:
            DataError: A key is unknown, or its value does not fit.

        Example:
            >>> DataSource.parse("cuhk03:variant=labelled,split=3").options.split
            3
        """
        options = options or ReadOptions()
        match = _SPECIFIED.fullmatch(text)
        if match is None or Path(text).exists():
            return cls(Path(text), format, options)
        settings: dict[str, Any] = {}
        for setting in match["settings"].split(","):
            key, _, value = setting.partition("=")
            if key not in _KEYS:
                raise DataError(f"{text}: expected one of {', '.join(_KEYS)} after the path, got {key!r}")
            try:
                settings[key] = _KEYS[key](value)
            except ValueError as error:
                raise DataError(f"{text}: expected a number for {key}, got {value!r}") from error
        format = settings.pop("format", format)
        return cls(Path(match["path"]), format, replace(options, **settings))

    def read(self) -> Dataset:
        """Read it; raises as `read_dataset` does."""
        return read_dataset(self.path, self.format, self.options)


def read_sources(texts: Sequence[str], format: str | None = None, options: ReadOptions | None = None) -> Dataset:
    """Read data sets as the command line names them, and join them where there are several.

    Raises:
        DataError: One of them cannot be read, or a picture is in two.
    """
    return join([DataSource.parse(text, format, options).read() for text in texts])
