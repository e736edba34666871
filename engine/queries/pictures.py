"""Between users' arrays and the model's tensors: every kind of picture, in and out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.depth_edges import (
    EdgeConfig,
    clean_depth_picture,
    with_steep_edges,
    without_specks,
)
from engine.geometry.guided_filter import GUIDE_RADIUS, GUIDE_TOLERANCE, guided_filter
from engine.geometry.rays import plucker_rays
from engine.geometry.seams import without_seams
from engine.model.kinds import Kind
from engine.model.pictures import TOKEN_PIXELS
from engine.model.tokens import spread
from engine.queries.engine import Engine
from engine.queries.query import Pixels


def planes(array: Pixels, device: torch.device) -> Tensor:
    """(H, W, C) or (H, W) to (1, C, H, W); a copy, so that read-only arrays may come in."""
    if isinstance(array, Tensor):
        tensor = array.to(device, torch.float32)
    else:
        tensor = torch.tensor(array, dtype=torch.float32, device=device)
    return tensor[None, None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)[None]


def ray_tensor(camera: Camera, size: tuple[int, int], device: torch.device) -> Tensor:
    """RAYS of a camera relative to the anchor, (1, 6, H/16, W/16)."""
    rows, columns = size[0] // TOKEN_PIXELS, size[1] // TOKEN_PIXELS
    return plucker_rays(camera, rows, columns)[None].to(device)


def finished(kind: Kind, picture: Tensor, engine: Engine, seen: Tensor | None = None) -> Tensor:
    """A decoded picture (1, 3, H, W) without what the codec left in it: colours lose the steps
    between its patches.

    Args:
        seen: (N,) bool, tokens that were shown and not drawn; they stay as they are.
    """
    if not (kind.seamless and engine.codec.patch):
        return picture
    smooth = without_seams(picture, engine.codec.patch)
    if seen is None:
        return smooth
    rows, columns = (side // TOKEN_PIXELS for side in picture.shape[-2:])
    kept = spread(seen[None].to(picture), (rows, columns), 1)
    return torch.lerp(smooth, picture, F.interpolate(kept, picture.shape[-2:]))


def values(kind: Kind, picture: Tensor, scale: float) -> Tensor:
    """A picture (1, 3, H, W) in users' units, on its device: (H, W, C), or (H, W) of one channel
    as depth is; rays (6, H/16, W/16)."""
    found = kind.from_picture(picture, scale)[0].float()
    if kind.encoded:
        found = found[0] if len(found) == 1 else found.permute(1, 2, 0)
    return found.contiguous()


def steepened(picture: Tensor) -> Tensor:
    """A picture of depth (1, 3, H, W) whose edges lie where they belong, as steps, (1, 1, H, W):
    what a slope between two things shows is nowhere, and neither is what is too small for one."""
    steep = with_steep_edges(picture[0, 0].float(), EdgeConfig())
    return without_specks(steep)[None, None]


def cleaned(picture: Tensor, guide: Pixels | None) -> Tensor:
    """A picture of depth (1, 3, H, W) that was drawn by tokens, (1, 1, H, W).

    It is smoothed under the guidance of `guide` (H, W, 3), the view's own colours: each token draws
    its patch with an error of its own, and those steps would become cracks in the cloud. Then
    speckle goes and edges become steps (`clean_depth_picture`).
    """
    drawn = picture[0].float().mean(0)
    if guide is None:
        colours = drawn.new_full((*drawn.shape, 3), 0.5)
    else:
        colours = planes(guide, drawn.device)[0].permute(1, 2, 0)
    smooth = guided_filter(drawn, colours, GUIDE_RADIUS, GUIDE_TOLERANCE)
    return clean_depth_picture(smooth)[None, None]
