"""Kinds that go through the codec: colours, depth, points."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from engine.geometry.pictures import (
    depth_to_picture,
    picture_to_depth,
    picture_to_points,
    points_to_picture,
)
from engine.model.kinds.kind import Kind

#: In units of σ: where the sky is put in XYZ pictures, and from where on points read as sky.
SKY_FAR, SKY_FROM = 1e4, 60.0


class Colours(Kind):
    """Values are RGB, (B, 3, H, W) in [0, 1]; σ means nothing to them."""

    looked_at: ClassVar[bool] = True
    seamless: ClassVar[bool] = True

    def to_picture(self, values: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """See `Kind.to_picture`."""
        return values * 2 - 1

    def from_picture(self, picture: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """See `Kind.from_picture`."""
        return ((picture + 1) / 2).clamp(0, 1)


class Depth(Kind):
    """Values are z-depth, (B, 1, H, W) in scene units; inf = sky; nan = unknown counts as σ."""

    guided: ClassVar[bool] = True

    def to_picture(self, values: Tensor, scale: float | Tensor) -> Tensor:
        """See `Kind.to_picture`; three equal channels."""
        known = torch.where(values.isnan(), torch.as_tensor(scale).to(values), values)
        return depth_to_picture(known, scale).expand(-1, 3, -1, -1)

    def from_picture(self, picture: Tensor, scale: float | Tensor) -> Tensor:
        """See `Kind.from_picture`."""
        return picture_to_depth(picture.float().mean(1, keepdim=True), scale)


class Points(Kind):
    """Values are points, (B, 3, H, W) in the anchor's frame and scene units; inf = sky."""

    def to_picture(self, values: Tensor, scale: float | Tensor) -> Tensor:
        """See `Kind.to_picture`; what is unknown (nan) becomes 0."""
        far = torch.as_tensor(scale).to(values) * SKY_FAR
        known = torch.where(values.isnan(), torch.zeros_like(values), values)
        sky = torch.where(known.isinf(), far * known.sign(), known)
        return points_to_picture(sky, scale)

    def from_picture(self, picture: Tensor, scale: float | Tensor) -> Tensor:
        """See `Kind.from_picture`; all that is farther than `SKY_FROM` σ is sky."""
        points = picture_to_points(picture.float(), scale)
        far = points.norm(dim=1, keepdim=True) > SKY_FROM * scale
        return torch.where(far, torch.inf, points)
