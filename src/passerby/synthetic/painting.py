"""Draws what one picture shows: people, the site around them, and what the camera makes of both."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.body import PosedBody
from passerby.synthetic.camera import Camera
from passerby.synthetic.canvas import Canvas
from passerby.synthetic.effects import Look, in_motion, through
from passerby.synthetic.keypoints import LEG_POINTS
from passerby.synthetic.lighting import GAMMA, Light, reaching, to_display
from passerby.synthetic.mesh import bounds
from passerby.synthetic.modes import Mode, depth_picture, in_infrared, infrared_look, infrared_picture
from passerby.synthetic.parts import in_white, label_colours, labels_of
from passerby.synthetic.pixels import cropped, enlarged, to_bytes
from passerby.synthetic.renderer import Drawing, Renderer
from passerby.synthetic.scene import Site
from passerby.synthetic.visibility import may_hide, projected
from passerby.synthetic.weather import Weather, falling, look_in
from passerby.types import FloatArray, ImageArray

FINER = 2
"""People are drawn this many times as large as the picture and averaged down, which smooths their edges."""

BRIGHTEST = 1.25
"""Linear light that the brightest vertex colour stands for."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One camera with everything that stays the same in front of and inside it."""

    camera: Camera
    look: Look
    site: Site
    backdrop: Backdrop


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything that one picture shows; the person whom it is of is the first of the bodies."""

    view: View
    canvas: Canvas
    bodies: list[PosedBody]
    light: Light
    weather: Weather

    @property
    def reach(self) -> tuple[float, float]:
        """Metres along the line of sight to the nearest and the farthest point of all bodies."""
        depths = [projected(self.view.camera, body)[1] for body in self.bodies]
        return float(min(d.min() for d in depths)), float(max(d.max() for d in depths))


class Painter:
    """Draws scenes for finished pictures of one size. `close` gives its renderer back.

    Args:
        height: Rows of the finished pictures.
        width: Columns of the finished pictures.
        mode: What the cameras see.
        effects: Whether pictures go through the cameras' sensors, lenses and codecs.
    """

    def __init__(self, height: int, width: int, mode: Mode, effects: bool) -> None:
        self._height, self._width, self._mode, self._effects = height, width, mode, effects
        rows, columns = Canvas.largest(height, width)
        self.renderer = Renderer(rows * FINER, columns * FINER)

    def close(self) -> None:
        """Give the renderer back."""
        self.renderer.close()

    def paint(
        self, scene: Scene, shown: Drawing, generator: np.random.Generator, sky: np.random.Generator
    ) -> ImageArray:
        """Finish a picture.

        Args:
            scene: What it shows.
            shown: The picture's part of the drawing of its people, as `people` gives it.
            generator: Draws the camera's noise and fluctuations.
            sky: Draws what falls from it.

        Returns:
            (height, width, 3) uint8 sRGB, or grey.
        """
        if self._mode == "depth":
            return self._depth(scene, shown, generator)
        return self._photo(scene, shown, generator, sky)

    def people(self, scene: Scene) -> tuple[Drawing, Drawing]:
        """Draw people on all of the canvas; and the picture's part of that, without what things in front hide."""
        camera, site = scene.view.camera, scene.view.site
        match self._mode:
            case "colour":
                bodies = scene.bodies
            case "infrared":
                bodies = [replace(body, body=in_infrared(body.body)) for body in scene.bodies]
            case "depth":
                bodies = [replace(body, body=in_white(body.body)) for body in scene.bodies]
        if self._mode == "depth":
            nearest, farthest = scene.reach
            depths = [(camera.depths(body.points) - nearest) / (farthest - nearest) for body in bodies]
            shades = [np.repeat(depth[:, None], 3, axis=1) for depth in depths]
        else:
            lights = [light_on(body, site, scene.light) for body in bodies]
            shades = [np.minimum(to_display(light / BRIGHTEST), 1.0) for light in lights]
        drawn = self._draw(camera, scene.canvas, bodies, shades)
        shown = drawn.part(*scene.canvas.window(FINER))
        return drawn, shown.without(self._things_in_front(scene, shown))

    def _photo(
        self, scene: Scene, shown: Drawing, generator: np.random.Generator, sky: np.random.Generator
    ) -> ImageArray:
        """Put people, site and shadows together, and take them through the camera; (height, width, 3) uint8 sRGB."""
        view, canvas, look = scene.view, scene.canvas, look_in(scene.weather, scene.view.look)
        if self._mode == "infrared":
            look = infrared_look(look)
        figures = averaged(shown.pixels)
        if self._effects:
            speed = _speed(view.camera, scene.bodies[0]) * canvas.size[1] / canvas.box.width
            figures = in_motion(look, figures, speed)
        uncovered = 1 - figures[..., 3]
        everyone = np.concatenate([body.points for body in scene.bodies])
        display = view.backdrop.draw(canvas.box, canvas.size, scene.light, everyone, uncovered > 0, scene.weather)
        for channel in range(3):
            people = figures[..., channel] * np.float32(BRIGHTEST ** (1 / GAMMA))
            display[..., channel] = people + display[..., channel] * uncovered
        if self._mode == "infrared":
            depth = depth_of(view.camera, scene.bodies[0])
            depths = view.backdrop.depths_with_ground(canvas.box, canvas.size)
            display = infrared_picture(display, np.where(uncovered < 0.5, np.float32(depth), depths), depth)
        display = falling(scene.weather, display, sky)
        seen = (
            through(look, display, canvas.box.height / len(display), generator)
            if self._effects
            else to_bytes(display)
        )
        return enlarged(seen, self._height, self._width)

    def _depth(self, scene: Scene, shown: Drawing, generator: np.random.Generator) -> ImageArray:
        """Picture how far everything is; (height, width, 3) uint8, grey."""
        nearest, farthest = scene.reach
        middle = FINER // 2
        people = shown.pixels[middle::FINER, middle::FINER]
        on_people = nearest + (farthest - nearest) / 255.0 * people[..., 0].astype(np.float32)
        behind = scene.view.backdrop.depths_with_ground(scene.canvas.box, scene.canvas.size)
        depths = np.asarray(np.where(people[..., 3] > 0, on_people, behind), np.float32)
        return self._spread(depth_picture(scene.view.camera, depths, generator))

    def mask(self, scene: Scene, shown: Drawing) -> ImageArray:
        """(height, width) uint8, which of `parts.PARTS` of the person each pixel of the picture shows."""
        white = [replace(body, body=in_white(body.body)) for body in scene.bodies]
        shades = [label_colours(white[0].body), *(np.zeros_like(body.points) for body in white[1:])]
        drawn = self._draw(scene.view.camera, scene.canvas, white, shades).part(*scene.canvas.window(FINER))
        labels = labels_of(drawn.pixels[..., 0].astype(np.float32) / np.float32(255.0))
        return self._spread(np.where(shown.of(0), labels, 0).astype(np.uint8))

    def _spread(self, picture: ImageArray) -> ImageArray:
        """Scale a picture whose values cannot be mixed to the size of the finished one."""
        rows, columns = picture.shape[:2]
        whole = 0.0, 0.0, float(columns), float(rows)
        return np.asarray(cropped(picture, whole, (self._height, self._width), smooth=False), np.uint8)

    def _draw(self, camera: Camera, canvas: Canvas, bodies: list[PosedBody], shades: list[FloatArray]) -> Drawing:
        """Draw bodies alone on a canvas, `FINER` times as large as it is, as the camera's lens bends them."""
        bent = [replace(body, points=camera.bent(body.points)) for body in bodies]
        rows, columns = canvas.drawn_size
        return self.renderer.draw(bent, shades, camera.projection(canvas.drawn), (rows * FINER, columns * FINER))

    def _things_in_front(self, scene: Scene, shown: Drawing) -> npt.NDArray[np.bool_] | None:
        """(rows, columns) where a thing of the site is nearer than the body there; None when none is."""
        view, canvas = scene.view, scene.canvas
        depths = [depth_of(view.camera, body) for body in scene.bodies]
        if view.site.nearest_obstacle > max(depths) + view.camera.height:
            return None
        before = view.backdrop.depths(canvas.box, canvas.size)
        nearer = np.zeros(canvas.size, np.bool_)
        for number, depth in enumerate(depths):
            nearer |= shown.of(number)[::FINER, ::FINER] & (before < depth)
        return nearer if nearer.any() else None

    def visible_fraction(self, scene: Scene, drawn: Drawing, shown: Drawing) -> float:
        """Share of the pixels of the first body's figure that the picture shows."""
        camera, subject, *others = scene.view.camera, *scene.bodies
        if any(may_hide(camera, other, subject) for other in others):
            drawn = self._draw(camera, scene.canvas, [subject], [np.zeros_like(subject.points)])
        return _count(shown.of(0)) / max(1, _count(drawn.of(0)))


def _count(mask: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def averaged(drawn: ImageArray) -> FloatArray:
    """Average squares of `FINER` × `FINER` pixels of uint8 to 0 to 1; adding slices is much faster than `mean`."""
    averaged = np.zeros((drawn.shape[0] // FINER, drawn.shape[1] // FINER, 4), np.float32)
    # Four bytes at a time: numpy is slow along rows of four.
    whole = drawn.view(np.uint32)[..., 0]
    covered = np.flatnonzero(whole.max(axis=1))
    if len(covered):
        rows = slice(covered[0] // FINER, covered[-1] // FINER + 1)
        pixels = whole[rows.start * FINER : rows.stop * FINER]
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


@lru_cache(maxsize=8)
def depth_of(camera: Camera, body: PosedBody) -> float:
    """Metres along the line of sight to a body's feet; things that are nearer than these stand in front of it.

    Of somebody who sits, to the nearest joint of the legs: a bench is behind those who face the camera, and in front
    of those who turn their backs to it.
    """
    if body.pose.seated:
        return float(camera.depths(body.key_points[LEG_POINTS]).min())
    middle = body.middle.copy()
    middle[2] = 0.0
    return float(camera.depths(middle[None])[0])


def _speed(camera: Camera, body: PosedBody) -> float:
    """Pixels that a walking body crosses in a second, to the right in the camera's picture."""
    turn, metres = np.radians(body.heading), 1.3 * body.pose.amount
    further = body.middle + np.array([-np.sin(turn), np.cos(turn), 0.0], np.float32) * np.float32(0.1 * metres)
    now, soon = camera.pixels(np.stack([body.middle, further]))[:, 0]
    return 10.0 * float(soon - now)
