"""Depth against closed forms, and tiles against every ray tested with every shape."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.worlds.casting import Projector, cast
from engine.training.worlds.shapes import Builder, Material
from engine.training.worlds.solids import cast_rays, inside_any
from engine.training.worlds.surveying import Pose

PLAIN = Material(texture=0)
LENS = Intrinsics.from_fov(70.0, 80 / 48)
HEIGHT, WIDTH = 48, 80


def projector(x=0.0, y=0.0, z=1.5, yaw=0.0, pitch=0.0, roll=0.0):
    return Projector.from_camera(Pose(x, y, z, yaw, pitch, roll).camera(LENS))


def pixel_rays(eye: Projector) -> torch.Tensor:
    """World directions (3, H, W) with z = 1 in the camera."""
    u = (torch.arange(WIDTH) + 0.5) / WIDTH
    v = (torch.arange(HEIGHT) + 0.5) / HEIGHT
    vv, uu = torch.meshgrid(v, u, indexing="ij")
    return eye.rays(uu, vv)[1]


def test_level_camera_looks_along_x_with_up_upwards():
    eye = projector()
    d = pixel_rays(eye)
    assert torch.allclose(eye.R[:, 2], torch.tensor([1.0, 0.0, 0.0]), atol=1e-6)
    assert (d[2, : HEIGHT // 2] > 0).all()
    assert (d[2, HEIGHT // 2 :] < 0).all()
    assert (d[1, :, : WIDTH // 2] > 0).all(), "y lies to the left of a camera that looks along x"


def test_ground_depth_is_height_over_slope():
    b = Builder()
    b.box((0, 0, -0.5), (1e4, 1e4, 1.0), PLAIN)
    eye = projector(z=1.7, pitch=-0.2)
    hits = cast(b.build(), eye, HEIGHT, WIDTH)
    d = pixel_rays(eye)
    expected = torch.where(d[2] < 0, -1.7 / d[2], torch.inf)
    near = expected < 2000
    assert near.float().mean() > 0.5
    assert torch.allclose(hits.depth[near], expected[near], rtol=1e-4)
    assert torch.isinf(hits.depth[d[2] > 0]).all()


def test_sphere_depth():
    b = Builder()
    b.ellipsoid((5, 0.4, 1.2), (2, 2, 2), PLAIN)
    eye = projector()
    hits = cast(b.build(), eye, HEIGHT, WIDTH)
    d = pixel_rays(eye).double()
    o = torch.tensor([-5, -0.4, 0.3]).double()[:, None, None]
    qa, qb, qc = (d * d).sum(0), (o * d).sum(0), (o * o).sum(0) - 1
    square = qb**2 - qa * qc
    expected = torch.where(square > 0, (-qb - square.clamp(min=0).sqrt()) / qa, torch.inf)
    clear = square.abs() > 1e-2
    assert torch.isfinite(expected[clear]).any()
    assert torch.allclose(hits.depth[clear].double(), expected[clear], rtol=1e-4)


def test_turned_box_front_face_depth():
    b = Builder()
    yaw = 0.4
    b.box((6, 0, 1.5), (1.0, 3.0, 2.0), PLAIN, yaw=yaw)
    hits = cast(b.build(), projector(), HEIGHT, WIDTH)
    normal = np.array([math.cos(yaw), math.sin(yaw)])
    # The near face is the plane n·p = n·c − 0.5; straight ahead the ray is (t, 0).
    expected = (normal @ [6.0, 0.0] - 0.5) / normal[0]
    middle = hits.depth[HEIGHT // 2 - 1 : HEIGHT // 2 + 1, WIDTH // 2 - 1 : WIDTH // 2 + 1].mean()
    assert float(middle) == pytest.approx(expected, rel=1e-3)


def test_cone_and_roof_narrow_upwards():
    for add in ("cone", "roof"):
        b = Builder()
        if add == "cone":
            b.cone((6, 0, 1.5), (2, 2, 2), 1.0, PLAIN)
        else:
            b.tapered((6, 0, 1.5), (2, 2, 2), (1.0, 1.0), PLAIN)
        hits = cast(b.build(), projector(), HEIGHT, WIDTH)
        widths = (hits.shape >= 0).sum(1)
        rows = widths[widths > 0]
        assert (rows[1:-1] >= rows[:-2]).all(), "but for the rounded foot"
        assert rows[-1] > 3 * rows[0]


def random_shapes(rng: np.random.Generator) -> Builder:
    b = Builder()
    for _ in range(30):
        at = rng.uniform([-8, -8, -1], [8, 8, 4])
        size, turn = rng.uniform(0.1, 3.0, 3), rng.uniform(-3, 3, 3)
        kind = rng.integers(4)
        angles = {"yaw": turn[0], "pitch": turn[1], "roll": turn[2]}
        if kind == 0:
            b.box(at, size, PLAIN, **angles)
        elif kind == 1:
            b.tapered(at, size, tuple(rng.uniform(-0.5, 1, 2)), PLAIN, **angles)
        elif kind == 2:
            b.ellipsoid(at, size, PLAIN, **angles)
        else:
            b.cone(at, size, rng.uniform(-0.5, 1), PLAIN, **angles)
    return b


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_tiles_miss_nothing(seed):
    rng = np.random.default_rng(seed)
    shapes = random_shapes(rng).build()
    eye = projector(*rng.uniform(-3, 3, 3), *rng.uniform(-1, 1, 3))
    hits = cast(shapes, eye, HEIGHT, WIDTH)
    slow = cast_rays(shapes, eye.origin, pixel_rays(eye).flatten(1)).view(HEIGHT, WIDTH)
    both = torch.isfinite(hits.depth) & torch.isfinite(slow)
    assert (torch.isfinite(hits.depth) == torch.isfinite(slow)).float().mean() > 0.998
    close = (hits.depth - slow).abs() <= 1e-3 * slow
    assert int((~close[both]).sum()) <= 0.002 * int(both.sum())


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_hit_points_lie_on_the_border_of_their_shape(seed):
    rng = np.random.default_rng(seed)
    shapes = random_shapes(rng).build()
    eye = projector(x=-12.0, z=1.0)
    hits = cast(shapes, eye, HEIGHT, WIDTH)
    yes = hits.shape >= 0
    d = pixel_rays(eye)
    for v, u in yes.nonzero()[::97].tolist():
        ray, t = d[:, v, u], hits.depth[v, u]
        own = torch.arange(len(shapes)) == hits.shape[v, u]
        solid = shapes.subset(own)
        assert not inside_any(solid, eye.origin + ray * (t - 0.01))


def test_parallel_projection_measures_from_its_plane():
    b = Builder()
    b.box((0, 0, 0.5), (4, 4, 1.0), PLAIN)
    R = torch.tensor([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]])
    eye = Projector(R, torch.tensor([0.0, 0.0, 10.0]), (0.1, 0.1, 0.5, 0.5), parallel=True)
    hits = cast(b.build(), eye, 64, 64)
    on = hits.shape >= 0
    assert torch.allclose(hits.depth[on], torch.tensor(9.0), atol=1e-4)
    assert float(on.float().mean()) == pytest.approx(0.16, abs=0.02)


def test_sizes_that_do_not_fit_tiles_are_refused():
    b = Builder()
    b.box((0, 0, 0), (1, 1, 1), PLAIN)
    with pytest.raises(ValueError, match="multiple of 8"):
        cast(b.build(), projector(), 50, 80)


def test_camera_round_trip_through_project():
    eye = projector(1.0, 2.0, 1.5, 0.7, -0.2, 0.05)
    assert isinstance(Pose(1.0, 2.0, 1.5, 0.7, -0.2, 0.05).camera(LENS), Camera)
    d = pixel_rays(eye)[:, ::7, ::7]
    points = (eye.origin[:, None, None] + 3.0 * d).flatten(1)
    u, v, z = eye.project(points)
    expected_u = ((torch.arange(WIDTH) + 0.5) / WIDTH)[::7].repeat(d.shape[1])
    assert torch.allclose(u, expected_u, atol=1e-4)
    assert torch.allclose(z, torch.full_like(z, 3.0), atol=1e-3)
    assert v.min() > 0
