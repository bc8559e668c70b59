"""A site: all its cameras and what is done with them, from a YAML file."""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from passerby.errors import DataError, SourceError

_LARGEST = 2**20  # Bytes.
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteCamera(_Strict):
    """A camera of a site."""

    source: str | tuple[str, ...] = Field(
        description="A file, a folder of frames, rtsp://…, http://… or webcam:0, or several recordings in a list; "
        "${NAME} is taken from the environment, where passwords belong."
    )
    start: datetime | None = Field(
        None,
        description="When a recording began; by default as it says itself. Without a zone, by the camera's clock.",
    )
    zone: str = Field("UTC", description="Zone of the camera's clock, such as Europe/Vienna.")
    clock_offset: float = Field(0.0, description="Seconds by which its clock is fast; negative: slow.")
    detector: str | None = Field(None, description="What finds people at this camera; by default the site's.")
    fps: float = Field(10.0, gt=0, le=1000, description="Frames a second of a folder of frames.")
    rate: float | None = Field(
        None, gt=0, le=1000, description="Frames a second that are looked at; by default the site's."
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError("expected a time zone such as Europe/Vienna") from error
        return zone

    def sources(self) -> tuple[str, ...]:
        """All of them, the environment's variables filled in.

        Raises:
            SourceError: A variable is not set.
        """
        given = (self.source,) if isinstance(self.source, str) else self.source
        return tuple(_filled_in(source) for source in given)


class Site(_Strict):
    """Cameras, the gallery that their sightings go to, and what finds and embeds people."""

    gallery: str | None = Field(None, description="Where sightings go; `--gallery` goes before it.")
    model: str | None = Field(None, description="What embeds people; by default the gallery's model.")
    detector: str | None = Field(None, description="What finds people; by default the detector of the command.")
    rate: float | None = Field(None, gt=0, le=1000, description="Frames a second that are looked at; null: all.")
    give_up: float | None = Field(
        None, ge=0, description="Seconds without a frame after which a live camera is given up; null: never."
    )
    cameras: dict[str, SiteCamera] = Field(min_length=1, description="By name.")


def read_site(path: Path) -> Site:
    """Read a site's file; paths in it are relative to the folder that it is in.

    Raises:
        DataError: There is no such file, it is no YAML, or a key is unknown, missing, or of another kind.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: expected the YAML of a site of at most 1 MiB, got a larger file")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the path") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = " ".join(str(error).split())[:160]
        raise DataError(f"{path}: expected the YAML of a site, got something else ({what})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected the YAML of a site with `cameras`, got {type(content).__name__}")
    try:
        site = Site.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise DataError(f"{path}: {place}: {what[0].lower()}{what[1:]}") from error
    return site.model_copy(
        update={"cameras": {name: _placed(one, path.parent) for name, one in site.cameras.items()}}
    )


def _placed(camera: SiteCamera, folder: Path) -> SiteCamera:
    def place(source: str) -> str:
        return source if "://" in source or source.startswith(("webcam:", "${")) else str(folder / source)

    given: Any = camera.source
    placed = place(given) if isinstance(given, str) else tuple(place(source) for source in given)
    return camera.model_copy(update={"source": placed})


def _filled_in(source: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise SourceError(f"{source}: expected the environment to say {match[1]}, got nothing; set it")
        return found

    return _VARIABLE.sub(value, source)
