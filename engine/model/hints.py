"""Hints: what memory shows from the asked camera, as latents that the network can lean on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.codecs.picture_codec import DOWNSCALE, PictureCodec
from engine.model.kinds import Kind
from engine.model.pictures import PictureMaker

#: Coverage below this counts as a hole when hints are filled.
_KNOWN = 0.05


def fill_holes(picture: Tensor, weight: Tensor) -> Tensor:
    """Smoothly continues known pixels into holes, by a pyramid of weighted means (pull–push).

    Args:
        picture: (B, C, H, W); ignored where `weight` (B, 1, H, W) is 0.

    Codecs ring at black holes; a smooth continuation costs them nothing. A picture without any
    known pixel comes back as zeros.
    """
    known = torch.where(weight > _KNOWN, weight, torch.zeros_like(weight))
    value = torch.where(known > 0, picture, torch.zeros_like(picture))
    return _pull_push(value, known)


def _pull_push(value: Tensor, weight: Tensor) -> Tensor:
    height, width = value.shape[-2:]
    if min(height, width) == 1:
        return torch.where(weight > 0, value, torch.zeros_like(value))
    padded = (0, width % 2, 0, height % 2)
    v, w = F.pad(value * weight, padded), F.pad(weight, padded)
    total = F.avg_pool2d(w, 2)
    coarse = F.avg_pool2d(v, 2) / total.clamp_min(1e-8)
    # Weights saturate: a coarse cell that is known at all may vouch for itself.
    below = _pull_push(coarse, (4 * total).clamp_max(1.0))
    up = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
    return torch.lerp(up[..., :height, :width], value, weight.clamp(0, 1))


def filled_colours(rgb: Tensor, coverage: Tensor) -> Tensor:
    """Warped colours (B, 3, H, W) in [0, 1], holes filled, as image encoders look at them.

    Args:
        coverage: (B, 1, H, W) in [0, 1].
    """
    return fill_holes(rgb, coverage).clamp(0, 1)


def hint_latents(
    codec: PictureCodec, rgb: Tensor, depth: Tensor, coverage: Tensor, scale: Tensor
) -> Tensor:
    """Warped pictures as hint channels, (B, 2C + 1, H/8, W/8).

    Args:
        rgb: (B, 3, H, W) in [0, 1].
        depth: (B, 1, H, W) in scene units; inf = sky, nan = unknown.
        coverage: (B, 1, H, W) in [0, 1].
        scale: (B, 1, 1, 1), σ of the query's anchor.
    """
    filled_rgb = fill_holes(Kind.RGB.to_picture(rgb, scale), coverage)
    known = coverage * (~depth.isnan())
    # Its channels are alike: one of them is filled, not three.
    filled_depth = fill_holes(Kind.DEPTH.to_picture(depth, scale)[:, :1], known)
    pictures = [filled_rgb, filled_depth.expand(-1, 3, -1, -1)]
    warped_rgb, warped_depth = PictureMaker(codec).contents([Kind.RGB, Kind.DEPTH], pictures)
    small = F.avg_pool2d(coverage, DOWNSCALE)
    return torch.cat([warped_rgb, warped_depth, small], dim=1)
