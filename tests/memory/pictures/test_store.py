"""Which pictures stay in RAM, and which are read again."""

from __future__ import annotations

import numpy as np
import pytest

from memory.pictures.picture import Picture
from memory.pictures.store import PictureStore
from tests.memory.pictures.planes import camera


def made(view_id: int, depth: bool = True) -> Picture:
    rgb = np.full((6, 8, 3), view_id, np.uint8)
    return Picture(rgb, np.full((6, 8), 2.0, np.float32) if depth else None)


class Recorded:
    """Pictures in files, and a list of what was read."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, view_id: int) -> Picture | None:
        self.asked.append(view_id)
        return None if view_id == 9 else made(view_id, depth=view_id != 8)


def filled(read: Recorded | None, count: int = 5) -> PictureStore:
    store = PictureStore(read, in_ram=2)
    for i in range(count):
        store.put(i, camera(x=i), made(i))
    return store


def test_the_oldest_goes_and_is_read_again_and_the_photo_stays() -> None:
    read = Recorded()
    store = filled(read)
    for i in (4, 3, 0):
        assert store.source(i).rgb[0, 0, 0] == i
    assert read.asked == []
    again = store.source(1)
    assert read.asked == [1]
    assert again.view_id == 1
    assert again.camera.T_world_camera[0, 3] == 1
    assert store.source(1) is again
    for i in range(5):
        store.source(i)
    assert 0 not in read.asked
    assert store.ids == [0, 1, 2, 3, 4]


def test_what_was_used_last_stays() -> None:
    read = Recorded()
    store = filled(read, 3)
    store.source(1)
    store.put(3, camera(), made(3))
    store.source(1)
    assert read.asked == []
    store.source(2)
    assert read.asked == [2]


def test_no_more_stay_than_were_asked_for_and_the_photo() -> None:
    store = filled(Recorded(), 50)
    for i in (7, 0, 30, 12):
        store.source(i)
        assert len(store._recent) <= 3


def test_without_files_all_stay() -> None:
    store = filled(None)
    assert all(store.source(i).rgb[0, 0, 0] == i for i in range(5))


def test_what_has_no_depth_or_cannot_be_read_is_no_source() -> None:
    store = filled(Recorded())
    assert store.source(77) is None
    store.put(5, camera(), made(5, depth=False))
    assert store.source(5) is None
    store.put(5, camera(), made(5))
    assert store.source(5) is not None
    for i in (8, 9, 10, 11, 12):
        store.put(i, camera(), made(i))
    assert store.source(8) is None
    assert store.source(9) is None


def test_a_picture_that_is_put_again_takes_the_place_of_its_source() -> None:
    store = filled(None)
    store.source(2)
    store.put(2, camera(x=9), made(200))
    assert store.source(2).rgb[0, 0, 0] == 200
    assert store.source(2).camera.T_world_camera[0, 3] == 9


def test_what_was_removed_is_not_read_either() -> None:
    read = Recorded()
    store = filled(read)
    for i in (1, 4, 77):
        store.remove(i)
        assert store.source(i) is None
        assert i not in store
    assert read.asked == []
    assert store.ids == [0, 2, 3]


def test_at_least_one_stays() -> None:
    with pytest.raises(ValueError, match="at least one"):
        PictureStore(None, 0)
