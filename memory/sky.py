"""The sky that was seen: each direction once, as the first view saw it."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.rendering import render_surfels
from engine.geometry.surfels import SkyDirections, Surfels

#: Pixels of sky that are covered less than this by what is known are new.
_KNOWN = 0.7


class SkyMemory:
    """Coloured directions at infinity."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._sky = SkyDirections.empty(device)

    def __len__(self) -> int:
        return len(self._sky)

    def shrink(self, count: int) -> None:
        """Forget all but the first `count` directions."""
        self._sky = self._sky[torch.arange(count, device=self._sky.directions.device)]

    def within(self, camera: Camera) -> SkyDirections:
        """The directions that may lie in the camera's picture."""
        if not len(self._sky):
            return self._sky
        k = camera.intrinsics
        x = max(k.cx, 1 - k.cx) / k.fx
        y = max(k.cy, 1 - k.cy) / k.fy
        widest = 0.98 / (1 + x * x + y * y) ** 0.5  # cosine to the farthest corner, and a little
        forward = torch.tensor(
            camera.forward, dtype=torch.float32, device=self._sky.directions.device
        )
        return self._sky[(self._sky.directions @ forward > widest).nonzero()[:, 0]]

    def add(
        self, sky: SkyDirections, pixels: Tensor, camera: Camera, size: tuple[int, int]
    ) -> None:
        """Add the directions that are not known yet.

        Args:
            sky: (M,) what a view saw.
            pixels: (M,) where in its picture, row · width + column.
            camera: of the view.
            size: height and width of its picture.
        """
        if not len(sky):
            return
        nothing = Surfels.empty(sky.directions.device)
        known = render_surfels(nothing, camera, *size, sky=self.within(camera))
        new = known.coverage.view(-1).index_select(0, pixels) < _KNOWN
        if bool(new.any()):
            self._sky = SkyDirections.concatenated([self._sky, sky[new.nonzero()[:, 0]]])
