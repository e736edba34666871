"""Rays against all real things of a world at once, by Embree (I. Wald et al., SIGGRAPH 2014).

Triangles are held in world metres. Rays run on the CPU in float32; where a texture lets a ray
through, it goes on behind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.worlds.casting import Hits, Projector
from engine.training.worlds.meshes.model import Placed
from engine.training.worlds.solids import NEAR

Floats = NDArray[np.float32]

#: A ray ends in the so many-th leaf whatever its texture says.
_MOST_LAYERS = 12


@dataclass(frozen=True)
class RayHits:
    """First meetings of n rays.

    Attributes:
        depth: (n,) ray parameter; inf where nothing is met.
        face: (n,) int64 triangle; −1 where nothing is met.
        share: (n, 2) weights of the triangle's second and third vertex.
    """

    depth: Tensor
    face: Tensor
    share: Tensor


@dataclass(frozen=True, eq=False)
class Meshes:
    """All triangles of a world's real things.

    Attributes:
        vertices, normals: (n, 3) float32 world metres, unit vectors.
        uv: (n, 2) positions on textures in repeats.
        faces: (m, 3) int32.
        flat: (m, 3) unit normals of triangles.
        part: (m,) row of `materials`; owner: (m,) which of the things.
        materials: (p, 8) as in `shapes.Shapes`.
        cutout: (t, size, size) True where a texture lets rays through.
        cut: (p,) row of `cutout` for each material; −1 where it lets nothing through.
    """

    vertices: Floats
    normals: Floats
    uv: Floats
    faces: NDArray[np.int32]
    flat: Floats
    part: NDArray[np.int32]
    owner: NDArray[np.int32]
    materials: Tensor
    cutout: NDArray[np.bool_]
    cut: NDArray[np.int64]
    _scene: Any = field(repr=False)

    def first(self, origins: Floats, directions: Floats, near: float = NEAR) -> RayHits:
        """First meetings of rays (n, 3) at ray parameters beyond `near`."""
        n = len(origins)
        depth = np.full(n, near, dtype=np.float32)
        face, share = np.full(n, -1, dtype=np.int64), np.zeros((n, 2), dtype=np.float32)
        going = np.arange(n)
        for layer in range(_MOST_LAYERS):
            starts = origins[going] + depth[going, None] * directions[going]
            found = self._scene.run(starts, directions[going], output=1)
            met = found["primID"] >= 0
            depth[going[~met]], face[going[~met]] = np.inf, -1
            going, found = going[met], {k: v[met] for k, v in found.items()}
            depth[going] += found["tfar"]
            face[going] = found["primID"]
            share[going, 0], share[going, 1] = found["u"], found["v"]
            open_ = self._open(face[going], share[going])
            going = going[open_]
            if not going.size or layer == _MOST_LAYERS - 1:
                break
            depth[going] += 2e-4
        return RayHits(torch.from_numpy(depth), torch.from_numpy(face), torch.from_numpy(share))

    def _open(self, face: NDArray[np.int64], share: Floats) -> NDArray[np.bool_]:
        """Whether textures let rays through where they meet these triangles."""
        out = np.zeros(len(face), dtype=bool)
        row = self.cut[self.part[face]]
        chosen = np.nonzero(row >= 0)[0]
        if chosen.size:
            size = self.cutout.shape[1]
            at = self._between(self.uv, face[chosen], share[chosen])
            x, y = (np.floor(at * size).astype(np.int64) % size).T
            out[chosen] = self.cutout[row[chosen], y, x]
        return out

    def _between(self, values: Floats, face: NDArray[np.int64], share: Floats) -> Floats:
        """Values of vertices at places on triangles."""
        a, b, c = (values[self.faces[face, i]] for i in range(3))
        s, t = share[:, :1], share[:, 1:]
        return np.asarray((1 - s - t) * a + s * b + t * c, dtype=np.float32)

    def seen(self, projector: Projector, u: Tensor, v: Tensor, near: float = NEAR) -> RayHits:
        """First meetings of a projection's rays through u, v (n,), on the projector's device."""
        device = projector.R.device
        start, direction = (x.expand(3, *u.shape) for x in projector.rays(u, v))
        flat = (x.reshape(3, -1).T.cpu().numpy().astype(np.float32) for x in (start, direction))
        starts, ways = (np.ascontiguousarray(x) for x in flat)
        found = self.first(starts, ways, near)
        return RayHits(found.depth.to(device), found.face.to(device), found.share.to(device))

    def merged(self, hits: Hits, found: RayHits, shapes: int) -> Hits:
        """Hits where things, if nearer, count as shapes number `shapes` + 1 and on."""
        t = found.depth.view_as(hits.depth)
        owner = torch.from_numpy(self.owner.astype(np.int64)).to(t.device)
        number = shapes + 1 + owner[found.face.clamp(min=0)].view_as(hits.shape)
        nearer = t < hits.depth
        return Hits(torch.where(nearer, t, hits.depth), torch.where(nearer, number, hits.shape))

    def over(self, hits: Hits, projector: Projector, shapes: int, near: float = NEAR) -> Hits:
        """`merged` with the rays through all pixels of a picture."""
        height, width = hits.depth.shape
        u, v = positions(height, width, hits.depth.device)
        return self.merged(hits, self.seen(projector, u, v, near), shapes)

    def encloses(self, point: NDArray[np.float64]) -> bool:
        """Whether the same thing lies above and below a world point (3,)."""
        start = np.repeat(point[None].astype(np.float32), 2, axis=0)
        way = np.array([[0, 0, 1], [0, 0, -1]], dtype=np.float32)
        face = self.first(start, way).face.numpy()
        return bool((face >= 0).all() and self.owner[face[0]] == self.owner[face[1]])


def positions(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """u, v (H·W,) of pixel centres."""
    u = ((torch.arange(width, device=device) + 0.5) / width).expand(height, width)
    v = ((torch.arange(height, device=device) + 0.5) / height)[:, None].expand(height, width)
    return u.flatten(), v.flatten()


def assembled(placed: Sequence[Placed], first_texture: int) -> tuple[Meshes, NDArray[np.uint8]]:
    """The triangles of things in world metres, and their textures (t, texels, 3).

    Args:
        first_texture: place that the first of these textures will have on the world's page.
    """
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    models = list(dict.fromkeys(p.model for p in placed))
    textures = np.cumsum([0] + [len(m.textures) for m in models])
    first_of = {id(m): int(n) for m, n in zip(models, textures, strict=False)}
    points = [_points(p) for p in placed]
    faces = _joined([p.model.faces for p in placed], [len(p.model.vertices) for p in placed])
    part = _joined([p.model.part for p in placed], [len(p.model.materials) for p in placed])
    rows = [_materials(p, first_of[id(p.model)], first_texture) for p in placed]
    materials = np.concatenate(rows)
    cutouts = [m.cutout for m in models if len(m.cutout)]
    cutout = np.concatenate(cutouts) if cutouts else np.zeros((0, 1, 1), dtype=bool)
    texture = materials[:, 0].astype(np.int64) - first_texture
    open_ = np.append(cutout.any((1, 2)), False)  # the last one stands for "no texture"
    plain = materials[:, 5] == 0
    cut = np.where(plain | ~open_[np.where(plain, -1, texture)], -1, texture)
    vertices = np.concatenate([p for p, _ in points])
    scene = EmbreeScene()
    TriangleMesh(scene=scene, vertices=vertices, indices=faces)
    meshes = Meshes(
        vertices,
        np.concatenate([n for _, n in points]),
        np.concatenate([p.model.uv for p in placed]),
        faces,
        _flat(vertices, faces),
        part,
        np.repeat(np.arange(len(placed)), [len(p.model.faces) for p in placed]).astype(np.int32),
        torch.from_numpy(materials),
        cutout,
        cut,
        scene,
    )
    pages = [m.textures for m in models if len(m.textures)]
    return meshes, np.concatenate(pages) if pages else np.zeros((0, 0, 3), dtype=np.uint8)


def _joined(parts: list[NDArray[np.int32]], counts: list[int]) -> NDArray[np.int32]:
    """Indices into several tables as indices into all of them, one after another."""
    starts = np.cumsum([0, *counts])
    moved = [p + s for p, s in zip(parts, starts[:-1], strict=True)]
    return np.concatenate(moved).astype(np.int32)


def _points(placed: Placed) -> tuple[Floats, Floats]:
    """World vertices and normals."""
    c, s = math.cos(placed.yaw), math.sin(placed.yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    scale = np.array(placed.scale)
    vertices = (placed.model.vertices * scale) @ turn.T + placed.position
    normals = (placed.model.normals / scale) @ turn.T
    normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-9)
    return vertices.astype(np.float32), normals.astype(np.float32)


def _materials(placed: Placed, mine: int, first_texture: int) -> Floats:
    """Rows of a thing's materials; what has no texture names the page's first and hides it."""
    rows = placed.model.materials.copy()
    plain = rows[:, 0] < 0
    rows[:, 0] = np.where(plain, 0, rows[:, 0] + first_texture + mine)
    rows[:, 1:4] = (rows[:, 1:4] * np.array(placed.tint)).clip(0.0, 1.6)
    return rows


def _flat(vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    n = np.cross(b - a, c - a)
    length = np.linalg.norm(n, axis=1, keepdims=True)
    return np.where(length > 1e-12, n / np.maximum(length, 1e-12), (0.0, 0.0, 1.0)).astype(
        np.float32
    )
