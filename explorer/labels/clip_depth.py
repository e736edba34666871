"""A model's depth in the units of a clip's cameras, by keypoints that the cameras triangulate.

Every clip of RealEstate10K has a unit of its own, and a model's depth has metres or no unit at
all: without this a warp by that depth would not land where the next camera looks. Inverse depth
is fitted by a robust scale and shift (Ranftl et al. 2020), any other depth by a scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.alignment import align_inverse_depth, align_log_scale
from engine.geometry.cameras import Array
from engine.geometry.keypoints import depth_at
from engine.geometry.matching import Features, find_features, mutual_matches
from engine.geometry.triangulation import depths_in, triangulated
from engine.training.clip_frames import PosedClip
from explorer.priors.kinds import DepthKind

#: Keypoints are sought at this width.
_WIDTH = 320
#: Frames to either side that a frame is matched with, at most, and how many matches must stand.
_REACH, _LEAST = 12, 20
#: Median of |aligned − triangulated| / triangulated above which the two do not agree.
_WORST = 0.15
#: In median depths: where a fit in inverse depth runs to infinity.
_FARTHEST = 80.0


@dataclass(frozen=True, eq=False)
class Fitted:
    """Attributes:
    depth: (H, W) in the units of the clip's cameras.
    error: median relative error at the keypoints.
    points: how many they were.
    """

    depth: NDArray[np.float32]
    error: float
    points: int


class ClipUnits:
    """Fits the depth of a clip's frames, one at a time, to the clip's own cameras."""

    def __init__(self, clip: PosedClip) -> None:
        self._clip = clip
        # Neighbours are asked for again and again.
        self._features = lru_cache(maxsize=4 * _REACH)(self._find)
        self._height = 0

    def _find(self, frame: int) -> Features:
        (rgb,) = self._clip.frames([frame], None)
        self._height = max(1, round(rgb.shape[0] * _WIDTH / rgb.shape[1]))
        small = cv2.resize(rgb, (_WIDTH, self._height), interpolation=cv2.INTER_AREA)
        return find_features(np.asarray(small, np.uint8))

    def fitted(self, frame: int, depth: NDArray[np.float32], kind: DepthKind) -> Fitted | None:
        """The depth of a frame in the clip's unit; None where the two cannot be brought together.

        Args:
            depth: (H, W) as the model has it: inf = sky, nan = unknown.
            kind: what its unit and its shift are known to be.
        """
        pixels, truth = self._known(frame)
        size = np.array([depth.shape[1], depth.shape[0]]) / (_WIDTH, self._height)
        found = depth_at(depth, pixels * size)
        both = np.isfinite(found)
        found, truth = found[both], truth[both]
        if len(found) < _LEAST:
            return None
        if kind is DepthKind.INVERSE:
            line = align_inverse_depth(found, truth)
            if line.scale <= 0:
                return None
            farthest = _FARTHEST * float(np.median(truth))
            aligned = np.where(np.isinf(depth), np.inf, line.apply(depth, farthest))
            fit = line.apply(found, farthest)
        else:
            scale = align_log_scale(found, truth, np.ones_like(truth)).scale
            aligned, fit = depth * scale, found * scale
        error = float(np.median(np.abs(fit - truth) / truth))
        if error > _WORST:
            return None
        return Fitted(aligned.astype(np.float32), error, len(found))

    def _known(self, frame: int) -> tuple[Array, Array]:
        """Pixels (N, 2) of a frame at matching size, and the depth (N,) that is known there."""
        count, own = len(self._clip.cameras), self._features(frame)
        reach = max(1, min(_REACH, count // 4))
        pixels, depths = [np.empty((0, 2))], [np.empty(0)]
        for other in (frame - reach, frame + reach):
            if not 0 <= other < count:
                continue
            matches = mutual_matches(own, self._features(other))
            cameras = (self._clip.cameras[frame], self._clip.cameras[other])
            points = triangulated(matches, *cameras, (self._height, _WIDTH))
            pixels.append(points.pixels)
            depths.append(depths_in(points.points, cameras[0]))
        return np.concatenate(pixels), np.concatenate(depths)
