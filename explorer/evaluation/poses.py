"""Where a drawn view was really taken from: matched to the true view by SIFT, solved by PnP.

Features of the drawn picture are matched to those of the true picture of the same camera; the
true depth turns each match into a world point; the camera that explains where those points appear
in the drawn picture is recovered by PnP with RANSAC. A model that obeys the asked camera gets an
error near zero. Blurred or invented pictures leave too few matches: these failures are counted,
never averaged away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.keypoints import depth_at, lifted
from engine.geometry.matching import (
    Features,
    MatchingConfig,
    find_features,
    nearest_descriptors,
)
from engine.geometry.metrics import rotation_error_degrees, translation_error
from engine.geometry.pose import estimate_camera
from explorer.evaluation.scenes import Scene, TrueView

#: Drawn pictures are blurred: matches between them are few, and RANSAC sorts out the wrong ones.
_MATCHING = MatchingConfig(most_features=600, ratio=0.85)


@dataclass(frozen=True)
class PoseError:
    """Of a drawn view's recovered camera against the asked one.

    Attributes:
        rotation_degrees: angle between the two orientations.
        translation: distance between the two positions, in the scene's units.
        inliers: matches that agree with the recovered camera.
    """

    rotation_degrees: float
    translation: float
    inliers: int


class CameraMatcher:
    """Recovers the cameras of pictures drawn for one scene.

    Features of the scene's own pictures are found once: every method is matched to them.
    """

    def __init__(self, scene: Scene) -> None:
        own = [scene.photo, *scene.views]
        self._found: dict[int, Features | None] = {id(view.rgb): None for view in own}
        self._scene = scene

    def error(self, drawn: NDArray[np.uint8], truth: TrueView) -> PoseError | None:
        """How far the camera that explains a drawn picture is from the one it was asked for.

        Args:
            drawn: (H, W, 3) uint8, drawn for `truth.camera`.
            truth: the scene's true view of that camera; its depth must be known.

        Returns:
            None where too few matches agree on any camera: a failure, to be counted.

        Raises:
            ValueError: if the truth has no depth.
        """
        if truth.depth is None:
            raise ValueError("a camera can only be recovered where the true view has a depth")
        there, here = self._features(truth.rgb), self._features(drawn)
        if len(there.places) < 2 or not len(here.places):
            return None
        nearest = nearest_descriptors(here.descriptors, there.descriptors)
        good = nearest.ratio < _MATCHING.ratio
        height, width = truth.depth.shape
        seen = there.places[nearest.index[good]]
        depth = depth_at(truth.depth, seen)
        points = lifted(seen, depth, truth.camera, (height, width))
        pixels, known = here.places[good], np.isfinite(depth)
        estimate = estimate_camera(
            points[known], pixels[known], truth.camera.intrinsics, (height, width)
        )
        if estimate is None:
            return None
        return PoseError(
            rotation_degrees=rotation_error_degrees(estimate.camera, truth.camera),
            translation=translation_error(estimate.camera, truth.camera),
            inliers=int(estimate.inliers.sum()),
        )

    def _features(self, rgb: NDArray[np.uint8]) -> Features:
        found = self._found.get(id(rgb))
        if found is None:
            found = find_features(rgb, _MATCHING)
            if id(rgb) in self._found:
                self._found[id(rgb)] = found
        return found
