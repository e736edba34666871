"""The ground that the slope table meets is the ground of the height field."""

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Intrinsics
from engine.training.worlds.casting import Projector
from engine.training.worlds.surveying import Pose
from engine.training.worlds.terrain import Relief, Terrain, shadows, shape_land, slope_table

LENS = Intrinsics.from_fov(70.0, 16 / 9)


def land(relief: Relief, bumps: float) -> Terrain:
    rng = np.random.default_rng(3)
    wide = shape_land(rng, relief, n=128)
    small = torch.as_tensor(rng.standard_normal((32, 32)) * bumps, dtype=torch.float32)
    ones = torch.ones(3, 3)
    return Terrain(wide, 3000.0, small, 40.0, torch.ones_like(wide), (0, 0, 0), ones, 1e5, 0.0)


def meet(terrain: Terrain, pose: Pose):
    eye = Projector.from_camera(pose.camera(LENS))
    u = ((torch.arange(128) + 0.5) / 128).repeat(72)
    v = ((torch.arange(72) + 0.5) / 72).repeat_interleave(128)
    return slope_table(terrain, eye, 256).meet(u, v), eye.origin[:, None], eye.rays(u, v)[1]


@pytest.mark.parametrize("yaw", [0.0, 2.0, -3.0])
def test_met_points_lie_on_the_ground(yaw):
    terrain = land(Relief(600, 50, 0.2, 100, 0.8), 0.1)
    z = terrain.height_at(3.0, -2.0) + 1.7
    t, o, d = meet(terrain, Pose(3.0, -2.0, z, yaw, -0.1, 0.02))
    met = torch.isfinite(t)
    assert met.float().mean() > 0.4
    p = o + t[met] * d[:, met]
    gap = (p[2] - terrain.height(p[0], p[1])).abs()
    allowed = 0.02 + 0.01 * t[met]
    assert (gap < allowed).float().mean() > 0.97


def test_flat_land_is_a_plane():
    terrain = land(Relief(0, 0, 0, 100, 0.0), 0.0)
    t, _, d = meet(terrain, Pose(0.0, 0.0, 2.0, 0.5, -0.2, 0.0))
    expected = -2.0 / d[2]
    near = (d[2] < 0) & (expected < 1000)
    assert torch.allclose(t[near], expected[near], rtol=2e-3)
    assert torch.isinf(t[d[2] > 1e-3]).all()


def test_mountains_shade_what_lies_behind_them():
    wide = torch.zeros(64, 64)
    wide[:, 32:36] = 800.0
    lit = shadows(wide, 3000.0, (0.8, 0.0, 0.3))
    assert lit[32, 28] < 0.2, "west of the ridge, sun in the east"
    assert lit[32, 50] > 0.9
