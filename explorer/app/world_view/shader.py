"""Carries pictures on the GPU: what `memory.pictures.carrying` does at rims, for every pixel.

The processor lands rays at the low size alone, which gives each pixel its two guesses of the depth
and what fills the holes; the shader lands on the pictures themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vispy import gloo, scene
from vispy.visuals import Visual

from engine.geometry.cameras import Camera
from explorer.app.world_view.carrier import Seen
from explorer.app.world_view.screen import CORNERS, VERTEX
from memory.pictures.carriable import DEFAULT, Carriable
from memory.pictures.landing import EDGE, Motion
from memory.pictures.low_size import LowSize

#: Pictures that one layer carries at most: a fragment may look at no more than 16 textures.
MOST = 3
#: Pictures whose textures stay on the GPU.
KEPT = 8

_COMMON = f"""
varying vec2 v_place;
uniform vec2 u_pixels;
uniform vec2 u_grid;
uniform float u_cell;
uniform float u_tolerance;
uniform float u_share;
uniform int u_count;
uniform sampler2D u_guess;
uniform sampler2D u_fill;
const float EDGE = {EDGE};
const float LEAST = 1e-6;

float inverse_at(sampler2D inverse, vec2 size, vec2 place) {{
    vec2 a = clamp(place - 0.5, vec2(0.0), size - 1.001);
    vec2 corner = floor(a);
    vec2 within = a - corner;
    float one = texture2D(inverse, (corner + vec2(0.5, 0.5)) / size).r;
    float two = texture2D(inverse, (corner + vec2(1.5, 0.5)) / size).r;
    float three = texture2D(inverse, (corner + vec2(0.5, 1.5)) / size).r;
    float four = texture2D(inverse, (corner + vec2(1.5, 1.5)) / size).r;
    float high = max(max(one, two), max(three, four));
    float low = min(min(one, two), min(three, four));
    if (high - low > EDGE * high) {{
        float above = within.x > 0.5 ? two : one;
        float below = within.x > 0.5 ? four : three;
        return within.y > 0.5 ? below : above;
    }}
    return mix(mix(one, two, within.x), mix(three, four, within.x), within.y);
}}

float limit(float a, float b, float c) {{
    float step = b - a;
    float bend = c - b - step;
    if (abs(bend) <= 1e-3 * max(abs(step), 1e-9)) return c;
    float end = a - step * step / bend;
    return end >= 0.0 && end <= 2.0 * max(max(a, b), c) ? end : c;
}}
"""
#: One picture; NUMBER is replaced.
_SOURCE = """
uniform sampler2D u_rgbaNUMBER;
uniform sampler2D u_inverseNUMBER;
uniform vec2 u_sizeNUMBER;
uniform vec4 u_thereNUMBERx;
uniform vec4 u_thereNUMBERy;
uniform vec4 u_thereNUMBERz;
uniform vec4 u_backNUMBERx;
uniform vec4 u_backNUMBERy;
uniform vec4 u_backNUMBERz;

vec4 lookNUMBER(vec2 pixel, float along) {
    vec4 ray = vec4(pixel, 1.0, along);
    vec2 place = vec2(dot(u_thereNUMBERx, ray), dot(u_thereNUMBERy, ray))
        / max(dot(u_thereNUMBERz, ray), LEAST);
    place = clamp(place, vec2(-9.0), u_sizeNUMBER + 9.0);
    float here = inverse_at(u_inverseNUMBER, u_sizeNUMBER, place);
    return vec4(place, here, dot(u_backNUMBERz, vec4(place, 1.0, here)));
}

bool landNUMBER(vec2 pixel, float guess, inout vec3 colour) {
    vec4 seen = lookNUMBER(pixel, guess);
    float first = seen.z / max(seen.w, LEAST);
    seen = lookNUMBER(pixel, first);
    float second = seen.z / max(seen.w, LEAST);
    seen = lookNUMBER(pixel, limit(guess, first, second));
    vec4 point = vec4(seen.xy, 1.0, seen.z);
    float ratio = max(seen.w, LEAST);
    vec2 beside = vec2(dot(u_backNUMBERx, point), dot(u_backNUMBERy, point)) / ratio - pixel;
    beside *= min(ratio, 1.0);
    bool inside = all(greaterThanEqual(seen.xy, vec2(-0.5)))
        && all(lessThanEqual(seen.xy, u_sizeNUMBER + 0.5));
    bool near = dot(beside, beside) < u_tolerance * u_tolerance;
    if (!inside || !near || seen.w <= LEAST) return false;
    colour = texture2D(u_rgbaNUMBER, seen.xy / u_sizeNUMBER).rgb;
    return true;
}
"""
_TRY = """
    if (!found && u_count > NUMBER) {
        found = landNUMBER(pixel, guess.x, colour);
        if (!found && guess.y < 0.99 * guess.x) found = landNUMBER(pixel, guess.y, colour);
    }
"""
_MAIN = """
void main() {
    vec2 pixel = v_place * u_pixels;
    vec2 cell = pixel / u_cell + 1.0;
    vec4 guess = texture2D(u_guess, (floor(cell) + 0.5) / u_grid);
    vec4 fill = texture2D(u_fill, cell / u_grid);
    vec3 colour = fill.rgb;
    bool hole = guess.z > 0.5;
    bool found = hole;
TRIES
    if (found && !hole) colour = mix(fill.rgb, colour, fill.a);
    gl_FragColor = vec4(colour, u_share);
}
"""


def _fragment() -> str:
    numbers = [str(number) for number in range(MOST)]
    sources = [_SOURCE.replace("NUMBER", number) for number in numbers]
    tries = "".join(_TRY.replace("NUMBER", number) for number in numbers)
    return _COMMON + "".join(sources) + _MAIN.replace("TRIES", tries)


@dataclass(frozen=True, eq=False)
class ShaderLayer:
    """What the processor found for one layer.

    Attributes:
        sources: the best first.
        guess: (h, w, 3) float32, near and far inverse depth of each cell, and 1 where no picture
            is seen.
        fill: (h, w, 4) uint8, colours for holes; the last is how much of a picture is left.
        share: how much is seen of it.
    """

    sources: Sequence[Carriable]
    guess: NDArray[np.float32]
    fill: NDArray[np.uint8]
    share: float


@dataclass(frozen=True, eq=False)
class ShaderFrame:
    """Layers from below, the camera that sees them, (width, height), and the share of holes."""

    layers: Sequence[ShaderLayer]
    camera: Camera
    size: tuple[int, int]
    holes: float


class ByShader:
    """The processor's part, in the carrier's thread."""

    def frame(self, layers: Sequence[Seen], camera: Camera) -> ShaderFrame:
        size, made, holes = layers[0].sources[0].size, [], 0.0
        for layer in layers:
            sources = list(layer.sources[:MOST])
            low = LowSize(sources, camera, size, DEFAULT)
            near, far = low.guesses()
            hole = (low.which == 0) & ~low.rims()
            guess = np.stack([near, far, hole.astype(np.float32)], axis=-1)
            fill, trust = np.array(low.fill(sources)), low.trust()
            fill[..., 3] = 255 if trust is None else np.round(255 * trust)
            made.append(ShaderLayer(sources, guess, fill, layer.share))
            holes = float((low.which[1:-1, 1:-1] == 0).mean())
        return ShaderFrame(made, camera, size, holes)


class CarryingVisual(Visual):  # type: ignore[misc]
    """A rectangle at the origin that shows one layer."""

    def __init__(self) -> None:
        Visual.__init__(self, vcode=VERTEX, fcode=_fragment())
        self._draw_mode = "triangle_strip"
        program = self.shared_program
        program["a_position"] = gloo.VertexBuffer(CORNERS)
        program["u_size"] = (1.0, 1.0)
        self._guess = _texture(np.zeros((2, 2, 3), np.float32), "nearest", "rgb32f")
        self._fill = _texture(np.zeros((2, 2, 4), np.uint8), "linear")
        program["u_guess"], program["u_fill"] = self._guess, self._fill
        self.set_gl_state(
            depth_test=False,
            cull_face=False,
            blend=True,
            blend_func=("src_alpha", "one_minus_src_alpha"),
        )

    def set_layer(
        self,
        layer: ShaderLayer,
        textures: Sequence[tuple[gloo.Texture2D, gloo.Texture2D]],
        camera: Camera,
        size: tuple[int, int],
        share: float,
    ) -> None:
        """`textures` are (colours, inverse depth) of each of the layer's sources."""
        program, (width, height) = self.shared_program, (float(size[0]), float(size[1]))
        self._guess.set_data(layer.guess)
        self._fill.set_data(layer.fill)
        program["u_pixels"] = (width, height)
        program["u_grid"] = (float(layer.guess.shape[1]), float(layer.guess.shape[0]))
        program["u_cell"], program["u_tolerance"] = float(DEFAULT.cell), DEFAULT.tolerance
        program["u_share"], program["u_count"] = share, len(layer.sources)
        for number in range(MOST):
            source = layer.sources[min(number, len(layer.sources) - 1)]
            rgba, inverse = textures[min(number, len(layer.sources) - 1)]
            program[f"u_rgba{number}"], program[f"u_inverse{number}"] = rgba, inverse
            own = source.camera, source.surface.size
            program[f"u_size{number}"] = own[1]
            there = Motion.between(camera, (width, height), *own)
            back = Motion.between(*own, camera, (width, height))
            for name, motion in (("there", there), ("back", back)):
                for row, axis in enumerate("xyz"):
                    values = (*motion.M[row].tolist(), float(motion.m[row]))
                    program[f"u_{name}{number}{axis}"] = values
        self.update()

    def place(self, size: tuple[float, float]) -> None:
        """(width, height) pixels of the rectangle."""
        self.shared_program["u_size"] = size
        self.update()

    @staticmethod
    def _prepare_transforms(view: CarryingVisual) -> None:
        view.view_program.vert["visual_to_render"] = view.get_transform()

    def _prepare_draw(self, view: CarryingVisual) -> bool | None:
        return None

    def _compute_bounds(self, axis: int, view: CarryingVisual) -> None:
        return None


CarryingPlane = scene.visuals.create_visual_node(CarryingVisual)


def _texture(
    data: NDArray[np.generic], interpolation: str, internal: str | None = None
) -> gloo.Texture2D:
    return gloo.Texture2D(
        data, interpolation=interpolation, wrapping="clamp_to_edge", internalformat=internal
    )


class ShaderScreen:
    """Two planes, so that one choice of pictures fades into the next.

    Args:
        box: what they fill.
    """

    def __init__(self, box: scene.widgets.ViewBox) -> None:
        self.way = ByShader()
        self._planes = [CarryingPlane(parent=box) for _ in range(2)]
        for order, plane in enumerate(self._planes):
            plane.order, plane.visible = 10 + order, False
        self._textures: OrderedDict[int, tuple[Carriable, gloo.Texture2D, gloo.Texture2D]] = (
            OrderedDict()
        )
        self._used = 0

    def show(self, frame: ShaderFrame) -> None:
        self._used = len(frame.layers)
        for number, (plane, layer) in enumerate(zip(self._planes, frame.layers, strict=False)):
            textures = [self._of(source) for source in layer.sources]
            share = 1.0 if number == 0 else layer.share
            plane.set_layer(layer, textures, frame.camera, frame.size, share)

    def place(self, size: tuple[float, float]) -> None:
        for plane in self._planes:
            plane.place(size)

    def set_visible(self, visible: bool) -> None:
        for number, plane in enumerate(self._planes):
            plane.visible = visible and number < self._used

    def _of(self, source: Carriable) -> tuple[gloo.Texture2D, gloo.Texture2D]:
        """Its textures; they are uploaded once."""
        key = id(source)
        if key not in self._textures:
            inverse = source.surface.inverse.reshape(source.surface.height, -1)
            rgba = _texture(source.rgba, "linear")
            self._textures[key] = source, rgba, _texture(inverse, "nearest", "r32f")
            while len(self._textures) > KEPT:
                self._textures.popitem(last=False)
        self._textures.move_to_end(key)
        return self._textures[key][1:]
