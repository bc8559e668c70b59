from dataclasses import replace
from pathlib import Path

import pytest

from passerby.data import Dataset
from passerby.data.dataset import people, people_among, picture_keys
from passerby.errors import CalibrationError
from passerby.evaluation.model import calibrate_on, cautions
from passerby.models.embedder import TorchEmbedder
from passerby.training.trainer import TrainingResult


@pytest.fixture(scope="module")
def embedder(trained: TrainingResult) -> TorchEmbedder:
    return TorchEmbedder(trained.best, "cpu")


def test_calibration_leaves_out_everybody_the_model_was_trained_on(embedder: TorchEmbedder, dataset: Dataset) -> None:
    known = people_among(dataset.train, embedder.bundle.card.training_keys())
    unknown = people(dataset.train) - known
    assert known
    assert unknown
    calibration = calibrate_on(embedder, dataset)
    assert calibration.people == len(unknown)
    everybody = calibrate_on(embedder, dataset, "all")
    assert everybody.people == len(unknown | people(dataset.gallery))


def test_one_picture_less_does_not_make_trained_people_unknown(embedder: TorchEmbedder, dataset: Dataset) -> None:
    known = people_among(dataset.train, embedder.bundle.card.training_keys())
    smaller = replace(dataset, train=tuple(s for s in dataset.train if s.person_id in known)[1:])
    with pytest.raises(CalibrationError, match="the model was trained on all"):
        calibrate_on(embedder, smaller)


def test_figures_on_trained_people_are_cautioned(embedder: TorchEmbedder, dataset: Dataset) -> None:
    assert cautions(embedder, dataset) == []
    swapped = replace(dataset, train=(), query=dataset.train[:6], gallery=dataset.train)
    assert "trained on" in cautions(embedder, swapped)[0]


def test_pictures_are_known_again_by_folder_and_name(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.train[0]
    moved = replace(first, path=tmp_path / first.path.parent.name / first.path.name)
    assert picture_keys([moved]) == picture_keys([first])
    assert people_among([moved], picture_keys([first])) == {first.person_id}
    assert not people_among([replace(first, path=tmp_path / "other" / first.path.name)], picture_keys([first]))
