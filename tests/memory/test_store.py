"""Views leave RAM and come back."""

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from memory.store import ViewStore
from memory.views import View


def view(i):
    rgb = np.full((4, 4, 3), i, np.uint8)
    return View(i, Camera(np.eye(4), Intrinsics(1, 1)), rgb, np.full((4, 4), 1 + i, np.float32))


def test_old_views_are_read_back_from_disk(tmp_path):
    store = ViewStore(tmp_path / "views", in_ram=2)
    for i in range(5):
        store.put(view(i))
    assert list(store) == [0, 1, 2, 3, 4]
    assert store[4] is store[4]
    first = store[0]
    assert first.rgb.max() == 0
    assert first.depth.max() == 1
    assert store[3].id + store[4].id == 7  # now view 0 has left RAM
    assert store[0] is not first
    assert len(list((tmp_path / "views").iterdir())) == 5


def test_without_a_folder_all_stay():
    store = ViewStore(in_ram=1)
    views = [view(i) for i in range(3)]
    for v in views:
        store.put(v)
    assert all(store[i] is v for i, v in enumerate(views))


def test_removed_views_are_gone(tmp_path):
    store = ViewStore(tmp_path, in_ram=1)
    store.put(view(0))
    store.put(view(1))
    store.remove(0)
    assert list(store) == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["000001.npz"]
    with pytest.raises(KeyError, match="no view 0"):
        store[0]


def test_ram_for_no_view_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        ViewStore(in_ram=0)
