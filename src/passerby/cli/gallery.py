"""`passerby gallery`: sightings kept, found and forgotten."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from passerby.cli import gallery_copies, gallery_keys
from passerby.cli.console import note, output, print_fields, progress_bar
from passerby.cli.gallery_options import After, Before, Case, KeyFile, Purpose, Url, check_lasting, moment, opened
from passerby.cli.options import Device, DropBroken

app = typer.Typer(
    name="gallery", help="Keep sightings, and forget them.", no_args_is_help=True, rich_markup_mode="rich"
)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.callback()
def _group() -> None:
    """Keep sightings, and forget them."""


@app.command()
def create(
    url: Url,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A policy as JSON.", exists=True, dir_okay=False)
    ] = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Encrypt crops and embeddings; a key file that is not there is made.")
    ] = False,
    turn: Annotated[
        bool, typer.Option("--turn", help="With --encrypt: turn embeddings secretly, so that they match no others.")
    ] = False,
    key: KeyFile = None,
) -> None:
    """Make an empty gallery. Adding to a gallery that is not there makes one too, without encryption."""
    from passerby.gallery.creation import create_gallery
    from passerby.privacy.secret import new_secret_from, secret_from

    check_lasting(url)
    create_gallery(
        url,
        policy=None if policy is None else policy.read_text(encoding="utf-8", errors="replace"),
        secret=(secret_from() if key is None else new_secret_from(key)) if encrypt else None,
        encrypt=encrypt,
        turn=turn,
    )
    note(f"gallery: {url}")


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Crops of people: a folder, or one picture.")],
    camera: Annotated[str, typer.Option("--camera", help="Name of the camera that took them.")],
    gallery: Annotated[str, typer.Option("--gallery", help="A gallery; where there is none, one is made.")],
    time: Annotated[
        str | None,
        typer.Option("--time", help="When, by the camera's clock; by default as EXIF, else the file's date, says."),
    ] = None,
    person: Annotated[str | None, typer.Option("--person", help="Whom all of them show.")] = None,
    people: Annotated[
        bool, typer.Option("--people", help="Each folder below FOLDER is a person's; its name is the label.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", help="Name or folder of a model; by default the gallery's own.")
    ] = None,
    device: Device = "auto",
    drop_broken: DropBroken = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Add crops of one camera. What is there already is not added again."""
    from passerby.gallery.folder import add_folder

    with (
        opened(gallery, purpose, case, key, model=model, device=device, create=True) as there,
        progress_bar("adding") as progress,
    ):
        done = add_folder(
            there,
            folder,
            camera,
            time=moment(time),
            person=person,
            people=people,
            drop_broken=drop_broken,
            progress=progress,
        )
    left_out = f", {done.broken:,} broken pictures left out" if done.broken else ""
    output().print(f"{done.added:,} added, {done.known:,} there already{left_out}", highlight=False)


@app.command()
def info(
    url: Url,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Say what a gallery holds."""
    with opened(url, purpose, case, key) as gallery:
        found = gallery.info()
    if as_json:
        output().print_json(json.dumps(asdict(found)))
        return
    print_fields(
        {
            "gallery": found.gallery,
            "sightings": f"{found.sightings:,}",
            "cameras": "\n".join(f"{name}: {count:,}" for name, count in found.cameras.items()) or "none yet",
            "from": found.first or "–",
            "to": found.last or "–",
            "model": f"{found.model} {found.model_source}".strip() if found.model else "none yet",
            "dimension": str(found.dimension or "–"),
            "encrypted": "yes" if found.encrypted else "no",
            "on the disk": f"{found.bytes / 2**20:,.1f} MiB",
        }
    )


@app.command()
def camera(
    url: Url,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the camera.")],
    zone: Annotated[str, typer.Option("--zone", help="Zone of its clock, such as Europe/Vienna.")] = "UTC",
    clock_offset: Annotated[
        float, typer.Option("--clock-offset", help="Seconds by which its clock is fast; negative: slow.")
    ] = 0.0,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Add a camera, or set its clock, for what is added from now on."""
    from passerby.gallery.clock import Camera

    with opened(url, purpose, case, key, create=True) as gallery:
        gallery.set_camera(Camera(name, zone, clock_offset))


@app.command()
def erase(
    url: Url,
    person: Annotated[str | None, typer.Option("--person", help="All sightings with this label.")] = None,
    camera: Annotated[str | None, typer.Option("--camera", help="All sightings of this camera.")] = None,
    after: After = None,
    before: Before = None,
    yes: Yes = False,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Write the signed receipt to this file.")] = None,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Erase a person, a camera or a time range for good; of all that is given, where several are."""
    from passerby.atomic import write_text

    with opened(url, purpose, case, key) as gallery:
        asked = {"person": person, "camera": camera, "after": moment(after), "before": moment(before)}
        if not yes and any(asked.values()):
            count = gallery.count(**asked)  # type: ignore[arg-type]
            typer.confirm(f"Erase {count:,} sightings for good?", abort=True, err=True)
        done = gallery.erase(**asked)  # type: ignore[arg-type]
    if receipt is not None:
        write_text(receipt, done.to_json() + "\n")
    output().print(f"{done.sightings:,} sightings erased; audit line {done.audit_line}", highlight=False)
    note("backups and exports keep what they hold; erase it there too")


@app.command("watch-list")
def watch_list(
    url: Url,
    add: Annotated[
        list[Path] | None,
        typer.Option("--add", help="Look for whom this picture shows, under the file's name; several times."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Look for this name no longer; several times.")
    ] = None,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Change and list whom a gallery looks for whose policy keeps matches only."""
    from passerby.gallery.crops import content_of

    with opened(url, purpose, case, key) as gallery:
        for picture in add or ():
            gallery.watch_list.add(picture.stem, content_of(picture, str(picture)))
        for name in remove or ():
            gallery.watch_list.remove(name)
        for name in gallery.watch_list.names():
            output().print(name, markup=False, highlight=False, soft_wrap=True)


@app.command()
def purge(url: Url, purpose: Purpose = None, case: Case = None, key: KeyFile = None) -> None:
    """Erase what is older than the policy keeps it."""
    with opened(url, purpose, case, key) as gallery:
        done = gallery.purge()
    output().print(f"{done.sightings:,} sightings erased; audit line {done.audit_line}", highlight=False)


@app.command()
def verify(
    url: Url,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Compare record, embeddings, crops, index and audit log with one another; exit code 2 where they disagree."""
    from passerby.gallery.consistency import verify as find_problems

    with opened(url, purpose, case, key) as gallery:
        with progress_bar("comparing") as progress:
            problems = find_problems(gallery, progress)
        sightings = gallery.record.count()
    if as_json:
        output().print_json(json.dumps({"sightings": sightings, "problems": problems}))
    else:
        for problem in problems:
            output().print(problem, markup=False, highlight=False)
        output().print(f"{sightings:,} sightings, {len(problems) or 'no'} problems", highlight=False)
    raise typer.Exit(2 if problems else 0)


@app.command()
def compact(url: Url, purpose: Purpose = None, case: Case = None, key: KeyFile = None) -> None:
    """Give back the room of what was erased, and write the index down anew."""
    with opened(url, purpose, case, key) as gallery:
        gallery.compact()


for command in (*gallery_copies.COMMANDS, *gallery_keys.COMMANDS):
    app.command()(command)
app.command("import")(gallery_copies.import_file)
