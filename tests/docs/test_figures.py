"""The pages hold the figures that the benchmarks wrote, and the script that puts them there tells when not."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROW = {"what": "a | b", "figure": "1 s", "beside": "2 s"}


@pytest.fixture
def figures(root: Path, module_at: Callable[[Path], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = module_at(root / "benchmarks/figures.py")
    monkeypatch.setattr("sys.argv", ["figures.py", "--check"])
    return module


def write_result(folder: Path, summary: object, machine: str = "a machine") -> None:
    content = {
        "benchmark": folder.name,
        "machine": {"processor": machine, "cores": 2, "memory_gib": 16.0, "system": "an OS"},
        "versions": {"python": "3.11", "numpy": "2"},
        "figures": {"summary": summary},
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{machine}.json").write_text(json.dumps(content))


def test_the_pages_are_up_to_date(figures: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main() == 0, capsys.readouterr().err


def test_a_stale_page_fails_the_check_and_write_puts_it_right(
    figures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{figures.BEGIN}\nan old table\n{figures.END}\nafter\n")
    write_result(tmp_path / "results", [ROW])
    monkeypatch.setattr(figures, "BENCHMARKS", tmp_path)
    monkeypatch.setattr(figures, "PAGES", {page: None})
    assert figures.main() == 1
    assert "stale figures in page.md" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["figures.py", "--write"])
    assert figures.main() == 0
    assert "| a \\| b | 1 s | 2 s | `benchmarks/results.py` |" in page.read_text()
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
    monkeypatch.setattr("sys.argv", ["figures.py", "--check"])
    assert figures.main() == 0


def test_headlines_are_shown_in_their_order_with_their_machines_alone(figures: ModuleType, tmp_path: Path) -> None:
    write_result(tmp_path / "results", [ROW, ROW | {"what": "second"}, ROW | {"what": "third"}], "one machine")
    table = figures.table(tmp_path / "results", (("results", "thi"), ("results", "sec")))
    assert table.index("| third |") < table.index("| second |")
    assert "a \\| b" not in table
    with pytest.raises(ValueError, match="expected one row that begins with 'x', got 0"):
        figures.table(tmp_path / "results", (("results", "x"),))


def test_results_from_two_machines_are_told_apart(figures: ModuleType, tmp_path: Path) -> None:
    write_result(tmp_path / "results", [ROW], "one machine")
    write_result(tmp_path / "results", [ROW], "another machine")
    table = figures.table(tmp_path / "results")
    assert "measured on one machine, 2 cores" in table
    assert "measured on another machine, 2 cores" in table


@pytest.mark.parametrize("summary", [None, [], [{"what": "no figure"}], [ROW | {"figure": 1}]])
def test_a_result_without_a_summary_is_an_error(figures: ModuleType, tmp_path: Path, summary: object) -> None:
    write_result(tmp_path / "results", summary)
    with pytest.raises(ValueError, match=r"expected figures\.summary"):
        figures.table(tmp_path / "results")


@pytest.mark.parametrize("text", ["no marks", "<!-- figures:end --> <!-- figures:begin -->"])
def test_a_page_without_the_marks_is_an_error(figures: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        figures.with_block(text, "a table", "page.md")
