"""What the photo shows at its depth edges, for cameras that stand near.

A pixel between a near and a far surface belongs to neither, so it becomes no point: seen from the
side it would smear. But as long as it falls on the same pixel whichever of the two it lies on, it
can simply be shown. Without that, the first steps from the photo would lose all its outlines to
what the model draws there, and the way back to it to what was drawn from far away.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.projection import depth_confidence
from engine.geometry.rays import camera_directions
from engine.geometry.surfels import LEAST_CONFIDENCE, Seen, Surfels, ramp_trust
from memory.fusion import Observation

#: A rim is shown while it cannot be off by more pixels than this.
OFF = 1.0
#: So many pixels around one may have its true depth.
REACH = 4


@dataclass(frozen=True, eq=False)
class Rims:
    """Attributes:
    discs: one a pixel, facing the camera that saw them.
    doubt: (N,) by how much the inverse depth of each may be wrong, 1 / world units.
    position: (3,) of that camera, world units.
    """

    discs: Surfels
    doubt: Tensor
    position: Tensor

    @staticmethod
    def of(picture: Observation, seen: Seen) -> Rims:
        """The pixels at depth edges that became no points; `seen` are those that did.

        What was left out for another reason stays out: its depth is not known at all.
        """
        height, width = picture.depth.shape
        known = torch.isfinite(picture.depth) & (picture.depth > 0)
        trust = depth_confidence(picture.depth, picture.camera) * ramp_trust(picture.depth)
        left = (known & (trust <= LEAST_CONFIDENCE)).view(-1)
        left[seen.surfel_pixels] = False
        index = left.nonzero()[:, 0]
        inverse = torch.where(known, 1 / picture.depth, 0.0)  # sky is 0, and so is unknown
        doubt = _farthest_around(inverse).view(-1).index_select(0, index)
        T = torch.tensor(picture.camera.T_world_camera, dtype=torch.float32, device=doubt.device)
        directions = camera_directions(picture.camera, height, width, doubt.device).float()
        rays = directions.view(-1, 3).index_select(0, index) @ T[:3, :3].T
        z = picture.depth.reshape(-1, 1).index_select(0, index)
        normals = -F.normalize(rays, dim=-1)
        radii = z / (picture.camera.intrinsics.fx * width)
        across = T[:3, 0] - (normals @ T[:3, :1]) * normals
        discs = Surfels(
            positions=rays * z + T[:3, 3],
            normals=normals,
            radii=radii[:, 0],
            long_axes=across * radii,
            colours=picture.rgb.view(-1, 3).index_select(0, index),
            view_ids=torch.full_like(index, picture.view_id, dtype=torch.int32),
            confidence=torch.ones_like(doubt),
        )
        return Rims(discs, doubt, T[:3, 3])

    def near(self, camera: Camera, width: int) -> Surfels:
        """The discs that `camera` sees within `OFF` pixels of where they belong.

        Something at inverse depth 1/z moves by about f · away / z pixels when the camera steps
        `away` to the side, and by no more when it steps elsewhere.
        """
        position = torch.tensor(camera.position, dtype=torch.float32, device=self.doubt.device)
        away = float((position - self.position).norm())
        off = self.doubt * (away * camera.intrinsics.fx * width)
        return self.discs[off <= OFF]


def _farthest_around(inverse: Tensor) -> Tensor:
    """(H, W) the largest difference to a pixel at most `REACH` rows and columns away."""
    size = 2 * REACH + 1
    most = F.max_pool2d(inverse[None, None], size, stride=1, padding=REACH)[0, 0]
    least = -F.max_pool2d(-inverse[None, None], size, stride=1, padding=REACH)[0, 0]
    return torch.maximum(most - inverse, inverse - least)
