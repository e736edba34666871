"""What shading has to know of met triangles, and where pictures of them need more rays."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.worlds.casting import Hits
from engine.training.worlds.meshes.casting import Meshes, RayHits
from engine.training.worlds.surfaces import Surface

#: Neighbouring pixels belong together where their triangles' normals agree this well …
_SAME_WAY = 0.86
#: … and their depths differ by no more than this share.
_SAME_DEPTH = 0.04


def mesh_surface(meshes: Meshes, hits: RayHits, point: Tensor, direction: Tensor) -> Surface:
    """Normals, texture positions and materials of n met triangles.

    Args:
        point, direction: (3, n) where and along which rays meet them, in world axes.
    """
    face, share = hits.face.cpu().numpy(), hits.share.cpu().numpy()
    corners = meshes.faces[face]  # (n, 3)
    weights = np.concatenate([1 - share.sum(1, keepdims=True), share], axis=1)
    normal = np.einsum("nk,nkc->nc", weights, meshes.normals[corners])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    flat, way = meshes.flat[face], direction.T.cpu().numpy()
    flat = np.where((flat * way).sum(1, keepdims=True) > 0, -flat, flat)
    normal = np.where((normal * flat).sum(1, keepdims=True) < 0, -normal, normal)
    # Seen from behind, or without a length, a smooth normal says nothing.
    usable = (length > 1e-6) & ((normal * way).sum(1, keepdims=True) < 0)
    normal = np.where(usable, normal / np.maximum(length, 1e-6), flat)
    uv = np.einsum("nk,nkc->nc", weights, meshes.uv[corners])
    material = meshes.materials[torch.from_numpy(meshes.part[face].astype(np.int64))]
    device = point.device

    def tensor(x: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).to(device)

    return Surface(
        point,
        tensor(normal.T),
        tensor(uv[:, 0]),
        tensor(uv[:, 1]),
        tensor(_density(meshes, corners)),
        material.T.contiguous().to(device),
    )


def _density(meshes: Meshes, corners: NDArray[np.int32]) -> NDArray[np.floating]:
    """Repeats of the texture per metre on triangles (n,)."""
    a, b, c = (meshes.vertices[corners[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    p, q = (meshes.uv[corners[:, i]] - meshes.uv[corners[:, 0]] for i in (1, 2))
    spread = np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])
    return np.asarray(np.sqrt(spread / np.maximum(area, 1e-12)))


def seams(meshes: Meshes, hits: Hits, found: RayHits, first: int) -> Tensor:
    """(H·W,) pixels of things beside pixels of the same thing that show another part of it.

    Args:
        first: number of the first thing among the shapes of `hits`.
    """
    thing = hits.shape >= first
    face = torch.where(thing, found.face.view_as(hits.shape), 0).cpu().numpy()
    normal = torch.from_numpy(meshes.flat[face])
    part = torch.from_numpy(meshes.part[face])
    depth, thing = hits.depth.cpu(), thing.cpu()
    out = torch.zeros_like(thing)
    for axis in (0, 1):
        count = thing.shape[axis] - 1
        a, b = slice(0, count), slice(1, count + 1)
        left = (a, slice(None)) if axis == 0 else (slice(None), a)
        right = (b, slice(None)) if axis == 0 else (slice(None), b)
        bent = (normal[left] * normal[right]).sum(-1).abs() < _SAME_WAY
        far = (depth[left] - depth[right]).abs() > _SAME_DEPTH * depth[left]
        other = part[left] != part[right]
        here = thing[left] & thing[right] & (bent | far | other)
        out[left] |= here
        out[right] |= here
    return out.flatten().to(hits.depth.device)
