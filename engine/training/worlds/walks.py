"""Smooth random walks through a world: cameras that go, look around, and turn back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.worlds.rendering import Scene
from engine.training.worlds.surveying import Pose, Surveyor, WalkStyle

Random = np.random.Generator


class NoRoomError(ValueError):
    """A world in which no place for a camera was found."""


@dataclass
class _Motion:
    """What a walker is doing for a few views: speeds are per view."""

    ahead: float
    left: float
    up: float
    turn: float  # radians
    tilt: float
    remaining: int


def random_walk(
    scene: Scene, style: WalkStyle, views: int, rng: Random, aspect: float = 16 / 9
) -> list[Camera]:
    """`views` cameras in project axes, the first one first, for pictures of this width by height.

    Raises NoRoomError when no place with enough room can be found.
    """
    fov = rng.uniform(*style.fov)
    intrinsics = Intrinsics.from_fov(fov, aspect)
    surveyor = Surveyor(scene, style)
    poses = [_start(surveyor, intrinsics, rng)]
    turn_at = views
    if views > 3 and rng.random() < 0.6:
        turn_at = int(rng.integers(max(2, views // 3), views))
    motion: _Motion | None = None
    while len(poses) < views:
        if len(poses) >= turn_at:
            back = 2 * turn_at - len(poses) - 1
            if back >= 1:
                poses.append(_between(surveyor, poses[back], poses[back - 1], rng))
                continue
        pose, motion = _next(surveyor, poses[-1], motion, math.radians(fov), rng)
        poses.append(pose)
    return [p.camera(intrinsics) for p in poses]


def _start(surveyor: Surveyor, intrinsics: Intrinsics, rng: Random) -> Pose:
    """The most eventful of a few free places: much to see, not all of it too near."""
    style = surveyor.style
    fov = math.radians(intrinsics.horizontal_fov)
    best: tuple[float, Pose] | None = None
    found = 0
    for _ in range(200):
        x0, y0, x1, y1 = style.areas[int(rng.integers(len(style.areas)))]
        height = rng.uniform(*style.eye_height)
        if rng.random() < 0.15:
            height *= rng.uniform(0.5, 1.5)
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        at = np.array([x, y, height + surveyor.ground(x, y)])
        ring = surveyor.ring(at)
        if ring is None:
            continue
        found += 1
        yaws = _yaws(style, x, y, rng)
        yaw = max(yaws, key=lambda a: surveyor.in_view(ring, a, fov) * rng.uniform(0.5, 1.5))
        pitch = math.radians(np.clip(rng.normal(*style.pitch), -style.steepest, style.steepest))
        roll = math.radians(rng.normal(0, style.tilt))
        pose = Pose.at(at, float(yaw), float(pitch), roll)
        score = surveyor.interest(pose, intrinsics) + rng.normal(0, 0.25)
        if best is None or score > best[0]:
            best = (score, pose)
        if found >= 4:
            break
    if best is None:
        raise NoRoomError("no free place for a camera was found in this world; take another seed")
    return best[1]


def _yaws(style: WalkStyle, x: float, y: float, rng: Random) -> NDArray[np.float64]:
    """Directions to choose from, radians."""
    if not style.towards:
        return rng.uniform(0, 2 * math.pi, 4)
    at = style.towards[int(rng.integers(len(style.towards)))]
    return math.atan2(at[1] - y, at[0] - x) + rng.normal(0, math.radians(style.aim), 4)


def _next(
    surveyor: Surveyor, pose: Pose, motion: _Motion | None, fov: float, rng: Random
) -> tuple[Pose, _Motion]:
    ring = surveyor.ring(pose.position)
    median = surveyor.in_view(ring, pose.yaw, fov) if ring is not None else 1.0
    median = float(np.clip(median, *surveyor.style.step_range))
    for attempt in range(12):
        if motion is None or motion.remaining <= 0 or attempt:
            motion = _random_motion(median, rng, 1.0 / (1 + attempt))
        c, s = math.cos(pose.yaw), math.sin(pose.yaw)
        at = pose.position + np.array(
            [
                c * motion.ahead - s * motion.left,
                s * motion.ahead + c * motion.left,
                motion.up,
            ]
        )
        at[2] += surveyor.ground(*at[:2]) - surveyor.ground(*pose.position[:2])
        if surveyor.ring(at) is None or not surveyor.free_between(pose.position, at):
            continue
        style = surveyor.style
        pitch = pose.pitch + motion.tilt - 0.1 * (pose.pitch - math.radians(style.rest))
        limit = math.radians(style.steepest)
        after = Pose.at(at, pose.yaw + motion.turn, float(np.clip(pitch, -limit, limit)), pose.roll)
        motion.remaining -= 1
        return after, motion
    turn = math.radians(rng.choice([-1, 1]) * rng.uniform(4, 15))
    return Pose(pose.x, pose.y, pose.z, pose.yaw + turn, pose.pitch, pose.roll), _random_motion(
        median, rng, 0.3
    )


def _random_motion(median: float, rng: Random, gain: float) -> _Motion:
    """Forward, sideways, orbiting, backward or looking around, for one to five views."""
    kind = rng.choice(5, p=[0.38, 0.17, 0.25, 0.1, 0.1])
    step = median * rng.uniform(0.02, 0.15) * gain
    side = rng.choice([-1.0, 1.0])
    turn = math.radians(rng.normal(0, 4))
    ahead = left = 0.0
    if kind == 0:
        ahead, left = step, step * rng.normal(0, 0.2)
    elif kind == 1:
        ahead, left = step * rng.normal(0, 0.2), side * step
    elif kind == 2:
        # Keeps a point at 0.7 to 1.3 of the median distance in the middle of the picture.
        left, ahead = side * step, step * rng.uniform(-0.2, 0.3)
        turn = -side * step / (median * rng.uniform(0.7, 1.3)) + math.radians(rng.normal(0, 1))
    elif kind == 3:
        ahead, left = -step, step * rng.normal(0, 0.2)
    else:
        turn = side * math.radians(rng.uniform(4, 20))
        ahead = step * 0.2
    up = step * rng.normal(0, 0.12)
    tilt = math.radians(rng.normal(0, 2))
    return _Motion(ahead, left, up, turn, tilt, int(rng.integers(1, 6)))


def _between(surveyor: Surveyor, a: Pose, b: Pose, rng: Random) -> Pose:
    """On the way back: between two poses of the way out, not through them."""
    share = rng.uniform(0.3, 0.7)
    turn = math.radians(rng.normal(0, 3))
    mixed = [p + share * (q - p) for p, q in zip(_fields(a), _fields(b), strict=True)]
    jitter = rng.normal(0, 0.15, 3) * (b.position - a.position).std()
    at = np.array(mixed[:3]) + jitter
    if surveyor.ring(at) is None:
        at = np.array(mixed[:3])
    if surveyor.ring(at) is None:
        at = b.position
    tilt = math.radians(rng.normal(0, 1))
    return Pose.at(at, mixed[3] + turn, mixed[4] + tilt, mixed[5])


def _fields(p: Pose) -> tuple[float, ...]:
    return (p.x, p.y, p.z, p.yaw, p.pitch, p.roll)
