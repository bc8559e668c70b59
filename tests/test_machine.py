from pathlib import Path

import psutil
import pytest

from passerby import machine


def test_a_container_may_have_less_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(machine, "_CONTROL_GROUPS", ((str(limit), str(used)),))
    whole = psutil.virtual_memory().available
    assert machine.available_memory() > whole // 2  # no such files: no limit
    limit.write_text("max\n")
    used.write_text("1000\n")
    assert machine.available_memory() > whole // 2
    limit.write_text("5000\n")
    assert machine.available_memory() == 4000
    used.write_text("6000\n")
    assert machine.available_memory() == 0


@pytest.mark.parametrize(("busy", "idle"), [(0, 4), (20, 3), (50, 2), (100, 1)])
def test_what_others_use_is_not_idle(busy: float, idle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: busy)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 4)
    monkeypatch.setattr(machine, "processors", lambda: 4)
    assert machine.idle_processors() == idle


def test_no_more_is_idle_than_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 0)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 64)
    monkeypatch.setattr(machine, "processors", lambda: 2)
    assert machine.idle_processors() == 2
