"""Galleries in each of the three homes, sightings to put into them, and a model that needs no network."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from passerby.data.images import read_image
from passerby.types import Calibration, Sighting

DIMENSION = 16
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOMES = ("memory", "folder", "postgresql")


@contextmanager
def running_server() -> Iterator[Any]:
    """A real PostgreSQL of its own, stopped and removed behind the test."""
    pgserver = pytest.importorskip("pgserver", reason="needs the pgserver wheel, which starts a PostgreSQL")
    # Not below pytest's own folder, which other users may not enter: as root, the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="passerby-pg-"))
    try:
        running = pgserver.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here: {error}")
    yield running
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a real PostgreSQL, with a `%s` for the database's name."""
    with running_server() as running:
        yield running.get_uri().replace("/postgres?", "/%s?")


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A PostgreSQL that may be stopped."""
    with running_server() as running:
        yield running


_numbers = itertools.count(1)


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A function from a home's name to the URL of a place where there is no gallery yet."""

    def make(home: str) -> str:
        if home == "memory":
            return "memory:"
        if home == "folder":
            return str(tmp_path / f"gallery-{next(_numbers)}")
        import psycopg

        server = request.getfixturevalue("server")
        name = f"gallery_{next(_numbers)}"
        with psycopg.connect(server % "postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return str(server % name)

    return make


@pytest.fixture(params=HOMES)
def url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> str:
    """A place without a gallery, of each kind."""
    return new_url(request.param)


@pytest.fixture(params=HOMES[1:])
def lasting_url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> str:
    """A place without a gallery, of each kind that outlives the process."""
    return new_url(request.param)


@dataclass
class ColourEmbedder:
    """Embeds a picture as its mean colours in rows, turned by a matrix of its own: quick, and good enough."""

    seed: int
    calibration: Calibration

    def __post_init__(self) -> None:
        self.identity = f"{self.seed:064d}"
        self.dimension = DIMENSION
        matrix = np.random.default_rng(self.seed).normal(size=(24, DIMENSION))
        self._matrix = matrix.astype(np.float32)
        self.bundle: Any = SimpleNamespace(path=Path(f"colours-{self.seed}"), calibration=self.calibration)

    def embed(self, images: Any, progress: Any = None) -> np.ndarray:
        several = isinstance(images, list)
        vectors = []
        for image in images if several else [images]:
            picture = read_image(image).astype(np.float32)
            rows = np.array_split(picture, 8)
            colours = np.concatenate([row.mean(axis=(0, 1)) for row in rows]) - 110
            vectors.append(colours @ self._matrix)
        stacked = np.stack(vectors)
        return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True), np.float32)


@pytest.fixture
def new_embedder(calibration: Calibration) -> Callable[[int], ColourEmbedder]:
    """A function from a seed to an embedder with a calibration."""
    return lambda seed: ColourEmbedder(seed, calibration)


@pytest.fixture
def embedder(new_embedder: Callable[[int], ColourEmbedder]) -> ColourEmbedder:
    return new_embedder(0)


@pytest.fixture
def sightings(draw_person: Callable[[int, int, int], np.ndarray]) -> list[Sighting]:
    """Six people at two cameras, twice at each: with crops, boxes, tracks, labels, quality and attributes."""
    return [
        Sighting(
            camera=("gate", "hall")[camera - 1],
            time=START + timedelta(minutes=10 * number, seconds=person),
            crop=draw_person(person, camera, number),
            box=(10.0, 20.0, 32.0, 64.0),
            track=f"{camera}-{person}",
            person=f"person {person}",
            quality=(person + number) / 10,
            attributes={"upper": "red", "bag": person % 2 == 0, "height": 1.5 + person / 100},
        )
        for person in range(1, 7)
        for camera in (1, 2)
        for number in range(2)
    ]


@pytest.fixture
def vectors() -> Callable[..., list[Sighting]]:
    """A function from a count to that many sightings of embeddings alone."""

    def make(count: int, seed: int = 0, camera: str = "gate") -> list[Sighting]:
        random = np.random.default_rng([seed, count])
        return [
            Sighting(
                camera, START + timedelta(seconds=place), embedding=vector, model="m", id=f"{camera}-{seed}-{place}"
            )
            for place, vector in enumerate(random.normal(size=(count, DIMENSION)).astype(np.float32))
        ]

    return make
