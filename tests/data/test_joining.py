"""Several data sets as one, and how the command line names them."""

from pathlib import Path
from types import ModuleType

import pytest

from passerby.data import ReadOptions, read_dataset
from passerby.data.dataset import cameras, people
from passerby.data.images import read_image
from passerby.data.joining import join
from passerby.data.provenance import joint_provenance
from passerby.data.source import DataSource, read_sources
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK


def test_people_and_cameras_are_kept_apart(published: ModuleType, tmp_path: Path) -> None:
    sets = [
        read_dataset(getattr(published, name)(tmp_path / name))
        for name in ("viper", "market1501", "grid", "cuhk_pedes")
    ]
    joined = join(sets)
    for split in ("train", "query", "gallery"):
        assert len(getattr(joined, split)) == sum(len(getattr(dataset, split)) for dataset in sets)
        assert len(people(getattr(joined, split))) == sum(len(people(getattr(dataset, split))) for dataset in sets)
    assert len(cameras(joined.samples)) == sum(len(cameras(dataset.samples)) for dataset in sets)
    for number in (JUNK, DISTRACTOR):
        before = [s for dataset in sets for s in dataset.gallery if s.person_id == number]
        assert sum(s.person_id == number for s in joined.gallery) == len(before)
    assert joined.roots == tuple(dataset.root.absolute() for dataset in sets)
    assert joined.fingerprint()
    assert all(read_image(sample.path).size for sample in joined.query)
    # What is known of people and pictures moves with them.
    assert len(joined.attributes) == 3
    assert set(joined.attributes) <= set(joined.person_names)
    assert joined.person_names[people(sets[0].train).pop()].startswith("VIPeR/")
    assert set(joined.sentences) <= {sample.path for sample in joined.samples} | {
        path.absolute() for path in sets[3].sentences
    }


def test_one_alone_stays_as_it_is_and_none_is_joined_twice(people_folder: Path) -> None:
    dataset = read_dataset(people_folder)
    assert join([dataset]) is dataset
    with pytest.raises(DataError, match="each picture in one data set, got it in friends and friends"):
        join([dataset, dataset])


def test_joined_people_are_drawn_only_where_all_are(published: ModuleType, tmp_path: Path) -> None:
    for name, generator in (("a", '{"generator": "x"}'), ("b", '{"generator": "y"}')):
        published.draw(tmp_path / name / "bounding_box_train" / "0001_c1_1.png")
        (tmp_path / name / "provenance.json").write_text(generator)
    published.draw(tmp_path / "c" / "bounding_box_train" / "0001_c1_1.png")
    both = join([read_dataset(tmp_path / name) for name in "ab"])
    assert joint_provenance(both.roots) == {"generator": "x, y", "parts": [{"generator": "x"}, {"generator": "y"}]}
    assert joint_provenance(join([read_dataset(tmp_path / name) for name in "ac"]).roots) is None


def test_a_source_is_a_path_and_perhaps_settings(tmp_path: Path) -> None:
    source = DataSource.parse("sets/cuhk03:variant=labelled,split=3")
    assert (source.path, source.format) == (Path("sets/cuhk03"), None)
    assert (source.options.variant, source.options.split) == ("labelled", 3)
    assert DataSource.parse("people:format=folder,test_share=0.5,seed=2") == DataSource(
        Path("people"), "folder", ReadOptions(test_share=0.5, seed=2)
    )
    # Options of the command line hold where the source says nothing else.
    given = ReadOptions(test_share=0.9, camera_pattern="c([0-9])")
    assert DataSource.parse("people:seed=2", "folder", given).options == ReadOptions("c([0-9])", 0.9, 2)
    for plain in ("C:/people", "a:b", "http://x/y", "people:"):
        assert DataSource.parse(plain).path == Path(plain)
    strange = tmp_path / "set:split=1"
    strange.mkdir()
    assert DataSource.parse(str(strange)).path == strange


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x:colour=red", "expected one of format, variant, split, .* after the path, got 'colour'"),
        ("x:split=three", "expected a number for split, got 'three'"),
        ("x:test_share=", "expected a number for test_share, got ''"),
    ],
)
def test_settings_that_do_not_fit_are_refused(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_sources([text])


def test_variants_and_splits_that_a_set_does_not_have(published: ModuleType, tmp_path: Path) -> None:
    viper, market = published.viper(tmp_path / "viper"), published.market1501(tmp_path / "market")
    for text, reason in {
        f"{viper}:variant=labelled": "viper: expected no variant, got variant=labelled",
        f"{viper}:seed=-1": "expected a seed of 0 or more, got seed=-1",
        f"{viper}:split=0": "viper: expected a split of 1 or more, got split=0",
        f"{market}:split=2": "market1501 has one split only; leave split=2 away",
        f"{market}:format=ltcc": "expected",
        f"{viper}:format=viiper": "expected one of the formats",
    }.items():
        with pytest.raises(DataError, match=reason):
            read_sources([text]).require("train")
