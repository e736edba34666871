"""A path of your own: cameras from a function, drawn one by one.

    python examples/own_path.py [PHOTO] [OUT]

Camera axes are x right, y down, z forward; lengths are in units of the photo's median depth, which
is what the model's own depth is scaled to. Named paths are such functions too, in
engine/geometry/paths.py, and cameras of another program come in as a file: `--path FILE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from engine.geometry.rotations import rotation_about_y
from engine.queries import Engine, finish
from explorer.walk.photo import open_photo
from explorer.walk.walk import Walk
from memory.memory import Memory

ROOM = Path(__file__).parents[1] / "assets" / "samples" / "room.png"
PHOTO = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOM
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("out/examples/own_path")


def motion(progress: float) -> np.ndarray:
    """(4, 4), the camera at `progress` in the frame of the photo's: ahead in an S, turning."""
    swing = 2.0 * np.pi * progress
    T = np.eye(4)
    T[:3, :3] = rotation_about_y(np.radians(12.0) * np.cos(swing))
    T[:3, 3] = [0.05 * np.sin(swing), 0.0, 0.25 * progress]
    return T


walk = Walk(open_photo(PHOTO), Engine.load(), Memory())
finish(walk.start())  # the photo's own depth
OUT.mkdir(parents=True, exist_ok=True)
for progress in np.linspace(0.25, 1.0, 4):
    drawn = finish(walk.step(walk.photo.camera.moved(motion(progress))))
    Image.fromarray(drawn.view.rgb).save(OUT / f"{drawn.view.id:04d}.png")
    print(
        f"view {drawn.view.id}: {drawn.coverage:.0%} known, in {sum(drawn.seconds.values()):.1f} s"
    )
