"""Surfels: small coloured discs on the surfaces that a view has seen, and the sky behind them.

A view's pixel becomes one disc as large as the pixel looks on the surface: on a floor seen at a
grazing angle it is long along the line of sight and narrow across it, so it stays sharp when the
camera comes closer. The discs carry that shape (surface splatting, Zwicker et al. 2001), not only
a radius.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.rays import camera_directions

#: Discs get no longer than 1 / this: a steeper surface was hardly seen at all.
_LEAST_COSINE = 0.12
#: Pixels that are surer than this become surfels.
LEAST_CONFIDENCE = 0.1


@dataclass(frozen=True)
class Surfels:
    """N discs. All tensors lie on one device.

    Attributes:
        positions: (N, 3) float32, world units.
        normals: (N, 3) unit vectors, towards the side that was seen.
        radii: (N,) the short half axis, world units: one pixel of the view that saw it.
        long_axes: (N, 3) the long half axis as a vector in the disc's plane, world units.
        colours: (N, 3) float32 RGB in [0, 1].
        view_ids: (N,) int32, the view that drew it.
        confidence: (N,) float32 in (0, 1].
    """

    positions: Tensor
    normals: Tensor
    radii: Tensor
    long_axes: Tensor
    colours: Tensor
    view_ids: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        return int(self.positions.shape[0])

    def __getitem__(self, chosen: Tensor) -> Surfels:
        """Those of a boolean mask or an index."""
        return Surfels(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def to(self, device: torch.device | str) -> Surfels:
        return Surfels(*(getattr(self, f.name).to(device) for f in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[Surfels]) -> Surfels:
        """All discs of at least one part, in order."""
        return Surfels(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Surfels)))

    @staticmethod
    def empty(device: torch.device | str = "cpu") -> Surfels:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device)

        ids = torch.zeros(0, dtype=torch.int32, device=device)
        return Surfels(zeros(0, 3), zeros(0, 3), zeros(0), zeros(0, 3), zeros(0, 3), ids, zeros(0))


@dataclass(frozen=True)
class SkyDirections:
    """M coloured directions at infinity.

    Attributes:
        directions: (M, 3) unit vectors in the world.
        radii: (M,) radians: one pixel of the view that saw it.
        colours: (M, 3) float32 RGB in [0, 1].
        view_ids: (M,) int32.
    """

    directions: Tensor
    radii: Tensor
    colours: Tensor
    view_ids: Tensor

    def __len__(self) -> int:
        return int(self.directions.shape[0])

    def __getitem__(self, chosen: Tensor) -> SkyDirections:
        """Those of a boolean mask or an index."""
        return SkyDirections(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def to(self, device: torch.device | str) -> SkyDirections:
        return SkyDirections(*(getattr(self, f.name).to(device) for f in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[SkyDirections]) -> SkyDirections:
        """All directions of at least one part, in order."""
        return SkyDirections(
            *(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(SkyDirections))
        )

    @staticmethod
    def empty(device: torch.device | str = "cpu") -> SkyDirections:
        ids = torch.zeros(0, dtype=torch.int32, device=device)
        zeros = torch.zeros(0, 3, device=device)
        return SkyDirections(zeros, zeros[:, 0], zeros.clone(), ids)


@dataclass(frozen=True)
class Seen:
    """What one view saw."""

    surfels: Surfels
    sky: SkyDirections


def surfels_from_view(
    rgb: Tensor,
    depth: Tensor,
    camera: Camera,
    view_id: int = 0,
    confidence: Tensor | None = None,
) -> Seen:
    """One disc for every pixel whose depth can be trusted, one direction for every sky pixel.

    Args:
        rgb: (H, W, 3) float in [0, 1].
        depth: (H, W) z-depth in world units; inf = sky, nan = unknown.
        camera: where the view was taken from.
        view_id: written to every disc.
        confidence: (H, W) in [0, 1]; by default `edge_confidence` of the depth. Pixels of
            `LEAST_CONFIDENCE` or less are left out: those between a near and a far surface belong
            to neither and would smear.

    Raises:
        ValueError: when the shapes do not fit each other.
    """
    height, width = depth.shape
    if rgb.shape != (height, width, 3):
        raise ValueError(f"rgb is {tuple(rgb.shape)} but depth is {(height, width)}")
    depth = depth.float()
    if confidence is None:
        confidence = edge_confidence(depth, camera)
    elif confidence.shape != depth.shape:
        raise ValueError(f"confidence is {tuple(confidence.shape)}, not {(height, width)}")
    T = torch.tensor(camera.T_world_camera, dtype=torch.float32, device=depth.device)
    R, t = T[:3, :3], T[:3, 3]
    directions = camera_directions(camera, height, width, depth.device)
    known = torch.isfinite(depth) & (depth > 0) & (confidence > LEAST_CONFIDENCE)
    normals = camera_normals(depth, directions)[known]
    d, z = directions[known], depth[known]
    pixel = 0.5 * (1 / (camera.intrinsics.fx * width) + 1 / (camera.intrinsics.fy * height))
    ray = F.normalize(d, dim=-1)
    along = ray - (ray * normals).sum(-1, keepdim=True) * normals
    # Facing discs have no long direction; the sideways hint makes the choice unambiguous.
    along = F.normalize(along + 1e-4 * _sideways(normals), dim=-1)
    cosine = (ray * normals).sum(-1).abs().clamp_min(_LEAST_COSINE)
    ids = torch.full((len(z),), view_id, dtype=torch.int32, device=depth.device)
    surfels = Surfels(
        positions=(d * z[:, None]) @ R.T + t,
        normals=normals @ R.T,
        radii=z * pixel,
        long_axes=(along * (z * pixel / cosine)[:, None]) @ R.T,
        colours=rgb[known].float(),
        view_ids=ids,
        confidence=confidence[known].float(),
    )
    return Seen(surfels, _sky_of(rgb, depth, directions, R, pixel, view_id))


def _sky_of(
    rgb: Tensor, depth: Tensor, directions: Tensor, R: Tensor, pixel: float, view_id: int
) -> SkyDirections:
    sky = torch.isposinf(depth)
    d = F.normalize(directions[sky], dim=-1)
    return SkyDirections(
        directions=d @ R.T,
        radii=pixel * d[:, 2],
        colours=rgb[sky].float(),
        view_ids=torch.full((len(d),), view_id, dtype=torch.int32, device=depth.device),
    )


def _sideways(normals: Tensor) -> Tensor:
    """A vector across each normal, chosen the same way every time."""
    flat = torch.zeros_like(normals)
    flat[:, 0], flat[:, 1] = -normals[:, 2], 0.5 * normals[:, 2]
    flat[:, 2] = normals[:, 0] - 0.5 * normals[:, 1]
    return flat


def camera_normals(depth: Tensor, directions: Tensor) -> Tensor:
    """Unit normals towards the camera in its frame, (H, W, 3), from depth (H, W).

    Each axis takes the neighbour whose depth is nearer to the pixel's own, so that a normal never
    spans a depth edge. Pixels without usable neighbours face the camera.
    """
    points = directions * depth[..., None]
    normals = torch.linalg.cross(_tangent(points, depth, 0), _tangent(points, depth, 1))
    length = normals.norm(dim=-1, keepdim=True)
    facing = -F.normalize(directions, dim=-1)
    normals = torch.where(length > 0, normals / length.clamp_min(1e-20), facing)
    normals = torch.where(torch.isfinite(normals).all(-1, keepdim=True), normals, facing)
    flipped = (normals * facing).sum(-1, keepdim=True) < 0
    return torch.where(flipped, -normals, normals)


def _tangent(points: Tensor, depth: Tensor, dim: int) -> Tensor:
    """(H, W, 3): central difference on smooth surfaces, else the one-sided one that jumps less."""
    step = torch.diff(points, dim=dim)
    far = torch.full_like(points.narrow(dim, 0, 1), torch.nan)
    forward, backward = torch.cat([step, far], dim), torch.cat([far, step], dim)
    jump_f = (forward[..., 2] / depth).abs().nan_to_num(torch.inf, torch.inf)[..., None]
    jump_b = (backward[..., 2] / depth).abs().nan_to_num(torch.inf, torch.inf)[..., None]
    one_sided = torch.where(jump_f <= jump_b, forward, backward)
    smooth = (jump_f < 2 * jump_b + 0.01) & (jump_b < 2 * jump_f + 0.01)
    return torch.where(smooth, forward + backward, one_sided)


def edge_confidence(depth: Tensor, camera: Camera) -> Tensor:
    """How far each pixel's depth can be trusted, (H, W) in [0, 1]; 0 for sky and unknown.

    Inverse depth is linear over the pixels of any plane, so its second difference is zero on a
    plane, however slanted, and large at both rims of a depth edge. The soft ramps that a drawn
    depth has instead of an edge look like a plane seen from its side: the angle catches those.
    """
    height, width = depth.shape
    inverse = torch.where(torch.isfinite(depth) & (depth > 0), 1 / depth, 0.0)  # sky: 0
    inverse = torch.where(torch.isnan(depth), torch.nan, inverse)
    bend = torch.zeros_like(inverse)
    for reach in (1, 2):
        for dim in (0, 1):
            bend = torch.maximum(bend, _second_difference(inverse, reach, dim) / reach)
    bend = (bend / inverse.clamp_min(1e-12)).nan_to_num(torch.inf, torch.inf)
    directions = camera_directions(camera, height, width, depth.device)
    normals = camera_normals(depth, directions)
    cosine = -(normals * F.normalize(directions, dim=-1)).sum(-1)
    flat = (1.5 - bend / 0.05).clamp(0, 1)
    facing = ((cosine - 0.03) / 0.17).clamp(0, 1)
    known = torch.isfinite(depth) & (depth > 0)
    return torch.where(known, flat * facing, 0.0)


def _second_difference(values: Tensor, reach: int, dim: int) -> Tensor:
    """|v(i−r) − 2v(i) + v(i+r)|, zero where a neighbour is outside the picture or unknown."""
    size = values.shape[dim]
    out = torch.zeros_like(values)
    if size > 2 * reach:
        middle = values.narrow(dim, reach, size - 2 * reach)
        ends = values.narrow(dim, 0, size - 2 * reach) + values.narrow(
            dim, 2 * reach, size - 2 * reach
        )
        out.narrow(dim, reach, size - 2 * reach).copy_((ends - 2 * middle).abs().nan_to_num(0.0))
    return out
