"""Where pixels are in a source, in closed form."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.geometry.cameras import Camera
from memory.pictures import lookup
from memory.pictures.lookup import IterationConfig, Places, Ray, as_rows, find, sampled_depth
from memory.pictures.source import Source
from tests.memory.pictures.planes import (
    FAR,
    LENS,
    SIZE,
    WALL,
    H,
    W,
    camera,
    card_inverse,
    inverse_of,
    noise,
    picture,
)

GRID = v, u = np.mgrid[:H, :W].astype(np.float32)


def source(inverse: np.ndarray, at: Camera | None = None) -> Source:
    return Source.of(0, at or camera(), picture(noise(), inverse))


def found_in(src: Source, to: Camera, guess: np.ndarray, **config: int) -> Places:
    return find(src, Ray(src, to, SIZE), (u, v), guess, IterationConfig(**config))


def places_of(normal: tuple[float, ...], src: Camera, to: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels of the new view that show a plane are in the source, by its homography."""
    K, T = LENS.matrix(W, H), src.T_camera_world @ to.T_world_camera
    in_new = T[:3, :3].T @ np.asarray(normal)  # the source stands in the world's origin
    in_new = in_new / (1 - np.asarray(normal) @ T[:3, 3])
    M = K @ (T[:3, :3] + np.outer(T[:3, 3], in_new)) @ np.linalg.inv(K)
    x, y, z = np.einsum("ij,jhw->ihw", M, np.stack([u + 0.5, v + 0.5, np.ones_like(u)]))
    return np.where(z > 0, x / z - 0.5, np.nan), np.where(z > 0, y / z - 0.5, np.nan)


def within(x: np.ndarray, y: np.ndarray, margin: float = 0.0) -> np.ndarray:
    return (x >= margin) & (x <= W - 1 - margin) & (y >= margin) & (y <= H - 1 - margin)


@pytest.mark.parametrize("inverse", [inverse_of(WALL, camera()), card_inverse(camera())])
def test_the_same_camera_finds_every_pixel_where_it_is(inverse) -> None:
    places = found_in(source(inverse), camera(), np.full_like(inverse, 1 / FAR))
    assert places.found.all()
    np.testing.assert_allclose(places.x, u, atol=2e-3)
    np.testing.assert_allclose(places.y, v, atol=2e-3)
    np.testing.assert_allclose(places.inverse, inverse, rtol=1e-3)


@pytest.mark.parametrize("t", [(0.3, 0.0), (-0.5, 0.2)])
def test_sideways_a_wall_shifts_by_f_t_q(t) -> None:
    places = found_in(
        source(inverse_of(WALL, camera())), camera(*t), np.full((H, W), 0.3, np.float32)
    )
    x, y = u + LENS.fx * W * t[0] / FAR, v + LENS.fy * H * t[1] / FAR
    assert np.array_equal(places.found[within(x, y)], np.ones(within(x, y).sum(), bool))
    assert not places.found[~within(x, y, -0.6)].any()
    np.testing.assert_allclose(places.x, x, atol=0.02)
    np.testing.assert_allclose(places.y, y, atol=0.02)


@pytest.mark.parametrize("to", [camera(yaw=0.3), camera(x=40.0, z=-7.0, yaw=-0.2)])
def test_the_sky_turns_by_its_homography_wherever_one_goes(to) -> None:
    places = found_in(source(np.zeros((H, W), np.float32)), to, np.zeros((H, W), np.float32))
    x, y = places_of((0, 0, 0), camera(), camera(yaw=np.arctan2(*to.T_world_camera[0, [2, 0]])))
    inside = within(x, y)
    assert 0.3 < inside.mean() < 0.9
    assert places.found[inside].all()
    assert not places.found[~within(x, y, -0.6)].any()
    np.testing.assert_allclose(places.x[inside], x[inside], atol=0.01)
    np.testing.assert_allclose(places.y[inside], y[inside], atol=0.01)
    assert not places.inverse[inside].any()


STEEP = (2.0, 0.0, 0.0)  # a wall along the line of sight, half a unit to the right
ASIDE = camera(x=-0.9, z=0.4, yaw=0.7)


def wide(to: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places on the wall of the new view's pixels, and where it is three times as wide there."""
    x, y = places_of(STEEP, camera(), to)
    seen = within(x, y, 1.0) & (inverse_of(STEEP, to) > 0)
    return x, y, seen & (np.abs(np.gradient(x, axis=1)) < 1 / 3)


def test_a_wall_that_was_seen_at_a_grazing_angle_is_found(monkeypatch) -> None:
    """Plain repetition runs away from it; the secant does not."""
    walls = np.maximum(inverse_of(STEEP, camera()), 0.0)
    x, y, there = wide(ASIDE)
    assert there.mean() > 0.1
    src, guess = source(walls), np.maximum(inverse_of(STEEP, ASIDE), 0) * np.float32(1.1)
    places = found_in(src, ASIDE, guess)
    assert places.found[there].mean() > 0.99
    on = there & places.found
    np.testing.assert_allclose(places.x[on], x[on], atol=0.5)
    np.testing.assert_allclose(places.y[on], y[on], atol=0.5)
    np.testing.assert_allclose(places.inverse[on], inverse_of(STEEP, ASIDE)[on], rtol=0.02)
    monkeypatch.setattr(lookup, "_secant", lambda before, now, repeated: repeated)
    assert found_in(src, ASIDE, guess).found[there].mean() < 0.3


@pytest.mark.parametrize("t", [0.15, 0.4])
def test_of_a_card_and_a_wall_each_is_found_as_it_is_and_nothing_else(t) -> None:
    src, to = source(card_inverse(camera())), camera(x=t)
    truth = card_inverse(to)
    places = found_in(src, to, truth)
    hidden = (
        np.abs(
            sampled_depth(src, *(p.astype(np.float32) for p in places_of(WALL, camera(), to)))
            - 1 / FAR
        )
        > 0.01
    )
    hidden &= truth < 0.3
    x, y = places_of(WALL, camera(), to)
    sure = within(x, y) & (cv2.dilate(hidden.astype(np.uint8), np.ones((1, 3), np.uint8)) == 0)
    assert places.found[sure].all()
    inner = cv2.erode(hidden.astype(np.uint8), np.ones((1, 3), np.uint8)) > 0
    assert not places.found[inner].any()
    q = places.inverse[places.found]
    assert (np.minimum(np.abs(q * FAR - 1), np.abs(q * 2 - 1)) < 2e-3).all()


def test_what_is_behind_the_source_is_not_found() -> None:
    to = camera(yaw=np.pi)
    places = found_in(source(inverse_of(WALL, camera())), to, np.full((H, W), 0.25, np.float32))
    assert not places.found.any()


def test_how_deep_found_points_are_in_both_views() -> None:
    src, to = source(inverse_of(WALL, camera())), camera(z=-2.0)
    ray = Ray(src, to, SIZE)
    places = find(src, ray, (u, v), np.full((H, W), 0.2, np.float32))
    np.testing.assert_allclose(ray.ratio_at(places)[places.found], (FAR + 2) / FAR, rtol=1e-4)
    np.testing.assert_allclose(places.inverse[places.found], 1 / (FAR + 2), rtol=1e-3)


def test_depth_is_not_mixed_across_an_edge() -> None:
    src = source(card_inverse(camera()))
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(-3, n + 2, (50, 80)).astype(np.float32) for n in (W, H))
    assert set(np.unique(sampled_depth(src, x, y))) <= set(np.unique(src.inverse))
    x[:], y[:] = np.nan, 0.0
    assert np.isfinite(sampled_depth(src, x, y)).all()


def test_on_a_slope_depth_is_linear_between_pixels() -> None:
    inverse = inverse_of((0.1, 0.04, 0.25), camera())
    x = np.full((1, 5), 40.25, np.float32)
    y = np.full((1, 5), 60.5, np.float32)
    wanted = 0.75 * inverse[60:62, 40].mean() + 0.25 * inverse[60:62, 41].mean()
    np.testing.assert_allclose(sampled_depth(source(inverse), x, y), wanted, rtol=1e-3)


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025])
def test_long_lists_become_rows(count) -> None:
    values = np.arange(count, dtype=np.float32)
    rows = as_rows(values)
    assert rows.shape == (-(-count // 1024), 1024)
    assert np.array_equal(rows.reshape(-1)[:count], values)
    assert (rows.reshape(-1)[count:] == values[-1]).all()
