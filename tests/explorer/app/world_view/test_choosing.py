"""Which pictures are carried, and how one choice becomes the next."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.world_view.choosing import FADE, Fade, Layer, choose

LENS = Intrinsics(0.9, 1.6)


def at(x: float) -> Camera:
    T = np.eye(4)
    T[0, 3] = x
    return Camera(T, LENS)


VIEWS = {0: at(0.0), 4: at(0.3), 7: at(0.6), 9: at(0.9)}


@pytest.mark.parametrize(
    ("x", "chosen"),
    [(0.0, (0, 4)), (0.88, (9, 0, 7)), (0.35, (4, 0, 7)), (0.5, (7, 0, 4)), (-1.0, (0, 4))],
)
def test_the_nearest_comes_first_and_the_photo_is_among_them(x, chosen) -> None:
    assert choose(at(x), VIEWS, 1.0) == chosen


def test_what_is_shown_stays_until_another_is_clearly_nearer() -> None:
    assert choose(at(0.46), VIEWS, 1.0)[0] == 7
    assert choose(at(0.46), VIEWS, 1.0, now=4)[0] == 4
    assert choose(at(0.5), VIEWS, 1.0, now=4)[0] == 7
    assert choose(at(0.6), VIEWS, 1.0, now=4)[0] == 7  # exactly there
    assert choose(at(0.46), VIEWS, 1.0, now=99)[0] == 7  # it has gone from the line


def test_a_fade_goes_from_one_to_the_next_by_the_clock() -> None:
    fade, old, new, other = Fade(), ((0, 0),), ((4, 1), (0, 0)), ((7, 2), (0, 0))
    assert fade.layers(old, 10.0) == (Layer(old, 1.0),)
    assert not fade.running(10.0)
    assert fade.layers(new, 20.0) == (Layer(old, 1.0),)
    assert fade.running(20.0)
    middle = fade.layers(new, 20.0 + FADE / 2)
    assert [layer.keys for layer in middle] == [old, new]
    assert middle[0].share == pytest.approx(0.5)
    # What is wanted meanwhile waits, so that nothing pops.
    assert [layer.keys for layer in fade.layers(other, 20.0 + 0.9 * FADE)] == [old, new]
    assert fade.layers(other, 20.0 + 1.1 * FADE) == (Layer(new, 1.0),)
    assert fade.running(20.0 + 1.1 * FADE)
    assert fade.layers(other, 20.0 + 3 * FADE) == (Layer(other, 1.0),)
    assert fade.now == 7
    fade.clear()
    assert fade.now is None


def test_another_second_picture_needs_no_fade() -> None:
    fade = Fade()
    fade.layers(((4, 0), (0, 0)), 0.0)
    assert fade.layers(((4, 0), (7, 0)), 1.0) == (Layer(((4, 0), (7, 0)), 1.0),)
    assert not fade.running(1.0)
