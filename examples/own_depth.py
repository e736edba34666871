"""Depth of your own: whatever knows how far things are in the photo gives it to the walk.

    python examples/own_depth.py [PHOTO] [OUT]

Here it is a room of known size. The depth models of `--depth-prior` are such sources too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from engine.geometry.rays import camera_directions
from explorer.walk.depth_source import PhotoDepth
from explorer.walk.photo import Photo
from explorer.walk.run import walk_photo
from explorer.walk.run_options import RunOptions

ROOM = Path(__file__).parents[1] / "assets" / "samples" / "room.png"
PHOTO = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOM
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("out/examples/own_depth")


class Box:
    """A `DepthSource`: an empty room around the camera, in metres; so is the walk then."""

    every_view = False  # True: asked for the depth of drawn views, too

    def __init__(self, side: float = 2.0, floor: float = 1.4, end: float = 5.0) -> None:
        self._walls = (side, floor, end)

    @property
    def identity(self) -> dict[str, Any]:
        """A walk goes on with `resume` only where this is the same."""
        return {"model": "box", "walls": list(self._walls)}

    def depth(self, photo: Photo) -> PhotoDepth:
        rays = camera_directions(photo.camera, photo.height, photo.width)  # (H, W, 3), z = 1
        walls = torch.tensor(self._walls) / rays.abs()
        return PhotoDepth(walls.amin(-1).numpy(), metric=True)

    def close(self) -> None:
        """Nothing to let go of."""


options = RunOptions(photo=PHOTO, out=OUT, path="forward", views=3, overwrite=True)
print(walk_photo(options, depth_source=Box()))
