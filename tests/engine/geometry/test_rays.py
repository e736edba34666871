import cv2
import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rays import camera_directions, pixel_grid, plucker_rays

LENS = Intrinsics(fx=0.8, fy=1.3, cx=0.45, cy=0.55)


def posed(position=(0.3, -0.2, 1.5), turn=(0.2, -0.4, 0.1)):
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(turn))[0]
    T[:3, 3] = position
    return Camera(T, LENS)


def test_pixel_centres_lie_half_a_pixel_in():
    grid = pixel_grid(2, 4)
    assert grid.shape == (2, 4, 2)
    assert grid[0, 0].tolist() == [0.125, 0.25]
    assert grid[1, 3].tolist() == [0.875, 0.75]


def test_directions_project_onto_their_own_pixel_in_opencv():
    camera, H, W = posed(), 9, 16
    rays = camera_directions(camera, H, W).reshape(-1, 3).double().numpy()
    uv, _ = cv2.projectPoints(rays * 3.0, np.zeros(3), np.zeros(3), LENS.matrix(W, H), None)
    v, u = np.mgrid[:H, :W] + 0.5
    assert np.abs(uv[:, 0] - np.stack([u, v], -1).reshape(-1, 2)).max() < 1e-4


def test_plucker_rays_are_unit_directions_and_their_moments():
    camera = posed()
    rays = plucker_rays(camera, 6, 8)
    moment, direction = rays[:3], rays[3:]
    assert rays.shape == (6, 6, 8)
    assert torch.allclose(direction.norm(dim=0), torch.ones(6, 8), atol=1e-6)
    assert (moment * direction).sum(0).abs().max() < 1e-6
    # The point of a line nearest to the origin is d × m: it lies on the line from the centre.
    nearest = torch.linalg.cross(direction, moment, dim=0)
    offset = nearest - torch.tensor(camera.position, dtype=torch.float32)[:, None, None]
    assert torch.linalg.cross(offset, direction, dim=0).abs().max() < 1e-5


def test_a_ray_does_not_depend_on_where_on_it_the_camera_stands():
    camera = posed()
    further = camera.moved(np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2.0], [0, 0, 0, 1]]))
    centred = Intrinsics(0.8, 1.3)
    a = plucker_rays(Camera(camera.T_world_camera, centred), 3, 3)[:, 1, 1]
    b = plucker_rays(Camera(further.T_world_camera, centred), 3, 3)[:, 1, 1]
    assert torch.allclose(a, b, atol=1e-6)


def test_the_camera_at_the_origin_has_no_moment():
    rays = plucker_rays(Camera(np.eye(4), LENS), 4, 4)
    assert rays[:3].abs().max() == 0
