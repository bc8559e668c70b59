"""Takes single pictures: a person, a camera, a moment, and what is true of them."""

from functools import lru_cache

import numpy as np

from passerby.synthetic.attributes import Attributes, attributes_of
from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.body import Body, PosedBody, build_body
from passerby.synthetic.camera import Box, sample_camera
from passerby.synthetic.canvas import Canvas
from passerby.synthetic.daylight import momentary_light
from passerby.synthetic.effects import sample_look
from passerby.synthetic.keypoints import KEY_POINTS, KeyPoint
from passerby.synthetic.modes import Mode, lamp_of
from passerby.synthetic.painting import Painter, Scene, View, depth_of
from passerby.synthetic.placing import FIRST_BYSTANDER, box_around, passers_by, sitters, walker
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream
from passerby.synthetic.scene import build_site
from passerby.synthetic.sentences import sentence
from passerby.synthetic.truth import FRAME, Picture, Truth, distance_to, light_truth, pose_truth
from passerby.synthetic.visibility import in_picture, key_points_seen
from passerby.synthetic.weather import light_in, weather_at


class Studio:
    """Takes pictures of the synthetic people of one world. Use it in a `with` statement.

    Args:
        seed: The world's seed, 0 or more.
        height: Rows of the pictures.
        width: Columns of the pictures.
        effects: Whether pictures go through the cameras' sensors, lenses and codecs.
        look_alikes: How many people in a row are dressed alike, as `population.sample_person` takes it.
        clothes_sets: In how many sets of clothes each person is seen, in turn by camera and picture.
        mode: What the cameras see: colour, near infrared under a lamp of their own, or depth.
        weather: "clear", "night", "rain", "snow", or "mixed" for any of them in turn; infrared and depth cameras
            work on clear nights.
        masks: Whether pictures come with part masks.
        sitting: Share of the pictures in which people sit, on benches that then stand about; 0 to 1.

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
        mode: Mode = "colour",
        weather: str = "clear",
        masks: bool = False,
        sitting: float = 0.0,
    ) -> None:
        self._seed, self._height, self._width = seed, height, width
        self._look_alikes, self._clothes_sets = look_alikes, clothes_sets
        self._mode, self._weather, self._masks = mode, weather if mode == "colour" else "clear", masks
        self._sitting = sitting
        self._painter = Painter(height, width, mode, effects)
        self._body = lru_cache(maxsize=64)(self._build_body)
        self._described = lru_cache(maxsize=64)(self._describe)
        self._view = lru_cache(maxsize=None)(self._build_view)

    def __enter__(self) -> "Studio":
        return self

    def __exit__(self, *_: object) -> None:
        self._painter.close()

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
        # What falls from the sky is drawn apart, so that it changes nothing else.
        sky = stream(self._seed, "weather", person, camera, picture)
        weather = weather_at(self._weather, view.site.indoors, sky)
        light = light_in(weather, momentary_light(view.site.light, generator), view.site.indoors, sky)
        subject, *neighbours = self._posed(generator, view, (person, camera, picture), clothes_set)
        box = box_around(generator, view.camera, subject)
        bodies = [subject, *neighbours, *passers_by(generator, view.camera, view.site, subject, self._body)]
        canvas = Canvas.around(view.camera, box, subject, (self._height, self._width))
        if self._mode == "infrared":
            light = lamp_of(view.camera, subject)
        scene = Scene(view, canvas, bodies, light, weather)
        drawn, shown = self._painter.people(scene)
        pixels = self._painter.paint(scene, shown, generator, sky)
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
            visible_fraction=self._painter.visible_fraction(scene, drawn, shown),
            others=len(bodies) - 1,
            distance=distance_to(view.camera, subject),
            key_points=self._key_points(view, box, bodies),
            places=tuple(tuple(float(v) for v in place) for place in subject.key_points),
            light=light_truth(view.site, light, weather, subject),
            pose=pose_truth(subject),
            attributes=attributes,
            sentence=words,
        )
        return Picture(pixels, truth, self._painter.mask(scene, shown) if self._masks else None)

    def _posed(
        self, generator: np.random.Generator, view: View, numbers: tuple[int, int, int], clothes_set: int
    ) -> list[PosedBody]:
        """The person of a picture, walking or standing, or sitting with those who share the bench."""
        body = self._body(numbers[0], clothes_set)
        if self._sitting and view.site.seats:
            # Drawn apart, so that it changes nothing else.
            chance = stream(self._seed, "sitting", *numbers)
            if chance.random() < self._sitting:
                return sitters(chance, view.site, body, self._body)
        return [walker(generator, view.camera, view.site, body)]

    def _key_points(self, view: View, box: Box, bodies: list[PosedBody]) -> tuple[KeyPoint, ...]:
        """Where the picture shows the key points of the first body, and which of them are seen."""
        size, camera, subject = (self._height, self._width), view.camera, bodies[0]
        places, seen = in_picture(camera, box, size, subject.key_points), key_points_seen(camera, bodies)
        if view.site.nearest_obstacle < depth_of(camera, subject) + camera.height:
            seen &= view.backdrop.depths_at(camera.pixels(subject.key_points)) >= depth_of(camera, subject)
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

    def _build_view(self, index: int) -> View:
        camera = sample_camera(self._seed, index)
        site = build_site(self._seed, index, camera, benches=self._sitting > 0)
        return View(camera, sample_look(self._seed, index), site, Backdrop(site, camera))
