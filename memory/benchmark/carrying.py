"""`python -m memory.benchmark.carrying [WIDTHxHEIGHT]`: milliseconds of a carried frame.

Pictures of the benchmark's house, carried into cameras beside their own; medians, wall and CPU.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np

from engine.geometry.cameras import Camera
from memory.benchmark.house import house, walk_through
from memory.pictures.carriable import Carriable
from memory.pictures.carrying import carry

_FRAMES = 40
#: Right, down and forward in units of the house, and a turn in radians.
_MOTIONS = {
    "standing": (0.0, 0.0, 0.0, 0.0),
    "forward": (0.0, 0.0, 0.1, 0.0),
    "sideways": (0.1, 0.0, 0.0, 0.0),
    "turning": (0.0, 0.0, 0.0, 0.15),
}


def measure(
    sources: Sequence[Carriable], camera: Camera, size: tuple[int, int]
) -> tuple[float, float, float]:
    """Milliseconds, of CPU time too, and the share of holes."""
    wall, used, holes = [], [], 0.0
    for _ in range(_FRAMES):
        begun, begun_used = time.perf_counter(), time.process_time()
        found = carry(sources, camera, size)
        wall.append(time.perf_counter() - begun)
        used.append(time.process_time() - begun_used)
        holes = len(found.holes) / (size[0] * size[1])
    return 1e3 * float(np.median(wall)), 1e3 * float(np.median(used)), holes


def main(arguments: list[str]) -> None:
    width, height = (int(side) for side in (arguments or ["1280x720"])[0].split("x"))
    boxes, cameras = house(), walk_through(40)
    begun = time.perf_counter()
    views = [boxes.view(i, cameras[i], height, width) for i in (10, 12, 0)]
    begun, sources = time.perf_counter(), []
    for view in views:
        sources.append(Carriable(view.rgb, view.depth, view.camera))
    print(f"making ready: {1e3 * (time.perf_counter() - begun) / len(views):.1f} ms a picture")
    print("motion       sources   ms (wall)    ms (CPU)    holes")
    for name, (x, y, z, yaw) in _MOTIONS.items():
        T, c, s = np.eye(4), np.cos(yaw), np.sin(yaw)
        T[:3, :3], T[:3, 3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]], (x, y, z)
        camera = views[0].camera.moved(T)
        for count in (1, 3):
            wall, used, holes = measure(sources[:count], camera, (width, height))
            print(f"{name:12s} {count:7d} {wall:11.1f} {used:11.1f} {holes:8.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
