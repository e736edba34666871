"""Where a walk goes: a named path or a camera file, fitted to the photo once its depth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from engine.geometry.cameras import Camera
from engine.geometry.paths import (
    FORTH_AND_BACK,
    PATH_NAMES,
    ROOM_SHARE,
    PathError,
    named_path,
    room_ahead,
    way_out_views,
)
from engine.geometry.pictures import median_depth
from engine.geometry.trajectories.detect import read_trajectory
from engine.geometry.trajectories.trajectory import Trajectory, reach, rebased, resample

#: How many views a named path has where nobody says.
DEFAULT_VIEWS = 32

#: Files have their own units: their farthest camera is put this many σ from the photo.
FILE_REACH = 0.5


@dataclass(frozen=True)
class PathPlan:
    """A path that is known to exist, before the scene's size is known.

    Attributes:
        name: as the user gave it.
        views: how many views will be drawn, not counting the photo.
        trajectory: the file's cameras; None for a named path.
    """

    name: str
    views: int
    trajectory: Trajectory | None = None

    def cameras(self, start: Camera, depth: torch.Tensor) -> list[Camera]:
        """The cameras of the views to be drawn.

        Args:
            start: the photo's camera; the path begins one step from it.
            depth: (H, W) of the photo, scene units.
        """
        scale, room = median_depth(depth), room_ahead(depth)
        if self.trajectory is None:
            return named_path(self.name, self.views, start, scale, room)
        cameras = self.trajectory.cameras
        if len(cameras) != self.views + 1:
            cameras = resample(self.trajectory, self.views + 1).cameras
        return rebased(cameras, start, _file_scale(cameras, scale, room))[1:]


def plan_path(name: str, views: int | None) -> PathPlan:
    """Finds the path, or says in one sentence why it cannot.

    Args:
        name: a path's name, or a file's.
        views: how many; None for 32, or for as many as the file has after its first.

    Raises:
        PathError: neither a path nor a file has that name.
        TrajectoryError: the file cannot be used (both are `ValueError`).
    """
    if name.partition(":")[0] in (*PATH_NAMES, FORTH_AND_BACK):
        way_out_views(name, 1)  # raises for a wrong inner name
        return PathPlan(name, views or DEFAULT_VIEWS)
    if not Path(name).exists():
        known = ", ".join(PATH_NAMES)
        raise PathError(
            f"there is no path and no file called {name!r}; choose {known}, "
            f"{FORTH_AND_BACK}:NAME, or a camera file"
        )
    trajectory = read_trajectory(name)
    return PathPlan(name, views or max(1, len(trajectory.cameras) - 1), trajectory)


def _file_scale(cameras: tuple[Camera, ...], scale: float, room: float) -> float:
    """Scene units per unit of the file: by σ, and never through what stands ahead."""
    farthest = reach(cameras)
    if farthest <= 0:
        return 1.0
    factor = FILE_REACH * scale / farthest
    ahead = max(float(c.relative_to(cameras[0]).position[2]) for c in cameras)
    if ahead * factor > ROOM_SHARE * room:
        factor = ROOM_SHARE * room / ahead
    return factor
