"""Protocols by name: what asks, what answers, what is left out of a ranking, and what is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.data.tracks import TRACKLET_NAME
from passerby.errors import DataError
from passerby.evaluation.blocks import unit_copy_bytes, unit_rows, working_bytes
from passerby.evaluation.draws import GalleryDraws
from passerby.evaluation.rule import UNKNOWN_CLOTHES, RankingRule
from passerby.machine import require_memory
from passerby.types import JUNK, UNKNOWN_CAMERA, FloatArray, IntArray, Sample

INFRARED = (3, 6)
"""Cameras of SYSU-MM01 that see in infrared; the others see colours."""

INDOOR = (1, 2)
"""Its colour cameras that hang indoors."""

SAME_PLACE = {3: (2,)}
"""Its cameras 2 and 3 hang at one place: what 2 saw is not ranked for queries of 3."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Embeddings and what they show.

    Attributes:
        embeddings: (N, D) float32 of length 1.
        samples: N of them.
    """

    embeddings: FloatArray
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        if len(self.embeddings) != len(self.samples):
            raise DataError(
                f"expected one embedding for each of {len(self.samples)} pictures, got {len(self.embeddings)}"
            )

    def at(self, places: npt.ArrayLike) -> "Pictures":
        """Some of them, in that order."""
        chosen = np.asarray(places, np.int64)
        return Pictures(self.embeddings[chosen], tuple(self.samples[place] for place in chosen.tolist()))

    def column(self, name: str) -> IntArray:
        """`person_id` or `camera_id` of each."""
        return np.array([getattr(sample, name) for sample in self.samples], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class RankingTask:
    """What a protocol makes of a data set's query and gallery pictures.

    Attributes:
        queries: What asks.
        gallery: What answers.
        rule: What is right and what is left out.
        draws: The drawn galleries, or None where the whole gallery answers.
        protocol: The protocol's name.
        notes: What the protocol did, a sentence each.
    """

    queries: Pictures
    gallery: Pictures
    rule: RankingRule
    draws: GalleryDraws | None
    protocol: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProtocolOptions:
    """What a protocol that draws may be told.

    Attributes:
        draws: How many galleries are drawn.
        shots: How many pictures of each person (of each camera, in SYSU-MM01's) a drawn gallery holds; None: 1, and
            10 in `multi-shot`.
        seed: Which pictures are drawn.
    """

    draws: int = 10
    shots: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way of asking and counting.

    Attributes:
        name: What `--protocol` calls it.
        summary: What it does, in a sentence.
        prepare: Makes the task from query and gallery.
    """

    name: str
    summary: str
    prepare: Callable[[Pictures, Pictures, ProtocolOptions], RankingTask]


def ranking_task(
    query_embeddings: npt.NDArray[Any],
    query_samples: Sequence[Sample],
    gallery_embeddings: npt.NDArray[Any],
    gallery_samples: Sequence[Sample],
    protocol: str = "market1501",
    options: ProtocolOptions | None = None,
) -> RankingTask:
    """Prepare queries and gallery as a protocol wants them.

    Args:
        query_embeddings: (Q, D) real array of any scale; the rows are brought to length 1.
        query_samples: Whom and where each query shows.
        gallery_embeddings: (G, D) real array.
        gallery_samples: Whom and where each gallery picture shows.
        protocol: A name in `PROTOCOLS`.
        options: Draws, shots and seed of protocols that draw.

    Raises:
        DataError: Nothing of that name, lengths or dimensions do not fit, a row has no direction, or the pictures
            are not those that the protocol needs.
    """
    chosen = require_protocol(protocol)
    for name, embeddings, samples in (
        ("query", query_embeddings, query_samples),
        ("gallery", gallery_embeddings, gallery_samples),
    ):
        if len(embeddings) != len(samples):
            raise DataError(
                f"expected one embedding for each of {len(samples)} {name} pictures, got {len(embeddings)}"
            )
    if query_embeddings.shape[1:] != gallery_embeddings.shape[1:]:
        raise DataError(
            "expected query and gallery embeddings with as many numbers each, got "
            f"{query_embeddings.shape} and {gallery_embeddings.shape}; embed both with the same model"
        )
    require_memory(
        unit_copy_bytes(query_embeddings) + unit_copy_bytes(gallery_embeddings) + working_bytes(len(gallery_samples)),
        f"ranking {len(gallery_samples):,} pictures for {len(query_samples):,} queries",
        "give embeddings as float32 of length 1, which are not copied, or a smaller gallery",
    )
    queries = Pictures(unit_rows(query_embeddings), tuple(query_samples))
    gallery = Pictures(unit_rows(gallery_embeddings), tuple(gallery_samples))
    return chosen.prepare(queries, gallery, options or ProtocolOptions())


def require_protocol(name: str) -> Protocol:
    """Give the protocol of that name.

    Raises:
        DataError: There is none.
    """
    if name not in PROTOCOLS:
        raise DataError(f'expected one of the protocols {", ".join(PROTOCOLS)}, got "{name}"')
    return PROTOCOLS[name]


def ranking_rule(
    query_samples: Sequence[Sample], gallery_samples: Sequence[Sample], *, cameras: bool = True, clothes: bool = False
) -> RankingRule:
    """The rule by which labelled pictures are ranked; a query whose file is in the gallery too is its own picture.

    Args:
        query_samples: What asks.
        gallery_samples: What answers.
        cameras: Whether pictures of the same person from the same camera are left out, where cameras are known.
        clothes: Whether pictures of the same person in the same clothes are left out, where clothes are known.
    """
    places: dict[Any, int] = {}
    for place, sample in enumerate(gallery_samples):
        places.setdefault(sample.path, place)
    return RankingRule(
        [sample.person_id for sample in query_samples],
        [sample.person_id for sample in gallery_samples],
        [sample.camera_id for sample in query_samples] if cameras else None,
        [sample.camera_id for sample in gallery_samples] if cameras else None,
        [places.get(sample.path, -1) for sample in query_samples],
        query_clothes=_clothes(query_samples) if clothes else None,
        gallery_clothes=_clothes(gallery_samples) if clothes else None,
    )


def _clothes(samples: Sequence[Sample]) -> list[int]:
    return [UNKNOWN_CLOTHES if sample.clothes_id is None else sample.clothes_id for sample in samples]


def _market(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    return RankingTask(queries, gallery, ranking_rule(queries.samples, gallery.samples), None, "market1501", ())


def _no_camera(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    rule = ranking_rule(queries.samples, gallery.samples, cameras=False)
    return RankingTask(queries, gallery, rule, None, "no-camera", ("Cameras were not looked at.",))


def _clothes_changed(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    """Right answers show the person in other clothes, by another camera."""
    if not any(sample.clothes_id is not None for sample in queries.samples):
        raise DataError(
            "expected pictures whose clothes are known, got none; the protocol clothes-changed is for PRCC and LTCC"
        )
    rule = ranking_rule(queries.samples, gallery.samples, clothes=True)
    note = "Pictures of the same person in the query's clothes were left out."
    return RankingTask(queries, gallery, rule, None, "clothes-changed", (note,))


def _drawn(name: str, shots: int, queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    people = gallery.column("person_id")
    shots = shots if options.shots is None else options.shots
    draws = GalleryDraws(people, people, shots=shots, draws=options.draws, seed=options.seed, redraw_own=True)
    note = (
        f"Averaged over {options.draws} galleries with {_pictures(shots)} of each person, drawn with seed "
        f"{options.seed}; ranks are those of people."
    )
    return RankingTask(queries, gallery, ranking_rule(queries.samples, gallery.samples), draws, name, (note,))


def _cuhk03(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    return _drawn("cuhk03", 1, queries, gallery, options)


def _multi_shot(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    return _drawn("multi-shot", 10, queries, gallery, options)


def _multi_query(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    """One query of each person and camera: the mean of all pictures that this camera took of this person.

    Where the camera is unknown, gallery pictures of the person are the answers, and only the queries are pooled.
    """
    together = _union(queries, gallery)
    asked = dict.fromkeys((s.person_id, s.camera_id) for s in queries.samples)
    groups: dict[tuple[int, int], list[int]] = {key: [] for key in asked}
    for place, sample in enumerate(together.samples):
        key = (sample.person_id, sample.camera_id)
        if key in groups and (sample.camera_id != UNKNOWN_CAMERA or place < len(queries.samples)):
            groups[key].append(place)
    pooled = _pooled(together, list(groups.values()))
    rule = ranking_rule(pooled.samples, gallery.samples)
    note = f"Each of {len(groups):,} queries is the mean of all pictures of one person by one camera."
    return RankingTask(pooled, gallery, rule, None, "multi-query", (note,))


def _tracklets(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    """Tracklets in place of pictures, each the mean of its pictures' embeddings."""
    pooled = [_pooled(pictures, list(_by_tracklet(pictures.samples).values())) for pictures in (queries, gallery)]
    rule = ranking_rule(pooled[0].samples, pooled[1].samples)
    note = (
        f"{len(queries.samples):,} query and {len(gallery.samples):,} gallery pictures make "
        f"{len(pooled[0].samples):,} and {len(pooled[1].samples):,} tracklets, each the mean of its pictures."
    )
    return RankingTask(pooled[0], pooled[1], rule, None, "tracklets", (note,))


def _sysu(
    name: str, visible: tuple[int, ...] | None, q: Pictures, g: Pictures, options: ProtocolOptions
) -> RankingTask:
    """Infrared pictures ask for colour pictures; of each person and camera a few are drawn."""
    together = _union(q, g)
    cameras, people = together.column("camera_id"), together.column("person_id")
    infrared = np.isin(cameras, INFRARED)
    colour = np.isin(cameras, visible) if visible else ~infrared & (cameras != UNKNOWN_CAMERA)
    asking = np.flatnonzero(infrared & (people > 0))
    if not len(asking) or not colour.any():
        raise DataError(
            f"expected query pictures of the infrared cameras {INFRARED} and gallery pictures of "
            f"{f'the cameras {visible}' if visible else 'the others'}, got pictures of the cameras "
            f"{', '.join(map(str, np.unique(cameras)))}; the protocol {name} is for SYSU-MM01's cameras"
        )
    queries, gallery = together.at(asking), together.at(np.flatnonzero(colour & (people != JUNK)))
    shown, by = gallery.column("person_id"), gallery.column("camera_id")
    _, groups = np.unique(np.stack([shown, by]), axis=1, return_inverse=True)
    shots = 1 if options.shots is None else options.shots
    draws = GalleryDraws(groups.ravel(), shown, shots=shots, draws=options.draws, seed=options.seed, redraw_own=False)
    rule = RankingRule(queries.column("person_id"), shown, queries.column("camera_id"), by, hidden_cameras=SAME_PLACE)
    note = (
        f"Averaged over {options.draws} galleries with {_pictures(shots)} of each person and camera, drawn with seed "
        f"{options.seed}; what camera 2 saw is not ranked for queries of camera 3; ranks are those of people."
    )
    return RankingTask(queries, gallery, rule, draws, name, (note,))


def _sysu_all(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    return _sysu("sysu-all", None, queries, gallery, options)


def _sysu_indoor(queries: Pictures, gallery: Pictures, options: ProtocolOptions) -> RankingTask:
    return _sysu("sysu-indoor", INDOOR, queries, gallery, options)


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("market1501", "The whole gallery, less the same person's pictures by the query's camera.", _market),
        Protocol("cuhk03", "Single gallery shot: one picture of each person, drawn ten times.", _cuhk03),
        Protocol(
            "multi-shot", "Ten pictures of each person, drawn ten times; ranks are those of people.", _multi_shot
        ),
        Protocol("multi-query", "All pictures of a person by a camera ask together, as their mean.", _multi_query),
        Protocol("no-camera", "Cameras are not looked at: only the query's own picture is left out.", _no_camera),
        Protocol(
            "clothes-changed",
            "The whole gallery, less the same person's pictures in the query's clothes or by its camera.",
            _clothes_changed,
        ),
        Protocol("sysu-all", "SYSU-MM01, all search: infrared cameras ask, all colour cameras answer.", _sysu_all),
        Protocol("sysu-indoor", "SYSU-MM01, indoor search: the colour cameras 1 and 2 answer.", _sysu_indoor),
        Protocol("tracklets", "Tracklets ask and answer, each the mean of its pictures, as on MARS.", _tracklets),
    )
}
"""Every protocol by name.

Papers: Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015 (Market-1501, multi-query); Li et al.,
DeepReID, CVPR 2014 (CUHK03, single gallery shot); Wu et al., RGB-Infrared Cross-Modality Person Re-identification,
ICCV 2017 (SYSU-MM01); Qian et al., Long-Term Cloth-Changing Person Re-identification, ACCV 2020 (clothes-changed);
Zheng et al., MARS: A Video Benchmark for Large-Scale Person Re-identification, ECCV 2016.
"""


def _union(queries: Pictures, gallery: Pictures) -> Pictures:
    """Query pictures, then gallery pictures; what is in both only once."""
    known = {sample.path for sample in queries.samples}
    more = [place for place, sample in enumerate(gallery.samples) if sample.path not in known]
    others = gallery.at(more)
    return Pictures(np.concatenate([queries.embeddings, others.embeddings]), queries.samples + others.samples)


def _by_tracklet(samples: Sequence[Sample]) -> dict[Any, list[int]]:
    """The pictures of each person, camera and track, in order.

    Where the data set does not name the track, it stands in names such as 0001C1T0002F003.jpg, as MARS has them; else
    the sequence stands for it.
    """
    tracklets: dict[Any, list[int]] = {}
    for place, sample in enumerate(samples):
        track: int | str | None = sample.track_id
        if track is None:
            named = TRACKLET_NAME.match(sample.path.stem)
            track = f"T{named['track']}" if named else sample.sequence_id
        tracklets.setdefault((sample.person_id, sample.camera_id, track), []).append(place)
    return tracklets


def _pooled(pictures: Pictures, groups: Sequence[Sequence[int]]) -> Pictures:
    """Each group's mean, at length 1, under the name of its first picture."""
    order = np.concatenate([np.asarray(group, np.int64) for group in groups])
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    sums = np.add.reduceat(pictures.embeddings[order].astype(np.float64), starts, axis=0)
    return Pictures(unit_rows(sums), tuple(pictures.samples[group[0]] for group in groups))


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"up to {count} pictures"
