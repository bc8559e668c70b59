"""The demo with the shipped model: a scene of three cameras, one person searched across them, a report."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from passerby.data import read_dataset
from passerby.demo.illustrations import found_frames, timeline, world_map
from passerby.demo.sightings import cut_out
from passerby.demo.tracks import Answer, choose_query, search_tracks
from passerby.evaluation.evaluate import Evaluation, evaluate
from passerby.evaluation.report import write_report
from passerby.machine import idle_processors
from passerby.models.embedder import load_embedder
from passerby.synthetic.videos import produce_videos

MODEL = "passerby-s"
"""The model that the demo searches with."""

CAMERAS, SECONDS, FPS = 3, 60.0, 4.0
_SIZE = 360, 640


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes:
        folder: Where everything lies.
        report: The page to open.
        evaluation: How well the model finds everybody of the scene again.
        person: Whom it searched for.
        answers: The ways of people through the other cameras' views, nearest first.
    """

    folder: Path
    report: Path
    evaluation: Evaluation
    person: int
    answers: tuple[Answer, ...]


def run_demo(
    output: Path,
    *,
    people: int = 12,
    seed: int = 1,
    model: str = MODEL,
    say: Callable[[str], None] = print,
    recording: Callable[[int, int], None] | None = None,
) -> DemoResult:
    """Record synthetic people with three cameras, and search one of them across the cameras; nothing is trained.

    Args:
        output: A folder for scene, crops and report. A scene that is there already is used again, all else replaced.
        people: How many people walk about, 2 or more.
        seed: Decides the people and what they do.
        model: Name or folder of the model.
        say: Told what happens, a line a step.
        recording: Told how many frames are recorded.

    Raises:
        BundleError: There is no such model.
        DataError: Nobody is seen by two cameras.
        MissingExtraError: The renderer or the encoder is not installed.
    """
    embedder = load_embedder(model)  # says at once when it is missing
    bundle = embedder.bundle
    height, width = _SIZE
    say(f"1. recording {people} people who do not exist with {CAMERAS} cameras for {SECONDS:g} s")
    scene = produce_videos(
        output / f"scene-{people}-{seed}",
        people=people,
        cameras=CAMERAS,
        seed=seed,
        seconds=SECONDS,
        fps=FPS,
        height=height,
        width=width,
        progress=recording,
    )
    sightings = cut_out(scene, output / "people")
    # The demo is to end soon on a busy machine too.
    torch.set_num_threads(idle_processors())
    say(
        f"2. {len(sightings)} pictures of people cut out where the truth says; embedding them with {bundle.card.name}"
    )
    embeddings = embedder.embed([sighting.path for sighting in sightings])
    query = choose_query(sightings)
    say(f"3. searching for person {query.person_id}, seen by camera {query.camera_id}, in front of the other cameras")
    answers = search_tracks(query, sightings, embeddings, bundle.calibration)
    for answer in answers[:3]:
        probability = "" if answer.probability is None else f", probability {answer.probability:.1%}"
        truth = "the same person" if answer.right else "someone else"
        where = f"camera {answer.sightings[0].camera_id}"
        say(f"   {answer.rank}. {where}: {truth} (distance {answer.distance:.3f}{probability})")
    dataset = read_dataset(output / "people")
    places = {sighting.path: place for place, sighting in enumerate(sightings)}
    evaluation = evaluate(
        embeddings[[places[sample.path] for sample in dataset.query]],
        dataset.query,
        embeddings[[places[sample.path] for sample in dataset.gallery]],
        dataset.gallery,
    )
    report = write_report(
        output / "report",
        evaluation,
        query_samples=dataset.query,
        gallery_samples=dataset.gallery,
        title="Passerby demo: one person who does not exist, found across cameras",
        details={
            "model": bundle.card.summary,
            "identity": bundle.identity,
            "trained on": bundle.card.trained_on,
            "scene": f"{people} synthetic people, {CAMERAS} cameras, {SECONDS:g} s; boxes from the truth",
        },
        label=bundle.card.name,
        calibration=bundle.calibration,
        caution=bundle.card.caution(),
        illustrations=(found_frames(scene, query, answers), timeline(scene, query, answers), world_map(scene, query)),
    )
    say(f"4. report: {report}")
    return DemoResult(output, report, evaluation, query.person_id, answers)
