"""Smooth random walks through a world: cameras that go, look around, and turn back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.worlds.casting import (
    PUBLIC_FROM_WORLD,
    Projector,
    cast,
    cast_rays,
    inside_any,
)
from engine.training.worlds.rendering import Scene
from engine.training.worlds.shapes import Shapes

Floats = NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True)
class WalkStyle:
    """Where and how cameras move.

    Attributes:
        areas: rectangles x0, y0, x1, y1 on the ground that starts are drawn from.
        eye_height: lowest and highest start above the ground, metres.
        clearance: metres to keep from everything.
        fov: horizontal field of view, degrees, lowest and highest.
        pitch: mean and deviation of the starting pitch in degrees; up is positive.
        ceiling: cameras stay below this height, metres.
        step_range: free distances are held within these bounds before steps are sized by them.
        stay: whether cameras must remain within the areas.
    """

    areas: tuple[tuple[float, float, float, float], ...]
    eye_height: tuple[float, float] = (1.2, 1.75)
    clearance: float = 0.35
    fov: tuple[float, float] = (50.0, 85.0)
    pitch: tuple[float, float] = (-4.0, 6.0)
    ceiling: float = 30.0
    step_range: tuple[float, float] = (0.5, 25.0)
    stay: bool = False

    def allows(self, x: float, y: float) -> bool:
        """Whether a camera may be over a place."""
        inside = any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in self.areas)
        return inside or not self.stay


@dataclass(frozen=True)
class Pose:
    """A camera in world axes: position (metres), angles in radians."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    roll: float

    @property
    def position(self) -> Floats:
        return np.array([self.x, self.y, self.z])

    def camera(self, intrinsics: Intrinsics) -> Camera:
        """Yaw 0 looks along +x, positive turns left; pitch up is positive."""
        cy, sy, cp, sp = (f(a) for a in (self.yaw, self.pitch) for f in (math.cos, math.sin))
        forward = np.array([cy * cp, sy * cp, sp])
        right = np.array([sy, -cy, 0.0])
        down = np.cross(forward, right)
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        R = np.stack([cr * right + sr * down, cr * down - sr * right, forward], axis=1)
        T = np.eye(4)
        T[:3, :3] = PUBLIC_FROM_WORLD @ R
        T[:3, 3] = PUBLIC_FROM_WORLD @ self.position
        return Camera(T, intrinsics)


class Surveyor:
    """Answers how much room there is around a place."""

    def __init__(self, scene: Scene, style: WalkStyle, rays: int = 36) -> None:
        self.shapes, self.land, self.style, self.rays = scene.shapes, scene.terrain, style, rays
        shapes = scene.shapes
        angle = np.arange(rays) * (2 * math.pi / rays)
        ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(rays)])
        tilted = [
            np.stack([np.cos(angle[::6]) * c, np.sin(angle[::6]) * c, np.full(6, s)])
            for c, s in ((0.7, 0.7), (0.7, -0.7))
        ]
        poles = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, -1.0]])
        every = np.concatenate([ring, *tilted, poles], axis=1)
        self.reach = shapes.M.flatten(1).norm(dim=1)
        self.directions = torch.as_tensor(every, dtype=torch.float32, device=shapes.A.device)

    def ring(self, position: Floats) -> Floats | None:
        """Free distances (rays,) counter-clockwise from +x; None where there is too little room."""
        if not self.style.allows(float(position[0]), float(position[1])):
            return None
        at = torch.as_tensor(position, dtype=torch.float32, device=self.shapes.A.device)
        free = cast_rays(self._relevant(at), at, self.directions)
        if float(free.min()) < self.style.clearance or position[2] > self.style.ceiling:
            return None
        if inside_any(self.shapes, at):
            return None
        if self.land is not None:
            if position[2] - self.ground(*position[:2]) < self.style.clearance:
                return None
            free[: self.rays] = torch.minimum(free[: self.rays], self._land_distance(at))
        return (
            free[: self.rays]
            .cpu()
            .numpy()
            .astype(np.float64)
            .clip(max=2 * self.style.step_range[1])
        )

    def ground(self, x: float, y: float) -> float:
        """Height of the ground; 0 where there is no land."""
        return 0.0 if self.land is None else self.land.height_at(x, y)

    def _land_distance(self, at: torch.Tensor) -> torch.Tensor:
        """How far rays that fall by a tenth of their length run above the land, (rays,)."""
        assert self.land is not None
        r = torch.logspace(-0.3, 2.1, 28, device=at.device)
        d = self.directions[:, : self.rays]
        x, y = at[0] + d[0][:, None] * r, at[1] + d[1][:, None] * r
        height = self.land.height(x.flatten(), y.flatten()).view(x.shape)
        return torch.where(height > at[2] - 0.1 * r, r, torch.inf).amin(1)

    def _relevant(self, at: torch.Tensor) -> Shapes:
        """Small shapes far away do not matter to how much room there is."""
        gap = (self.shapes.centre - at).norm(dim=1) - self.reach
        return self.shapes.subset((gap < 1.0) | ((self.reach > 0.5) & (gap < 60.0)))

    def in_view(self, ring: Floats, yaw: float, fov: float) -> float:
        """Median free distance within the horizontal field of view."""
        count = max(1, round(self.rays * fov / (4 * math.pi)))
        middle = round(yaw / (2 * math.pi) * self.rays)
        seen = ring[np.arange(middle - count, middle + count + 1) % self.rays]
        return float(np.median(seen))

    def interest(self, pose: Pose, intrinsics: Intrinsics) -> float:
        """How much a camera would see: the number of things, and room in front of it."""
        projector = Projector.from_camera(pose.camera(intrinsics), self.shapes.A.device)
        hits = cast(self.shapes, projector, 24, 40)
        things = int(hits.shape.unique().numel())
        near = float((hits.depth < 2 * self.style.clearance).float().mean())
        room = float(hits.depth.clamp(max=20.0).median())
        return math.log(1 + things) + 0.3 * math.log(0.1 + room) - 3 * near


@dataclass
class _Motion:
    """What a walker is doing for a few views: speeds are per view."""

    ahead: float
    left: float
    up: float
    turn: float  # radians
    tilt: float
    remaining: int


def random_walk(scene: Scene, style: WalkStyle, views: int, rng: Random) -> list[Camera]:
    """`views` cameras in project axes, the first one first.

    Raises ValueError when no place with enough room can be found.
    """
    fov = rng.uniform(*style.fov)
    intrinsics = Intrinsics.from_fov(fov, 16 / 9)
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
        yaws = rng.uniform(0, 2 * math.pi, 4)
        yaw = max(yaws, key=lambda a: surveyor.in_view(ring, a, fov) * rng.uniform(0.5, 1.5))
        pitch = math.radians(np.clip(rng.normal(*style.pitch), -25, 25))
        pose = Pose(*at, float(yaw), float(pitch), math.radians(rng.normal(0, 0.8)))
        score = surveyor.interest(pose, intrinsics) + rng.normal(0, 0.25)
        if best is None or score > best[0]:
            best = (score, pose)
        if found >= 4:
            break
    if best is None:
        raise ValueError("no free place for a camera was found in this world")
    return best[1]


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
        if surveyor.ring(at) is None or not _free_between(surveyor, pose.position, at):
            continue
        pitch = pose.pitch + motion.tilt - 0.1 * (pose.pitch + math.radians(3))
        limit = math.radians(25)
        after = Pose(*at, pose.yaw + motion.turn, float(np.clip(pitch, -limit, limit)), pose.roll)
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


def _free_between(surveyor: Surveyor, a: Floats, b: Floats) -> bool:
    way = b - a
    length = float(np.linalg.norm(way))
    if length < 1e-6:
        return True
    device = surveyor.shapes.A.device
    start = torch.as_tensor(a, dtype=torch.float32, device=device)
    d = torch.as_tensor(way / length, dtype=torch.float32, device=device)
    free = float(cast_rays(surveyor.shapes, start, d[:, None])[0])
    return free > length + surveyor.style.clearance * 0.5


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
    return Pose(*at, mixed[3] + turn, mixed[4] + tilt, mixed[5])


def _fields(p: Pose) -> tuple[float, ...]:
    return (p.x, p.y, p.z, p.yaw, p.pitch, p.roll)
