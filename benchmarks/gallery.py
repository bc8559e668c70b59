"""How fast galleries of 10,000 to a million sightings are filled and searched, in a folder and in PostgreSQL.

Every embedding has 512 numbers. The floor, in the same run, is the product of one query with all embeddings by numpy
and the choice of the nearest 50, without a gallery around it. Products are made by one thread; many searchers at once
are measured with all processors besides.

Run: python benchmarks/gallery.py                            10,000 and 100,000 in both homes
     python benchmarks/gallery.py folder:1000000             a million in a folder: some 10 minutes, 5 GB of disk
     python benchmarks/gallery.py folder:1000000:encrypted   encrypted and turned
     python benchmarks/gallery.py postgresql:1000000         in PostgreSQL, which compares
     python benchmarks/gallery.py postgresql:1000000:memory  in PostgreSQL, with an index in memory
     python benchmarks/gallery.py kills:200                  kill -9 while adding, so many times
     python benchmarks/gallery.py lines:1000000              import so many lines of which one is bad
     python benchmarks/gallery.py --resume ROW …             leave out what has been measured

Each row is written down when it is measured, beside those that are there.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from gallery_homes import new_home
from gallery_kills import survive_kills
from gallery_lines import import_with_a_bad_line
from gallery_searches import DIMENSION, TOP, measured
from measure import MIB
from passerby.machine import processors
from record import RESULTS, record

STANDARD = (
    "folder:10000",
    "folder:100000",
    "folder:100000:encrypted",
    "postgresql:10000",
    "postgresql:100000",
    "postgresql:100000:memory",
)

QUIET = 0.75
"""Waits are told where the searchers had so much of all processors: nobody else used the machine."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=STANDARD, metavar="ROW", help="what to measure")
    parser.add_argument("--resume", action="store_true", help="leave out the rows that have been measured")
    arguments = parser.parse_args()
    there = json.loads((RESULTS / "gallery.json").read_text()) if (RESULTS / "gallery.json").exists() else {}
    rows: dict[str, Any] = there.get("figures", {}).get("rows", {})
    for row in arguments.rows:
        if arguments.resume and row in rows:
            continue
        print(row, flush=True)
        with threadpool_limits(1):
            rows[row] = figures_of(row)
        rows = dict(sorted(rows.items(), key=place))
        path = record("gallery", {"rows": rows, "summary": list(summary(rows))})
        print(f"{json.dumps(rows[row])}\nwritten: benchmarks/results/{path.name}", flush=True)


def place(item: tuple[str, Any]) -> tuple[str, bool, int, str]:
    """Where a row stands: by home, and there by size."""
    kind, size, *how = item[0].split(":")
    return kind, bool(how), int(size), ":".join(how)


def figures_of(row: str) -> dict[str, Any]:
    kind, size, *how = row.split(":")
    work = Path(tempfile.mkdtemp(prefix="passerby-gallery-"))
    try:
        if kind == "kills":
            return survive_kills(work / "killed", int(size))
        if kind == "lines":
            return import_with_a_bad_line(work, int(size))
        with new_home(kind, work, encrypted="encrypted" in how, in_memory="memory" in how) as home:
            return measured(home, int(size))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def summary(rows: dict[str, Any]) -> Iterator[dict[str, str]]:
    for row, one in rows.items():
        kind, _, *how = row.split(":")
        if kind == "kills":
            yield {
                "what": f"`kill -9` while adding, {one['kills']} times in a row",
                "figure": f"{one['lost']} of {one['acknowledged']:,} acknowledged sightings lost, "
                f"{one['twice']} there twice",
                "beside": f"{one['disagreements']} disagreements found by `gallery verify`",
            }
            continue
        if kind == "lines":
            yield {
                "what": f"Import of {one['lines']:,} JSON lines into a gallery, line {one['bad_line']:,} cut short",
                "figure": f"{one['imported']:,} imported, {one['cpu_seconds']:.0f} CPU s, {one['peak_mib']} MiB",
                "beside": f"refused by name: line {', '.join(f'{line:,}' for line in one['refused_lines'])}",
            }
            continue
        home = {"folder": "a folder", "postgresql": "PostgreSQL"}[kind]
        named = {"encrypted": ", encrypted and turned", "memory": ", index in memory"}
        what = f"{one['sightings']:,} × {DIMENSION} in {home}{''.join(named[part] for part in how)}"
        search, filtered, several = one["search_ms"], one["filtered_ms"], one["searchers"]
        yield {
            "what": f"Gallery of {what}: top {TOP}, recall {one['recall']:.3f}",
            "figure": f"{search['cpu_p50']:.0f} CPU ms, filtered {filtered['cpu_p50']:.0f}, "
            f"re-ranked {one['reranked_ms']['cpu_p50']:.0f}; "
            f"of {several['searchers']} at once {several['cpu_ms_each']:.0f} CPU ms each",
            "beside": f"the bare product: {one['floor_ms']['cpu_p50']:.0f} CPU ms",
        }
        waits = one.get("searchers_on_all_processors")
        if one["sightings"] >= 1_000_000 and waits is not None and share_of_machine(waits) > QUIET:
            yield {
                "what": f"{waits['searchers']} searchers at once, {what}: how long one waits",
                "figure": f"p50 {waits['p50_seconds']:.1f} s, p95 {waits['p95_seconds']:.1f} s",
                "beside": f"one alone {search['p50'] / 1000:.1f} s; one after another they would take "
                f"{waits['searchers'] * search['p50'] / 1000:.0f} s",
            }
        first, later = one["first_search"], one["next_process"]
        yield {
            "what": f"… filled with {one['added_per_cpu_second']:,} sightings a CPU second: the first answer of the "
            "first process, and of the next",
            "figure": f"{first['cpu_seconds']:.1f} CPU s, {later['cpu_seconds']:.1f} CPU s; "
            f"{first['memory_mib']:,} MiB of memory, {one['disk_mib']:,} MiB of disk",
            "beside": f"the embeddings alone: {one['sightings'] * DIMENSION * 4 / MIB:,.0f} MiB",
        }


def share_of_machine(waits: dict[str, Any]) -> float:
    """How much of all processors the searchers had."""
    return float(waits["cpu_ms_each"] * waits["searches_per_second"] / 1000 / processors())


if __name__ == "__main__":
    main()
