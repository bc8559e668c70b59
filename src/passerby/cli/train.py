"""`passerby train` and `passerby recipes`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from passerby.cli.console import errors, note, output, print_fields, print_table
from passerby.cli.options import CameraPattern, DataPath, Device, DropBroken, Format, TestShare, open_dataset
from passerby.training.reporter import Reporter

if TYPE_CHECKING:
    from passerby.data.dataset import Dataset

PANEL = "Train"

RecipeName = Annotated[str, typer.Argument(help="Name of a recipe (see `passerby recipes`) or a YAML file.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Change a value of the recipe: key=value; several times.")
]
MeasureTest = Annotated[
    bool, typer.Option("--test", help="Measure the best models on the test people too; choose nothing by that.")
]
Initial = Annotated[
    Path | None,
    typer.Option("--init", help="Start from the backbone of this model or published checkpoint, by path or name."),
]


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe with all its values.")] = None,
) -> None:
    """List the recipes, or print one completely."""
    from passerby.training.recipe import load_recipe, recipe_names, to_yaml

    if name is not None:
        output().print(to_yaml(load_recipe(name)), markup=False, end="", soft_wrap=True)
        return
    loaded = [load_recipe(known) for known in recipe_names()]
    rows = [
        (
            recipe.name,
            recipe.architecture.backbone,
            f"{recipe.preprocessing.height}×{recipe.preprocessing.width}",
            str(recipe.epochs),
            recipe.summary,
        )
        for recipe in loaded
    ]
    print_table(("recipe", "backbone", "size", "epochs", "what it is"), rows, numbers=("size", "epochs"))


def train(
    recipe: RecipeName,
    data: DataPath,
    output: Annotated[Path, typer.Option("--output", help="Folder for bundles, log and checkpoint.")],
    set: Settings = None,
    initial: Initial = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where this training was interrupted.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew though --output holds a training.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write figures for TensorBoard to a folder in --output.")
    ] = False,
    device: Device = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Train a model; leaves its best and its last bundle, a log, and a checkpoint to go on from.

    Ctrl-C saves and stops; the same command with --resume then comes to the very same result.
    """
    from passerby.training.recipe import load_recipe
    from passerby.training.reporter import Reporters
    from passerby.training.team import leads
    from passerby.training.tensorboard import TensorBoard
    from passerby.training.trainer import train as run_training

    boards = [TensorBoard(output / "tensorboard")] if tensorboard else []
    loaded = load_recipe(recipe, set or [])
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    for caution in _cautions(dataset, loaded.batch.pictures):
        note(caution)
    with TrainingDisplay() as display:
        result = run_training(
            loaded,
            dataset,
            output,
            device=device,
            resume=resume,
            overwrite=force,
            initial=initial,
            reporter=Reporters(display, *boards),
        )
    if not leads():
        return
    fields = {"best": str(result.best.path), "last": str(result.last.path), "log": str(output / "log.csv")}
    validation = result.best.figures.get("validation", {})
    if "rank_1" in validation:
        fields["validation"] = (
            f"rank-1 {validation['rank_1']:.1%}, mAP {validation['mean_ap']:.1%} in epoch {validation['epoch']}"
        )
    if result.best.calibration is not None:
        fields["threshold"] = f"{result.best.calibration.threshold:.4f} ({result.best.calibration.criterion})"
    print_fields(fields)


def _cautions(dataset: "Dataset", pictures: int) -> list[str]:
    """What to think about before training begins."""
    from passerby.data.checking import identical_pictures, people_with_fewer
    from passerby.data.dataset import people

    cautions = []
    fewer = people_with_fewer(dataset.train, pictures)
    if fewer:
        cautions.append(
            f"{fewer:,} of {len(people(dataset.train)):,} people have fewer than batch.pictures={pictures} pictures: "
            "some of theirs stand in a batch more than once"
        )
    alike = identical_pictures(dataset.train)
    if alike:
        first, other = alike[0]
        cautions.append(
            f"{len(alike):,} pairs of people share a picture, first {first.path} ({first.person_id}) and "
            f"{other.path} ({other.person_id}); if they are one person under two ids, put them together"
        )
    return cautions


def sweep(
    recipe: RecipeName,
    data: DataPath,
    output: Annotated[Path, typer.Option("--output", help="Folder for a training per seed, and sweep.json.")],
    seeds: Annotated[str, typer.Option("--seeds", help="Different seeds, with commas.")] = "0,1,2",
    set: Settings = None,
    test: MeasureTest = False,
    initial: Initial = None,
    force: Annotated[bool, typer.Option("--force", help="Train finished seeds anew.")] = False,
    device: Device = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Train with several seeds, and print each one's figures, their mean and their spread.

    Ctrl-C saves and stops; the same command goes on, and trains nothing again that is finished.
    """
    from passerby.errors import RecipeError
    from passerby.training.recipe import load_recipe
    from passerby.training.sweep import sweep as run_sweep
    from passerby.training.team import leads

    if not all(seed.strip().isdecimal() for seed in seeds.split(",")):
        raise RecipeError(f"expected --seeds as numbers with commas, such as 0,1,2, got {seeds!r}")
    numbers = [int(seed) for seed in seeds.split(",")]
    loaded = load_recipe(recipe, set or [])
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    with TrainingDisplay() as display:

        def tell(seed: int) -> Reporter:
            display.note(f"seed {seed}")
            return display

        result = run_sweep(
            loaded,
            numbers,
            dataset,
            output,
            test=test,
            device=device,
            overwrite=force,
            initial=initial,
            reporter=tell,
        )
    if not leads():
        return
    names = list(result.spread)
    rows = [(str(one.seed), *(f"{one.figures[name]:.4f}" for name in names)) for one in result.seeds]
    rows.append(("mean", *(f"{result.spread[name].mean:.4f}" for name in names)))
    rows.append(("± deviation", *(f"{result.spread[name].deviation:.4f}" for name in names)))
    print_table(("seed", *(name.replace("_", " ") for name in names)), rows, numbers=("seed", *names))


class TrainingDisplay(Reporter):
    """Shows a training as bars, a line per epoch, and notes."""

    def __init__(self, again: str = "give the same command with --resume") -> None:
        """Prepare the bars; each appears when it is first told of.

        Args:
            again: How an interrupted training goes on.
        """
        self._again = again
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"))
        self._bar = Progress(
            *columns, TimeRemainingColumn(), console=errors(), transient=True, disable=not errors().is_terminal
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "TrainingDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bars away."""
        self._bar.stop()

    def rendering(self, done: int, total: int) -> None:
        """Show how many pictures are rendered."""
        self._show("rendering", done, total, f"{done:,} of {total:,}")

    def decoding(self, done: int, total: int) -> None:
        """Show how many pictures are decoded."""
        self._show("decoding", done, total, f"{done:,} of {total:,}")

    def step(self, done: int, total: int, loss: float) -> None:
        """Show how far training has come."""
        self._show("training", done, total, f"step {done:,} of {total:,}, loss {loss:.3f}")

    def note(self, message: str) -> None:
        """Show a note."""
        note(message)

    def epoch(self, row: dict[str, Any]) -> None:
        """Print an epoch's figures."""
        measured = f"  validation rank-1 {row['rank_1']:.1%}  mAP {row['mean_ap']:.1%}" if "rank_1" in row else ""
        note(f"epoch {row['epoch']:>3}  loss {row['loss']:.4f}  {row['seconds']:,.0f} s{measured}")

    def saved(self, folder: Path) -> None:
        """Say how an interrupted training goes on."""
        note(f"saved to {folder}; {self._again} to go on")

    def _show(self, what: str, done: int, total: int, state: str) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total, state=state)
        task = self._tasks[what]
        speed = self._bar.tasks[list(self._tasks).index(what)].speed
        rate = f", {speed:,.1f}/s" if speed else ""
        self._bar.update(task, completed=done, total=total, state=state + rate, visible=done < total)


COMMANDS = (train, sweep, recipes)
