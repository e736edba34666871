"""A picture comes back from its file as it was made."""

from __future__ import annotations

import numpy as np
import pytest

from memory.pictures.picture import DEPTH, RGB, Picture


def picture() -> Picture:
    rng = np.random.default_rng(3)
    depth = rng.uniform(0.01, 900.0, (9, 14)).astype(np.float32)
    depth[0, :3] = np.inf, np.nan, 1e6
    return Picture(rng.integers(0, 256, (9, 14, 3), dtype=np.uint8), depth)


def test_what_is_read_back_is_equal_bit_for_bit() -> None:
    made = picture()
    back = Picture.read(made.stored())
    assert back is not None
    assert back.depth is not None
    assert made.depth is not None
    assert np.array_equal(back.rgb, made.rgb)
    assert back.depth.tobytes() == made.depth.tobytes()
    assert np.isinf(back.depth[0, 0])
    assert np.isnan(back.depth[0, 1])
    assert np.isinf(back.depth[0, 2])


def test_depth_is_rounded_by_less_than_a_thousandth() -> None:
    depth = np.geomspace(1e-3, 5e4, 126).astype(np.float32).reshape(9, 14)
    rounded = Picture(np.zeros((9, 14, 3), np.uint8), depth).depth
    assert rounded is not None
    assert (np.abs(rounded / depth - 1) < 1e-3).all()


def test_a_file_without_a_picture_holds_none_and_a_damaged_one_is_refused() -> None:
    assert Picture.read({"rgb": np.zeros((2, 2, 3), np.uint8)}) is None
    stored = picture().stored()
    with pytest.raises(ValueError, match="damaged"):
        Picture.read({RGB: stored[RGB][:40]})
    with pytest.raises(ValueError, match="16 bits"):
        Picture.read({RGB: stored[RGB], DEPTH: stored[RGB]})


def test_a_depth_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="not the picture's"):
        Picture(np.zeros((4, 4, 3), np.uint8), np.zeros((2, 2), np.float32))


def test_a_picture_cannot_be_changed_from_outside() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    made = Picture(rgb)
    rgb[:] = 9
    assert not made.rgb.any()
    with pytest.raises(ValueError, match="read-only"):
        made.rgb[:] = 1


def test_a_picture_that_would_fill_the_memory_is_not_unpacked() -> None:
    """Its header alone says so: nothing is decoded."""
    stored = picture().stored()
    for name in (RGB, DEPTH):
        bomb = stored[name].copy()
        bomb[16:24] = np.frombuffer(np.array([30_000, 30_000], ">u4").tobytes(), np.uint8)
        with pytest.raises(ValueError, match="far too large"):
            Picture.read(stored | {name: bomb})
    with pytest.raises(ValueError, match="damaged"):
        Picture.read({RGB: stored[RGB][:20]})
