"""The table of figures in the documentation and its headlines in the README, made of what the benchmarks wrote.

Run: python benchmarks/figures.py            prints the table
     python benchmarks/figures.py --write    puts it into docs/figures.md, and the HEADLINES into README.md
     python benchmarks/figures.py --check    fails when either holds another one
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

Headlines = tuple[tuple[str, str], ...]

BENCHMARKS = Path(__file__).parent
HEADLINES = (
    ("small_resnet18_cuhk03", "`small-resnet18` from scratch"),
    ("zero_shot", "`passerby-s`"),
    ("pretraining", "CUHK03-NP detected (128×64) after 5 epochs"),
    ("evaluation", "CMC, mAP, mINP, ROC and failures"),
    ("evaluation", "ROC, AUC, EER"),
    ("evaluation", "False matches a search among 100,000"),
    ("ranking", "re-ranking by k-reciprocal, 3,368 × 19,732, 512-d"),
    ("gallery", "Gallery of 1,000,000 × 512 in a folder:"),
    ("gallery", "50 searchers at once, 1,000,000 × 512 in a folder:"),
    ("gallery", "`kill -9`"),
    ("loader", "JPEG"),
    ("synthetic_people", "synthetic people drawn"),
    ("start_up", "`import passerby`"),
)
"""The benchmark, and how the row's "what" begins; shown in this order."""
PAGES: dict[Path, Headlines | None] = {
    BENCHMARKS.parent / "README.md": HEADLINES,
    BENCHMARKS.parent / "docs" / "figures.md": None,
}
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
COLUMNS = ("what", "figure", "beside")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="put the table into the pages")
    action.add_argument("--check", action="store_true", help="fail when a page holds another table")
    arguments = parser.parse_args()
    try:
        if not (arguments.write or arguments.check):
            print(table(BENCHMARKS / "results"))
            return 0
        stale = []
        for page, headlines in PAGES.items():
            old = page.read_text(encoding="utf-8")
            new = with_block(old, table(BENCHMARKS / "results", headlines), page.name)
            if arguments.write:
                page.write_text(new, encoding="utf-8")
            elif new != old:
                stale.append(page.name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if stale:
        print(f"stale figures in {', '.join(stale)}; run python benchmarks/figures.py --write", file=sys.stderr)
    return 1 if stale else 0


def table(results: Path, headlines: Headlines | None = None) -> str:
    """Make the Markdown table of the results, and below it say on what they were measured.

    Args:
        results: The folder of JSON files that `record` wrote.
        headlines: Only these rows, as `HEADLINES`; by default all, by the name of the benchmark.

    Raises:
        ValueError: A file has no summary, or one that is not a list of what, figure and beside; or a headline does
            not begin exactly one row of its benchmark.
    """
    rows: list[tuple[str, dict[str, str]]] = []
    machines: dict[str, list[str]] = {}
    for path in sorted(results.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        rows += [(content["benchmark"], row) for row in _summary(content, path.name)]
        machines.setdefault(_measured_on(content), []).append(content["benchmark"])
    if headlines is not None:
        rows = [_headline(rows, benchmark, start) for benchmark, start in headlines]
    lines = ["| What | Passerby | Beside it | Script |", "| --- | --- | --- | --- |"]
    for benchmark, row in rows:
        cells = [row[column].replace("|", "\\|") for column in COLUMNS]
        lines.append(f"| {' | '.join([*cells, _script(benchmark)])} |")
    shown = {benchmark for benchmark, _ in rows}
    measured = {machine: [it for it in its if it in shown] for machine, its in machines.items() if shown & set(its)}
    for machine, benchmarks in measured.items():
        which = "All" if len(measured) == 1 else ", ".join(_script(it) for it in benchmarks)
        lines += ["", f"{which}: measured on {machine}."]
    return "\n".join(lines)


def _headline(rows: list[tuple[str, dict[str, str]]], benchmark: str, start: str) -> tuple[str, dict[str, str]]:
    found = [row for row in rows if row[0] == benchmark and row[1]["what"].startswith(start)]
    if len(found) != 1:
        raise ValueError(f"{benchmark}: expected one row that begins with {start!r}, got {len(found)}; see HEADLINES")
    return found[0]


def _script(benchmark: str) -> str:
    return f"`benchmarks/{benchmark}.py`"


def with_block(text: str, block: str, name: str) -> str:
    """Put `block` between the marks of a page.

    Raises:
        ValueError: The page does not have each mark once, in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{name}: expected {BEGIN} and {END} once each, in this order")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{block}\n{END}{rest.split(END)[1]}"


def _summary(content: dict[str, Any], name: str) -> list[dict[str, str]]:
    rows = content["figures"].get("summary")
    fits = isinstance(rows, list) and all(
        isinstance(row, dict) and set(row) == set(COLUMNS) and all(isinstance(cell, str) for cell in row.values())
        for row in rows
    )
    if not rows or not fits:
        raise ValueError(
            f"{name}: expected figures.summary as a list of {{what, figure, beside}}, got {rows!r}; see record.py"
        )
    return rows


def _measured_on(content: dict[str, Any]) -> str:
    machine, versions = content["machine"], content["versions"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, {machine['system']}; "
        f"Python {versions['python']}, torch {versions.get('torch', 'none')}, numpy {versions['numpy']}"
    )


if __name__ == "__main__":
    sys.exit(main())
