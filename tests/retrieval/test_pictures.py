from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from passerby.data import Dataset
from passerby.errors import CalibrationError, DataError, ImageError
from passerby.models.bundle import Bundle
from passerby.models.embedder import TorchEmbedder
from passerby.retrieval.distance import cosine_distances
from passerby.retrieval.embedding_file import EmbeddingFile, load_embeddings, save_embeddings
from passerby.retrieval.pictures import decide, embed_folder, search_pictures
from passerby.training.trainer import TrainingResult


@pytest.fixture(scope="module")
def embedder(trained: TrainingResult) -> TorchEmbedder:
    return TorchEmbedder(trained.best, "cpu")


@pytest.fixture(scope="module")
def gallery_file(embedder: TorchEmbedder, market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gallery") / "gallery.npz"
    save_embeddings(file, embed_folder(embedder, [market / "bounding_box_test"]))
    return file


def test_folders_and_pictures_are_embedded_in_order(embedder: TorchEmbedder, market: Path) -> None:
    folder = market / "query"
    one = sorted((market / "bounding_box_test").iterdir())[3]
    content = embed_folder(embedder, [one, folder])
    assert content.paths == (str(one), *(str(path) for path in sorted(folder.iterdir())))
    assert (content.identity, content.model) == (embedder.identity, str(embedder.bundle.path))
    np.testing.assert_allclose(content.embeddings, embedder.embed(list(content.paths)), atol=1e-6)


def test_nothing_to_embed_is_an_error(embedder: TorchEmbedder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected pictures, got none"):
        embed_folder(embedder, [tmp_path])
    with pytest.raises(ImageError, match="there is no such file"):
        embed_folder(embedder, [tmp_path / "none.jpg"])


def test_a_folder_and_its_embeddings_give_the_same_answers(
    trained: TrainingResult, dataset: Dataset, market: Path, gallery_file: Path
) -> None:
    query = dataset.query[0].path
    from_folder = search_pictures(query, market / "bounding_box_test", str(trained.best.path), top=30)
    from_file = search_pictures(query, gallery_file, top=30)
    assert [match.path for match in from_folder] == [match.path for match in from_file]
    np.testing.assert_allclose(
        [match.distance for match in from_folder], [match.distance for match in from_file], atol=1e-5
    )
    # Two pictures from each of two cameras of six people; never more than there are.
    assert [match.rank for match in from_file] == list(range(1, 25))
    assert [match.distance for match in from_file] == sorted(match.distance for match in from_file)
    assert Path(from_file[0].path).name.startswith(f"{dataset.query[0].person_id:04d}")
    assert len(search_pictures(query, gallery_file, top=3)) == 3


def test_answers_say_what_the_threshold_says(
    trained: TrainingResult, dataset: Dataset, gallery_file: Path, untrained: Bundle, market: Path
) -> None:
    assert trained.best.calibration is not None
    threshold = trained.best.calibration.threshold
    matches = search_pictures(dataset.query[0].path, gallery_file, top=24)
    assert [match.same_person for match in matches] == [match.distance <= threshold for match in matches]
    assert {match.same_person for match in matches} == {True, False}
    without = search_pictures(dataset.query[0].path, market / "query", str(untrained.path))
    assert {match.same_person for match in without} == {None}


def test_the_query_itself_is_found_at_no_distance(gallery_file: Path) -> None:
    path = load_embeddings(gallery_file).paths[5]
    with Path(path).open("rb") as file:
        match = search_pictures(file, gallery_file, top=1)[0]
    assert (match.path, match.distance) == (path, pytest.approx(0, abs=1e-5))


def test_galleries_of_another_model_are_refused(dataset: Dataset, gallery_file: Path, untrained: Bundle) -> None:
    with pytest.raises(DataError, match=r"expected embeddings of model .*, got those of .*embed the pictures again"):
        search_pictures(dataset.query[0].path, gallery_file, str(untrained.path))


def test_other_programs_galleries_need_a_model_of_their_dimension(
    dataset: Dataset, untrained: Bundle, embedder: TorchEmbedder, tmp_path: Path
) -> None:
    query = dataset.query[0].path
    save_embeddings(tmp_path / "foreign.npz", EmbeddingFile(np.eye(3, dtype=np.float32), ("a", "b", "c")))
    with pytest.raises(DataError, match="does not say which model to search with; name one with --model"):
        search_pictures(query, tmp_path / "foreign.npz")
    with pytest.raises(DataError, match=f"expected embeddings of dimension {embedder.dimension}, got 3"):
        search_pictures(query, tmp_path / "foreign.npz", str(untrained.path))
    fitting = EmbeddingFile(embedder.embed([query]), ("same.jpg",))
    save_embeddings(tmp_path / "fitting.npz", fitting)
    assert search_pictures(query, tmp_path / "fitting.npz", str(embedder.bundle.path))[0].path == "same.jpg"


def test_places_that_are_no_gallery_are_refused(dataset: Dataset, embedder: TorchEmbedder, tmp_path: Path) -> None:
    query, model = dataset.query[0].path, str(embedder.bundle.path)
    with pytest.raises(DataError, match="got nothing there"):
        search_pictures(query, tmp_path / "none", model)
    with pytest.raises(DataError, match="does not say which model to search with"):
        search_pictures(query, tmp_path)
    with pytest.raises(DataError, match="expected pictures, got none"):
        search_pictures(query, tmp_path, model)
    with pytest.raises(DataError, match="got another or a damaged file"):
        search_pictures(query, query, model)
    with pytest.raises(DataError, match="at least 1 nearest, got 0"):
        search_pictures(query, query.parent, model, top=0)
    empty = EmbeddingFile(np.empty((0, embedder.dimension), np.float32), ())
    save_embeddings(tmp_path / "empty.npz", replace(empty, model=model, identity=embedder.identity))
    with pytest.raises(DataError, match="expected embeddings of pictures, got none"):
        search_pictures(query, tmp_path / "empty.npz")


def test_a_broken_query_is_noticed_before_the_gallery_is_embedded(
    embedder: TorchEmbedder, market: Path, tmp_path: Path
) -> None:
    (tmp_path / "query.jpg").write_text("no picture")
    told: list[int] = []
    with pytest.raises(ImageError, match=r"query\.jpg"):
        search_pictures(
            tmp_path / "query.jpg", market, str(embedder.bundle.path), progress=lambda done, total: told.append(done)
        )
    assert not told


def test_a_decision_rests_on_the_calibration_or_on_a_given_threshold(
    embedder: TorchEmbedder, trained: TrainingResult, dataset: Dataset
) -> None:
    first, second = dataset.query[0].path, dataset.gallery[0].path
    calibration = trained.best.calibration
    assert calibration is not None
    decision = decide(embedder, first, second)
    vectors = embedder.embed([first, second])
    assert decision.distance == pytest.approx(float(cosine_distances(vectors[:1], vectors[1:])[0, 0]))
    assert decision.same_person == (decision.distance <= calibration.threshold)
    assert decision.threshold == calibration.threshold
    assert calibration.source in decision.source
    assert calibration.criterion in decision.source
    for threshold, same in ((decision.distance, True), (decision.distance - 1e-6, False), (0.0, False), (2.0, True)):
        given = decide(embedder, first, second, threshold)
        assert (given.same_person, given.threshold) == (same, threshold)
        assert "given by the user" in given.source


def test_without_a_calibration_nothing_is_decided(untrained: Bundle, dataset: Dataset) -> None:
    embedder = TorchEmbedder(untrained, "cpu")
    first, second = dataset.query[0].path, dataset.gallery[0].path
    with pytest.raises(CalibrationError, match=r"has no calibration, .*`passerby calibrate`.*or give --threshold"):
        decide(embedder, first, second)
    assert decide(embedder, first, second, 2.0).same_person
