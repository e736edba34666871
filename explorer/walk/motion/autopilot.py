"""Flies by itself: to a place, or back along the way that was flown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from engine.geometry.cameras import Camera
from explorer.walk.motion.mover import turned
from explorer.walk.motion.nearness import nearness

#: A flight to a place takes between these seconds, depending on how far it is.
SHORTEST, LONGEST = 0.6, 4.0
#: σ and degrees that are flown in a second.
SHIFT_PACE, TURN_PACE = 0.35, 45.0


class Autopilot:
    """Flies through cameras, easing in and out.

    Args:
        cameras: at least one; positions are joined by lines, orientations by slerp.
        seconds_per_camera: from one to the next.
    """

    def __init__(self, cameras: Sequence[Camera], seconds_per_camera: float = 0.5) -> None:
        if not cameras:
            raise ValueError("an autopilot needs somewhere to fly to")
        self._cameras = list(cameras)
        self._duration = max(len(cameras) - 1, 1) * seconds_per_camera
        self._time = 0.0
        self._ended = False

    def advance(self, seconds: float) -> Camera | None:
        """The camera after so much more time; None once the last one was returned."""
        if self._ended:
            return None
        self._time += seconds
        if self._time >= self._duration or len(self._cameras) == 1:
            self._ended = True
            return self._cameras[-1]
        share = self._time / self._duration
        eased = 0.5 - 0.5 * math.cos(math.pi * share)
        at = eased * (len(self._cameras) - 1)
        index = min(int(at), len(self._cameras) - 2)
        return between(self._cameras[index], self._cameras[index + 1], at - index)


def between(a: Camera, b: Camera, share: float) -> Camera:
    """A camera on the way from `a` (share 0) to `b` (share 1), with the lens of `a`."""
    T = np.eye(4)
    ends = Rotation.from_matrix([a.T_world_camera[:3, :3], b.T_world_camera[:3, :3]])
    T[:3, :3] = Slerp([0.0, 1.0], ends)(share).as_matrix()
    T[:3, 3] = (1.0 - share) * a.position + share * b.position
    return Camera(T, a.intrinsics)


def fly_to(start: Camera, goal: Camera, scene_scale: float) -> Autopilot:
    """A flight whose time follows from how far it is."""
    gap = nearness(start, goal, scene_scale)
    seconds = max(gap.shift / SHIFT_PACE, gap.degrees / TURN_PACE)
    return Autopilot([start, goal], float(np.clip(seconds, SHORTEST, LONGEST)))


def return_path(cameras: Sequence[Camera]) -> list[Camera]:
    """Back from the last camera to the first, between those of the way out."""
    back = list(reversed(cameras))
    middles = [between(a, b, 0.5) for a, b in itertools.pairwise(back)]
    return [back[0], *middles, back[-1]]


def near_point(camera: Camera, point: NDArray[np.float64], share: float = 0.6) -> Camera:
    """Where one sees a world point (3,) from, on the way to it: turned to it, with a level
    horizon, after `share` of the way."""
    way = np.asarray(point, float) - camera.position
    length = float(np.linalg.norm(way))
    if length < 1e-9:
        return camera
    heading, rise = math.atan2(way[0], way[2]), math.asin(-way[1] / length)
    now = camera.forward
    there = np.array(camera.T_world_camera)
    there[:3, 3] += share * way
    yaw = heading - math.atan2(now[0], now[2])
    pitch = rise - math.asin(float(np.clip(-now[1], -1.0, 1.0)))
    return turned(Camera(there, camera.intrinsics), yaw, pitch, math.radians(80.0))
