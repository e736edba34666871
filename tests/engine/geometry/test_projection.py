import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.projection import (
    depth_confidence,
    normals_from_depth,
    project,
    unproject,
)
from engine.geometry.rays import camera_directions

H, W = 36, 64
LENS = Intrinsics.from_fov(65.0, W / H)


def camera_from(turn=(0.0, 0.0, 0.0), position=(0.0, 0.0, 0.0), lens=LENS):
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(turn, dtype=np.float64))[0]
    T[:3, 3] = position
    return Camera(T, lens)


def depth_of_plane(camera, normal, offset):
    """z-depth of the plane normal·X = offset in the camera's own frame; sky where it is missed."""
    rays = camera_directions(camera, H, W).double()
    depth = offset / (rays @ torch.tensor(normal, dtype=torch.float64))
    return torch.where(depth > 0, depth, math.inf)


turns = st.tuples(*[st.floats(-3.0, 3.0)] * 3)
places = st.tuples(*[st.floats(-10.0, 10.0)] * 3)
lenses = st.builds(Intrinsics, fx=st.floats(0.4, 3.0), fy=st.floats(0.4, 3.0), cx=st.floats(0, 1))


@given(turn=turns, place=places, lens=lenses, seed=st.integers(0, 999))
def test_projection_agrees_with_opencv(turn, place, lens, seed):
    camera = camera_from(turn, place, lens)
    local = np.random.default_rng(seed).uniform([-2, -2, 0.2], [2, 2, 9], (40, 3))
    world = local @ camera.T_world_camera[:3, :3].T + camera.position
    R, t = camera.T_camera_world[:3, :3], camera.T_camera_world[:3, 3]
    expected, _ = cv2.projectPoints(world, cv2.Rodrigues(R)[0], t, lens.matrix(W, H), None)
    seen = project(torch.tensor(world), camera, H, W)
    assert np.allclose(seen.uv.numpy(), expected[:, 0], atol=1e-6, rtol=1e-6)
    assert np.allclose(seen.depth.numpy(), local[:, 2], atol=1e-9)


@given(turn=turns, place=places, lens=lenses, seed=st.integers(0, 999))
def test_unprojected_depth_falls_back_onto_its_pixels(turn, place, lens, seed):
    camera = camera_from(turn, place, lens)
    depth = torch.tensor(np.random.default_rng(seed).uniform(0.1, 50, (7, 9)))
    seen = project(unproject(depth, camera), camera, 7, 9)
    v, u = np.mgrid[:7, :9] + 0.5
    assert np.abs(seen.uv.numpy() - np.stack([u, v], -1)).max() < 1e-4
    assert torch.allclose(seen.depth, depth, rtol=1e-5)
    assert seen.inside(7, 9).all()


def test_sky_and_unknown_have_no_points():
    points = unproject(torch.tensor([[1.0, math.inf, math.nan]]), camera_from())
    assert torch.isfinite(points[0, 0]).all()
    assert torch.isnan(points[0, 1:]).all()


def test_points_behind_the_camera_have_no_pixel():
    seen = project(torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), camera_from(), H, W)
    assert torch.isnan(seen.uv).all()
    assert seen.depth.tolist() == [-1.0, 0.0]
    assert not seen.inside(H, W).any()


def test_the_picture_ends_where_inside_does():
    camera = camera_from(lens=Intrinsics(1.0, 1.0))
    points = torch.tensor([[-0.5, -0.5, 1.0], [0.5, 0.0, 1.0], [0.4999, 0.4999, 1.0]])
    assert project(points, camera, 10, 10).inside(10, 10).tolist() == [True, False, True]


@pytest.mark.parametrize("normal", [(0, 0, 1.0), (0.3, -0.8, 0.5), (0, 1.0, 0.05), (-1, 0.1, 0.7)])
def test_planes_have_one_exact_normal(normal):
    camera = camera_from(turn=(0.3, -0.9, 0.2), position=(1.0, 2.0, 3.0))
    depth = depth_of_plane(camera, normal, 2.0)
    seen = torch.isfinite(depth)
    normals = normals_from_depth(depth, camera)
    facing = -np.array(normal) / np.linalg.norm(normal)
    expected = torch.tensor(camera.T_world_camera[:3, :3] @ facing)
    assert seen.sum() > 500
    assert (normals[seen] - expected).abs().max() < 1e-5
    assert torch.isnan(normals[~seen]).all()


def test_normals_do_not_smear_over_a_depth_edge():
    depth = torch.full((H, W), 2.0)
    depth[:, W // 2 :] = 5.0
    normals = normals_from_depth(depth, camera_from())
    assert (normals - torch.tensor([0.0, 0.0, -1.0])).abs().max() < 1e-5


def test_normals_of_a_sphere_point_away_from_its_middle():
    camera = camera_from()
    rays = camera_directions(camera, H, W).double()
    centre, radius = torch.tensor([0.0, 0.0, 4.0], dtype=torch.float64), 1.0
    a, b, c = (rays**2).sum(-1), rays @ centre, (centre**2).sum() - radius**2
    depth = torch.where(b**2 > a * c, (b - (b**2 - a * c).clamp(min=0).sqrt()) / a, math.inf)
    truth = (unproject(depth, camera) - centre) / radius
    cosine = (normals_from_depth(depth, camera) * truth).sum(-1)
    squarely = (truth * -rays / rays.norm(dim=-1, keepdim=True)).sum(-1) > 0.5
    assert squarely.sum() > 100
    assert cosine[squarely].min() > 0.99


def test_a_wall_seen_squarely_is_fully_trusted():
    assert depth_confidence(torch.full((H, W), 3.0), camera_from()).min() > 0.999


def test_trust_ends_at_edges_sky_and_the_unknown():
    depth = torch.full((H, W), 2.0)
    depth[:, 40:] = 4.0
    depth[:5] = math.inf
    depth[20, 10] = math.nan
    trust = depth_confidence(depth, camera_from())
    assert trust[:5].max() == 0
    assert trust[20, 10] == 0
    assert trust[5].max() < 1e-3  # beside the sky
    assert trust[10:15, 39:41].max() < 1e-3
    assert trust[10:15, 30:38].min() > 0.999
    assert (trust >= 0).all()
    assert (trust <= 1).all()


def test_pixels_of_a_soft_edge_are_not_trusted():
    depth = torch.full((144, 256), 2.0)
    depth[:, 120:] = 6.0
    soft = 1 / cv2.blur((1 / depth).numpy(), (5, 1))
    trust = depth_confidence(torch.from_numpy(soft), camera_from())
    between = torch.from_numpy((soft > 2.05) & (soft < 5.8))
    assert between.sum() == 4 * 144
    assert trust[between].max() < 0.2


def test_trust_falls_with_the_angle_and_not_with_the_scene_scale():
    camera = camera_from()
    floor = depth_of_plane(camera, (0.0, 1.0, 0.02), 1.5)
    trust = depth_confidence(floor, camera)
    column = trust[torch.isfinite(floor[:, W // 2]), W // 2]
    assert column[-1] > 0.9
    assert column[0] < 0.2
    assert (column.diff() > -1e-6).all()
    assert torch.allclose(depth_confidence(floor * 1000, camera), trust, atol=1e-4)


@pytest.mark.parametrize("bad", [torch.zeros(3), torch.zeros(1, 3, 4), torch.zeros(3, 4).int()])
def test_what_is_not_a_depth_picture_is_refused(bad):
    with pytest.raises(ValueError, match="depth must be"):
        unproject(bad, camera_from())
    with pytest.raises(ValueError, match="depth must be"):
        depth_confidence(bad, camera_from())
