import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from passerby.errors import DataError
from passerby.evaluation.embedding_map import embedding_map
from passerby.evaluation.evaluate import Evaluation, evaluate, evaluate_task
from passerby.evaluation.groups import group_error_rates
from passerby.evaluation.open_set import open_set
from passerby.evaluation.protocols import ranking_task
from passerby.evaluation.report import Comparison, write_report
from passerby.evaluation.reranked import evaluate_reranked
from passerby.evaluation.verification import calibrate
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.rerank import k_reciprocal
from passerby.types import Sample

Case = tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Four people, two cameras, one file with a name that HTML would trip over, and one that is gone."""
    random = np.random.default_rng(0)
    samples = []
    for number in range(24):
        path = tmp_path / f"{'<b>&amp;' if number == 8 else 'picture'}{number}.png"
        if number != 9:
            Image.fromarray(random.integers(0, 256, (128, 64, 3), np.uint8)).save(path)
        samples.append(Sample(path, number % 4 + 1, number // 4 % 2 + 1))
    embeddings = random.normal(size=(5, 8))[[sample.person_id for sample in samples]]
    embeddings = embeddings + random.normal(size=(24, 8))
    return embeddings[:8], tuple(samples[:8]), embeddings[8:], tuple(samples[8:])


class Page(HTMLParser):
    """What a page is made of; complains about tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br", "input"}:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(case: Case, output: Path, **changes: object) -> tuple[str, Evaluation]:
    _, queries, gallery_embeddings, gallery = case
    evaluation = evaluate(*case, shown=3, depth=4)
    labels = [sample.person_id for sample in gallery], [sample.camera_id for sample in gallery]
    arguments = {
        "query_samples": queries,
        "gallery_samples": gallery,
        "title": "A <script>alert(1)</script> & more",
        "details": {"Model": "<img src=x>"},
        "calibration": calibrate(gallery_embeddings, *labels, source="the gallery"),
        "caution": "Not for <decisions>.",
        **changes,
    }
    path = write_report(output, evaluation, **arguments)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8"), evaluation


def assert_loads_nothing(text: str) -> None:
    without_pictures = re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(r"(?i)https?:|//[a-z]|@import|url\([^)]|<script|<link|<iframe", without_pictures)


def test_is_one_file_that_needs_nothing_else(case: Case, tmp_path: Path) -> None:
    text, _ = report(case, tmp_path / "made" / "here")
    assert [path.name for path in (tmp_path / "made" / "here").iterdir()] == ["report.html"]
    assert_loads_nothing(text)
    page = Page(text)
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert str(tmp_path) not in text


def test_escapes_what_comes_from_outside(case: Case, tmp_path: Path) -> None:
    text, _ = report(case, tmp_path)
    page = Page(text)
    assert "A <script>alert(1)</script> & more" in page.text
    assert "<img src=x>" in page.text
    assert "Not for <decisions>." in page.text
    assert any(image["title"] == "<b>&amp;8.png" for image in page.all("img"))
    assert not page.all("script")


def test_says_the_figures_and_marks_every_answer(case: Case, tmp_path: Path) -> None:
    text, evaluation = report(case, tmp_path)
    page = Page(text)
    metrics = evaluation.metrics
    for share in (metrics.rank(1), metrics.rank(5), metrics.mean_ap, metrics.mean_inp):
        assert f"{share:.1%}" in page.text
    assert evaluation.rule in " ".join(page.text.split())
    assert "threshold 0." in page.text

    shown = evaluation.examples + evaluation.surest_failures + evaluation.hardest
    missed = sum(ranking.first_right > 4 for ranking in shown)
    assert text.count('<li class="right">') == sum(sum(ranking.right) for ranking in shown) + missed
    assert text.count('<li class="wrong">') == sum(4 - sum(ranking.right) for ranking in shown)
    # A mark beside every answer, and both in the line that explains them: colour is not all.
    assert page.text.count("✓") == text.count('<li class="right">') + 1
    assert page.text.count("✗") == text.count('<li class="wrong">') + 1


def test_pictures_are_described_and_keep_their_shape(case: Case, tmp_path: Path) -> None:
    text, _ = report(case, tmp_path)
    page = Page(text)
    for image in page.all("img"):
        assert re.fullmatch(r"(Query|Rank \d+, (right|wrong)): person \d, camera \d", image["alt"] or "")
        jpeg = base64.b64decode((image["src"] or "").partition(",")[2])
        assert Image.open(io.BytesIO(jpeg)).size == (64, 128)
    assert any(svg.get("aria-label") for svg in page.all("svg"))
    assert "no picture" in page.text


def test_a_comparison_stands_beside(case: Case, tmp_path: Path) -> None:
    _, queries, _, gallery = case
    random = np.random.default_rng(1)
    other = evaluate(random.normal(size=(8, 4)), queries, random.normal(size=(16, 4)), gallery, shown=3)
    text, _ = report(case, tmp_path, label="Trained", comparison=Comparison("<Untrained>", other))
    page = Page(text)
    assert f"{other.metrics.mean_ap:.1%}" in page.text
    # Five figures, the legends of the CMC, the ROC and the DET, and three examples.
    assert page.text.count("<Untrained>") == 5 + 3 + 3


def test_without_extras_nothing_of_them_is_shown(case: Case, tmp_path: Path) -> None:
    text, _ = report(case, tmp_path, calibration=None, caution=None)
    page = Page(text)
    assert "threshold" not in page.text
    assert "must not be used" not in page.text


def test_what_belongs_to_another_evaluation_is_refused(case: Case, tmp_path: Path) -> None:
    _, queries, _, _ = case
    with pytest.raises(DataError, match="8 query and 16 gallery samples that were evaluated, got 7 and 16"):
        report(case, tmp_path, query_samples=queries[:7])
    other = evaluate(*case)
    with pytest.raises(DataError, match="same 8 queries and 16 gallery pictures, got one on 8 and 15"):
        report(case, tmp_path, comparison=Comparison("b", replace(other, gallery_pictures=15)))
    with pytest.raises(DataError, match=r'different names .* got "This model" twice'):
        report(case, tmp_path, comparison=Comparison("This model", other))
    assert not (tmp_path / "report.html").exists()


def test_every_figure_has_its_interval(case: Case, tmp_path: Path) -> None:
    text, evaluation = report(case, tmp_path)
    for interval in (evaluation.intervals()["mAP"], evaluation.pairs.intervals()["eer"]):
        assert f"{100 * interval.low:.1f}–{100 * interval.high:.1f}" in text
    assert f"{evaluation.pairs.figures['auc']:.1%}" in text


def test_the_threshold_is_tried_on_the_pairs_of_the_evaluation(case: Case, tmp_path: Path) -> None:
    text, _ = report(case, tmp_path)
    _, queries, embeddings, gallery = case
    threshold = calibrate(
        embeddings, [s.person_id for s in gallery], [s.camera_id for s in gallery], source="the gallery"
    ).threshold
    units = normalise(case[0]), normalise(embeddings)
    accepted = {True: [], False: []}
    for sample, row in zip(queries, cosine_distances(*units), strict=True):
        for other, distance in zip(gallery, row, strict=True):
            same = sample.person_id == other.person_id
            if not (same and sample.camera_id == other.camera_id):
                accepted[same].append(distance <= threshold)
    words = " ".join(Page(text).text.split())
    assert (
        f"it accepts {np.mean(accepted[False]):.1%} of the former and rejects {1 - np.mean(accepted[True]):.1%}"
        in words
    )


def test_failures_come_surest_first_with_their_probability(case: Case, tmp_path: Path) -> None:
    text, evaluation = report(case, tmp_path)
    firsts = [ranking.distances[0] for ranking in evaluation.surest_failures]
    assert firsts
    assert firsts == sorted(firsts)
    assert not any(ranking.right[0] for ranking in evaluation.surest_failures)
    words = " ".join(Page(text).text.split())
    assert (
        f"The first answer is wrong, at distance {firsts[0]:.2f}, yet the same person with a probability of" in words
    )


def labels(samples: tuple[Sample, ...]) -> dict[str, list[str]]:
    return {"<hat>": ["red" if sample.person_id < 3 else "none" for sample in samples]}


@pytest.fixture
def everything(case: Case) -> dict[str, object]:
    """All that a report can show."""
    task = ranking_task(*case)
    before = evaluate_task(task, shown=3, depth=4)
    closer = k_reciprocal(task.queries.embeddings, task.gallery.embeddings, k1=5, k2=2)
    return {
        "reranked": evaluate_reranked(task, before, closer, "k-reciprocal", shown=2, depth=4),
        "open_set": open_set(task, draws=3),
        "groups": group_error_rates(task, labels(case[1]), labels(case[3]), 0.5),
        "embedding_map": embedding_map(task),
    }


def test_shows_everything_at_once_and_still_loads_nothing(
    case: Case, everything: dict[str, object], tmp_path: Path
) -> None:
    text, _ = report(case, tmp_path, **everything)
    assert_loads_nothing(text)
    page = Page(text)
    for heading in ("Deciding who is the same", "People who may not be there", "Before and after re-ranking", "Map"):
        assert f"<h2>{heading}</h2>" in text
    targets = {attributes.get("id") for _, attributes in page.tags}
    links = [(attributes["href"] or "") for attributes in page.all("a")]
    assert len(links) == 11
    assert all(link.startswith("#") and link[1:] in targets for link in links)
    words = " ".join(page.text.split())
    for group in everything["groups"].groups:
        assert f"<hat>: {group.group}{group.people} {group.rank_1.value:.1%}" in words
    reranked = everything["reranked"]
    assert f"average precision rose for {reranked.gained} and fell for {reranked.lost}" in words


def test_the_map_is_reached_by_keys_and_touch_and_shows_every_picture(
    case: Case, everything: dict[str, object], tmp_path: Path
) -> None:
    text, _ = report(case, tmp_path, **everything)
    page = Page(text)
    dots = [attributes for attributes in page.all("input") if attributes.get("type") == "radio"]
    drawn = everything["embedding_map"]
    assert len(dots) == len(drawn.samples) == 24
    assert {attributes["name"] for attributes in dots} == {"map"}  # One stop of the tab key; arrows go through it.
    assert all(re.fullmatch(r"person \d, camera \d", attributes["aria-label"] or "") for attributes in dots)
    sheet = re.search(r"\.sheet \{ background-image: url\(data:image/jpeg;base64,([^)]+)\)", text)
    assert sheet is not None
    picture = Image.open(io.BytesIO(base64.b64decode(sheet[1])))
    assert picture.size == (20 * 48, 2 * 96)
    places = [re.search(r"left:([\d.]+)%;top:([\d.]+)%", a["style"] or "") for a in page.all("label")]
    assert all(0 <= float(value) <= 100 for place in places for value in place.groups())


def test_rerankings_of_other_pictures_are_refused(case: Case, everything: dict[str, object], tmp_path: Path) -> None:
    other = replace(everything["reranked"], evaluation=replace(everything["reranked"].evaluation, query_pictures=7))
    with pytest.raises(DataError, match="same 8 queries and 16 gallery pictures, got one on 7 and 16"):
        report(case, tmp_path, reranked=other)
