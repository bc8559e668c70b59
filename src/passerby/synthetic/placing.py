"""Where people stand and walk in front of a camera, and how its detector puts a box around one of them."""

from collections.abc import Callable

import numpy as np

from passerby.synthetic.benches import Seat
from passerby.synthetic.body import Body, PosedBody, posed
from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.gait import sample_pose
from passerby.synthetic.mesh import bounds
from passerby.synthetic.randomness import weighted
from passerby.synthetic.scene import Site
from passerby.synthetic.sitting import seated
from passerby.synthetic.visibility import projected

FIRST_BYSTANDER = 1_000_000
"""The number of the first of those who only ever pass by."""

_BYSTANDERS = 40

_TRIES = 12


def walker(generator: np.random.Generator, camera: Camera, site: Site, body: Body) -> PosedBody:
    """Put a person somewhere in front of a camera, walking as people do there."""
    for _ in range(_TRIES):
        distance = float(generator.uniform(*camera.distances))
        aside = float(generator.uniform(-0.28, 0.28)) * distance
        if site.is_free(aside, distance):
            break
    return posed(body, sample_pose(generator, body.person), (aside, distance), _heading(generator, camera))


def sitters(
    generator: np.random.Generator, site: Site, body: Body, body_of: Callable[[int, int], Body]
) -> list[PosedBody]:
    """Put a person on a bench of a site, and perhaps others beside them; the person comes first."""
    seat = site.seats[int(generator.integers(len(site.seats)))]
    sitting = [_on(generator, seat, body)]
    for other in site.seats:
        if other.bench == seat.bench and other is not seat and generator.random() < 0.3:
            neighbour = body_of(FIRST_BYSTANDER + int(generator.integers(_BYSTANDERS)), 0)
            sitting.append(_on(generator, other, neighbour))
    return sitting


def _on(generator: np.random.Generator, seat: Seat, body: Body) -> PosedBody:
    pose = seated(sample_pose(generator, body.person, standing=True), body.person, 1.0, float(generator.random()))
    return posed(body, pose, seat.place, seat.heading + float(generator.normal(0.0, 5.0)))


def passers_by(
    generator: np.random.Generator,
    camera: Camera,
    site: Site,
    subject: PosedBody,
    body_of: Callable[[int, int], Body],
) -> list[PosedBody]:
    """Others in the picture: along with the subject (one in ten), behind or beside, or partly in front."""
    if generator.random() < 0.1:
        return _companions(generator, site, subject, body_of)
    x, y = _place(subject)
    passers = []
    for _ in range(weighted(generator, [(66, 0), (24, 1), (7, 2), (3, 3)])):
        body = body_of(FIRST_BYSTANDER + int(generator.integers(_BYSTANDERS)), 0)
        side = 1.0 if generator.random() < 0.5 else -1.0
        if generator.random() < 0.75:
            further, aside = float(generator.uniform(0.4, 4.0)), side * float(generator.uniform(0.25, 0.9))
        else:
            further, aside = -float(generator.uniform(0.5, 1.0)), side * float(generator.uniform(0.28, 0.6))
        # Aside as the camera sees it: along the line of sight people stay behind one another.
        place = (x + aside) * (y + further) / y, y + further
        pose = sample_pose(generator, body.person)
        heading = _heading(generator, camera)
        if site.is_free(*place):
            passers.append(posed(body, pose, place, heading))
    return passers


def _companions(
    generator: np.random.Generator, site: Site, subject: PosedBody, body_of: Callable[[int, int], Body]
) -> list[PosedBody]:
    """Those who walk with a person, at one side or at both, the same way."""
    (x, y), across = _place(subject), np.radians(subject.heading)
    side = 1.0 if generator.random() < 0.5 else -1.0
    companions = []
    for turn in (side, -side)[: 1 if generator.random() < 0.7 else 2]:
        body = body_of(FIRST_BYSTANDER + int(generator.integers(_BYSTANDERS)), 0)
        gap = turn * float(generator.uniform(0.5, 0.8))
        beside = x + gap * float(np.cos(across)), y + gap * float(np.sin(across))
        heading = subject.heading + float(generator.normal(0.0, 6.0))
        pose = sample_pose(generator, body.person)
        if site.is_free(*beside):
            companions.append(posed(body, pose, beside, heading))
    return companions


def _place(body: PosedBody) -> tuple[float, float]:
    """Where a body is on the ground."""
    return float(body.points[:, 0].mean()), float(body.points[:, 1].mean())


def box_around(generator: np.random.Generator, camera: Camera, body: PosedBody) -> Box:
    """The box of a body in a camera's picture, as its detector puts it: never quite right."""
    return _jittered(generator, _snug_box(camera, body), camera.framing.jitter)


def _heading(generator: np.random.Generator, camera: Camera) -> float:
    """Most walk along the camera's path, one way or the other; the rest anywhere."""
    way = camera.path + (180.0 if generator.random() < camera.return_share else 0.0)
    strays, anywhere = generator.normal(0.0, camera.straying), generator.uniform(0.0, 360.0)
    return float(way + strays if generator.random() < 0.82 else anywhere)


def _snug_box(camera: Camera, body: PosedBody) -> Box:
    pixels, _ = projected(camera, body)
    (left, top), (right, bottom) = bounds(pixels)
    framing, height = camera.framing, float(bottom - top)
    # Arms, legs and bags that stick out do not widen a box fully; a box is never very slim either.
    snug = max(float(right - left) * 0.98, 0.34 * height)
    # The shape that a detector expects of people is that of those who stand.
    narrowing = 0.0 if body.pose.seated else framing.narrowing
    width = (1 - narrowing) * snug + narrowing * framing.aspect * height
    middle = 0.5 * float(left + right) * 0.6 + 0.4 * float(np.median(pixels[:, 0]))
    margin = framing.margin * height
    return Box(middle - width / 2, float(top) - margin, middle + width / 2, float(bottom) + margin)


def _jittered(generator: np.random.Generator, box: Box, factor: float) -> Box:
    """Shift and scale a box a little; one in twelve loses the feet, one in fifty the head."""
    shift_x = generator.normal(0.0, 0.045 * factor) * box.width
    shift_y = generator.normal(0.0, 0.018 * factor) * box.height
    wider, taller = np.exp(generator.normal(0.01, 0.06 * factor)), np.exp(generator.normal(0.005, 0.025 * factor))
    chance, cut = float(generator.random()), float(generator.uniform(0.05, 0.25)) * box.height
    x, y = (box.left + box.right) / 2 + shift_x, (box.top + box.bottom) / 2 + shift_y
    half_width, half_height = box.width * wider / 2, box.height * taller / 2
    top = y - half_height + (0.3 * cut if chance > 0.98 else 0.0)
    bottom = y + half_height - (cut if chance < 0.08 else 0.0)
    return Box(float(x - half_width), float(top), float(x + half_width), float(bottom))
