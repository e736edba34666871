"""The photo's depth edges seen from near, against where they would be on either surface."""

import numpy as np
import pytest
import torch

from engine.geometry.projection import project
from memory.memory import Memory
from memory.rims import OFF, REACH, _farthest_around
from tests.memory.scenes import H, W, camera, pictures, wall

NEAR, FAR = 2.0, 3.0
BOXES = [wall(z=FAR), ((-0.6, -0.6, NEAR), (0.2, 0.6, NEAR + 0.1))]


def remembered(*cameras):
    memory = Memory()
    for view in pictures(BOXES, cameras):
        memory.add(view)
    return memory


def step(pixels):
    """To the right, so that the box moves by so many pixels more than the wall."""
    return camera(x=pixels / (camera().intrinsics.fx * W * (1 / NEAR - 1 / FAR)))


def test_the_edges_of_the_photo_show_in_their_place_for_a_camera_near_by():
    memory, near = remembered(camera()), step(0.8 * OFF)
    gaps = memory.render_points(near, H, W).coverage.numpy() < 0.5
    rims = memory.render_rims(near, H, W)
    there = rims.coverage.numpy() > 0.5
    truth = pictures(BOXES, [near])[0]
    inside = np.zeros_like(gaps)
    inside[2:-2, 2:-2] = True
    assert (there & gaps)[inside].sum() > 0.7 * gaps[inside].sum() > 0
    off = np.abs(rims.rgb.numpy() - truth.rgb / 255)[there & inside].mean(-1)
    assert np.median(off) < 0.1
    assert (rims.view_ids.numpy()[there] == 0).all()
    depth = rims.depth.numpy()[there]
    assert ((np.abs(depth - NEAR) < 0.1) | (np.abs(depth - FAR) < 0.1)).mean() > 0.9


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_none_may_be_off_by_more_than_that(turn):
    """On the nearer and on the farther surface they fall on about the same pixel; turned, pixels at
    the picture's side are wider apart."""
    rims = remembered(camera())._rims
    for pixels in (0.5, 1.0, 3.0, 20.0):
        asked = camera(x=float(step(pixels * OFF).position[0]), yaw=turn)
        discs = rims.near(asked, W)
        assert (len(discs) > 0) == (pixels < 1.5)
        if not len(discs):
            continue
        ray = discs.positions - rims.position
        z = ray[:, 2:]
        near, far = (project(rims.position + ray / z * d, asked, H, W).uv for d in (NEAR, FAR))
        off = (near - far).norm(dim=-1)
        assert float(off.max()) < (1.05 if turn == 0 else 1.5) * OFF


def test_nothing_of_them_is_left_from_far_and_without_the_photo():
    memory = remembered(camera(), step(30.0))
    assert memory.render_rims(step(20.0), H, W) is None
    assert memory.render_rims(step(30.0), H, W) is None, "drawn views have none"
    assert Memory().render_rims(camera(), H, W) is None
    memory.clear_after(0)
    assert memory.render_rims(camera(), H, W) is not None
    memory.clear_after(-1)
    assert memory.render_rims(camera(), H, W) is None


def test_the_farthest_around_is_found_by_looking_everywhere():
    values = np.random.default_rng(0).random((12, 15)).astype(np.float32)
    slow = np.zeros_like(values)
    for y, x in np.ndindex(values.shape):
        window = values[max(0, y - REACH) : y + REACH + 1, max(0, x - REACH) : x + REACH + 1]
        slow[y, x] = np.abs(window - values[y, x]).max()
    np.testing.assert_allclose(_farthest_around(torch.tensor(values)).numpy(), slow, atol=1e-6)
