import errno
import os
import sys
from pathlib import Path

import pytest

from passerby import atomic
from passerby.atomic import atomic_path, write_json, write_text
from passerby.errors import MachineError, PasserbyError


def tree(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_file_takes_its_place_when_all_is_well(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "er" / "a.txt", "one")
    write_text(tmp_path / "deep" / "er" / "a.txt", "zwei – ü")
    write_json(str(tmp_path / "b.json"), {"key": "ü"})
    assert tree(tmp_path) == {"deep/er/a.txt": "zwei – ü", "b.json": '{\n  "key": "ü"\n}\n'}


def test_a_folder_takes_the_place_of_a_folder_whole(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    with atomic_path(tmp_path / "x") as folder:
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "new").write_text("1")
        assert tree(tmp_path / "x") == {"old": ""}
    assert tree(tmp_path) == {"x/sub/new": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("error", [RuntimeError("ours"), KeyboardInterrupt(), OSError(errno.ENOENT, "gone")])
def test_when_the_body_fails_nothing_changes_and_nothing_is_left(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")

    def fail_half_way() -> None:
        with atomic_path(tmp_path / "a.txt") as path:
            path.write_text("half")
            raise error

    with pytest.raises(type(error)):
        fail_half_way()
    assert tree(tmp_path) == {"a.txt": "old"}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not write there"),
        (errno.EIO, "the disk failed"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_what_the_machine_refuses_is_the_machines_failure(
    number: int, words: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(MachineError, match=words) as raised:
        write_text(tmp_path / "a.txt", "new")
    monkeypatch.undo()
    assert raised.value.exit_code == 1
    assert tree(tmp_path) == {"a.txt": "old"}


def without_exchange(first: Path, second: Path) -> bool:
    """As on systems where two folders cannot change names in one step."""
    return False


def test_folders_are_replaced_where_they_cannot_change_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passerby.atomic._exchange", without_exchange)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    with atomic_path(tmp_path / "x") as folder:
        folder.mkdir()
        (folder / "new").write_text("1")
    assert tree(tmp_path) == {"x/new": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerby.atomic._exchange", without_exchange)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    replace, calls = os.replace, 0

    def second_fails(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.EIO, "failed")
        replace(source, target)

    monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)  # as on systems without such a call
    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(MachineError), atomic_path(tmp_path / "x") as folder:
        folder.mkdir()
    assert calls == 3
    assert tree(tmp_path) == {"x/old": ""}


def test_an_interrupt_between_two_renames_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        replace(source, target)
        monkeypatch.setattr(os, "replace", replace)
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "x") as folder:
        folder.mkdir()
    assert tree(tmp_path) == {"x/old": ""}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can exchange two folders in one step")
def test_folders_change_places_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.setattr(os, "replace", lambda source, target: pytest.fail("two steps"))
    with atomic_path(tmp_path / "x") as folder:
        folder.mkdir()
        (folder / "new").touch()
    assert tree(tmp_path) == {"x/new": ""}


def test_links_lead_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_text() == "new"


def test_devices_and_pipes_are_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PasserbyError, match="expected a file or folder, got a device or pipe"):
        write_text(tmp_path / "pipe", "new")
    assert (tmp_path / "pipe").is_fifo()


def test_what_stands_in_the_way_is_the_users_to_remove(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PasserbyError, match=r"cannot write .*file/a\.txt") as raised:
        write_text(tmp_path / "file" / "a.txt", "new")
    assert raised.value.exit_code == 2
    with pytest.raises(PasserbyError, match=r"cannot write .*folder: is a directory"):
        write_text(tmp_path / "folder", "new")
    reason = r"cannot write .*file: not a directory"
    with pytest.raises(PasserbyError, match=reason), atomic_path(tmp_path / "file") as path:
        path.mkdir()
    assert tree(tmp_path) == {"file": "mine"}


@pytest.mark.parametrize("name", [".", "..", "/", ""])
def test_a_target_needs_a_name_of_its_own(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PasserbyError, match="expected the name of a file or folder"), atomic_path(name) as path:
        path.mkdir()
    assert not list(tmp_path.iterdir())


def test_a_body_that_makes_nothing_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_finished_folder_may_be_read_by_others(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "x") as folder:
        folder.mkdir()
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with named pipes")
def test_devices_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PasserbyError, match="got a device or pipe"):
        write_text(tmp_path / "pipe", "new")
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "real"]
