"""Named camera paths, sized by the scene: a macro shot and a valley get the same motion in σ.

A path shape is a function of progress in [0, 1] that returns the camera's motion in the start
camera's own frame, at progress 0 the identity. To add one, write such a function and put it into
`_SHAPES`; `forth-and-back:NAME` then works by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.geometry.cameras import Array, Camera
from engine.geometry.rotations import rotation_about_x, rotation_about_y

#: How far the paths go, in units of σ (the median depth of the start view) or in degrees.
FORWARD_REACH = 0.45
STRAFE_REACH = 0.30
ORBIT_DEGREES = 30.0
LOOK_AROUND_DEGREES = 50.0
SPIRAL_RADIUS = 0.16
SPIRAL_RISE = 0.05
SPIRAL_TURNS = 1.5
#: A path that moves ahead stops after this share of the free room, so that nothing is hit.
ROOM_SHARE = 0.6

FORTH_AND_BACK = "forth-and-back"


class PathError(ValueError):
    """A path that does not exist, or that cannot be sized; one sentence for the user."""


@dataclass(frozen=True)
class Extent:
    """How far a path may go.

    Attributes:
        scale: σ in scene units.
        ahead: the farthest that a path may move along the optical axis, in scene units.
    """

    scale: float
    ahead: float


@dataclass(frozen=True)
class PathView:
    """One camera of a path.

    Attributes:
        camera: in the world of the start camera.
        leg: on the way out or on the way back.
        progress: where on the path's shape, in (0, 1]; falls on the way back.
    """

    camera: Camera
    leg: Literal["out", "back"]
    progress: float


def named_path(
    name: str, views: int, start: Camera, scene_scale: float, room: float = math.inf
) -> list[Camera]:
    """The cameras of a named path, `views` of them; the start camera itself is not among them.

    Args:
        name: one of `PATH_NAMES`, or `forth-and-back:NAME` for another one than forward.
        views: how many cameras, at least 1.
        start: the photo's camera; all others share its lens.
        scene_scale: σ, the median depth of the start view, in scene units.
        room: free way ahead of the start (`room_ahead`), scene units; inf where it is not known.

    Raises:
        PathError: unknown name, no views, or a size that is not positive.
    """
    return [v.camera for v in path_views(name, views, start, scene_scale, room)]


def path_views(
    name: str, views: int, start: Camera, scene_scale: float, room: float = math.inf
) -> list[PathView]:
    """As `named_path`, with the leg that each camera belongs to."""
    shape = _shape(name)
    if views < 1:
        raise PathError(f"a path needs at least 1 view, not {views}")
    if not (math.isfinite(scene_scale) and scene_scale > 0):
        raise PathError(f"the scene scale must be a positive number, not {scene_scale}")
    if not room > 0:
        raise PathError(f"the room ahead must be positive, not {room}")
    extent = Extent(scene_scale, min(FORWARD_REACH * scene_scale, ROOM_SHARE * room))

    def camera_at(progress: float) -> Camera:
        return start.moved(shape(progress, extent))

    out_views = way_out_views(name, views)
    out = [(i + 1) / out_views for i in range(out_views)]
    cameras_out = [camera_at(s) for s in out]
    legs = [PathView(c, "out", s) for c, s in zip(cameras_out, out, strict=True)]
    passed = np.stack([c.T_world_camera for c in (start, *cameras_out)])
    for j in range(views - out_views):
        middle = 1.0 - (j + 0.5) / out_views
        slack = 0.3 / out_views
        candidates = [middle + slack * k / 4 for k in (0, 1, -1, 2, -2, 3, -3, 4, -4)]
        gaps = [_nearest(camera_at(s), passed, scene_scale) for s in candidates]
        best = candidates[int(np.argmax(gaps))]
        legs.append(PathView(camera_at(best), "back", best))
    return legs


def way_out_views(name: str, views: int) -> int:
    """How many of a path's views are on the way out; the others, after them, are the way back."""
    _shape(name)
    return (views + 1) // 2 if name.split(":")[0] == FORTH_AND_BACK else views


def room_ahead(depth: Tensor, central_share: float = 0.5, quantile: float = 0.05) -> float:
    """Free way along the optical axis: a low quantile of the depth in the picture's middle.

    Args:
        depth: (H, W) z-depth of the start view; sky is inf, unknown is nan.
        central_share: width and height of that middle, as a share of the picture.
        quantile: so that a few wrong pixels do not stop the path.

    Returns:
        Scene units; inf where the middle is all sky or unknown.
    """
    H, W = depth.shape
    margin = (1.0 - central_share) / 2
    rows, columns = round(H * margin), round(W * margin)
    middle = depth[rows : H - rows, columns : W - columns]
    known = middle[~torch.isnan(middle) & (middle > 0)].sort().values
    if known.numel() == 0:
        return float("inf")
    return float(known[int(quantile * (known.numel() - 1))])


def _nearest(camera: Camera, others: Array, scale: float) -> float:
    """Smallest distance to transforms (N, 4, 4): of centres in units of σ, plus radians of turn."""
    T = camera.T_world_camera
    shift = np.linalg.norm(others[:, :3, 3] - T[:3, 3], axis=1) / scale
    cosine = (np.einsum("nij,ij->n", others[:, :3, :3], T[:3, :3]) - 1.0) / 2
    return float((shift + np.arccos(np.clip(cosine, -1.0, 1.0))).min())


def _eased(progress: float) -> float:
    """Starts and stops softly, but not so softly that the cameras at the ends fall together.

    Speed is 0.35 at the ends and grows smoothly over the first and last fifth.
    """
    ramp, floor = 0.2, 0.35
    if progress > 0.5:
        return 1.0 - _eased(1.0 - progress)
    plateau = 1.0 / (floor * ramp + (1.0 - ramp))
    if progress >= ramp:
        return 0.5 - plateau * (0.5 - progress)
    x = progress / ramp
    smooth = x**3 - x**4 / 2  # integral of smoothstep
    return plateau * ramp * (floor * x + (1.0 - floor) * smooth)


def _sweep(progress: float) -> float:
    """0 → 1 → −1, each stretch eased, time shared out by length."""
    if progress < 1 / 3:
        return _eased(progress * 3)
    return 1.0 - 2.0 * _eased((progress - 1 / 3) * 1.5)


def _motion(R: Array, t: Sequence[float]) -> Array:
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = t
    return T


def _forward(progress: float, extent: Extent) -> Array:
    return _motion(np.eye(3), (0.0, 0.0, extent.ahead * _eased(progress)))


def _strafe(progress: float, extent: Extent) -> Array:
    return _motion(np.eye(3), (STRAFE_REACH * extent.scale * _sweep(progress), 0.0, 0.0))


def _orbit(progress: float, extent: Extent) -> Array:
    """To the right around the point at depth σ on the axis, keeping it in the middle."""
    angle = np.radians(ORBIT_DEGREES) * _eased(progress)
    x, z = np.sin(angle) * extent.scale, (1.0 - np.cos(angle)) * extent.scale
    return _motion(rotation_about_y(-angle), (x, 0.0, z))


def _look_around(progress: float, extent: Extent) -> Array:
    angle = np.radians(LOOK_AROUND_DEGREES) * _sweep(progress)
    return _motion(rotation_about_y(angle), (0.0, 0.0, 0.0))


def _spiral_motion(s: float, extent: Extent) -> Array:
    """Widening turns while moving ahead, looking at a point beyond; never below the start."""
    turn = 2 * np.pi * SPIRAL_TURNS * s
    x = SPIRAL_RADIUS * extent.scale * s * np.sin(turn)
    y = -SPIRAL_RISE * extent.scale * s * (1.0 - np.cos(turn))
    z = 0.7 * extent.ahead * s
    ahead = 1.5 * extent.scale - z
    yaw = -np.arctan2(x, ahead)
    pitch = np.arctan2(y, np.hypot(x, ahead))
    return _motion(rotation_about_y(yaw) @ rotation_about_x(pitch), (x, y, z))


@cache
def _spiral_lengths() -> Array:
    """Share of the spiral's length that lies behind each of evenly spaced parameters."""
    unit = Extent(1.0, FORWARD_REACH)
    points = np.stack([_spiral_motion(s, unit)[:3, 3] for s in np.linspace(0.0, 1.0, 257)])
    lengths = np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))
    return np.concatenate([[0.0], lengths / lengths[-1]])


def _spiral(progress: float, extent: Extent) -> Array:
    """The spiral at even speed: its outer turns are longer than its inner ones."""
    lengths = _spiral_lengths()
    s = np.interp(_eased(progress), lengths, np.linspace(0.0, 1.0, len(lengths)))
    return _spiral_motion(float(s), extent)


Shape = Callable[[float, Extent], Array]

_SHAPES: dict[str, Shape] = {
    "forward": _forward,
    "strafe": _strafe,
    "orbit": _orbit,
    "look-around": _look_around,
    "spiral": _spiral,
}

PATH_NAMES: tuple[str, ...] = (*_SHAPES, FORTH_AND_BACK)


def _shape(name: str) -> Shape:
    first, _, inner = name.partition(":")
    if first == FORTH_AND_BACK:
        first = inner if inner or ":" in name else "forward"
    elif inner or ":" in name:
        raise PathError(f"only {FORTH_AND_BACK} takes another path's name, as {name!r} does not")
    if first not in _SHAPES:
        known = ", ".join(_SHAPES)
        raise PathError(
            f"there is no path {name!r}; choose {known}, {FORTH_AND_BACK} or {FORTH_AND_BACK}:NAME"
        )
    return _SHAPES[first]
