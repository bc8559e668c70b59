"""Takes single pictures: a person, a camera, a moment, and what is true of them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from passerby.synthetic.attributes import Attributes, attributes_of
from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.body import Body, PosedBody, build_body, posed
from passerby.synthetic.camera import Box, Camera, sample_camera
from passerby.synthetic.daylight import momentary_light
from passerby.synthetic.effects import Look, sample_look, through, to_bytes
from passerby.synthetic.gait import sample_pose
from passerby.synthetic.keypoints import KEY_POINTS, KeyPoint
from passerby.synthetic.lighting import GAMMA, Light, reaching, to_display
from passerby.synthetic.mesh import bounds
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream
from passerby.synthetic.renderer import Drawing, Renderer
from passerby.synthetic.scene import Site, build_site
from passerby.synthetic.sentences import sentence
from passerby.synthetic.truth import FRAME, Picture, Truth, distance_to, light_truth, pose_truth
from passerby.synthetic.visibility import grown_to_hold, in_picture, key_points_seen, may_hide, projected
from passerby.types import FloatArray, ImageArray

FINER = 2
"""People are drawn this many times as large as the picture and averaged down, which smooths their edges."""

BRIGHTEST = 1.25
"""Linear light that the brightest vertex colour stands for."""

_BYSTANDERS, _FIRST_BYSTANDER = 40, 1_000_000
"""How many people only ever pass by, and the number of the first of them."""


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One camera with everything that stays the same in front of and inside it."""

    camera: Camera
    look: Look
    site: Site
    backdrop: Backdrop


class Studio:
    """Takes pictures of the synthetic people of one world. Use it in a `with` statement.

    Args:
        seed: The world's seed, 0 or more.
        height: Rows of the pictures.
        width: Columns of the pictures.
        effects: Whether pictures go through the cameras' sensors, lenses and codecs.
        look_alikes: How many people in a row are dressed alike, as `population.sample_person` takes it.
        clothes_sets: In how many sets of clothes each person is seen, in turn by camera and picture.

    Raises:
        MissingExtraError: panda3d is not installed.
    """

    def __init__(
        self,
        seed: int,
        height: int,
        width: int,
        effects: bool = True,
        *,
        look_alikes: int = 0,
        clothes_sets: int = 1,
    ) -> None:
        self._seed, self._height, self._width, self._effects = seed, height, width, effects
        self._look_alikes, self._clothes_sets = look_alikes, clothes_sets
        self._renderer = Renderer(height * FINER, width * FINER)
        self._body = lru_cache(maxsize=64)(self._build_body)
        self._described = lru_cache(maxsize=64)(self._describe)
        self._view = lru_cache(maxsize=None)(self._build_view)

    def __enter__(self) -> "Studio":
        return self

    def __exit__(self, *_: object) -> None:
        self._renderer.close()

    def take(self, person: int, camera: int, picture: int) -> Picture:
        """Take a picture, always the same for the same world and numbers.

        Args:
            person: Which person, 0 or more.
            camera: Which camera, 0 or more.
            picture: Which of the pictures of this person by this camera, 0 or more.

        Returns:
            (height, width, 3) uint8 sRGB, the person's box filling it, and what is true of it.
        """
        generator = stream(self._seed, "picture", person, camera, picture)
        clothes_set = (camera + picture) % self._clothes_sets
        view = self._view(camera)
        light = momentary_light(view.site.light, generator)
        subject = self._walker(generator, view.camera, self._body(person, clothes_set))
        box = _jittered(generator, _box_around(view.camera, subject), view.camera.framing.jitter)
        bodies = [subject, *self._passers_by(generator, view.camera, subject)]
        display, drawing = self._compose(view, light, box, bodies)
        if self._effects:
            display = through(view.look, display, round(box.height), generator)
        attributes, words = self._described(person, clothes_set)
        truth = Truth(
            person=person,
            camera=camera,
            picture=picture,
            clothes_set=clothes_set,
            frame=FRAME,
            box=box,
            size=(self._height, self._width),
            native_size=(box.height, box.width),
            visible_fraction=self._visible_fraction(view.camera, box, bodies, drawing),
            others=len(bodies) - 1,
            distance=distance_to(view.camera, subject),
            key_points=self._key_points(view.camera, box, bodies),
            light=light_truth(view.site, light, subject),
            pose=pose_truth(subject),
            attributes=attributes,
            sentence=words,
        )
        return Picture(to_bytes(display), truth)

    def _compose(self, view: _View, light: Light, box: Box, bodies: list[PosedBody]) -> tuple[FloatArray, Drawing]:
        """Draw site, shadows and people; (height, width, 3) display values, and the drawing of the people."""
        size = self._height, self._width
        everyone = np.concatenate([body.points for body in bodies])
        shades = [np.minimum(to_display(light_on(body, view.site, light) / BRIGHTEST), 1.0) for body in bodies]
        drawn = self._renderer.draw(bodies, shades, view.camera.projection(box))
        figures = averaged(drawn.pixels)
        uncovered = 1 - figures[..., 3]
        display = view.backdrop.draw(box, size, light, everyone, uncovered > 0)
        for channel in range(3):
            people = figures[..., channel] * np.float32(BRIGHTEST ** (1 / GAMMA))
            display[..., channel] = people + display[..., channel] * uncovered
        return display, drawn

    def _visible_fraction(self, camera: Camera, box: Box, bodies: list[PosedBody], drawing: Drawing) -> float:
        """Share of the pixels of the first body's figure that `drawing`, which shows `box`, shows."""
        unhidden, uncut = 1.0, 1.0
        if any(may_hide(camera, other, bodies[0]) for other in bodies[1:]):
            figure = self._silhouette(camera, box, bodies)
            unhidden = _count(drawing.of(0)) / max(1, _count(figure))
        whole, factor = grown_to_hold(camera, box, bodies[0])
        if factor > 1.0:
            figure = self._silhouette(camera, whole, bodies)
            rows, columns = (slice(*_middle(side, factor)) for side in figure.shape)
            uncut = _count(figure[rows, columns]) / max(1, _count(figure))
        return unhidden * uncut

    def _silhouette(self, camera: Camera, box: Box, bodies: list[PosedBody]) -> npt.NDArray[np.bool_]:
        """Draw the first body alone, and give where it is."""
        unlit = np.zeros_like(bodies[0].points)
        return self._renderer.draw(bodies[:1], [unlit], camera.projection(box)).of(0)

    def _key_points(self, camera: Camera, box: Box, bodies: list[PosedBody]) -> tuple[KeyPoint, ...]:
        """Where the picture shows the key points of the first body, and which of them are seen."""
        size = self._height, self._width
        places, seen = in_picture(camera, box, size, bodies[0].key_points), key_points_seen(camera, bodies)
        inside = ((places >= 0) & (places < (self._width, self._height))).all(axis=1)
        return tuple(
            KeyPoint(name, float(x), float(y), bool(visible))
            for name, (x, y), visible in zip(KEY_POINTS, places, seen & inside, strict=True)
        )

    def _walker(self, generator: np.random.Generator, camera: Camera, body: Body) -> PosedBody:
        """Put a person somewhere in front of a camera, walking as people do there."""
        distance = float(generator.uniform(*camera.distances))
        aside = float(generator.uniform(-0.28, 0.28)) * distance
        heading = _heading(generator, camera)
        return posed(body, sample_pose(generator, body.person), (aside, distance), heading)

    def _passers_by(self, generator: np.random.Generator, camera: Camera, subject: PosedBody) -> list[PosedBody]:
        """Others in the picture: along with them (one in twelve), behind or beside, or partly in front."""
        x, y = (float(subject.points[:, axis].mean()) for axis in (0, 1))
        passers = []
        chance = float(generator.random())
        if chance < 0.08:
            return self._companions(generator, subject, (x, y))
        if chance < 0.27:
            body = self._body(_FIRST_BYSTANDER + int(generator.integers(_BYSTANDERS)), 0)
            side = 1.0 if generator.random() < 0.5 else -1.0
            if chance < 0.20:
                further, aside = float(generator.uniform(0.4, 4.0)), side * float(generator.uniform(0.25, 0.9))
            else:
                further, aside = -float(generator.uniform(0.5, 1.0)), side * float(generator.uniform(0.32, 0.55))
            # Aside as the camera sees it: along the line of sight people stay behind one another.
            place = ((x + aside) * (y + further) / y, y + further)
            pose = sample_pose(generator, body.person)
            passers.append(posed(body, pose, place, _heading(generator, camera)))
        return passers

    def _companions(
        self, generator: np.random.Generator, subject: PosedBody, place: tuple[float, float]
    ) -> list[PosedBody]:
        """Those who walk with a person, at one side or at both, the same way."""
        across = np.radians(subject.heading)
        side = 1.0 if generator.random() < 0.5 else -1.0
        companions = []
        for turn in (side, -side)[: 1 if generator.random() < 0.7 else 2]:
            body = self._body(_FIRST_BYSTANDER + int(generator.integers(_BYSTANDERS)), 0)
            gap = turn * float(generator.uniform(0.5, 0.8))
            beside = (place[0] + gap * float(np.cos(across)), place[1] + gap * float(np.sin(across)))
            heading = subject.heading + float(generator.normal(0.0, 6.0))
            companions.append(posed(body, sample_pose(generator, body.person), beside, heading))
        return companions

    def _build_body(self, index: int, clothes_set: int) -> Body:
        look_alikes = self._look_alikes if index < _FIRST_BYSTANDER else 1
        return build_body(sample_person(self._seed, index, look_alikes, clothes_set))

    def _describe(self, index: int, clothes_set: int) -> tuple[Attributes, str]:
        attributes = attributes_of(self._body(index, clothes_set).person)
        return attributes, sentence(attributes)

    def _build_view(self, index: int) -> _View:
        camera = sample_camera(self._seed, index)
        site = build_site(self._seed, index, camera)
        return _View(camera, sample_look(self._seed, index), site, Backdrop(site, camera))


def _middle(count: int, factor: float) -> tuple[int, int]:
    """The pixels of `count` that remain of a side which was made `factor` times as long around its middle."""
    margin = round(count * (1 - 1 / factor) / 2)
    return margin, count - margin


def _count(mask: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def averaged(drawn: ImageArray) -> FloatArray:
    """Average squares of `FINER` × `FINER` pixels of uint8 to 0 to 1; adding slices is much faster than `mean`."""
    averaged = np.zeros((drawn.shape[0] // FINER, drawn.shape[1] // FINER, 4), np.float32)
    covered = np.flatnonzero(drawn[..., 3].any(axis=1))
    if len(covered):
        rows = slice(covered[0] // FINER, covered[-1] // FINER + 1)
        # Four bytes at a time: numpy is slow along rows of four.
        pixels = drawn.view(np.uint32)[rows.start * FINER : rows.stop * FINER, :, 0]
        total = averaged[rows]
        for row in range(FINER):
            for column in range(FINER):
                part = np.ascontiguousarray(pixels[row::FINER, column::FINER])
                total += part.view(np.uint8).reshape(total.shape).astype(np.float32) / np.float32(255.0)
        total /= np.float32(FINER**2)
    return averaged


def _heading(generator: np.random.Generator, camera: Camera) -> float:
    """Most walk along the camera's path, one way or the other; the rest anywhere."""
    way = camera.path + (180.0 if generator.random() < camera.return_share else 0.0)
    strays, anywhere = generator.normal(0.0, camera.straying), generator.uniform(0.0, 360.0)
    return float(way + strays if generator.random() < 0.82 else anywhere)


def light_on(body: PosedBody, site: Site, light: Light) -> FloatArray:
    """(V, 3) linear light on a body's vertices: self-shadowed, and in the shade where the ground is."""
    low, high = bounds(body.points)
    middle = np.asarray((low + high) / 2, np.float32)
    sunlit = float(site.sunlit(middle[:1], middle[1:2])[0])
    return light.on(body.normals, body.body.ambient, sunlit * reaching(body.points, light.direction))


def _box_around(camera: Camera, body: PosedBody) -> Box:
    """The box of a body in a camera's picture, as its detector or annotator puts it."""
    pixels, _ = projected(camera, body)
    (left, top), (right, bottom) = bounds(pixels)
    framing, height = camera.framing, float(bottom - top)
    # Arms, legs and bags that stick out do not widen a box fully; a box is never very slim either.
    snug = max(float(right - left) * 0.98, 0.34 * height)
    width = (1 - framing.narrowing) * snug + framing.narrowing * framing.aspect * height
    middle = 0.5 * float(left + right) * 0.6 + 0.4 * float(np.median(pixels[:, 0]))
    margin = framing.margin * height
    return Box(middle - width / 2, float(top) - margin, middle + width / 2, float(bottom) + margin)


def _jittered(generator: np.random.Generator, box: Box, factor: float) -> Box:
    """Shift and scale a box a little, as detectors do; one in twelve loses the feet, one in fifty the head."""
    shift_x = generator.normal(0.0, 0.045 * factor) * box.width
    shift_y = generator.normal(0.0, 0.018 * factor) * box.height
    wider, taller = np.exp(generator.normal(0.01, 0.06 * factor)), np.exp(generator.normal(0.005, 0.025 * factor))
    chance, cut = float(generator.random()), float(generator.uniform(0.05, 0.25)) * box.height
    x, y = (box.left + box.right) / 2 + shift_x, (box.top + box.bottom) / 2 + shift_y
    half_width, half_height = box.width * wider / 2, box.height * taller / 2
    top = y - half_height + (0.3 * cut if chance > 0.98 else 0.0)
    bottom = y + half_height - (cut if chance < 0.08 else 0.0)
    return Box(float(x - half_width), float(top), float(x + half_width), float(bottom))
