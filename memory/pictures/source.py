"""A stored view made ready to be looked into: its depth, its rims, and its smaller pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.upsampling import STEP, Nearest, depth_steps, inverse_depth, of_one_side
from memory.pictures.picture import Picture

Plane = NDArray[np.float32]

#: A lens and JPEG mix the colours of both sides of a rim over so much of the picture's width, to
#: each side.
MIXED = 0.002
#: What stands before leaves more of itself on what is behind, since depth's edges are that far off.
_GHOST = 0.006
#: The two sides of a rim must come this far apart, pixels, before they are told apart at all, and
#: fully. Below, the picture's own mixture is what belongs there.
APART = (0.5, 2.0)


@dataclass(frozen=True, eq=False)
class Rims:
    """Pixels whose colours are mixed of two surfaces, but for those of things so thin that nothing
    of them is clean.

    Attributes:
        rows, columns: (N,) int64.
        clean: (N, 3) uint8, the colour of the nearest pixel of the same side that is not mixed.
        gap: (N,) float32, inverse depth between both sides.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    clean: NDArray[np.uint8]
    gap: Plane


@dataclass(frozen=True, eq=False)
class Source:
    """Use `Source.of`.

    Attributes:
        view_id, camera: whose picture.
        picture: as it is stored.
        inverse: (H, W) float32 inverse depth, 0 = sky.
        surface: (H, W, 2) float32, inverse depth, and 1 within a pixel of a depth edge, where depth
            is not interpolated: both are sampled at once.
    """

    view_id: int
    camera: Camera
    picture: Picture
    inverse: Plane
    surface: Plane

    @staticmethod
    def of(view_id: int, camera: Camera, picture: Picture) -> Source:
        """
        Raises:
            ValueError: the picture has no depth.
        """
        if picture.depth is None:
            raise ValueError(f"the picture of view {view_id} has no depth to be looked up by")
        inverse = inverse_depth(picture.depth)
        steps = depth_steps(inverse, STEP)
        edges = cv2.dilate(steps, np.ones((3, 3), np.uint8))
        surface = np.stack([inverse, edges.astype(np.float32)], axis=-1)
        return Source(view_id, camera, picture, inverse, surface)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3)."""
        return self.picture.rgb

    @cached_property
    def rims(self) -> Rims:
        """What is cleaned before another camera sees it."""
        return _rims(self.rgb, self.inverse, depth_steps(self.inverse, STEP))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return int(self.rgb.shape[1]), int(self.rgb.shape[0])

    def parallax(self, camera: Camera, width: int) -> float:
        """Pixels by which two things of one pixel come apart, per inverse depth between them, in
        another camera's pictures of that width."""
        return float(np.linalg.norm(camera.position - self.camera.position)) * (
            camera.intrinsics.fx * width
        )

    def seen_from(self, camera: Camera, width: int) -> NDArray[np.uint8]:
        """The picture as it may be sampled for another camera with pictures of that width: rims
        are cleaned as far as both their sides come apart there."""
        rims = self.rims
        apart = rims.gap * np.float32(self.parallax(camera, width))
        share = np.clip((apart - APART[0]) / (APART[1] - APART[0]), 0.0, 1.0)[:, None]
        if not share.any():
            return self.rgb
        picture = self.rgb.copy()
        mixed = picture[rims.rows, rims.columns]
        cleaned = mixed + share * (rims.clean.astype(np.float32) - mixed)
        picture[rims.rows, rims.columns] = np.round(cleaned).astype(np.uint8)
        return picture


def _disc(reach: int) -> NDArray[np.uint8]:
    size = 2 * reach + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _rims(rgb: NDArray[np.uint8], inverse: Plane, steps: NDArray[np.uint8]) -> Rims:
    before, behind = (max(2, round(share * rgb.shape[1])) for share in (MIXED, _GHOST))
    wide = _disc(behind + 1)
    near, far = cv2.dilate(inverse, wide), cv2.erode(inverse, wide)
    # What is nearer to the far side's depth lies behind.
    far_side = 2 * inverse < near + far
    band = (
        np.where(far_side, cv2.dilate(steps, _disc(behind)), cv2.dilate(steps, _disc(before))) > 0
    )
    if not band.any() or band.all():
        none = np.zeros(0, np.int64)
        return Rims(none, none, np.zeros((0, 3), np.uint8), np.zeros(0, np.float32))
    gap = near - far
    inner = Nearest(~band)
    band &= of_one_side(inner.filled(inverse), inverse)
    rows, columns = np.nonzero(band)
    return Rims(rows, columns, inner.filled(rgb)[band], gap[band])
