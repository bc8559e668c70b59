"""What re-ranking, expansion, learnt metrics, fusion and feedback are worth on CUHK03-NP, with intervals over people.

Run: passerby embed MODEL DATA/bounding_box_train DATA/query DATA/bounding_box_test --output NAME.npz
     python benchmarks/reranking_cuhk03.py --data DATA --embeddings NAME.npz [--embeddings OTHER.npz …]

Numbers of a method are those of its paper, or chosen on the training people; test people are measured once.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from passerby.data import read_dataset
from passerby.data.dataset import Dataset
from passerby.evaluation.bootstrap import mean_intervals, paired_test
from passerby.evaluation.feedback import simulate_feedback
from passerby.evaluation.ranking import right_ranks
from passerby.evaluation.rule import RankingRule
from passerby.retrieval.adaptive import local_metric_distances
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.embedding_file import load_embeddings
from passerby.retrieval.feedback import discriminate, rocchio
from passerby.retrieval.fusion import fuse_by_score_curve, fuse_ranks, fuse_scores
from passerby.retrieval.methods import reranker
from passerby.retrieval.metric import kissme, xqda
from passerby.types import FloatArray, Sample
from record import record

STEERED = {
    "k-reciprocal": {"k1": (10, 15, 20), "k2": (3, 4, 6), "lambda": (0.1, 0.3)},
    "cross-neighbourhood": {"k": (10, 25), "t": (1, 3, 5), "q": (2, 4, 8)},
    "graph": {"k1": (10, 15, 26), "k2": (3, 5, 7)},
    "diffusion": {"k": (10, 20, 50), "k_query": (3, 5, 10), "alpha": (0.9, 0.99)},
    "similar-dissimilar": {"top": (1, 3, 5), "pull": (0.3, 1.0), "push": (0.0, 0.1), "depth": (3, 10, 30)},
    "divide-and-fuse": {"parts": (2, 4, 8), "k1": (10, 20), "k2": (4, 6)},
    "expansion": {"k": (1, 2, 3, 5), "alpha": (0.0, 3.0, 6.0), "augment": (0, 1, 2, 4)},
    "local-metric": {"count": (5, 20), "skip": (10, 30), "reach": (0.7, 1.0), "bound": (0.3, 1.0, 5.0)},
}
"""What is tried on training people, for each method of re-ranking."""

STEERING_PEOPLE = 250
"""On so many of the training people numbers are chosen."""


Measured: TypeAlias = tuple[str, str, Callable[[], npt.NDArray[Any]]]
"""A method's name, its numbers, and what gives the test people's distances."""


@dataclass(frozen=True)
class Side:
    """People to ask for and a gallery, with their embeddings.

    Attributes:
        query: (Q, D) unit vectors.
        gallery: (G, D) unit vectors.
        query_samples: Whom and where each query shows.
        gallery_samples: Likewise.
    """

    query: FloatArray
    gallery: FloatArray
    query_samples: tuple[Sample, ...]
    gallery_samples: tuple[Sample, ...]

    def rule(self) -> RankingRule:
        """By which rankings are scored."""
        return RankingRule(
            [sample.person_id for sample in self.query_samples],
            [sample.person_id for sample in self.gallery_samples],
            [sample.camera_id for sample in self.query_samples],
            [sample.camera_id for sample in self.gallery_samples],
        )

    def people(self) -> list[int]:
        """Whom each query shows."""
        return [sample.person_id for sample in self.query_samples]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--embeddings", type=Path, required=True, action="append", help=".npz of all its pictures")
    parser.add_argument("--only", help="measure only methods whose name holds this, and record nothing")
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data)
    figures: dict[str, Any] = {"data": dataset.name, "models": {}}
    summary: list[dict[str, str]] = []
    for file in arguments.embeddings:
        print(f"\n{file.stem}")
        rows = measure(file, dataset, arguments.only)
        figures["models"][file.stem] = {"identity": load_embeddings(file).identity, "methods": rows}
        summary += summarised(file.stem, rows)
    if arguments.only is None:
        record("reranking_cuhk03", figures | {"summary": summary})


def measure(file: Path, dataset: Dataset, only: str | None) -> dict[str, Any]:
    content = load_embeddings(file)
    training, steering = training_sides(dataset, content.embeddings, content.rows_of(dataset.train, dataset.root))
    test = Side(
        content.embeddings[content.rows_of(dataset.query, dataset.root)],
        content.embeddings[content.rows_of(dataset.gallery, dataset.root)],
        dataset.query,
        dataset.gallery,
    )
    rows: dict[str, Any] = {}
    plain = per_query(cosine_distances(test.query, test.gallery), test)
    for name, settings, distances in methods(dataset, training, steering, test, only):
        start = time.process_time()
        found = per_query(distances(), test)
        seconds = time.process_time() - start
        intervals = mean_intervals(found, test.people())
        better = paired_test(plain["mAP"], found["mAP"], test.people())
        rows[name] = {
            "settings": settings,
            **{figure: interval.to_dict() for figure, interval in intervals.items()},
            "against_plain": better.to_dict(),
            "cpu_seconds": round(seconds, 2),
        }
        print(
            f"{name:<44}rank-1 {intervals['rank_1']}  mAP {intervals['mAP']}  {seconds:6.1f} s  {settings}",
            flush=True,
        )
    if only is None or "feedback" in only:
        rows |= feedback(steering, test)
    return rows


def methods(dataset: Dataset, training: Side, steering: Side, test: Side, only: str | None) -> Iterator[Measured]:
    """Every method with what its numbers are and what measures the test people by it."""
    chosen = {}
    wanted = [name for name in STEERED if only is None or name in only or "fusion" in only]
    yield "plain", "cosine", lambda: cosine_distances(test.query, test.gallery)
    for name in wanted:
        yield f"{name}, defaults", name, partial(reranker(name), test.query, test.gallery)
        chosen[name] = steer(name, steering)
        yield f"{name}, chosen", chosen[name], partial(reranker(chosen[name]), test.query, test.gallery)
    vectors, ids, cameras = labelled(training)
    if only is None or "local-metric" in only:
        options = parsed(chosen["local-metric"])
        options.pop("skip", None)
        given = partial(local_metric_distances, test.query, test.gallery, vectors, **options)
        yield "local metric, negatives of training people", str(options), given
    if only is None or "metric" in only:
        yield (
            "KISSME, learnt on training people",
            "",
            lambda: kissme(vectors, ids, cameras).distances(test.query, test.gallery),
        )
        yield (
            "XQDA, learnt on training people",
            "",
            lambda: xqda(vectors, ids, cameras).distances(test.query, test.gallery),
        )
    if only is None or "fusion" in only:
        yield from fusions_with_colours(training, test)
        yield from fusions_of_methods(training, test, chosen["k-reciprocal"])


def fusions_with_colours(training: Side, test: Side) -> Iterator[Measured]:
    """The model beside a histogram of colours, which is much weaker and sees other things."""
    colours = [
        normalise(np.array([colour_histogram(sample.path) for sample in samples]))
        for samples in (test.query_samples, test.gallery_samples, training.query_samples)
    ]
    rankings = [cosine_distances(test.query, test.gallery), cosine_distances(colours[0], colours[1])]
    references = [
        cosine_distances(training.query, test.gallery),
        cosine_distances(colours[2], colours[1]),
    ]
    yield "colour histogram alone", "", lambda: rankings[1]
    yield "fusion with colours, min-max", "", lambda: fuse_scores(rankings)
    yield "fusion with colours, z", "", lambda: fuse_scores(rankings, "z")
    yield "fusion with colours, Borda", "", lambda: fuse_ranks(rankings, "borda")
    yield "fusion with colours, reciprocal rank", "k=60", lambda: fuse_ranks(rankings)
    yield "fusion with colours, score curve", "", lambda: fuse_by_score_curve(rankings, references)


def fusions_of_methods(training: Side, test: Side, best: str) -> Iterator[Measured]:
    """Two methods that are about as good as each other, on the same embeddings."""
    rerank, metric = reranker(best), xqda(*labelled(training))
    rankings = [rerank(test.query, test.gallery), metric.distances(test.query, test.gallery)]
    references = [rerank(training.query, test.gallery), metric.distances(training.query, test.gallery)]
    pair = "fusion of k-reciprocal and XQDA"
    yield f"{pair}, min-max", best, lambda: fuse_scores(rankings)
    yield f"{pair}, z", best, lambda: fuse_scores(rankings, "z")
    yield f"{pair}, Borda", best, lambda: fuse_ranks(rankings, "borda")
    yield f"{pair}, reciprocal rank", best, lambda: fuse_ranks(rankings)
    yield f"{pair}, score curve", best, lambda: fuse_by_score_curve(rankings, references)


def feedback(steering: Side, test: Side) -> dict[str, Any]:
    """Three rounds of ten pictures, answered truly."""
    candidates = {
        **{
            f"rocchio, gamma={gamma}, beta={beta}": partial(rocchio, gamma=gamma, beta=beta)
            for gamma, beta in itertools.product((0.0, 0.15, 0.5), (0.75, 2.0))
        },
        **{
            f"discriminative, scale={scale}, strength={strength}": partial(
                discriminate, scale=scale, strength=strength
            )
            for scale, strength in itertools.product((5.0, 15.0), (5.0, 30.0, 200.0))
        },
    }
    rows: dict[str, Any] = {}
    for kind in ("marking alone", "rocchio", "discriminative"):
        fitting = [name for name in candidates if name.startswith(kind)]
        scores = {
            name: np.nanmean(
                simulate_feedback(
                    steering.query, steering.gallery, steering.rule(), refine=candidates[name]
                ).marked_first[1:]
            )
            for name in fitting
        }
        name = max(scores, key=lambda which: scores[which], default=kind)
        refine = candidates.get(name, lambda query, yes, no: query)
        start = time.process_time()
        found = simulate_feedback(test.query, test.gallery, test.rule(), refine=refine)
        seconds = time.process_time() - start
        rounds = []
        for turn in range(len(found.found)):
            values = {key: getattr(found, key)[turn] for key in ("marked_first", "residual", "residual_unrefined")}
            intervals = mean_intervals(values, test.people())
            rounds.append(
                {key: interval.to_dict() for key, interval in intervals.items()}
                | {"right_pictures_found": round(float(found.found[turn].mean()), 3)}
            )
            print(
                f"feedback, {name}, round {turn}: "
                + "  ".join(f"{key} {value}" for key, value in intervals.items())
                + f"  found {found.found[turn].mean():.2f}",
                flush=True,
            )
        rows[f"feedback: {kind}"] = {"settings": name, "rounds": rounds, "cpu_seconds": round(seconds, 2)}
    return rows


def per_query(distances: npt.NDArray[Any], side: Side) -> dict[str, npt.NDArray[np.float64]]:
    """Every query's average precision and whether its first answer is right."""
    rule = side.rule()
    precision, first = np.full(len(distances), np.nan), np.full(len(distances), np.nan)
    for query, row in enumerate(distances):
        ranks = right_ranks(row, rule, query)
        if len(ranks):
            precision[query] = np.mean(np.arange(1, len(ranks) + 1) / ranks)
            first[query] = ranks[0] == 1
    return {"rank_1": first, "mAP": precision}


def training_sides(dataset: Dataset, embeddings: FloatArray, rows: npt.NDArray[np.int64]) -> tuple[Side, Side]:
    """The training people, asked for as the test people are: everybody's first picture of each camera.

    Returns:
        All of them, to learn from, and some, to choose numbers on.
    """
    people_ = np.array([sample.person_id for sample in dataset.train])
    keys = np.array([f"{sample.person_id} {sample.camera_id}" for sample in dataset.train])
    asks = np.zeros(len(keys), np.bool_)
    asks[np.unique(keys, return_index=True)[1]] = True
    few = np.random.default_rng(0).permutation(np.unique(people_))[:STEERING_PEOPLE]

    def side(chosen: npt.NDArray[np.bool_]) -> Side:
        query, gallery = np.flatnonzero(asks & chosen), np.flatnonzero(~asks & chosen)
        return Side(
            embeddings[rows[query]],
            embeddings[rows[gallery]],
            tuple(dataset.train[place] for place in query),
            tuple(dataset.train[place] for place in gallery),
        )

    return side(people_ > 0), side(np.isin(people_, few))


def labelled(side: Side) -> tuple[FloatArray, list[int], list[int]]:
    """All embeddings of a side, whom they show, and by which camera."""
    samples = side.query_samples + side.gallery_samples
    vectors = np.concatenate([side.query, side.gallery])
    return vectors, [sample.person_id for sample in samples], [sample.camera_id for sample in samples]


def steer(name: str, steering: Side) -> str:
    """The numbers of a method that give the training people the highest mAP."""
    grid = STEERED[name]
    tried = {}
    for values in itertools.product(*grid.values()):
        text = f"{name}:" + ",".join(f"{key}={value}" for key, value in zip(grid, values, strict=True))
        distances = reranker(text)(steering.query, steering.gallery)
        tried[text] = float(np.nanmean(per_query(distances, steering)["mAP"]))
    return max(tried, key=lambda text: tried[text])


def parsed(text: str) -> dict[str, Any]:
    return dict(reranker(text).parameters)


def colour_histogram(path: Path, stripes: int = 6) -> npt.NDArray[np.float64]:
    """Hue, saturation and brightness of six stripes, counted and rooted."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("HSV").resize((32, 96)))
    levels = (pixels // (16, 64, 64)).astype(np.int64) @ (16, 4, 1)
    return np.concatenate(
        [np.sqrt(np.bincount(stripe.ravel(), minlength=256)) for stripe in np.split(levels, stripes)]
    )


def summarised(model: str, rows: dict[str, Any]) -> list[dict[str, str]]:
    plain = rows["plain"]

    def share(row: dict[str, Any]) -> str:
        first, mean = row["rank_1"], row["mAP"]
        return (
            f"rank-1 {first['value']:.1%} [{100 * first['low']:.1f}, {100 * first['high']:.1f}], "
            f"mAP {mean['value']:.1%} [{100 * mean['low']:.1f}, {100 * mean['high']:.1f}]"
        )

    best = {
        "k-reciprocal re-ranking": "k-reciprocal, chosen",
        "query expansion and augmentation": "expansion, chosen",
        "graph propagation": "graph, chosen",
        "XQDA learnt on training people": "XQDA, learnt on training people",
        "k-reciprocal re-ranking and XQDA, fused by score curve": "fusion of k-reciprocal and XQDA, score curve",
    }
    last = rows["feedback: discriminative"]["rounds"][-1]["marked_first"]
    alone = rows["feedback: marking alone"]["rounds"][-1]["marked_first"]
    return [
        {
            "what": f"{model} on CUHK03-NP detected (128×64), {what}",
            "figure": share(rows[name]),
            "beside": f"plain: {share(plain)}",
        }
        for what, name in best.items()
    ] + [
        {
            "what": f"{model} on CUHK03-NP detected, three rounds of feedback on ten pictures",
            "figure": f"mAP {last['value']:.1%} of what the person sees",
            "beside": f"marking alone: {alone['value']:.1%}; plain: {plain['mAP']['value']:.1%}",
        }
    ]


if __name__ == "__main__":
    main()
