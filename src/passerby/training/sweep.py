"""The same training with several seeds: what a figure is on average, and how far seeds are apart."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from passerby.atomic import write_json
from passerby.data.dataset import Dataset
from passerby.errors import RecipeError
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.embedder import TorchEmbedder
from passerby.training.recipe import Recipe
from passerby.training.reporter import Reporter
from passerby.training.team import leads
from passerby.training.trainer import TrainingResult, train


@dataclass(frozen=True)
class SeedFigures:
    """What one seed came to.

    Attributes:
        seed: Which one.
        model: Folder of its best model.
        figures: By name: rank-1 and mAP of its validation people, of its test people where they were measured,
            and its last mean loss.
    """

    seed: int
    model: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Spread:
    """One figure over all seeds.

    Attributes:
        mean: Of the seeds.
        deviation: Standard deviation with n - 1; 0 for one seed.
        lowest: The smallest.
        highest: The largest.
    """

    mean: float
    deviation: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to.

    Attributes:
        seeds: One after the other.
        spread: Every figure over all of them, by name.
    """

    seeds: tuple[SeedFigures, ...]
    spread: dict[str, Spread]


def sweep(
    recipe: Recipe,
    seeds: Sequence[int],
    dataset: Dataset,
    output: Path,
    *,
    test: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    initial: Path | None = None,
    reporter: Callable[[int], Reporter] | None = None,
) -> SweepResult:
    """Train a recipe once with each seed, and say how the figures are spread.

    Every seed draws weights, batches, augmentation and who is held out. It trains in a folder of its own, which
    the same call goes on with: what is finished is not trained again. `output` gets `sweep.json`.

    Args:
        recipe: What to train; its own seed plays no part.
        seeds: Different ones, at least one.
        dataset: Whose people.
        output: A folder, with `seed-N` for each.
        test: Whether to measure each best model on the data set's test people too. Choose nothing by these figures.
        device: "auto", "cpu", "cuda", …
        overwrite: Train finished seeds anew.
        initial: A bundle or a published checkpoint to start from.
        reporter: Makes, for a seed, who is told how its training goes.

    Raises:
        RecipeError: The seeds are not different ones, or none.
        PasserbyError: A folder holds another training.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise RecipeError(f"expected different seeds, such as 0,1,2, got {', '.join(map(str, seeds)) or 'none'}")
    found = []
    for seed in seeds:
        result = train(
            recipe.model_copy(update={"seed": seed}),
            dataset,
            output / f"seed-{seed}",
            device=device,
            resume=not overwrite,
            overwrite=overwrite,
            initial=initial,
            reporter=reporter(seed) if reporter is not None else None,
        )
        found.append(SeedFigures(seed, str(result.best.path), figures_of(result, dataset, device, test=test)))
    spread = {name: spread_of([one.figures[name] for one in found]) for name in found[0].figures}
    if leads():
        content = {"recipe": recipe.model_dump(mode="json"), "seeds": [asdict(one) for one in found]}
        write_json(output / "sweep.json", content | {"spread": {key: asdict(one) for key, one in spread.items()}})
    return SweepResult(tuple(found), spread)


def figures_of(result: TrainingResult, dataset: Dataset, device: str, *, test: bool) -> dict[str, float]:
    """What a training came to: validation figures of its best model, its last mean loss, and test figures if wanted.

    Args:
        result: The training.
        dataset: Whose test people to measure.
        device: Where to.
        test: Whether to.
    """
    validation = result.best.figures.get("validation", {})
    figures = {f"validation_{key}": validation[key] for key in ("rank_1", "mean_ap") if key in validation}
    if test and leads():
        metrics = evaluate_on(from_model(TorchEmbedder(result.best, device)), dataset).metrics
        figures |= {"test_rank_1": metrics.rank(1), "test_mean_ap": metrics.mean_ap}
    return figures | {"loss": result.rows[-1]["loss"]}


def spread_of(values: Sequence[float]) -> Spread:
    """Mean, standard deviation, smallest and largest of at least one value.

    >>> spread_of([1.0, 2.0, 3.0])
    Spread(mean=2.0, deviation=1.0, lowest=1.0, highest=3.0)
    """
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return Spread(statistics.fmean(values), deviation, min(values), max(values))
