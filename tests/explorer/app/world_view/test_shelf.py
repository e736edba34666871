"""The shelf of pictures: what may be carried, from RAM or from the disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.world_view.shelf import FRESH, READY, Shelf
from explorer.walk.records import DrawnView
from explorer.walk.session.records import Node
from memory.pictures.picture import Picture
from memory.views import View

LENS = Intrinsics.from_fov(60.0, 16 / 9)


def at(x: float) -> Camera:
    T = np.eye(4)
    T[0, 3] = x
    return Camera(T, LENS)


def node(k: int) -> Node:
    return Node(k, k - 1 if k else None, k, at(0.2 * k))


def drawn(k: int, depth: bool = True) -> DrawnView:
    rgb = np.full((18, 32, 3), 10 * k, np.uint8)
    known = np.full((18, 32), 3.0, np.float32) if depth else None
    return DrawnView(View(k, at(0.2 * k), rgb, known), rgb + 5, rgb[..., 0], (), {})


def large(k: int, depth: bool = True) -> DrawnView:
    rgb = np.full((72, 128, 3), 10 * k, np.uint8)
    known = np.full((72, 128), 3.0, np.float32) if depth else None
    return replace(drawn(k, depth), picture=Picture(rgb, known))


def shelf_of(views: dict[int, DrawnView], read: list[int] | None = None) -> Shelf:
    def from_disk(node_id: int) -> DrawnView:
        if read is not None:
            read.append(node_id)
        return views[node_id]

    shelf = Shelf()
    shelf.clear(from_disk)
    shelf.set_line([node(k) for k in views])
    return shelf


def test_an_empty_shelf_wants_nothing_and_a_photo_alone_is_as_far_as_the_sky() -> None:
    shelf = Shelf()
    assert shelf.wanted(at(0.0), None) == ()
    shelf.begin(np.full((18, 32, 3), 7, np.uint8), at(0.0))
    (key,) = shelf.wanted(at(1.0), None)
    source = shelf.source(key)
    assert not source.has_depth
    assert (source.surface.inverse == 0).all()


def test_what_was_just_drawn_is_not_read_and_what_is_old_is() -> None:
    read: list[int] = []
    shelf = shelf_of({k: large(k) for k in range(3)}, read)
    shelf.give(2, large(2))
    for k in (2, 1, 1):
        key = next(key for key in shelf.wanted(at(0.2 * k), None) if key[0] == k)
        source = shelf.source(key)
        assert source.size == (128, 72)
        assert source.rgba[0, 0, 0] == 10 * k
    assert read == [1]


def test_a_depth_that_comes_later_makes_another_picture_of_it() -> None:
    shelf = shelf_of({0: large(0), 1: large(1)})
    shelf.give(1, large(1, depth=False))
    before = shelf.wanted(at(0.2), None)
    assert not shelf.source(before[0]).has_depth
    shelf.give(1, large(1))
    after = shelf.wanted(at(0.2), None)
    assert after[0][0] == before[0][0]
    assert after[0] != before[0]
    assert shelf.source(after[0]).has_depth


def test_a_view_without_depth_takes_what_is_seen_beside_it() -> None:
    shelf = shelf_of({0: large(0), 1: large(1, depth=False)})
    for key in reversed(shelf.wanted(at(0.2), None)):
        source = shelf.source(key)
    assert source.camera.position[0] == pytest.approx(0.2)
    assert np.median(source.surface.inverse) == pytest.approx(1 / 3, rel=1e-3)


def test_no_picture_is_larger_than_the_window_and_small_ones_stay_small() -> None:
    shelf = shelf_of({0: large(0), 1: drawn(1)})
    shelf.set_most((64, 60))
    sizes = [shelf.source(key).size for key in shelf.wanted(at(0.0), None)]
    assert sizes == [(64, 36), (32, 18)]
    shelf.set_most((640, 360))
    sizes = [shelf.source(key).size for key in shelf.wanted(at(0.0), None)]
    assert sizes == [(128, 72), (32, 18)]


def test_the_models_own_picture_is_shown_at_the_same_size() -> None:
    shelf = shelf_of({0: large(0), 1: large(1)})
    shelf.set_raw(True)
    source = shelf.source(shelf.wanted(at(0.2), None)[0])
    assert source.size == (128, 72)
    assert abs(int(source.rgba[20, 20, 0]) - 15) <= 1


def test_another_line_forgets_and_little_stays_in_ram() -> None:
    count = 2 * max(READY, FRESH)
    views = {k: drawn(k) for k in range(count)}
    shelf = shelf_of(views)
    for k in range(count):
        shelf.give(k, views[k])
        shelf.source(shelf.wanted(at(0.2 * k), None)[0])
    assert len(shelf._ready) <= READY
    assert len(shelf._fresh) <= FRESH
    gone = shelf.wanted(at(0.2 * (count - 1)), None)[0]
    shelf.set_line([node(0)])
    assert shelf.wanted(at(5.0), None) == ((0, 1),)
    shelf.set_most((20, 20))
    assert shelf.source(gone) is None


def test_a_damaged_file_is_said() -> None:
    def broken(node_id: int) -> DrawnView:
        raise ValueError(f"view {node_id} is damaged")

    shelf = Shelf()
    shelf.clear(broken)
    shelf.set_line([node(0)])
    with pytest.raises(ValueError, match="damaged"):
        shelf.source((0, 0))
