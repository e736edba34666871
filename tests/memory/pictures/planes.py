"""Textured planes and the sky, seen from anywhere in closed form."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from memory.pictures.looked_up import Seen
from memory.pictures.picture import Picture

SIZE = W, H = 320, 180
SMALL = w, h = 80, 45
LENS = Intrinsics(0.9, 0.9 * W / H, 0.52, 0.47)
FAR, NEAR = 4.0, 2.0
#: n · X = 1.
WALL = (0.0, 0.0, 1 / FAR)
#: Left, top, right and bottom of the card, at NEAR.
CARD = (-0.5, -0.35, 0.4, 0.45)


def camera(x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> Camera:
    c, s = np.cos(yaw), np.sin(yaw)
    return Camera(np.array([[c, 0, s, x], [0, 1, 0, y], [-s, 0, c, z], [0, 0, 0, 1]]), LENS)


def rays(asked: Camera, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) in world axes, 1 deep."""
    v, u = np.mgrid[: size[1], : size[0]] + 0.5
    x, y = (u / size[0] - LENS.cx) / LENS.fx, (v / size[1] - LENS.cy) / LENS.fy
    return np.stack([x, y, np.ones_like(x)], -1) @ asked.T_world_camera[:3, :3].T


def inverse_of(normal: Iterable[float], asked: Camera, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Inverse depth (H, W) of the plane n · X = 1, not positive where it is not seen."""
    n = np.asarray(tuple(normal))
    found = rays(asked, size) @ n / (1 - n @ asked.T_world_camera[:3, 3])
    return found.astype(np.float32)


def on_card(asked: Camera, size: tuple[int, int] = SIZE) -> np.ndarray:
    position = asked.T_world_camera[:3, 3]
    points = position + rays(asked, size) * (NEAR - position[2])
    left, top, right, bottom = CARD
    x, y = points[..., 0], points[..., 1]
    return (x > left) & (x < right) & (y > top) & (y < bottom)


def card_inverse(asked: Camera, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Of a card before a wall; both across the line of sight, the camera not turned."""
    z = asked.T_world_camera[2, 3]
    depth = np.where(on_card(asked, size), NEAR - z, FAR - z)
    return (1 / depth).astype(np.float32)


def texture(normal: Iterable[float], asked: Camera, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) the colours of the plane, smooth waves in world axes."""
    inverse = inverse_of(normal, asked, size)[..., None]
    p = asked.T_world_camera[:3, 3] + rays(asked, size) / np.where(inverse > 0, inverse, np.nan)
    waves = [np.sin(p @ k) for k in ((5, 3, 4), (-3, 6, 2), (4, -4, -6))]
    return np.nan_to_num(128 + 90 * np.stack(waves, -1)).round().astype(np.uint8)


def picture(rgb: np.ndarray, inverse: np.ndarray) -> Picture:
    with np.errstate(divide="ignore"):
        return Picture(rgb, (1 / inverse).astype(np.float32))


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (H, W, 3), np.uint8)


def seen(inverse: np.ndarray, view_ids: np.ndarray | int = 0) -> Seen:
    """Of the model's size; nothing is known where the inverse depth is nan."""
    ids = np.broadcast_to(np.asarray(view_ids, np.int32), inverse.shape)
    return Seen(inverse, np.where(np.isnan(inverse), np.int32(-1), ids))
