"""One view of a world: casting, shading, edges smoothed by extra rays, the camera's response."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.training.worlds.casting import Hits, Projector, cast
from engine.training.worlds.lighting import Light
from engine.training.worlds.meshes.casting import Meshes, RayHits
from engine.training.worlds.meshes.shading import shade_things
from engine.training.worlds.meshes.surfaces import seams
from engine.training.worlds.shading import shade, shade_ground, sky
from engine.training.worlds.shapes import Shapes
from engine.training.worlds.solids import SOLIDS
from engine.training.worlds.surfaces import surface_at
from engine.training.worlds.terrain import SlopeTable, Terrain, slope_table
from engine.training.worlds.textures import TexturePage

#: Extra rays of an edge pixel, in pixels from its centre.
_OFFSETS = ((-0.33, -0.14), (0.29, -0.3), (0.04, 0.34))


@dataclass(frozen=True)
class Response:
    """What the camera makes of light.

    Attributes:
        exposure: factor from linear light to the sensor.
        balance: white balance, per channel.
        contrast: 1 leaves the tone curve as it is.
        saturation: 1 leaves colours as they are.
        vignette: darkening of the corners, 0 to 1.
        blur: standard deviation in pixels at 256 pixels width.
        noise: standard deviation of sensor noise on [0, 1].
    """

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    saturation: float = 1.0
    vignette: float = 0.0
    blur: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class Scene:
    """All that a picture is computed from."""

    shapes: Shapes
    page: TexturePage
    light: Light
    terrain: Terrain | None = None
    meshes: Meshes | None = None


@dataclass(frozen=True)
class LinearView:
    light: Tensor  # (3, H, W) linear
    depth: Tensor  # (H, W) metres, inf = sky


def render_linear(scene: Scene, projector: Projector, height: int, width: int) -> LinearView:
    """Linear light and z-depth at pixel centres; edge pixels are averages of more rays."""
    hits = cast(scene.shapes, projector, height, width)
    device = hits.depth.device
    u = ((torch.arange(width, device=device) + 0.5) / width).expand(height, width).flatten()
    v = ((torch.arange(height, device=device) + 0.5) / height)[:, None].expand(height, width)
    v = v.flatten()
    land = None
    if scene.terrain is not None:
        land = slope_table(scene.terrain, projector, 2 * width)
        hits = _with_land(hits, land.meet(u, v).view(height, width), len(scene.shapes))
    found = None
    if scene.meshes is not None:
        found = scene.meshes.seen(projector, u, v)
        hits = scene.meshes.merged(hits, found, len(scene.shapes))
    colour = _colours(scene, projector, hits.shape.flatten(), hits.depth.flatten(), u, v, width)
    if scene.meshes is not None and found is not None:
        things = (hits.shape.flatten() > len(scene.shapes)).nonzero()[:, 0]
        rays = (projector, u, v)
        colour[:, things] = shade_things(
            scene.meshes, found, things, rays, width, scene.page, scene.light
        )
    _smooth_edges(scene, projector, hits, colour, (u, v), land, found)
    return LinearView(colour.view(3, height, width), hits.depth)


def _with_land(hits: Hits, ground: Tensor, land_number: int) -> Hits:
    """Hits where the ground, if nearer, counts as shape number `land_number`."""
    nearer = ground < hits.depth
    return Hits(
        torch.where(nearer, ground, hits.depth), torch.where(nearer, land_number, hits.shape)
    )


def _colours(
    scene: Scene, projector: Projector, shape: Tensor, t: Tensor, u: Tensor, v: Tensor, width: int
) -> Tensor:
    """Linear colours (3, n) of rays through u, v that meet `shape` (−1 sky) at t."""
    _, direction = projector.rays(u, v)
    eye, page, light = projector.origin, scene.page, scene.light
    out = torch.empty_like(direction)
    for kind in ("sky", "solid", "land"):
        if kind == "sky":
            mine = shape < 0
        else:
            mine = (shape == len(scene.shapes)) if kind == "land" else (shape >= 0)
            mine = mine & (shape < len(scene.shapes)) if kind == "solid" else mine
        chosen = mine.nonzero()[:, 0]
        if not chosen.numel():
            continue
        d = direction[:, chosen]
        if kind == "sky":
            out[:, chosen] = sky(d, page, light.source)
            continue
        depth = t[chosen]
        point, footprint = eye[:, None] + depth * d, depth / (projector.lens[0] * width)
        if kind == "land" and scene.terrain is not None:
            out[:, chosen] = shade_ground(scene.terrain, point, eye, footprint, page, light)
        else:
            surface = surface_at(scene.shapes, shape[chosen], point)
            out[:, chosen] = shade(surface, eye, footprint, page, light)
    return out


def _smooth_edges(
    scene: Scene,
    projector: Projector,
    hits: Hits,
    colour: Tensor,
    positions: tuple[Tensor, Tensor],
    land: SlopeTable | None,
    found: RayHits | None,
) -> None:
    """Averages pixels at the border of two shapes over extra rays, in place.

    An extra ray is tested only against the shapes seen by the pixel and its four neighbours, and
    takes the colour of whichever of these pixels sees the shape that it meets first. Real things
    are cast and shaded anew, also where two parts of one meet; `found` is what pixels see of them.
    """
    height, width = hits.shape.shape
    padded = torch.nn.functional.pad(hits.shape[None, None].float(), (1,) * 4, mode="replicate")
    padded = padded[0, 0].to(torch.int64)
    near = torch.stack(
        [hits.shape, padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    ).flatten(1)  # (5, H·W)
    at_edge = (near[1:] != near[:1]).any(0)
    if scene.meshes is not None and found is not None:
        at_edge |= seams(scene.meshes, hits, found, len(scene.shapes) + 1)
    edge = at_edge.nonzero()[:, 0]
    if edge.numel() == 0:
        return
    near = near[:, edge]
    u, v = positions
    offsets = torch.tensor(_OFFSETS, device=u.device)
    su = u[edge][:, None] + offsets[:, 0] / width  # (n, k)
    sv = v[edge][:, None] + offsets[:, 1] / height
    once = near.clone()  # a shape that several neighbours see is tested once
    for i in range(1, len(near)):
        once[i] = torch.where((near[i] == near[:i]).any(0), -1, near[i])
    t = _candidates_depth(scene.shapes, projector, once, su, sv)  # (5, n, k)
    if land is not None:
        t = torch.where((once == len(scene.shapes))[:, :, None], land.meet(su, sv), t)
    depth, which = t.min(0)  # (n, k)
    # Where no candidate is met the ray sees sky if a neighbour does, else what the centre sees.
    is_sky = near < 0
    sky = torch.where(is_sky.any(0), is_sky.to(torch.int64).argmax(0), 0)
    which = torch.where(torch.isinf(depth), sky[:, None], which)
    steps = torch.tensor([0, -width, width, -1, 1], device=u.device)
    source = (edge[:, None] + steps[which]).clamp(0, height * width - 1)
    # Glare of single pixels must not outweigh the rest.
    extra = colour[:, source.flatten()]
    if scene.meshes is not None:
        rays = (projector, su.flatten(), sv.flatten())
        again = scene.meshes.seen(*rays)
        first = (again.depth < depth.flatten()).nonzero()[:, 0]
        extra[:, first] = shade_things(
            scene.meshes, again, first, rays, width, scene.page, scene.light
        )
    extra = extra.clamp(max=4.0).view(3, -1, len(_OFFSETS)).sum(2)
    colour[:, edge] = (colour[:, edge].clamp(max=4.0) + extra) / (len(_OFFSETS) + 1)


def _candidates_depth(
    shapes: Shapes, projector: Projector, near: Tensor, u: Tensor, v: Tensor
) -> Tensor:
    """Ray parameters (5, n, k) of rays u, v (n, k) with shapes `near` (5, n); −1 never meets."""
    index = near.flatten()
    x, y = projector.plane(u, v)
    plane = torch.stack([x, y, torch.ones_like(x)], dim=1)  # (n, 3, k)
    local = shapes.A @ projector.R
    origin = (shapes.A @ (projector.origin - shapes.centre)[:, :, None])[:, :, 0]
    t = u.new_full((index.shape[0], u.shape[1]), torch.inf)
    start = 0
    for solid, count in zip(SOLIDS, shapes.counts, strict=True):
        chosen = ((index >= start) & (index < start + count)).nonzero()[:, 0]
        start += count
        if chosen.numel():
            i = index[chosen]
            d = torch.bmm(local[i], plane[chosen % near.shape[1]])
            t[chosen] = solid(origin[i][:, :, None], d, shapes.coefficients[i][:, :, None])
    return t.view(*near.shape, -1)


def develop(light: Tensor, response: Response, generator: torch.Generator | None) -> Tensor:
    """Linear light (3, H, W) to a picture (H, W, 3) in [0, 1]; noise only with a generator."""
    _, height, width = light.shape
    balance = torch.tensor(response.balance, device=light.device)[:, None, None]
    x = light * (balance * response.exposure)
    if response.vignette:
        yy = torch.linspace(-1, 1, height, device=light.device)[:, None]
        xx = torch.linspace(-1, 1, width, device=light.device)
        x = x * (1 - response.vignette * 0.5 * (xx * xx + yy * yy))
    x = tone(x)
    if response.saturation != 1:
        grey = x.mean(0, keepdim=True)
        x = grey + (x - grey) * response.saturation
    if response.contrast != 1:
        x = 0.45 + (x - 0.45) * response.contrast
    sigma = response.blur * width / 256
    if sigma > 0.15:
        x = _blurred(x, sigma)
    if generator is not None and response.noise > 0:
        grain = torch.randn(x.shape, generator=generator, device=generator.device)
        x = x + grain.to(x.device) * response.noise
    return x.clamp(0, 1).permute(1, 2, 0).contiguous()


def tone(x: Tensor) -> Tensor:
    """Linear light to display values: square-root gamma with a soft shoulder above 0.8."""
    y = x.clamp(min=0).sqrt()
    over = (y - 0.8).clamp(min=0)
    return torch.where(y > 0.8, 0.8 + 0.2 * (1 - torch.exp(-over / 0.2)), y)


def _blurred(x: Tensor, sigma: float) -> Tensor:
    k = torch.arange(-2, 3, device=x.device, dtype=x.dtype)
    w = torch.exp(-(k**2) / (2 * sigma**2))
    w = w / w.sum()
    padded = torch.nn.functional.pad(x[:, None], (2, 2, 2, 2), mode="replicate")
    rows = torch.nn.functional.conv2d(padded, w.view(1, 1, 1, 5))
    return torch.nn.functional.conv2d(rows, w.view(1, 1, 5, 1))[:, 0]
