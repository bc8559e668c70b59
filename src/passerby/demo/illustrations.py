"""Draws what a search across cameras found: frames with boxes, who was where and when, and a map."""

import base64
import html
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from passerby.demo.sightings import Sighting, wanted_frames
from passerby.demo.tracks import Answer
from passerby.evaluation.report import Illustration
from passerby.synthetic.recording import VIDEO
from passerby.synthetic.videos import CAMERAS, SCRIPT, TRAJECTORIES

_GOOD, _BAD, _ASKED, _QUIET = "#2da44e", "#d1242f", "#2456c7", "#8a94a3"

_SIGHT = 16
"""Metres in front of the cameras that the map shows as seen."""

_CLOSER = 0.6
"""Height of a person who is shown enlarged, as a share of the frame's."""

_SHOWN = 5
"""How many of the nearest tracks are shown in their frames."""


def found_frames(scene: Path, query: Sighting, answers: Sequence[Answer]) -> Illustration:
    """The query and the nearest tracks in the frames that they come from, one frame each."""
    figures = [_figure(scene, query, _ASKED, "Query", f"camera {query.camera_id}, {query.time:.0f} s")]
    for answer in answers[:_SHOWN]:
        shown = answer.sightings[len(answer.sightings) // 2]
        colour = _GOOD if answer.right else _BAD
        figures.append(_figure(scene, shown, colour, f"{answer.rank}. {_verdict(answer)}", _facts(answer)))
    return Illustration(
        title="One person, searched across cameras",
        caption=(
            "The query, framed in blue, and the nearest ways of people through the other cameras' views, each in one "
            "of its frames with the person enlarged. Green is the same person, red is someone else; the truth is "
            "known here."
        ),
        body=f'<div class="frames">{"".join(figures)}</div>',
    )


def timeline(scene: Path, query: Sighting, answers: Sequence[Answer]) -> Illustration:
    """When the person was in front of which camera, truly, and which tracks the search put first."""
    script = json.loads((scene / SCRIPT).read_text(encoding="utf-8"))
    cameras = json.loads((scene / CAMERAS).read_text(encoding="utf-8"))
    seconds, row, left, width = script["seconds"], 44, 88, 860
    parts = []
    for number, camera in enumerate(cameras):
        y = 12 + number * row
        parts.append(f'<text x="0" y="{y + 20}">camera {camera["camera_id"]}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{width}" height="30" fill="{_QUIET}" fill-opacity="0.12"/>')
    for way in _ways(scene, query.person_id):
        if way["camera_id"] is not None:
            begin = left + (way["first_frame"] - 1) / cameras[0]["fps"] / seconds * width
            length = way["frames"] / cameras[0]["fps"] / seconds * width
            y = 12 + (way["camera_id"] - 1) * row
            parts.append(
                f'<rect x="{begin:.1f}" y="{y - 3}" width="{length:.1f}" height="36" fill="none" stroke="{_ASKED}" '
                'stroke-width="2" stroke-dasharray="5 3"/>'
            )
    for camera in cameras:
        here = [answer for answer in answers[:_SHOWN] if answer.sightings[0].camera_id == camera["camera_id"]]
        for lane, answer in enumerate(here):
            first, last = answer.sightings[0], answer.sightings[-1]
            begin, end = (left + time / seconds * width for time in (first.time, last.time))
            height = 30 / len(here)
            top = 12 + (first.camera_id - 1) * row + lane * height
            parts.append(
                f'<rect x="{begin:.1f}" y="{top:.1f}" width="{max(8.0, end - begin):.1f}" height="{height - 1:.1f}" '
                f'fill="{_GOOD if answer.right else _BAD}" fill-opacity="{0.9 if answer.rank == 1 else 0.55}">'
                f"<title>{html.escape(_facts(answer))}</title></rect>"
                f'<text x="{begin - 4:.1f}" y="{top + height / 2 + 4:.1f}" text-anchor="end">{answer.rank}</text>'
            )
    asked = left + query.time / seconds * width
    y = 12 + (query.camera_id - 1) * row
    parts.append(f'<circle cx="{asked:.1f}" cy="{y + 15}" r="7" fill="{_ASKED}"><title>query</title></circle>')
    bottom = 12 + len(cameras) * row + 14
    for tick in range(0, int(seconds) + 1, 10):
        x = left + tick / seconds * width
        parts.append(f'<text x="{x:.1f}" y="{bottom}" text-anchor="middle">{tick} s</text>')
    return Illustration(
        title="Where the person was seen, and when",
        caption=(
            "Dashed frames are when the person truly walked through each camera's view; bars are the tracks that the "
            "search put first, with their ranks, green where it was the same person. The dot is the query."
        ),
        body=(
            f'<svg class="drawn" viewBox="0 0 {left + width + 16} {bottom + 8}" role="img" '
            f'aria-label="Timeline of person {query.person_id} by camera">{"".join(parts)}</svg>'
        ),
    )


def world_map(scene: Path, query: Sighting) -> Illustration:
    """The cameras from above, and the person's true way between them."""
    cameras = json.loads((scene / CAMERAS).read_text(encoding="utf-8"))
    lines, points = [], []
    for way in _ways(scene, query.person_id):
        places = list(zip(*way["world"], strict=True))
        points += places
        dashes = ' stroke-dasharray="4 4"' if way["camera_id"] is None else ""
        path = " ".join(f"{x:.1f},{-y:.1f}" for x, y in places)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{_ASKED}" stroke-width="0.5"{dashes}/>')
    marks = []
    for camera in cameras:
        x, y, _ = camera["position"]
        points.append((x, y))
        half = (
            camera["size"][1] / 2 / camera["K"][0][0] * _SIGHT
        )  # metres that it sees to either side at that distance
        wedge = f'<path d="M0 0L{-half:.1f} {-_SIGHT}L{half:.1f} {-_SIGHT}Z" fill="{_QUIET}" fill-opacity="0.25"/>'
        wedge += f'<circle r="0.9" fill="{_QUIET}"/>'
        turn = f'transform="translate({x:.1f} {-y:.1f}) rotate({-camera["heading"]:.1f})"'
        marks.append(f"<g {turn}>{wedge}</g>")
        marks.append(
            f'<text x="{x:.1f}" y="{-y + 3.4:.1f}" font-size="2.6" text-anchor="middle">{camera["camera_id"]}: '
            f"{html.escape(camera['place'])}</text>"
        )
    (left, right), (low, high) = ((min(axis) - 17, max(axis) + 17) for axis in zip(*points, strict=True))
    box = f"{left:.1f} {-high:.1f} {right - left:.1f} {high - low:.1f}"
    return Illustration(
        title="The way, from above",
        caption=(
            "The true way of the person in the world: solid in front of the cameras, dashed where no camera sees it. "
            "Cameras look into the grey wedges; their views do not overlap."
        ),
        body=(
            f'<svg class="drawn map" viewBox="{box}" role="img" aria-label="Map of cameras and way">'
            f"{''.join(marks)}{''.join(lines)}</svg>"
        ),
    )


def _ways(scene: Path, person: int) -> list[dict[str, Any]]:
    lines = (scene / TRAJECTORIES).read_text(encoding="utf-8").splitlines()
    return [way for way in map(json.loads, lines) if way["person_id"] == person]


def _figure(scene: Path, sighting: Sighting, colour: str, title: str, facts: str) -> str:
    """A frame with a box around one person, and what is said of them."""
    video = scene / f"c{sighting.camera_id:02d}" / VIDEO
    ((_, pixels),) = wanted_frames(video, {sighting.frame})
    image = Image.fromarray(pixels)
    left, top, right, bottom = sighting.box
    ImageDraw.Draw(image).rectangle((left - 3, top - 3, right + 3, bottom + 3), outline=colour, width=3)
    _put_closer(image, sighting, colour)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80, optimize=True)
    source = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<figure class="card"><img src="{source}" alt="{html.escape(title)}: {html.escape(facts)}">'
        f'<figcaption><strong style="color: {colour}">{html.escape(title)}</strong> '
        f'<span class="quiet">{html.escape(facts)}</span></figcaption></figure>'
    )


def _put_closer(image: Image.Image, sighting: Sighting, colour: str) -> None:
    """Show the person enlarged, in the lower corner that is farther from them."""
    height = round(image.height * _CLOSER)
    with Image.open(sighting.path) as crop:
        closer = crop.convert("RGB").resize((height // 2, height))
    left, _, right, _ = sighting.box
    x = image.width - closer.width - 8 if left + right < image.width else 8
    y = image.height - closer.height - 8
    image.paste(closer, (x, y))
    ImageDraw.Draw(image).rectangle(
        (x - 2, y - 2, x + closer.width + 1, y + closer.height + 1), outline=colour, width=2
    )


def _verdict(answer: Answer) -> str:
    return "the same person" if answer.right else "someone else"


def _facts(answer: Answer) -> str:
    """Where and when, how far, and what the calibration makes of it."""
    first, last = answer.sightings[0], answer.sightings[-1]
    facts = [f"camera {first.camera_id}, {first.time:.0f}–{last.time:.0f} s", f"distance {answer.distance:.3f}"]
    if answer.probability is not None:
        facts.append(f"probability {answer.probability:.1%}")
    if answer.accepted is not None:
        facts.append("within the threshold" if answer.accepted else "beyond the threshold")
    return ", ".join(facts)
