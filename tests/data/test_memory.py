from pathlib import Path

import psutil
import pytest

from passerby.data import memory


def test_a_container_may_have_less_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(memory, "_CONTROL_GROUPS", ((str(limit), str(used)),))
    machine = psutil.virtual_memory().available
    assert memory.available_memory() > machine // 2  # no such files: no limit
    limit.write_text("max\n")
    used.write_text("1000\n")
    assert memory.available_memory() > machine // 2
    limit.write_text("5000\n")
    assert memory.available_memory() == 4000
    used.write_text("6000\n")
    assert memory.available_memory() == 0
