"""Between users' arrays and the model's tensors, and the scale that both share."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.depth_edges import clean_depth_picture
from engine.geometry.guided_filter import guided_filter
from engine.geometry.pictures import depth_to_picture, picture_to_depth
from engine.geometry.rays import plucker_rays
from engine.geometry.seams import without_seams
from engine.queries.engine import SIZE_MULTIPLE, Engine

FloatArray = NDArray[np.float32]

#: Pixels and squared grey levels of the guided filter over depth pictures, chosen on unseen worlds.
GUIDE_RADIUS = 6
GUIDE_TOLERANCE = 0.01


def check_size(rgb: FloatArray | Tensor) -> tuple[int, int]:
    """(H, W) of a picture that the model can take.

    Raises:
        ValueError: not (H, W, 3), or sides that are no multiples of 16.
    """
    if (
        rgb.ndim != 3
        or rgb.shape[2] != 3
        or any(s % SIZE_MULTIPLE or s == 0 for s in rgb.shape[:2])
    ):
        raise ValueError(
            f"a picture must be (H, W, 3) with sides that are multiples of {SIZE_MULTIPLE}, "
            f"not {tuple(rgb.shape)}"
        )
    return int(rgb.shape[0]), int(rgb.shape[1])


def float_tensor(picture: FloatArray | Tensor, device: torch.device) -> Tensor:
    """A tensor as it is where it lies there already; of an array a copy, so that read-only ones of
    stored views may come in."""
    if isinstance(picture, Tensor):
        return picture.to(device, torch.float32)
    return torch.tensor(picture, dtype=torch.float32, device=device)


def rgb_tensor(rgb: FloatArray | Tensor, engine: Engine) -> Tensor:
    """(H, W, 3) in [0, 1] to (1, 3, H, W) in [−1, 1]."""
    check_size(rgb)
    tensor = float_tensor(rgb, engine.device)
    return tensor.permute(2, 0, 1)[None] * 2 - 1


def plane_tensor(depth: FloatArray | Tensor, engine: Engine) -> Tensor:
    """A depth or coverage (H, W) to (1, 1, H, W), units unchanged."""
    return float_tensor(depth, engine.device)[None, None]


def depth_picture_tensor(depth: Tensor, scale: float) -> Tensor:
    """(1, 1, H, W) scene units to a DEPTH picture (1, 3, H, W); unknown counts as σ."""
    known = torch.nan_to_num(depth, nan=scale, posinf=torch.inf)
    return depth_to_picture(known, scale).expand(-1, 3, -1, -1)


def rgb_picture(picture: Tensor, engine: Engine, seen: Tensor | None = None) -> Tensor:
    """Of a drawn picture (1, 3, H, W): the inverse of `rgb_tensor`, without the codec's seams.

    Args:
        seen: (N,) bool, tokens that were shown and not drawn; they stay as they are.
    """
    if engine.codec.patch:
        smooth = without_seams(picture, engine.codec.patch)
        if seen is not None:
            rows = picture.shape[-2] // SIZE_MULTIPLE
            kept = rearrange(seen, "(r c) -> 1 1 r c", r=rows).to(picture)
            smooth = torch.lerp(smooth, picture, F.interpolate(kept, picture.shape[-2:]))
        picture = smooth
    return ((picture[0] + 1) / 2).clamp(0, 1).permute(1, 2, 0).float().contiguous()


def depth_plane(picture: Tensor, rgb: FloatArray | Tensor, scale: float) -> Tensor:
    """A decoded DEPTH picture (1, 3, H, W) to scene units (H, W); sky is inf.

    The picture is first smoothed under the guidance of `rgb` (H, W, 3): each token draws its patch
    of depth with an error of its own, and those steps would become cracks in the cloud. Then
    speckle goes and edges become steps (`clean_depth_picture`).
    """
    guide = float_tensor(rgb, picture.device)
    smooth = guided_filter(picture[0].float().mean(0), guide, GUIDE_RADIUS, GUIDE_TOLERANCE)
    return picture_to_depth(clean_depth_picture(smooth), scale)


def rgb_array(picture: Tensor, engine: Engine, seen: Tensor | None = None) -> FloatArray:
    """`rgb_picture` for users of numpy."""
    return np.ascontiguousarray(rgb_picture(picture, engine, seen).cpu().numpy())


def depth_array(picture: Tensor, rgb: FloatArray | Tensor, scale: float) -> FloatArray:
    """`depth_plane` for users of numpy."""
    return np.ascontiguousarray(depth_plane(picture, rgb, scale).cpu().numpy())


def ray_tensor(camera: Camera, size: tuple[int, int], engine: Engine) -> Tensor:
    """RAYS of a camera relative to the anchor, (1, 6, H/16, W/16)."""
    rows, columns = size[0] // SIZE_MULTIPLE, size[1] // SIZE_MULTIPLE
    return plucker_rays(camera, rows, columns)[None].to(engine.device)
