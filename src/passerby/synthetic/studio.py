"""Takes single pictures: a person, a camera, a moment, and what is true of them."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from passerby.synthetic.attributes import Attributes, attributes_of
from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.body import Body, PosedBody, build_body
from passerby.synthetic.camera import Box, Camera, sample_camera
from passerby.synthetic.canvas import Canvas
from passerby.synthetic.daylight import momentary_light
from passerby.synthetic.effects import Look, in_motion, sample_look, through
from passerby.synthetic.keypoints import KEY_POINTS, KeyPoint
from passerby.synthetic.lighting import GAMMA, Light, reaching, to_display
from passerby.synthetic.mesh import bounds
from passerby.synthetic.pixels import enlarged, to_bytes
from passerby.synthetic.placing import FIRST_BYSTANDER, box_around, passers_by, walker
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream
from passerby.synthetic.renderer import Drawing, Renderer
from passerby.synthetic.scene import Site, build_site
from passerby.synthetic.sentences import sentence
from passerby.synthetic.truth import FRAME, Picture, Truth, distance_to, light_truth, pose_truth
from passerby.synthetic.visibility import in_picture, key_points_seen, may_hide
from passerby.types import FloatArray, ImageArray

FINER = 2
"""People are drawn this many times as large as the picture and averaged down, which smooths their edges."""

BRIGHTEST = 1.25
"""Linear light that the brightest vertex colour stands for."""


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
        rows, columns = Canvas.largest(height, width)
        self._renderer = Renderer(rows * FINER, columns * FINER)
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
        subject = walker(generator, view.camera, view.site, self._body(person, clothes_set))
        box = box_around(generator, view.camera, subject)
        bodies = [subject, *passers_by(generator, view.camera, view.site, subject, self._body)]
        canvas = Canvas.around(view.camera, box, subject, (self._height, self._width))
        display, drawn, shown = self._compose(view, light, canvas, bodies)
        if self._effects:
            pixels = through(view.look, display, box.height / len(display), generator)
        else:
            pixels = to_bytes(display)
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
            visible_fraction=self._visible_fraction(view.camera, canvas, bodies, drawn, shown),
            others=len(bodies) - 1,
            distance=distance_to(view.camera, subject),
            key_points=self._key_points(view, box, bodies),
            light=light_truth(view.site, light, subject),
            pose=pose_truth(subject),
            attributes=attributes,
            sentence=words,
        )
        return Picture(enlarged(pixels, self._height, self._width), truth)

    def _compose(
        self, view: _View, light: Light, canvas: Canvas, bodies: list[PosedBody]
    ) -> tuple[FloatArray, Drawing, Drawing]:
        """Draw site, shadows and people.

        Returns:
            (rows, columns, 3) display values; the drawing of the people on all of the canvas; and the picture's part
            of it, without what things in front hide.
        """
        everyone = np.concatenate([body.points for body in bodies])
        shades = [np.minimum(to_display(light_on(body, view.site, light) / BRIGHTEST), 1.0) for body in bodies]
        drawn = self._draw(view.camera, canvas, bodies, shades)
        shown = drawn.part(*canvas.window(FINER))
        shown = shown.without(self._things_in_front(view, canvas, bodies, shown))
        figures = averaged(shown.pixels)
        if self._effects:
            speed = _speed(view.camera, bodies[0]) * canvas.size[1] / canvas.box.width
            figures = in_motion(view.look, figures, speed)
        uncovered = 1 - figures[..., 3]
        display = view.backdrop.draw(canvas.box, canvas.size, light, everyone, uncovered > 0)
        for channel in range(3):
            people = figures[..., channel] * np.float32(BRIGHTEST ** (1 / GAMMA))
            display[..., channel] = people + display[..., channel] * uncovered
        return display, drawn, shown

    def _draw(self, camera: Camera, canvas: Canvas, bodies: list[PosedBody], shades: list[FloatArray]) -> Drawing:
        """Draw bodies alone on a canvas, `FINER` times as large as it is, as the camera's lens bends them."""
        bent = [replace(body, points=camera.bent(body.points)) for body in bodies]
        rows, columns = canvas.drawn_size
        return self._renderer.draw(bent, shades, camera.projection(canvas.drawn), (rows * FINER, columns * FINER))

    def _things_in_front(
        self, view: _View, canvas: Canvas, bodies: list[PosedBody], shown: Drawing
    ) -> npt.NDArray[np.bool_] | None:
        """(rows, columns) where a thing of the site is nearer than the body there; None when none is."""
        depths = [_depth(view.camera, body) for body in bodies]
        if view.site.nearest_obstacle > max(depths) + view.camera.height:
            return None
        before = view.backdrop.depths(canvas.box, canvas.size)
        nearer = np.zeros(canvas.size, np.bool_)
        for number, depth in enumerate(depths):
            nearer |= shown.of(number)[::FINER, ::FINER] & (before < depth)
        return nearer if nearer.any() else None

    def _visible_fraction(
        self, camera: Camera, canvas: Canvas, bodies: list[PosedBody], drawn: Drawing, shown: Drawing
    ) -> float:
        """Share of the pixels of the first body's figure that the picture shows."""
        if any(may_hide(camera, other, bodies[0]) for other in bodies[1:]):
            drawn = self._draw(camera, canvas, bodies[:1], [np.zeros_like(bodies[0].points)])
        return _count(shown.of(0)) / max(1, _count(drawn.of(0)))

    def _key_points(self, view: _View, box: Box, bodies: list[PosedBody]) -> tuple[KeyPoint, ...]:
        """Where the picture shows the key points of the first body, and which of them are seen."""
        size, camera, subject = (self._height, self._width), view.camera, bodies[0]
        places, seen = in_picture(camera, box, size, subject.key_points), key_points_seen(camera, bodies)
        if view.site.nearest_obstacle < _depth(camera, subject) + camera.height:
            seen &= view.backdrop.depths_at(camera.pixels(subject.key_points)) >= _depth(camera, subject)
        inside = ((places >= 0) & (places < (self._width, self._height))).all(axis=1)
        return tuple(
            KeyPoint(name, float(x), float(y), bool(visible))
            for name, (x, y), visible in zip(KEY_POINTS, places, seen & inside, strict=True)
        )

    def _build_body(self, index: int, clothes_set: int) -> Body:
        look_alikes = self._look_alikes if index < FIRST_BYSTANDER else 1
        return build_body(sample_person(self._seed, index, look_alikes, clothes_set))

    def _describe(self, index: int, clothes_set: int) -> tuple[Attributes, str]:
        attributes = attributes_of(self._body(index, clothes_set).person)
        return attributes, sentence(attributes)

    def _build_view(self, index: int) -> _View:
        camera = sample_camera(self._seed, index)
        site = build_site(self._seed, index, camera)
        return _View(camera, sample_look(self._seed, index), site, Backdrop(site, camera))


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


def light_on(body: PosedBody, site: Site, light: Light) -> FloatArray:
    """(V, 3) linear light on a body's vertices: self-shadowed, and in the shade where the ground is."""
    low, high = bounds(body.points)
    middle = np.asarray((low + high) / 2, np.float32)
    sunlit = float(site.sunlit(middle[:1], middle[1:2])[0])
    return light.on(body.normals, body.body.ambient, sunlit * reaching(body.points, light.direction))


def _depth(camera: Camera, body: PosedBody) -> float:
    """Metres along the line of sight to a body's feet; things that are nearer than these stand in front of it."""
    middle = body.points.mean(axis=0)
    middle[2] = 0.0
    return float(camera.depths(middle[None])[0])


def _speed(camera: Camera, body: PosedBody) -> float:
    """Pixels that a walking body crosses in a second, to the right in the camera's picture."""
    turn, metres = np.radians(body.heading), 1.3 * body.pose.amount
    middle = body.points.mean(axis=0)
    further = middle + np.array([-np.sin(turn), np.cos(turn), 0.0], np.float32) * np.float32(0.1 * metres)
    now, soon = camera.pixels(np.stack([middle, further]))[:, 0]
    return 10.0 * float(soon - now)
