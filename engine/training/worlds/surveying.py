"""Where cameras of a walk may stand, and what they would see from there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.worlds.casting import PUBLIC_FROM_WORLD, Projector, cast
from engine.training.worlds.rendering import Scene
from engine.training.worlds.shapes import Shapes
from engine.training.worlds.solids import cast_rays, inside_any

Floats = NDArray[np.float64]


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
        steepest: cameras look no further up or down, degrees.
        rest: pitch that walkers come back to, degrees.
        towards: places that starts look at, more or less; without them, where there is room.
        tilt: standard deviation of the roll, degrees.
        aim: standard deviation of the direction around `towards`, degrees.
    """

    areas: tuple[tuple[float, float, float, float], ...]
    eye_height: tuple[float, float] = (1.2, 1.75)
    clearance: float = 0.35
    fov: tuple[float, float] = (50.0, 85.0)
    pitch: tuple[float, float] = (-4.0, 6.0)
    ceiling: float = 30.0
    step_range: tuple[float, float] = (0.5, 25.0)
    stay: bool = False
    steepest: float = 25.0
    rest: float = -3.0
    towards: tuple[tuple[float, float], ...] = ()
    tilt: float = 0.8
    aim: float = 25.0

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

    @staticmethod
    def at(position: Floats, yaw: float, pitch: float, roll: float) -> Pose:
        x, y, z = (float(v) for v in position)
        return Pose(x, y, z, yaw, pitch, roll)

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
        self.meshes = scene.meshes
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
        self._last: tuple[bytes, Floats | None] = (b"", None)
        self.directions = torch.as_tensor(every, dtype=torch.float32, device=shapes.A.device)

    def ring(self, position: Floats) -> Floats | None:
        """Free distances (rays,) counter-clockwise from +x; None where there is too little room."""
        if not self.style.allows(float(position[0]), float(position[1])):
            return None
        key = position.tobytes()
        if self._last[0] != key:
            self._last = (key, self._measured(position))
        return self._last[1]

    def _measured(self, position: Floats) -> Floats | None:
        at = torch.as_tensor(position, dtype=torch.float32, device=self.shapes.A.device)
        shapes = self._relevant(at)
        free = self._free(shapes, at, self.directions)
        if float(free.min()) < self.style.clearance or position[2] > self.style.ceiling:
            return None
        if inside_any(shapes, at):
            return None
        if self.meshes is not None and self.meshes.encloses(position):
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

    def free_between(self, a: Floats, b: Floats) -> bool:
        """Whether the straight way from a to b, and a little further, is free."""
        way = b - a
        length = float(np.linalg.norm(way))
        if length < 1e-6:
            return True
        device = self.shapes.A.device
        start = torch.as_tensor(a, dtype=torch.float32, device=device)
        d = torch.as_tensor(way / length, dtype=torch.float32, device=device)
        near = self._relevant(start, length + 1.0)
        free = float(self._free(near, start, d[:, None])[0])
        return free > length + self.style.clearance * 0.5

    def _free(self, shapes: Shapes, at: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """Distances (n,) to the first shape or thing along unit directions (3, n)."""
        free = cast_rays(shapes, at, directions)
        if self.meshes is None:
            return free
        ways = np.ascontiguousarray(directions.T.cpu().numpy())
        starts = np.repeat(at.cpu().numpy()[None], len(ways), axis=0)
        # From the start itself: what is nearer than any camera may be must count.
        things = self.meshes.first(starts, ways, near=0.0).depth
        return torch.minimum(free, things.to(free.device))

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

    def _relevant(self, at: torch.Tensor, near: float = 1.0) -> Shapes:
        """Shapes that matter to how much room there is: near ones, and large ones."""
        gap = (self.shapes.centre - at).norm(dim=1) - self.reach
        return self.shapes.subset((gap < near) | ((self.reach > 0.5) & (gap < 60.0)))

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
        if self.meshes is not None:
            hits = self.meshes.over(hits, projector, len(self.shapes))
        things = int(torch.bincount(hits.shape.flatten() + 1).count_nonzero())
        near = float((hits.depth < 2 * self.style.clearance).float().mean())
        room = float(hits.depth.clamp(max=20.0).median())
        return math.log(1 + things) + 0.3 * math.log(0.1 + room) - 3 * near
