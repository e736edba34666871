"""Depth of matched keypoints between two posed pictures: the unit of a clip's cameras.

RealEstate10K's cameras come from structure from motion, each clip in a unit of its own; only what
is triangulated with them knows how deep the scene is in that unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.geometry.cameras import Array, Camera
from engine.geometry.keypoints import projected
from engine.geometry.matching import Matches


@dataclass(frozen=True)
class TriangulationConfig:
    """Attributes:
    error: pixels between a point's picture and the keypoint, in either view, at most.
    angle: degrees between the two rays, at least; depth of nearly parallel ones is a guess.
    """

    error: float = 1.5
    angle: float = 0.5


@dataclass(frozen=True, eq=False)
class Triangulated:
    """Attributes:
    pixels: (N, 2) in the first picture, of the matches that were kept.
    points: (N, 3) in the world, in the cameras' units.
    """

    pixels: Array
    points: Array

    def __len__(self) -> int:
        return len(self.points)


def triangulated(
    matches: Matches,
    camera_a: Camera,
    camera_b: Camera,
    size: tuple[int, int],
    config: TriangulationConfig = TriangulationConfig(),
) -> Triangulated:
    """Points of the matches that both cameras agree on; `size` (H, W) is that of both pictures.

    Linear triangulation (Hartley and Zisserman 2004, 12.2); what lies behind a camera, off its
    keypoints or on nearly parallel rays is left out.
    """
    if not len(matches):
        return Triangulated(np.empty((0, 2)), np.empty((0, 3)))
    homogeneous = cv2.triangulatePoints(
        _projection(camera_a, size),
        _projection(camera_b, size),
        matches.pixels_a.T,
        matches.pixels_b.T,
    )
    finite = np.abs(homogeneous[3]) > 1e-12
    points = (homogeneous[:3] / np.where(finite, homogeneous[3], 1.0)).T
    good = finite & (_angles(points, camera_a, camera_b) >= config.angle)
    for camera, pixels in ((camera_a, matches.pixels_a), (camera_b, matches.pixels_b)):
        off = np.linalg.norm(projected(points, camera, size) - pixels, axis=1)
        good &= off <= config.error  # nan, behind the camera, compares false
    return Triangulated(matches.pixels_a[good], points[good])


def depths_in(points: Array, camera: Camera) -> Array:
    """z-depth (N,) of world points (N, 3); negative behind the camera."""
    depths: Array = points @ camera.T_camera_world[2, :3] + camera.T_camera_world[2, 3]
    return depths


def _projection(camera: Camera, size: tuple[int, int]) -> Array:
    P: Array = camera.intrinsics.matrix(size[1], size[0]) @ camera.T_camera_world[:3]
    return P


def _angles(points: Array, camera_a: Camera, camera_b: Camera) -> Array:
    a, b = points - camera_a.position, points - camera_b.position
    scale = np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
    sine = np.linalg.norm(np.cross(a, b), axis=1) / scale
    degrees: Array = np.degrees(np.arctan2(sine, (a * b).sum(axis=1) / scale))
    return degrees
