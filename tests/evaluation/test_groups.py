import json
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation.groups import GroupReport, group_error_rates
from passerby.evaluation.protocols import RankingTask, ranking_task
from passerby.evaluation.truth_labels import ATTRIBUTES, require_attributes, truth_labels
from passerby.retrieval.distance import cosine_distances
from passerby.synthetic import render_people
from passerby.types import Sample


@pytest.fixture(scope="module")
def task() -> RankingTask:
    """Forty people; those with an odd number are much harder."""
    random = np.random.default_rng(1)
    whom = np.repeat(np.arange(1, 41), 6)
    samples = [Sample(Path(f"{n}.jpg"), int(p), 1 + n % 3) for n, p in enumerate(whom)]
    noise = np.where(whom % 2, 2.0, 0.5)[:, None]
    embeddings = random.normal(size=(41, 12))[whom] + noise * random.normal(size=(240, 12))
    asking = list(range(0, 240, 2))
    return ranking_task(embeddings[asking], [samples[n] for n in asking], embeddings, samples)


def labels(samples: tuple[Sample, ...]) -> dict[str, list[str]]:
    return {
        "kind": ["hard" if sample.person_id % 2 else "easy" for sample in samples],
        "camera": [str(sample.camera_id) for sample in samples],
    }


def report(task: RankingTask, threshold: float = 0.5) -> GroupReport:
    return group_error_rates(task, labels(task.queries.samples), labels(task.gallery.samples), threshold)


def test_rates_equal_looking_at_each_pair(task: RankingTask) -> None:
    distances = cosine_distances(task.queries.embeddings, task.gallery.embeddings)
    asking, shown = labels(task.queries.samples), labels(task.gallery.samples)
    found = report(task)
    assert [(group.attribute, group.group) for group in found.groups] == [
        ("kind", "easy"),
        ("kind", "hard"),
        ("camera", "1"),
        ("camera", "2"),
        ("camera", "3"),
    ]
    for group in found.groups:
        same, others, within, hits = [], [], [], []
        for number, query in enumerate(task.queries.samples):
            if asking[group.attribute][number] != group.group:
                continue
            ranked = []
            for place, sample in enumerate(task.gallery.samples):
                if sample.path == query.path:
                    continue
                mine = sample.person_id == query.person_id
                if mine and sample.camera_id == query.camera_id:
                    continue
                near = bool(distances[number, place] <= 0.5)
                ranked.append((float(distances[number, place]), mine))
                (same if mine else others).append(near)
                if not mine and shown[group.attribute][place] == group.group:
                    within.append(near)
            hits.append(min(ranked)[1])
        assert group.queries == len(hits)
        assert group.rank_1.value == pytest.approx(np.mean(hits))
        assert group.false_reject_rate.value == pytest.approx(1 - np.mean(same))
        assert group.false_accept_rate.value == pytest.approx(np.mean(others))
        assert group.false_accept_rate_within.value == pytest.approx(np.mean(within))


def test_large_differences_are_named_and_small_ones_are_not(task: RankingTask) -> None:
    found = report(task)
    assert any(sentence.startswith("kind: rank-1 is") for sentence in found.differences)
    assert any("FRR is" in sentence and "(hard, 20 people)" in sentence for sentence in found.differences)
    assert not [sentence for sentence in found.differences if sentence.startswith("camera")]
    assert len(found.to_dict()["groups"]) == 5


def test_groups_of_numbers_are_in_the_order_of_these(task: RankingTask) -> None:
    names = ["from 96 to 128 rows", "below 64 rows", "from 128 rows", "from 64 to 96 rows"]
    columns = ({"size": [names[n % 4] for n in range(count)]} for count in (120, 240))
    found = group_error_rates(task, *columns, 0.5)
    assert [group.group for group in found.groups] == [names[place] for place in (1, 3, 0, 2)]


def test_what_does_not_fit_is_refused(task: RankingTask) -> None:
    asking, shown = labels(task.queries.samples), labels(task.gallery.samples)
    with pytest.raises(DataError, match="expected 120 and 240 labels of kind, got 119 and 240"):
        group_error_rates(task, asking | {"kind": asking["kind"][1:]}, shown, 0.5)
    with pytest.raises(DataError, match="the same attributes of query and gallery, got kind and kind, camera"):
        group_error_rates(task, {"kind": asking["kind"]}, shown, 0.5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Sample]]:
    root = tmp_path_factory.mktemp("drawn") / "people"
    render_people(root, people=3, cameras=2, pictures=1, seed=4, height=64, width=32)
    return root, [Sample(path, 1) for path in sorted(root.rglob("*.jpg"))]


def test_every_attribute_is_read_from_the_truth(drawn: tuple[Path, list[Sample]]) -> None:
    root, samples = drawn
    truth = {row["file"]: row for row in map(json.loads, (root / "truth.jsonl").read_text().splitlines())}
    found = truth_labels(root, samples, list(ATTRIBUTES))
    for place, sample in enumerate(samples):
        row = truth[sample.path.relative_to(root).as_posix()]
        assert found["skin_tone"][place] == row["attributes"]["skin_tone"]
        assert found["upper"][place] == row["attributes"]["upper"]["kind"]
        assert found["bag"][place] == (row["attributes"]["bag"] or {"kind": "none"})["kind"]
        assert found["camera"][place] == f"camera {row['camera_id']:02d}"
        tall = row["attributes"]["height_m"]
        expected = (
            "below 1.6 m" if tall < 1.6 else "from 1.8 m" if tall >= 1.8 else f"from {int(tall * 10) / 10:g} to"
        )
        assert found["height"][place].startswith(expected)
    assert all(len(set(column)) >= 1 and all(column) for column in found.values())


def test_a_dress_without_anything_below_has_no_lower_colour(tmp_path: Path) -> None:
    line = {"file": "a.jpg", "attributes": {"bag": None, "lower": {"kind": "none", "colour": None}}}
    (tmp_path / "truth.jsonl").write_text(json.dumps(line))
    found = truth_labels(tmp_path, [Sample(tmp_path / "a.jpg", 1)], ["lower", "lower_colour", "bag"])
    assert found == {"lower": ["none"], "lower_colour": ["none"], "bag": ["none"]}


def test_a_report_comes_back_from_json(task: RankingTask) -> None:
    found = report(task)
    assert GroupReport.from_dict(json.loads(json.dumps(found.to_dict()))).to_dict() == found.to_dict()
    with pytest.raises(DataError, match=r"expected error rates by group, got others .groups field required"):
        GroupReport.from_dict({"threshold": 0.5, "differences": []})


def test_lists_and_truths_that_do_not_fit_are_refused(drawn: tuple[Path, list[Sample]], tmp_path: Path) -> None:
    assert require_attributes("bag, camera,bag") == ("bag", "camera")
    for names, got in (("bag,mood", "'mood'"), (",", "'none'")):
        with pytest.raises(DataError, match=f"expected some of skin_tone,.*, got {got}"):
            require_attributes(names)
    root, samples = drawn
    with pytest.raises(DataError, match=r"expected truth.jsonl, which synthetic data sets have, got none"):
        truth_labels(tmp_path, [], ["bag"])
    lines = (root / "truth.jsonl").read_text().splitlines()
    copies = [Sample(tmp_path / sample.path.relative_to(root), 1) for sample in samples]
    (tmp_path / "truth.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(DataError, match="a line for each picture, got none for bounding_box_"):
        truth_labels(tmp_path, copies, ["bag"])
    (tmp_path / "truth.jsonl").write_text(lines[0] + "\n{")
    with pytest.raises(DataError, match=r"line 2 is damaged"):
        truth_labels(tmp_path, copies, ["bag"])
