"""What the photo looks through, against closed forms and a slow march along every ray."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from memory.free_space import _TRIED, FARTHEST, SLACK, STEP, FreeSpace
from memory.memory import Memory
from memory.views import View
from tests.memory.scenes import H, W, camera, pictures, wall

FAR, NEAR = 3.0, 1.5
WALL = [wall(z=FAR)]
BOX = [wall(z=FAR), ((-0.5, -0.5, NEAR), (0.1, 0.5, NEAR + 0.1))]
ASIDE = camera(x=0.6, yaw=-0.1)


def left_by(space, depth, asked):
    return space.left_by(torch.from_numpy(depth), asked).numpy()


def marched(space, depth, asked):
    """The same, one pixel and one step after the other, in world coordinates."""
    out = depth.copy()
    K = asked.intrinsics.matrix(W, H)
    K_photo = space.camera.intrinsics.matrix(W, H)
    for row, column in np.argwhere(np.isfinite(depth)):
        ray = np.linalg.inv(K) @ (column + 0.5, row + 0.5, 1.0)
        z, part = float(depth[row, column]), 1.0 - SLACK
        while True:
            world = asked.T_world_camera @ (*(ray * z), 1.0)
            x, y, deep = K_photo @ (space.camera.T_camera_world @ world)[:3]
            u, v = (x / deep, y / deep) if deep > 0 else (-1, -1)
            seen = 0 <= u < W and 0 <= v < H
            if not (seen and deep < part * space.reach[int(v), int(u)]):
                break
            if z > FARTHEST * depth[row, column]:
                z = np.inf
                break
            z, part = z * (1.0 + STEP), 1.0
        out[row, column] = z
    return out


def test_what_stands_before_a_wall_that_the_photo_saw_moves_to_the_wall():
    space = FreeSpace.of(pictures(WALL, [camera()])[0])
    truth = pictures(WALL, [ASIDE])[0].depth
    drawn = truth.copy()
    drawn[10:30, 20:50] *= 0.6
    left = left_by(space, drawn, ASIDE)
    ratio = left[10:30, 20:50] / truth[10:30, 20:50]
    assert ratio.min() > 1.0 - 1e-3
    assert ratio.max() < 1.0 + 2 * STEP
    outside = np.ones_like(drawn, bool)
    outside[10:30, 20:50] = False
    np.testing.assert_array_equal(left[outside], drawn[outside])


def test_what_is_about_as_deep_as_a_surface_is_that_surface():
    space = FreeSpace.of(pictures(WALL, [camera()])[0])
    drawn = pictures(WALL, [camera()])[0].depth * np.float32(1.0 - 0.8 * SLACK)
    np.testing.assert_array_equal(left_by(space, drawn, camera()), drawn)


def test_behind_something_near_anything_may_be():
    """The photo's box hides a part of the wall: half-way between the two is as good as any."""
    space = FreeSpace.of(pictures(BOX, [camera()])[0])
    truth = pictures(BOX, [ASIDE])[0].depth
    middle = np.full((H, W), (FAR + NEAR) / 2, np.float32)
    left = left_by(space, middle, ASIDE)
    hidden = left == middle
    assert 0.02 < hidden.mean() < 0.4
    moved = ~hidden & (truth > 2)
    assert (left[moved] > middle[moved]).all()


@pytest.mark.parametrize("boxes", [WALL, BOX])
@pytest.mark.parametrize("asked", [camera(), ASIDE, camera(z=0.8, yaw=0.4), camera(x=-0.9, z=-0.5)])
def test_every_ray_ends_where_a_slow_march_ends(boxes, asked):
    space = FreeSpace.of(pictures(boxes, [camera()])[0])
    drawn = np.random.default_rng(0).uniform(0.4, 4.0, (H, W)).astype(np.float32)
    drawn[:, :5] = np.inf
    drawn[:5] = np.nan
    left, slow = left_by(space, drawn, asked), marched(space, drawn, asked)
    same = np.isclose(left, slow, rtol=1e-4, equal_nan=True)
    assert same.mean() > 0.995  # a ray may just touch the border of a pixel
    assert (left != drawn)[np.isfinite(drawn)].any()


def behind(space, first, last, asked):
    """`hides`, one pixel and one point after the other, in world coordinates."""
    out = np.zeros((H, W), bool)
    K = asked.intrinsics.matrix(W, H)
    K_photo = space.camera.intrinsics.matrix(W, H)
    for row, column in np.ndindex(H, W):
        ray = np.linalg.inv(K) @ (column + 0.5, row + 0.5, 1.0)
        ends = 1 / first[row, column], 1 / last[row, column]
        hidden = True
        for inverse in np.linspace(*ends, _TRIED):
            world = asked.T_world_camera @ (*(ray / max(inverse, 1e-6)), 1.0)
            x, y, deep = K_photo @ (space.camera.T_camera_world @ world)[:3]
            u, v = (x / deep, y / deep) if deep > 0 else (-1, -1)
            inside = 0 <= u < W and 0 <= v < H
            hidden &= inside and deep > (1 - SLACK) * space.reach[int(v), int(u)].item()
        out[row, column] = hidden
    return out


def hidden_by(space, first, last, asked):
    return space.hides(*(torch.tensor(d) for d in (first, last)), asked).numpy()


@pytest.mark.parametrize("asked", [camera(), ASIDE, camera(z=0.8, yaw=0.4), camera(yaw=2.8)])
def test_the_photo_hides_what_a_slow_look_finds_behind_it(asked):
    space = FreeSpace.of(pictures(BOX, [camera()])[0])
    rng = np.random.default_rng(0)
    first, last = rng.uniform((1.2, 1.8), (3.0, 6.0), (H, W, 2)).astype(np.float32).T.swapaxes(1, 2)
    last[:, :5] = np.inf
    found, slow = hidden_by(space, first, last, asked), behind(space, first, last, asked)
    assert (found == slow).mean() > 0.99  # a point may just touch the border of a pixel
    assert found.any() == slow.any()


def test_the_photo_hides_what_is_behind_its_surfaces_and_in_its_frame():
    space = FreeSpace.of(pictures(WALL, [camera()])[0])
    wall_, deep, near = (np.full((H, W), d, np.float32) for d in (FAR, 2 * FAR, 0.5 * FAR))
    assert hidden_by(space, wall_, deep, camera()).all()
    assert hidden_by(space, wall_, np.full_like(deep, np.inf), camera()).all()
    assert not hidden_by(space, near, deep, camera()).any()
    assert not hidden_by(space, wall_, deep, camera(yaw=np.pi)).any()
    assert not hidden_by(space, np.zeros_like(deep), deep, camera()).any()
    assert not hidden_by(space, wall_, np.zeros_like(deep), camera()).any()


def test_before_the_sky_nothing_is_hidden():
    photo = pictures(WALL, [camera()])[0]
    sky = View(0, photo.camera, photo.rgb, np.full((H, W), np.inf, np.float32))
    depth = np.full((H, W), 2.0, np.float32)
    assert not hidden_by(FreeSpace.of(sky), depth, 100 * depth, ASIDE).any()


def test_it_holds_what_stands_before_what_the_photo_shows():
    space = FreeSpace.of(pictures(BOX, [camera()])[0])
    depth = np.random.default_rng(0).uniform(0.4, 6.0, (H, W)).astype(np.float32)
    for asked in (camera(), ASIDE, camera(z=0.8, yaw=0.4)):
        held = space.holds(torch.tensor(depth), asked).numpy()
        assert np.array_equal(held, left_by(space, depth, asked) != depth)
        assert held.any()
        truth = pictures(BOX, [asked])[0].depth
        # A pixel's width beside the box, where the photo's pixels are the wall's or the box's.
        assert space.holds(torch.tensor(truth), asked).numpy().mean() < 0.03


def test_what_stands_before_the_sky_is_sky():
    photo = pictures(WALL, [camera()])[0]
    sky = View(0, photo.camera, photo.rgb, np.full((H, W), np.inf, np.float32))
    left = left_by(FreeSpace.of(sky), np.full((H, W), 2.0, np.float32), camera(z=0.1))
    assert np.isposinf(left).all()


def test_where_the_photo_knows_no_depth_anything_may_be():
    photo = pictures(WALL, [camera()])[0]
    unknown = View(0, photo.camera, photo.rgb, np.full((H, W), np.nan, np.float32))
    drawn = np.full((H, W), 2.0, np.float32)
    np.testing.assert_array_equal(left_by(FreeSpace.of(unknown), drawn, ASIDE), drawn)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.6, 0.6), st.integers(0, 2**32 - 1))
def test_moving_twice_moves_once(x, z, yaw, seed):
    """And depth only grows."""
    space = FreeSpace.of(pictures(BOX, [camera()])[0])
    asked = camera(x=x, z=z, yaw=yaw)
    drawn = np.random.default_rng(seed).uniform(0.3, 5.0, (H, W)).astype(np.float32)
    left = left_by(space, drawn, asked)
    assert (left >= drawn).all()
    np.testing.assert_array_equal(left_by(space, left, asked), left)


def test_a_photo_without_depth_shows_no_free_space():
    photo = pictures(WALL, [camera()])[0]
    with pytest.raises(ValueError, match="has no depth"):
        FreeSpace.of(View(0, photo.camera, photo.rgb))


def test_the_memory_has_it_as_long_as_it_has_the_photo():
    memory = Memory()
    assert memory.look(ASIDE, H, W).free_space is None
    for view in pictures(WALL, [camera(), ASIDE]):
        memory.add(view)
    space = memory.look(ASIDE, H, W).free_space
    assert space.camera == memory.views[0].camera
    memory.clear_after(0)
    assert memory.look(ASIDE, H, W).free_space is space
    memory.clear_after(-1)
    assert memory.look(ASIDE, H, W).free_space is None
