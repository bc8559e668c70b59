"""Draws bodies with Panda3D's software rasteriser: no GPU, no window, no display server.

The only module that imports panda3d, and only when a `Renderer` is made.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import MachineError, MissingExtraError
from passerby.synthetic.body import Body, PosedBody
from passerby.synthetic.pixels import turned_round
from passerby.types import FloatArray, ImageArray

_KEPT_BODIES = 64
"""How many bodies keep their texture and triangles with the renderer; the longest unused goes first."""

_TOGETHER = 8
"""How many bodies can be told apart in one drawing."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Bodies drawn on nothing.

    Attributes:
        pixels: (H, W, 4) uint8 sRGB and coverage (0 or 255), row 0 at the top.
        marks: (H, W) uint8, which body each pixel shows, as the renderer marks it; 0 for none.
    """

    pixels: ImageArray
    marks: npt.NDArray[np.uint8]

    def part(self, rows: slice, columns: slice) -> "Drawing":
        """A part of it."""
        return Drawing(np.ascontiguousarray(self.pixels[rows, columns]), self.marks[rows, columns])

    def without(self, nearer: npt.NDArray[np.bool_] | None) -> "Drawing":
        """The same where nothing is nearer, given as (H/n, W/n) for a whole n, and nothing elsewhere."""
        if nearer is None:
            return self
        finer = len(self.marks) // len(nearer)
        kept = ~nearer.repeat(finer, axis=0).repeat(finer, axis=1)
        return Drawing(self.pixels * kept[..., None], self.marks * kept)

    def of(self, number: int) -> npt.NDArray[np.bool_]:
        """(H, W) where body `number` of those drawn is seen."""
        mark = round(255 * (1.0 - number / _TOGETHER))
        return np.asarray((self.marks > mark - 9) & (self.marks < mark + 9), np.bool_)


class Renderer:
    """A buffer in memory into which posed bodies are drawn.

    Several may exist, one after another or side by side. Use it in a `with` statement.

    Args:
        height: Rows of the pictures.
        width: Columns of the pictures.

    Raises:
        MissingExtraError: panda3d is not installed.
        MachineError: The software renderer cannot start.
    """

    def __init__(self, height: int, width: int) -> None:
        self._core = core = _panda3d()
        self._engine = core.GraphicsEngine.getGlobalPtr()
        pipe = core.GraphicsPipeSelection.getGlobalPtr().makePipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
        properties = core.FrameBufferProperties()
        properties.setRgbaBits(8, 8, 8, 8)
        properties.setDepthBits(24)
        size = core.WindowProperties.size(width, height)
        refuse_window = core.GraphicsPipe.BFRefuseWindow
        buffer = pipe and self._engine.makeOutput(pipe, "people", 0, properties, size, refuse_window)
        if not buffer:
            raise MachineError("panda3d's software renderer (p3tinydisplay) did not start; reinstall panda3d")
        self._height, self._width, self._buffer = height, width, buffer
        # Most drawings are smaller than the buffer: only the region that is drawn into is cleared, and read.
        buffer.setClearColorActive(False)
        buffer.setClearDepthActive(False)
        buffer.setActive(False)
        self._scene = core.NodePath("scene")
        self._scene.setTwoSided(True)
        self._lens = core.MatrixLens()
        camera = core.Camera("camera")
        camera.setLens(self._lens)
        self._region = buffer.makeDisplayRegion()
        self._region.setClearColor((0, 0, 0, 0))
        self._region.setClearColorActive(True)
        self._region.setClearDepthActive(True)
        self._region.setCamera(self._scene.attachNewNode(camera))
        self._loaded: OrderedDict[int, _LoadedBody] = OrderedDict()

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the buffer back; the renderer cannot be used afterwards."""
        self._loaded.clear()
        self._engine.removeWindow(self._buffer)

    def draw(
        self,
        bodies: Sequence[PosedBody],
        shades: Sequence[FloatArray],
        projection: FloatArray,
        size: tuple[int, int] | None = None,
    ) -> "Drawing":
        """Draw bodies on nothing.

        Args:
            bodies: Who, in which pose; at most eight.
            shades: For each body (V, 3), the factor of light on its texture, 0 to 1.
            projection: (4, 4) matrix M that takes world points as rows, (x, y, z, 1) @ M, to clip space.
            size: Rows and columns of the drawing, at most those of the buffer; all of it when None.
        """
        rows, columns = size or (self._height, self._width)
        self._region.setDimensions(0.0, columns / self._width, 0.0, rows / self._height)
        drawn = [self._load(item.body) for item in bodies]
        for number, (loaded, item, shade) in enumerate(zip(drawn, bodies, shades, strict=True)):
            loaded.place(item.points, shade, 1.0 - number / _TOGETHER)
            # In turn: else Panda3D sorts by addresses, and who wins a pixel at equal depth is left to chance.
            loaded.node.setBin("fixed", number)
            loaded.node.reparentTo(self._scene)
        self._lens.setUserMat(self._core.LMatrix4(*(float(v) for v in projection.ravel())))
        self._buffer.setActive(True)
        self._engine.renderFrame()
        self._buffer.setActive(False)  # the engine draws into all active buffers, those of other renderers, too
        for loaded in drawn:
            loaded.node.detachNode()
        # Panda3D keeps blue first and the lowest row first.
        drawing = np.frombuffer(self._region.getScreenshot().getRamImage(), np.uint8)
        image = turned_round(drawing.reshape(rows, columns, 4))
        marks = image[..., 3].copy()
        image[..., 3] = np.uint8(255) * (marks > 0)  # the rasteriser writes 254 for opaque
        return Drawing(image, marks)

    def _load(self, body: Body) -> "_LoadedBody":
        loaded = self._loaded.pop(id(body), None) or _LoadedBody(self._core, body)
        self._loaded[id(body)] = loaded
        while len(self._loaded) > _KEPT_BODIES:
            self._loaded.popitem(last=False)
        return loaded


class _LoadedBody:
    """A body's triangles and texture as Panda3D objects; its vertices are written anew for every picture."""

    def __init__(self, core: Any, body: Body) -> None:  # noqa: ANN401
        self.body = body  # kept alive, so that its id stays its own
        count = len(body.mesh.points)
        array = core.GeomVertexArrayFormat(
            "vertex", 3, core.Geom.NTFloat32, core.Geom.CPoint,
            "color", 4, core.Geom.NTFloat32, core.Geom.CColor,
            "texcoord", 2, core.Geom.NTFloat32, core.Geom.CTexcoord,
        )  # fmt: skip
        layout = core.GeomVertexFormat.registerFormat(core.GeomVertexFormat(array))
        self._vertices = core.GeomVertexData("body", layout, core.Geom.UHDynamic)
        self._vertices.uncleanSetNumRows(count)
        self._rows = np.ones((count, 9), np.float32)
        self._rows[:, 7:] = body.mesh.texture_coordinates
        corners = core.GeomTriangles(core.Geom.UHStatic)
        corners.setIndexType(core.Geom.NTUint32)
        indices = body.mesh.triangles.astype(np.uint32).ravel()
        index_array = corners.modifyVertices()
        index_array.uncleanSetNumRows(len(indices))
        index_array.modifyHandle().copyDataFrom(indices.tobytes())
        corners.setVertices(index_array, len(indices))
        geometry = core.Geom(self._vertices)
        geometry.addPrimitive(corners)
        holder = core.GeomNode("body")
        holder.addGeom(geometry)
        # Vertices move without Panda3D's knowing: never let it cull by the bounds of an earlier pose.
        holder.setBounds(core.OmniBoundingVolume())
        holder.setFinal(True)
        self.node = core.NodePath(holder)
        self.node.setTexture(_texture(core, body.texture))

    def place(self, points: FloatArray, shade: FloatArray, mark: float) -> None:
        """Write the vertices' positions, light and mark; nothing is see-through, so alpha is free for the mark."""
        self._rows[:, :3] = points
        self._rows[:, 3:6] = shade
        self._rows[:, 6] = mark
        self._vertices.modifyArrayHandle(0).copyDataFrom(self._rows.tobytes())


def _texture(core: Any, image: ImageArray) -> Any:  # noqa: ANN401
    texture = core.Texture()
    texture.setup2dTexture(image.shape[1], image.shape[0], core.Texture.TUnsignedByte, core.Texture.FRgb)
    texture.setRamImageAs(np.ascontiguousarray(image[::-1]).tobytes(), "RGB")
    texture.setMinfilter(core.Texture.FTLinear)
    texture.setMagfilter(core.Texture.FTLinear)
    return texture


def _panda3d() -> Any:  # noqa: ANN401
    """Import panda3d.core, set up for software rendering."""
    try:
        from panda3d import core
    except ImportError as error:
        raise MissingExtraError("drawing synthetic people", "synthetic") from error
    _set_up(core)
    return core


@cache
def _set_up(core: Any) -> None:  # noqa: ANN401
    """Tell Panda3D, once and before it draws, to render in software without window, sound or chatter."""
    settings = "load-display p3tinydisplay\nwindow-type offscreen\naudio-library-name null\n"
    settings += "notify-level-display fatal\nnotify-level-tinydisplay error\n"
    core.loadPrcFileData("passerby", settings)


def panda3d_version() -> str:
    """Version of the installed panda3d.

    Raises:
        MissingExtraError: panda3d is not installed.
    """
    return str(_panda3d().PandaSystem.getVersionString())
