"""Carried pictures, in closed form: the same camera, planes, a card before a wall, the sky."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from memory.pictures.carriable import Carriable, CarryConfig
from memory.pictures.carrying import carry, seen_inverse

SIZE = W, H = 322, 182  # no multiple of the cell
LENS = Intrinsics(0.9, 0.9 * W / H, 0.52, 0.47)
FAR, NEAR = 4.0, 2.0


def camera(x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> Camera:
    c, s = np.cos(yaw), np.sin(yaw)
    T = np.array([[c, 0, s, x], [0, 1, 0, y], [-s, 0, c, z], [0, 0, 0, 1]])
    return Camera(T, LENS)


def picture(seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (23, 41, 3), np.uint8)
    return np.asarray(cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC))


def wall(depth: float = FAR) -> np.ndarray:
    return np.full((H, W), depth, np.float32)


def card() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours, depth and mask of a red card before a green wall."""
    mask = np.zeros((H, W), bool)
    mask[61:122, 101:202] = True
    rgb = np.where(mask[..., None], (250, 0, 0), (0, 200, 0)).astype(np.uint8)
    return rgb, np.where(mask, NEAR, FAR).astype(np.float32), mask


def differences(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.abs(a[..., :3].astype(int) - b)[where]


@pytest.mark.parametrize("depth", [None, wall(), card()[1]])
def test_the_same_camera_sees_the_picture_itself(depth) -> None:
    rgb = picture()
    found = carry([Carriable(rgb, depth, camera())], camera(), SIZE)
    assert np.array_equal(found.rgba[..., :3], rgb)
    assert len(found.holes) == 0


@pytest.mark.parametrize("to", [camera(z=0.8), camera(x=0.3, y=-0.1), camera(z=-0.5, yaw=0.1)])
def test_a_wall_moves_by_its_homography(to) -> None:
    rgb = picture()
    found = carry([Carriable(rgb, wall(), camera())], to, SIZE)
    K, T = LENS.matrix(W, H), to.T_camera_world
    plane = K @ (T[:3, :3] + np.outer(T[:3, 3], (0, 0, 1 / FAR))) @ np.linalg.inv(K)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    wanted = cv2.warpPerspective(rgb, np.linalg.inv(half) @ plane @ half, SIZE)
    inside = cv2.warpPerspective(
        np.ones((H, W), np.uint8), np.linalg.inv(half) @ plane @ half, SIZE
    )
    inside = cv2.erode(inside, np.ones((41, 41), np.uint8)) > 0
    off = differences(found.rgba, wanted, inside)
    assert np.percentile(off, 99) <= 3
    assert not (found.hole & inside).any()
    assert (found.rgba[..., 3] == 255).all()


def test_a_slanted_wall_is_a_plane_too() -> None:
    v, u = np.mgrid[:H, :W] + 0.5
    x, y = (u / W - LENS.cx) / LENS.fx, (v / H - LENS.cy) / LENS.fy
    normal = np.array([0.12, 0.05, 0.25])  # n · X = 1
    depth = (1 / (normal[0] * x + normal[1] * y + normal[2])).astype(np.float32)
    rgb, to = picture(), camera(x=0.2, z=0.3)
    K, T = LENS.matrix(W, H), to.T_camera_world
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    M = K @ (T[:3, :3] + np.outer(T[:3, 3], normal)) @ np.linalg.inv(K)
    wanted = cv2.warpPerspective(rgb, np.linalg.inv(half) @ M @ half, SIZE)
    found = carry([Carriable(rgb, depth, camera())], to, SIZE)
    middle = np.zeros((H, W), bool)
    middle[40:-40, 60:-60] = True
    assert np.percentile(differences(found.rgba, wanted, middle), 99) <= 4


def test_a_card_keeps_its_rim_and_leaves_a_hole() -> None:
    """No sheet is drawn between the card and the wall; what the card hid is known to be a guess."""
    rgb, depth, mask = card()
    x = 0.25
    found = carry([Carriable(rgb, depth, camera())], camera(x=x), SIZE)
    by_card, by_wall = (round(LENS.fx * W * x / d) for d in (NEAR, FAR))
    red = (found.rgba[..., 0] > 125) & (found.rgba[..., 1] < 100)
    moved = np.roll(mask, -by_card, axis=1)
    assert (red & ~found.hole != moved).mean() < 0.004  # a pixel along the rim at most
    hole = np.roll(mask, -by_wall, axis=1) & ~moved
    assert (found.hole & hole).sum() > 0.95 * hole.sum()
    # It looks like the wall, not like the card.
    inside = cv2.erode(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    greens = found.rgba[inside]
    assert greens[:, 1].mean() > 2 * greens[:, 0].mean()
    # What is neither hole nor rim has one of the two colours, unmixed.
    rim = cv2.dilate(moved.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    sure = ~found.hole & ~(rim & ~moved) & ~cv2.dilate(found.hole.astype(np.uint8), np.ones((5, 5)))
    mixed = np.minimum(found.rgba[..., 0], found.rgba[..., 1])
    assert mixed[sure.astype(bool) & (np.arange(W) < W - 60)].max() < 90


def test_another_source_fills_what_the_first_does_not_see() -> None:
    rgb, depth, _ = card()
    to = camera(x=0.25)
    first = Carriable(rgb, depth, camera())
    second = Carriable(np.full((H, W, 3), (0, 200, 0), np.uint8), wall(), camera(x=0.3))
    alone, both = carry([first], to, SIZE), carry([first, second], to, SIZE)
    assert len(both.holes) < 0.1 * len(alone.holes)
    filled = alone.hole & ~both.hole
    assert (both.rgba[filled][:, 1] > 150).mean() > 0.99
    kept = ~alone.hole
    assert (differences(both.rgba, alone.rgba[..., :3].astype(int), kept) <= 2).mean() > 0.98


def test_the_sky_turns_and_does_not_shift() -> None:
    rgb = picture()
    sky = np.full((H, W), np.inf, np.float32)
    shifted = carry([Carriable(rgb, sky, camera())], camera(x=3.0), SIZE)
    assert np.array_equal(shifted.rgba[..., :3], rgb)
    turned = carry([Carriable(rgb, sky, camera())], camera(yaw=0.3), SIZE)
    assert 0.1 < turned.hole.mean() < 0.5
    assert turned.hole[:, -20:].all()


def test_unknown_depth_takes_that_of_its_surroundings() -> None:
    rgb, holed = picture(), wall()
    holed[50:90, 100:160] = np.nan
    a = carry([Carriable(rgb, holed, camera())], camera(x=0.2), SIZE)
    b = carry([Carriable(rgb, wall(), camera())], camera(x=0.2), SIZE)
    assert np.array_equal(a.rgba, b.rgba)


def test_outside_goes_on_softly_and_nothing_is_black() -> None:
    rgb = np.maximum(picture(), 60)
    found = carry([Carriable(rgb, wall(), camera())], camera(yaw=0.3), SIZE)
    outside = found.hole
    assert outside.mean() > 0.2
    assert found.rgba[..., :3][outside].min() > 50
    steps = np.abs(np.diff(found.rgba[..., :3].astype(int), axis=1)).max(axis=2)
    assert np.percentile(steps[outside[:, 1:]], 99) < 25


def test_depth_is_seen_from_elsewhere() -> None:
    inverse = seen_inverse([Carriable(picture(), wall(), camera())], camera(z=1.0))
    assert np.allclose(inverse[np.isfinite(inverse)], 1 / (FAR - 1.0), rtol=1e-4)
    assert np.isfinite(inverse).mean() > 0.95


def test_a_plane_of_any_cell_is_the_same() -> None:
    rgb, to = picture(), camera(x=0.2, z=0.4)
    pictures = []
    for cell in (1, 2, 4, 5):
        config = CarryConfig(cell=cell)
        pictures.append(carry([Carriable(rgb, wall(), camera(), config)], to, SIZE, config).rgba)
    inner = np.zeros((H, W), bool)
    inner[30:-30, 30:-60] = True
    for other in pictures[1:]:
        assert differences(other, pictures[0][..., :3], inner).max() <= 8


def test_what_cannot_be_carried_is_said() -> None:
    with pytest.raises(ValueError, match="not the picture's"):
        Carriable(picture(), np.ones((5, 5), np.float32), camera())
    with pytest.raises(ValueError, match="no picture"):
        carry([], camera(), SIZE)
