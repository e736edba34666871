"""All that a memory knows of a new view, in one answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.rendering import Rendering
from memory.free_space import FreeSpace
from memory.recall import PHOTO, Recalled
from memory.retrieval.query import Sight

#: Pixels that points cover less than this are gaps among them.
_GAP = 0.5
#: What a view saw from the same place this much (relative) before the points is missing there.
_BEFORE = 0.05


@dataclass(frozen=True, eq=False)
class Known:
    """The memory seen from a camera, as tensors on the memory's device.

    Attributes:
        camera: the one that was asked for.
        rgb: (H, W, 3) float32 in [0, 1]; 0 where nothing is known.
        depth: (H, W) float32 z-depth in scene units; inf = sky, nan = unknown.
        coverage: (H, W) float32 in [0, 1], how much of each pixel is known.
        view_ids: (H, W) int32, the view that each pixel stems from; −1 for none.
        footprint: (H, W) float32, how many pixels wide the disc of each pixel is; 1 or less is as
            sharp as the picture, 0 where nothing is known.
        by_points: (H, W) float32, z-depth that points and sky alone show; nan for gaps among them.
        sight: which views see what is known, for retrieval.
        free_space: what the photo looks through, where nothing can be; None without a photo.
        moment: how often the memory had changed before.
    """

    camera: Camera
    rgb: Tensor
    depth: Tensor
    coverage: Tensor
    view_ids: Tensor
    footprint: Tensor
    by_points: Tensor
    sight: Sight
    free_space: FreeSpace | None
    moment: int

    @property
    def device(self) -> torch.device:
        return self.rgb.device

    def with_rims(self, rims: Rendering) -> Known:
        """The photo's rims get what its own points leave of a pixel, and all that drawn views know
        of it: they saw it from elsewhere and in less detail."""
        photo = (self.view_ids == PHOTO) & (self.coverage >= _GAP)
        hidden = rims.depth.isnan() | (photo & (self.depth < rims.depth * (1.0 - _BEFORE)))
        left = torch.where(photo, 1.0 - self.coverage.clamp(0.0, 1.0), 1.0)
        share = torch.where(hidden, 0.0, torch.minimum(rims.coverage, left))
        rim = share > _GAP
        return replace(
            self,
            rgb=self.rgb + share[..., None] * (rims.rgb - self.rgb),
            depth=torch.where(rim, rims.depth, self.depth),
            coverage=(self.coverage + share).clamp_max(1.0),
            view_ids=torch.where(rim, PHOTO, self.view_ids),
            footprint=torch.where(rim, rims.footprint, self.footprint),
        )

    def with_gaps_filled(self, again: Recalled) -> Known:
        """A recalled view gets what points leave of a pixel's colour, or its own weight if more.

        Rims have no points of their own, so that later views' points of what is behind show there
        as if nothing stood before it: to the recalled view they are gaps too.
        """
        there = again.view_ids >= 0
        before = again.depth < self.depth * (1.0 - _BEFORE)  # false where either is nan
        gap = there & (before | (self.coverage < _GAP))
        left = torch.where(before, 1.0, 1.0 - self.coverage.clamp(0.0, 1.0))
        share = torch.maximum(torch.where(there, left, 0.0), again.weight)
        return replace(
            self,
            rgb=self.rgb + share[..., None] * (again.rgb - self.rgb),
            depth=torch.where(gap, again.depth, self.depth),
            coverage=torch.where(there, 1.0, self.coverage),
            view_ids=torch.where(gap, again.view_ids, self.view_ids),
            footprint=self.footprint + share * (1.0 - self.footprint),
        )
