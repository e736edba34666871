"""Only what is surely hidden is left out."""

import torch

from memory.occlusion import DepthPyramid
from tests.memory.scenes import H, W, camera


def hidden(depth, centre, radius):
    pyramid = DepthPyramid(depth, camera())
    return bool(pyramid.hides(torch.tensor([centre]), torch.tensor([radius]), 0.1)[0])


def test_behind_a_wall_is_hidden():
    depth = torch.full((H, W), 2.0)
    assert hidden(depth, (0.1, 0.0, 4.0), 0.5)
    assert not hidden(depth, (0.1, 0.0, 1.5), 0.5)
    assert not hidden(depth, (0.0, 0.0, 2.5), 0.5)  # reaches to the wall


def test_a_window_shows_what_is_behind_it():
    depth = torch.full((H, W), 2.0)
    depth[H // 2, W // 2] = torch.inf
    assert not hidden(depth, (0.0, 0.0, 8.0), 0.5)
    assert hidden(depth, (2.5, 0.0, 8.0), 0.5)
    depth[H // 2, W // 2] = torch.nan
    assert not hidden(depth, (0.0, 0.0, 8.0), 0.5)


def test_around_the_camera_nothing_is_hidden():
    assert not hidden(torch.full((H, W), 2.0), (0.0, 0.0, 0.5), 3.0)


def test_agrees_with_looking_at_every_pixel():
    noise = torch.Generator().manual_seed(0)
    depth = 1 + 3 * torch.rand(H, W, generator=noise).round()
    pyramid = DepthPyramid(depth, camera())
    k = camera().intrinsics
    centres = torch.rand(200, 3, generator=noise) * torch.tensor([4.0, 3.0, 6.0])
    centres -= torch.tensor([2.0, 1.5, 0.0])
    radii = 0.02 + 0.3 * torch.rand(200, generator=noise)
    found = pyramid.hides(centres, radii, 0.0)
    assert 10 < int(found.sum()) < 190
    v, u = torch.meshgrid(torch.arange(H) + 0.5, torch.arange(W) + 0.5, indexing="ij")
    rays = torch.stack([(u / W - k.cx) / k.fx, (v / H - k.cy) / k.fy, torch.ones(H, W)], -1)
    rays = rays / rays.norm(dim=-1, keepdim=True)
    for i in found.nonzero()[:, 0]:
        along = rays @ centres[i]
        away = centres[i].square().sum() - along.square()
        hit = (along > 0) & (away < radii[i] ** 2)
        assert bool((centres[i, 2] - radii[i] > depth[hit]).all())
