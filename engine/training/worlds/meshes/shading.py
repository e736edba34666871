"""Light that comes from real things."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.training.worlds.casting import Projector
from engine.training.worlds.lighting import Light
from engine.training.worlds.meshes.casting import Meshes, RayHits
from engine.training.worlds.meshes.surfaces import mesh_surface
from engine.training.worlds.shading import shade
from engine.training.worlds.textures import TexturePage


def shade_things(
    meshes: Meshes,
    hits: RayHits,
    chosen: Tensor,
    rays: tuple[Projector, Tensor, Tensor],
    width: int,
    page: TexturePage,
    light: Light,
) -> Tensor:
    """Linear colours (3, n) of what the rays numbered `chosen` (n,) meet.

    Args:
        rays: projection and u, v of all rays that `hits` is of.
        width: of the picture in pixels.
    """
    projector, u, v = rays
    mine = RayHits(hits.depth[chosen], hits.face[chosen], hits.share[chosen])
    _, direction = projector.rays(u[chosen], v[chosen])
    eye = projector.origin
    point = torch.addcmul(eye[:, None], mine.depth, direction)
    surface = mesh_surface(meshes, mine, point, direction)
    return shade(surface, eye, mine.depth / (projector.lens[0] * width), page, light)
