"""Solid shapes that a world is built of: affine images of three unit solids.

Inside a world z points up, x and y lie on the ground, and lengths are metres. A shape is a unit
solid in [-1, 1]³ mapped by `M local + centre`:

- TAPERED: |x| ≤ 1 − kx (z+1)/2 and |y| ≤ 1 − ky (z+1)/2: box (0, 0), gabled roof (0, 1),
  pyramid (1, 1), car cabin, lamp shade.
- QUADRIC: x² + y² + a z² + b z + c ≤ 0 and |z| ≤ 1: ellipsoid, cylinder, cone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.worlds.meshes.model import Model, Placed

BOX, TAPERED, QUADRIC = 0, 1, 2

Point = Sequence[float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Attributes:
        texture: index into the texture bank.
        tint: linear colour that multiplies the texture.
        metres: length of one repeat of the texture; 0 stretches it once over each face.
        detail: 1 shows the texture, 0 only its tint.
        gloss: strength of mirror-like highlights, 0 to 1.
        glow: light that the surface sends out by itself, in units of its albedo.
    """

    texture: int
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    metres: float = 1.0
    detail: float = 1.0
    gloss: float = 0.0
    glow: float = 0.0


@dataclass(frozen=True)
class Shapes:
    """All solids of a world as tensors, ordered by kind (boxes, tapered, quadrics).

    Attributes:
        M: (P, 3, 3) local to world, without translation.
        A: (P, 3, 3) inverse of M.
        centre: (P, 3) metres.
        coefficients: (P, 3): (kx, ky, 0) or (a, b, c).
        table: (P, 21) everything that shading looks up by shape.
        materials: (m, 8) see `Material`.
        counts: number of shapes of each kind.
        shadows: (P,) whether the shape casts shadows.
        mover: (P,) which moving thing the shape belongs to; −1 for what stands.
    """

    M: Tensor
    A: Tensor
    centre: Tensor
    coefficients: Tensor
    table: Tensor
    materials: Tensor
    counts: tuple[int, int, int]
    shadows: Tensor
    mover: Tensor

    def to(self, device: torch.device | str) -> Shapes:
        return Shapes(
            self.M.to(device),
            self.A.to(device),
            self.centre.to(device),
            self.coefficients.to(device),
            self.table.to(device),
            self.materials.to(device),
            self.counts,
            self.shadows.to(device),
            self.mover.to(device),
        )

    def __len__(self) -> int:
        return int(self.centre.shape[0])

    def subset(self, keep: Tensor) -> Shapes:
        """Only the shapes where `keep` (P,) is true; order stays."""
        ends = np.cumsum((0, *self.counts)).tolist()
        counts = tuple(int(keep[a:b].sum()) for a, b in itertools.pairwise(ends))
        return Shapes(
            self.M[keep],
            self.A[keep],
            self.centre[keep],
            self.coefficients[keep],
            self.table[keep],
            self.materials,
            (counts[0], counts[1], counts[2]),
            self.shadows[keep],
            self.mover[keep],
        )


@dataclass
class _Row:
    kind: int
    size: Point
    turn: tuple[float, float, float]  # yaw, pitch, roll
    centre: tuple[float, float, float]
    coefficients: tuple[float, float, float]
    side: int
    top: int
    shadows: bool
    mover: int


@dataclass
class Builder:
    """Collects shapes; composites are written in their own frame under `placed`."""

    rows: list[_Row] = field(default_factory=list)
    things: list[Placed] = field(default_factory=list)
    materials: dict[Material, int] = field(default_factory=dict)
    shadows: bool = True
    mover: int = -1
    _frame: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # x, y, z, yaw

    @contextmanager
    def placed(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Iterator[None]:
        """Shapes added inside are turned by `yaw` (radians about up), then moved, nestably."""
        before = self._frame
        wx, wy, wz = self._point((x, y, z))
        self._frame = (wx, wy, wz, before[3] + yaw)
        try:
            yield
        finally:
            self._frame = before

    @contextmanager
    def shadowless(self) -> Iterator[None]:
        before, self.shadows = self.shadows, False
        try:
            yield
        finally:
            self.shadows = before

    @contextmanager
    def moving(self, number: int) -> Iterator[None]:
        """Shapes added inside belong to a thing that moves."""
        before, self.mover = self.mover, number
        try:
            yield
        finally:
            self.mover = before

    def _point(self, p: Point) -> tuple[float, float, float]:
        x0, y0, z0, yaw = self._frame
        c, s = math.cos(yaw), math.sin(yaw)
        return (x0 + c * p[0] - s * p[1], y0 + s * p[0] + c * p[1], z0 + p[2])

    def _material(self, material: Material) -> int:
        return self.materials.setdefault(material, len(self.materials))

    def _add(
        self,
        kind: int,
        centre: Point,
        size: Point,
        turn: tuple[float, float, float],
        coefficients: tuple[float, float, float],
        side: Material,
        top: Material | None,
    ) -> None:
        turn = (turn[0] + self._frame[3], turn[1], turn[2])
        s = self._material(side)
        t = s if top is None else self._material(top)
        centre = self._point(centre)
        flags = (self.shadows, self.mover)
        self.rows.append(_Row(kind, size, turn, centre, coefficients, s, t, *flags))

    def box(
        self,
        centre: Point,
        size: Point,
        side: Material,
        top: Material | None = None,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        """`size` is full lengths; turned by roll (about x), pitch (about y), then yaw (z)."""
        self._add(BOX, centre, size, (yaw, pitch, roll), (0.0, 0.0, 0.0), side, top)

    def tapered(
        self,
        centre: Point,
        size: Point,
        taper: tuple[float, float],
        side: Material,
        top: Material | None = None,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        """A box whose top is narrower by the fractions (kx, ky)."""
        self._add(TAPERED, centre, size, (yaw, pitch, roll), (*taper, 0.0), side, top)

    def ellipsoid(
        self,
        centre: Point,
        size: Point,
        side: Material,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        self._add(QUADRIC, centre, size, (yaw, pitch, roll), (1.0, 0.0, -1.0), side, None)

    def cone(
        self,
        centre: Point,
        size: Point,
        narrowing: float,
        side: Material,
        top: Material | None = None,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        """Upright truncated cone; `narrowing` 0 is a cylinder, 1 ends in a point."""
        alpha, beta = 1 - narrowing / 2, narrowing / 2
        c = (-beta * beta, 2 * alpha * beta, -alpha * alpha)
        self._add(QUADRIC, centre, size, (yaw, pitch, roll), c, side, top)

    def cylinder(
        self,
        centre: Point,
        size: Point,
        side: Material,
        top: Material | None = None,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        self.cone(centre, size, 0.0, side, top, yaw, pitch, roll)

    def rod(self, a: Point, b: Point, thickness: float, side: Material) -> None:
        """A round bar from a to b."""
        d = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
        length = float(np.linalg.norm(d))
        middle = [(p + q) / 2 for p, q in zip(a, b, strict=True)]
        yaw, pitch = math.atan2(d[1], d[0]), math.acos(max(-1.0, min(1.0, d[2] / length)))
        self.cylinder(middle, (thickness, thickness, length), side, yaw=yaw, pitch=pitch)

    def mesh(self, model: Model, scale: Point, tint: Point = (1.0, 1.0, 1.0)) -> None:
        """A real thing in the current frame; `scale` is along its own axes."""
        x, y, z, yaw = self._frame
        (a, b, c), (p, q, r) = scale, tint
        self.things.append(Placed(model, (x, y, z), yaw, (a, b, c), (p, q, r)))

    def build(self) -> Shapes:
        """Raises ValueError when nothing was added."""
        if not self.rows:
            raise ValueError("a world needs at least one shape")
        rows = sorted(self.rows, key=lambda r: r.kind)
        size = np.array([r.size for r in rows], dtype=np.float64)
        M = _rotations(np.array([r.turn for r in rows])) * (np.maximum(size, 1e-3) / 2)[:, None]
        A = np.linalg.inv(M)
        centre = np.array([r.centre for r in rows])
        coefficients = np.array([r.coefficients for r in rows])
        half = np.linalg.norm(M, axis=1)
        ids = np.array([(r.kind, r.side, r.top) for r in rows], dtype=np.float64)
        table = np.concatenate([A.reshape(-1, 9), centre, coefficients, half, ids], axis=1)
        materials = [
            (m.texture, *m.tint, m.metres, m.detail, m.gloss, m.glow) for m in self.materials
        ]
        kinds = [r.kind for r in rows]
        return Shapes(
            torch.as_tensor(M, dtype=torch.float32),
            torch.as_tensor(A, dtype=torch.float32),
            torch.as_tensor(centre, dtype=torch.float32),
            torch.as_tensor(coefficients, dtype=torch.float32),
            torch.as_tensor(table, dtype=torch.float32),
            torch.tensor(materials, dtype=torch.float32),
            (kinds.count(BOX), kinds.count(TAPERED), kinds.count(QUADRIC)),
            torch.tensor([r.shadows for r in rows]),
            torch.tensor([r.mover for r in rows]),
        )


def _rotations(turns: Floats) -> Floats:
    """Rz(yaw) Ry(pitch) Rx(roll) for turns (n, 3); returns (n, 3, 3)."""
    (cz, sz), (cy, sy), (cx, sx) = ((np.cos(a), np.sin(a)) for a in turns.T)
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return np.stack([np.stack(r, axis=-1) for r in rows], axis=-2)
