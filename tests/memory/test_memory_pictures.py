"""The memory's large pictures: kept, looked up, forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from memory.config import MemoryConfig
from memory.memory import Memory
from memory.pictures.picture import Picture
from memory.views import View
from tests.memory.pictures.planes import (
    FAR,
    SIZE,
    SMALL,
    WALL,
    H,
    W,
    camera,
    card_inverse,
    h,
    inverse_of,
    noise,
    picture,
    texture,
    w,
)

ASIDE, FARTHER = camera(x=0.25), camera(x=0.5)


def view(view_id: int, at, depth: bool = True) -> View:
    inverse = inverse_of(WALL, at, SMALL)
    return View(view_id, at, texture(WALL, at, SMALL), 1 / inverse if depth else None)


def large(at, depth: bool = True) -> Picture:
    made = picture(texture(WALL, at), inverse_of(WALL, at))
    return made if depth else Picture(made.rgb)


def started(**options) -> Memory:
    memory = Memory(**options)
    memory.add(view(0, camera()), picture=large(camera()))
    return memory


def looked_up(memory: Memory, at):
    return memory.look_up(memory.look(at, h, w), SIZE)


def test_at_the_photos_own_camera_it_is_the_photo_bit_for_bit() -> None:
    inverse = card_inverse(camera())
    memory = Memory()
    small = View(0, camera(), noise()[2::4, 2::4], 1 / inverse[2::4, 2::4])
    memory.add(small, picture=picture(noise(), inverse))
    found = looked_up(memory, camera())
    assert found.found.all()
    assert np.array_equal(found.rgb, noise())


def test_aside_it_is_the_wall_at_full_size() -> None:
    found = looked_up(started(), ASIDE)
    assert found.rgb.shape == (H, W, 3)
    assert found.found[:, : W - 25].all()
    assert np.abs(found.rgb.astype(int) - texture(WALL, ASIDE))[found.found].max() <= 4
    np.testing.assert_allclose(found.inverse[found.found], 1 / FAR, rtol=2e-3)


def test_what_a_drawn_view_adds_is_looked_up_in_it() -> None:
    memory = started()
    before = looked_up(memory, FARTHER)
    memory.add(view(1, FARTHER), picture=large(FARTHER))
    after = looked_up(memory, FARTHER)
    new = after.found & ~before.found
    assert new[:, W - 25 :].mean() > 0.9
    assert (after.view_ids[new] == 1).all()
    assert (after.view_ids[before.found] == 0).all()


def test_a_view_without_depth_is_looked_into_once_it_has_one() -> None:
    memory = started()
    memory.add(view(1, FARTHER, depth=False), picture=large(FARTHER, depth=False))
    assert not (looked_up(memory, FARTHER).view_ids == 1).any()
    depth = view(1, FARTHER).depth
    memory.back_fill(1, depth, picture=large(FARTHER))
    assert (looked_up(memory, FARTHER).view_ids == 1).any()
    assert memory.pictures.source(1) is not None
    with pytest.raises(ValueError, match="already"):
        memory.back_fill(1, depth, picture=large(FARTHER))


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_pictures_of_forgotten_views_are_forgotten(kept) -> None:
    memory, fresh = started(), started()
    cameras = ASIDE, FARTHER, camera(x=0.7)
    for i, at in enumerate(cameras, 1):
        memory.add(view(i, at), picture=large(at))
        if i <= kept:
            fresh.add(view(i, at), picture=large(at))
    memory.clear_after(kept)
    assert memory.pictures.ids == fresh.pictures.ids == list(range(kept + 1))
    one, other = looked_up(memory, cameras[-1]), looked_up(fresh, cameras[-1])
    assert np.array_equal(one.rgb, other.rgb)
    assert np.array_equal(one.view_ids, other.view_ids)
    assert one.view_ids.max() <= kept


def test_pictures_that_left_the_ram_are_read_again() -> None:
    cameras = camera(), ASIDE, FARTHER, camera(x=0.7)
    asked = []

    def read(view_id: int) -> Picture:
        asked.append(view_id)
        return large(cameras[view_id])

    small = Memory(MemoryConfig(pictures_in_ram=1), read_picture=read)
    whole = Memory()
    for i, at in enumerate(cameras):
        for memory in (small, whole):
            memory.add(view(i, at), picture=large(at))
    to = camera(x=0.6)
    one, other = looked_up(small, to), looked_up(whole, to)
    assert asked
    assert 0 not in asked
    assert np.array_equal(one.rgb, other.rgb)
    assert np.array_equal(one.view_ids, other.view_ids)


def test_a_walk_of_one_size_has_nothing_to_look_up() -> None:
    memory = Memory()
    memory.add(view(0, camera()))
    assert memory.pictures.ids == []
    assert not looked_up(memory, camera()).found.any()
