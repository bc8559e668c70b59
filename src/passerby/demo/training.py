"""The demo that trains: render, train, measure, calibrate, search, report."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from passerby import __version__
from passerby.atomic import atomic_path
from passerby.data import read_dataset
from passerby.errors import CalibrationError
from passerby.evaluation.embedding_map import embedding_map
from passerby.evaluation.evaluate import Evaluation, evaluate_task
from passerby.evaluation.model import evaluate_on, from_model, task_on
from passerby.evaluation.open_set import open_set
from passerby.evaluation.report import Comparison, write_report
from passerby.evaluation.reranked import evaluate_reranked
from passerby.machine import idle_processors
from passerby.models.bundle import save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import TorchEmbedder
from passerby.models.network import ReidNetwork
from passerby.retrieval.drawing import draw_matches, draw_pair
from passerby.retrieval.pictures import decide, search_pictures
from passerby.retrieval.rerank import k_reciprocal
from passerby.synthetic.generate import render_people
from passerby.training.outputs import Outputs
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.reporter import Reporter
from passerby.training.trainer import train

RECIPE = "small-resnet18"
_SETTINGS = (
    "batch.people=12",
    "batch.pictures=4",
    "validation.share=0.15",
    "validation.every=7",
    "schedule.warmup_epochs=2",
)


@dataclass(frozen=True)
class TrainingDemoResult:
    """What the demo made.

    Attributes:
        folder: Where everything lies.
        report: The page to open.
        untrained: How well the network finds people before it has learnt anything.
        trained: How well it does after training.
    """

    folder: Path
    report: Path
    untrained: Evaluation
    trained: Evaluation


def run_training_demo(
    output: Path,
    *,
    people: int = 72,
    epochs: int = 14,
    seed: int = 0,
    say: Callable[[str], None] = print,
    rendering: Callable[[int, int], None] | None = None,
    reporter: Reporter | None = None,
) -> TrainingDemoResult:
    """Render synthetic people, train on two thirds of them, and measure on the others, whom training never saw.

    Args:
        output: A folder for pictures, models and the report. What an earlier demo left there is replaced; one that
            was interrupted goes on.
        people: How many people to render, with 4 cameras and 6 pictures from each.
        epochs: How long to train.
        seed: Decides the people and the training.
        say: Told what happens, a line a step.
        rendering: Told how many pictures are rendered.
        reporter: Told how training goes.

    Raises:
        MissingExtraError: The renderer is not installed.
    """
    # The demo is to end soon on a busy machine too; training by itself takes the threads that it is given.
    torch.set_num_threads(idle_processors())
    say(f"1. rendering {people} people who do not exist, seen by 4 cameras")
    dataset = read_dataset(render_people(output / "synthetic-people", people=people, seed=seed, progress=rendering))

    recipe = load_recipe(RECIPE, (*_SETTINGS, f"epochs={epochs}", f"seed={seed}"))
    say("2. measuring a network that has learnt nothing yet")
    untrained = evaluate_on(from_model(_untrained(recipe, output / "untrained")), dataset)
    say(f"   rank-1 {untrained.metrics.rank(1):.1%}, mAP {untrained.metrics.mean_ap:.1%}")

    say(f"3. training it for {recipe.epochs} epochs on two thirds of the people")
    folder = output / "training"
    goes_on = Outputs(folder).is_interrupted(recipe, dataset.fingerprint())
    bundle = train(recipe, dataset, folder, resume=goes_on, overwrite=not goes_on, reporter=reporter).best
    embedder = TorchEmbedder(bundle)

    say("4. measuring it on the other people, whom it never saw")
    task = task_on(from_model(embedder), dataset)
    trained = evaluate_task(task)
    say(f"   rank-1 {trained.metrics.rank(1):.1%}, mAP {trained.metrics.mean_ap:.1%}")

    query, gallery = dataset.query[0].path, output / "synthetic-people" / "bounding_box_test"
    say(f"5. searching for the person in {query.name}, and verifying the nearest answer")
    matches = search_pictures(query, gallery, str(bundle.path), top=12)
    with atomic_path(output / "search.png") as path:
        draw_matches(query, matches).save(path)
    try:
        decision = decide(embedder, query, Path(matches[0].path))
    except CalibrationError as error:
        say(f"   {error}")
    else:
        with atomic_path(output / "verify.png") as path:
            draw_pair(query, Path(matches[0].path), decision).save(path)
        answer = "the same person" if decision.same_person else "someone else"
        say(f"   {answer}: distance {decision.distance:.3f}, threshold {decision.threshold:.3f} ({decision.source})")

    closer = k_reciprocal(task.queries.embeddings, task.gallery.embeddings)
    report = write_report(
        output / "report",
        trained,
        query_samples=dataset.query,
        gallery_samples=dataset.gallery,
        title="Passerby demo: people who do not exist, found again",
        details={
            "model": bundle.card.summary,
            "identity": bundle.identity,
            "trained on": bundle.card.trained_on,
            "data set": f"{people} synthetic people, 4 cameras, 6 pictures each; nobody tested on was trained on",
        },
        label="Trained",
        comparison=Comparison("Untrained", untrained),
        reranked=evaluate_reranked(task, trained, closer, "Re-ranked (k-reciprocal)"),
        open_set=open_set(task),
        embedding_map=embedding_map(task),
        calibration=bundle.calibration,
        caution=bundle.card.caution(),
    )
    say(f"6. report: {report}")
    return TrainingDemoResult(output, report, untrained, trained)


def _untrained(recipe: Recipe, path: Path) -> TorchEmbedder:
    """The recipe's network with its first random weights, as a bundle."""
    torch.manual_seed(recipe.seed)
    card = ModelCard(
        name=f"{recipe.name}, untrained",
        summary="Random weights, to show what training adds.",
        trained_on="nothing",
        licence="none needed",
        passerby_version=__version__,
    )
    network = ReidNetwork(recipe.architecture)
    return TorchEmbedder(save_bundle(path, network, recipe.preprocessing, card, replace=True))
