"""`passerby audit`: who did what to a gallery, and whether that record is whole."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli.console import errors, note, output, print_table
from passerby.cli.gallery_options import After, Before, Case, KeyFile, Purpose, Url, moment, opened

if TYPE_CHECKING:
    from passerby.privacy.audit import AuditRecord

app = typer.Typer(name="audit", help="See who did what to a gallery.", no_args_is_help=True, rich_markup_mode="rich")

_COLUMNS = ("line", "time", "who", "what", "purpose", "case", "detail")
_SHOWN = 20  # Problems that are printed.


@app.callback()
def _group() -> None:
    """See who did what to a gallery."""


@app.command()
def show(
    url: Url,
    principal: Annotated[str | None, typer.Option("--principal", help="Only what this principal did.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="Only this action, such as search.")] = None,
    of_case: Annotated[str | None, typer.Option("--of-case", help="Only what was done for this case.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    after: After = None,
    before: Before = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the lines themselves, one JSON object each.")
    ] = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """List accesses, oldest first: when, who, what and what for. Looking at the log is an access too."""
    from passerby.errors import AuditError
    from passerby.privacy.audit import read_line
    from passerby.privacy.canonical import utc_text

    wanted = {"principal": principal, "action": action, "case": of_case, "allowed": False if refused else None}
    since, until = ("" if time is None else utc_text(time) for time in (moment(after), moment(before)))
    rows, damaged = [], 0
    with opened(url, purpose, case, key) as gallery:
        for line in gallery.audit_lines():
            try:
                record = read_line(line)
            except AuditError:
                damaged += 1
                continue
            if not _matches(record, wanted, since, until):
                continue
            if as_json:
                output().print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                rows.append(_row(record))
    if not as_json:
        print_table(_COLUMNS, rows, numbers=["line"])
    if damaged:
        note(f"{damaged:,} unreadable lines left out; `passerby audit verify` names them")


@app.command()
def verify(
    url: Annotated[str, typer.Argument(metavar="URL", help="A gallery, or a file that `audit show --json` wrote.")],
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", help="What an earlier verification printed as head, kept elsewhere; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Find lines that were changed, cut out, put in, moved or cut off at the end; exit with 2 where there are any."""
    from passerby.errors import AuditError
    from passerby.privacy.audit import read_head
    from passerby.privacy.audit_report import verify_lines

    witnesses = [read_head(text) for text in witness or ()]
    if Path(url).is_file():
        report = verify_lines(_lines_of(Path(url)), witnesses=witnesses)
    else:
        with opened(url, purpose, case, key) as gallery:
            report = gallery.verify_audit(witnesses)
    head = report.head.to_text()
    if as_json:
        found = {
            "intact": report.intact,
            "lines": report.lines,
            "head": head,
            "erased_subjects": report.erased_subjects,
            "problems": [{"line": problem.line, "message": problem.message} for problem in report.problems],
        }
        output().print_json(json.dumps(found))
    elif report.intact:
        output().print(f"intact: {report.lines:,} lines, head {head}", highlight=False, soft_wrap=True)
        note(
            "keep the head elsewhere, and give it with --witness later: it shows a log that was rewritten or put back"
        )
    if report.problems:
        for problem in report.problems[:_SHOWN] if not as_json else ():
            errors().print(str(problem), markup=False, highlight=False, soft_wrap=True)
        raise AuditError(
            f"{url}: expected an audit log as it was written, got {len(report.problems):,} problems, the first in "
            f"{report.problems[0]}; keep it as it is, and find out who could write there"
        )


def _matches(record: "AuditRecord", wanted: Mapping[str, object], since: str, until: str) -> bool:
    if (since and record.time < since) or (until and record.time >= until):
        return False
    return all(value is None or getattr(record, name) == value for name, value in wanted.items())


def _row(record: "AuditRecord") -> list[str]:
    what = record.action if record.allowed else f"{record.action}, refused"
    detail = {name: value for name, value in record.detail.items() if name != "erased_subjects"}
    told = [f"{name}: {value}" for name, value in detail.items()]
    if record.subjects:
        known = record.known_subjects
        erased = len(record.subjects) - len(known)
        told.append(f"sightings: {', '.join([*known[:10], *(['…'] if len(known) > 10 else [])])}" if known else "")
        told.append(f"{erased} erased since" if erased else "")
    return [
        str(record.sequence),
        record.time[:19].replace("T", " "),
        record.principal,
        what,
        record.purpose,
        record.case,
        "; ".join(filter(None, told)),
    ]


def _lines_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in file)
