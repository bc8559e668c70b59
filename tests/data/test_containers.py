"""Archives are read in place, and whatever is wrong with one is said in a line."""

import io
import shutil
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from passerby.data import read_dataset
from passerby.data.containers import open_container, read_bytes, tarred, within
from passerby.data.images import read_image
from passerby.errors import DataError, ImageError

KINDS = {"zip": ".zip", "tar": ".tar", "gztar": ".tar.gz", "bztar": ".tar.bz2", "xztar": ".tar.xz"}


@pytest.fixture
def people(published: ModuleType, tmp_path: Path) -> Path:
    """Three people in folders."""
    root = tmp_path / "people"
    for name in ("ann", "bob", "cem"):
        for number in (1, 2):
            published.draw(root / name / f"{number}.png")
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_holds_what_the_folder_held(kind: str, people: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), kind, tmp_path, "people"))
    container = open_container(archive)
    files = [path for path in sorted(people.rglob("*")) if path.is_file()]
    assert list(container.names) == [path.relative_to(tmp_path).as_posix() for path in files]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert list(pool.map(container.read, container.names)) == [path.read_bytes() for path in files]
    inside = archive / "people" / "ann" / "1.png"
    assert read_bytes(inside) == (people / "ann" / "1.png").read_bytes()
    with pytest.raises(ImageError, match="there is no such file"):
        read_image(archive / "people" / "ann" / "3.png")
    with pytest.raises(ImageError, match="expected at most 3 bytes"):
        read_bytes(inside, limit=3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_stops_half_way_is_refused_wherever_it_stops(kind: str, people: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), kind, tmp_path, "people"))
    content = archive.read_bytes()
    end = len(content.rstrip(b"\0")) if kind == "tar" else len(content)
    for number, stop in enumerate((end // 4, end // 2, end - end // 8, end - 1)):
        cut = tmp_path / f"cut{number}{KINDS[kind]}"
        cut.write_bytes(content[:stop])
        with pytest.raises(DataError, match=r"stops half-way|got another file"):
            read_dataset(cut)


def test_a_tar_archive_that_stops_between_two_files_is_refused(people: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "tar", people))
    with tarfile.open(archive) as opened:
        last = opened.getmembers()[-1]
    archive.write_bytes(archive.read_bytes()[: last.offset])
    with pytest.raises(DataError, match="stops half-way"):
        read_dataset(archive)


def test_names_that_lead_out_and_links_are_left_out_and_said(people: Path, tmp_path: Path) -> None:
    content = (people / "ann" / "1.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        for name in ("../up.png", "/etc/up.png", "a/../../up.png", "ann/1.png", "bob/1.png", "__MACOSX/._1.png"):
            archive.writestr(name, content)
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        for name in ("../up.png", "ann/1.png", "bob/1.png"):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, kind, target in (("ann/2.png", tarfile.SYMTYPE, "/etc/passwd"), ("ann/3.png", tarfile.LNKTYPE, "")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target or "ann/1.png"
            archive.addfile(entry)
    zipped, tarred_set = read_dataset(tmp_path / "bad.zip"), read_dataset(tmp_path / "bad.tar")
    assert [reason for _, reason in zipped.ignored].count("its name leads out of the archive") == 2
    assert "its name is not below the archive" in {reason for _, reason in zipped.ignored}
    assert {reason for _, reason in tarred_set.ignored} == {
        "its name leads out of the archive",
        "it is no plain file",
    }
    # A hard link is the file that it links to.
    assert sorted(sample.path.name for sample in tarred_set.samples) == ["1.png", "1.png", "3.png"]
    assert not (tmp_path / "up.png").exists()


def test_a_changed_byte_in_a_zip_archive_is_found(people: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "zip", people))
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        place = opened.getinfo("ann/1.png").header_offset + 60
    content[place] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(ImageError, match="damaged"):
        read_image(archive / "ann" / "1.png")


def test_a_bomb_is_not_unpacked(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (people / "ann" / "zeros.png").write_bytes(bytes(4 * 2**20))
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "gztar", people))
    monkeypatch.setattr(tarred, "_BOMB_FROM", 2**20)
    monkeypatch.setattr(tarred, "_BOMB_RATIO", 2)
    with pytest.raises(DataError, match="out of few bytes"):
        read_dataset(archive)


def test_an_encrypted_zip_archive_says_so(people: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "zip", people))
    content = bytearray(archive.read_bytes())
    place = -1
    while (place := content.find(b"PK\x01\x02", place + 1)) >= 0:
        content[place + 8] |= 1  # the flag of encryption, in every entry of the directory
    archive.write_bytes(content)
    with pytest.raises(DataError, match="got an empty folder") as error:
        read_dataset(archive)
    assert "\n" not in str(error.value)
    assert {reason for _, reason in open_container(archive).left_out} == {
        "it is encrypted; unpack the archive with its password"
    }


def test_an_archive_that_has_changed_is_read_anew(people: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "zip", people))
    assert len(read_dataset(archive).samples) == 6
    shutil.rmtree(people / "ann")
    shutil.make_archive(str(tmp_path / "archive"), "zip", people)
    assert len(read_dataset(archive).samples) == 4


def test_a_path_below_an_ordinary_file_leads_nowhere(people: Path) -> None:
    assert within(people / "nobody" / "1.png") is None
    with pytest.raises(DataError):
        read_image(people / "ann" / "1.png" / "deeper.png")
