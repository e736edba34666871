from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from explorer.evaluation.methods import main_method
from explorer.evaluation.returns import photo_returns
from explorer.evaluation.scenes import Scene, Way


@pytest.fixture
def walked(boxes: Any, painter: Any) -> tuple[Scene, Any]:
    """Two cameras out and back, twice; the painter's pictures."""
    a, b, c = (boxes.view(boxes.camera(x=0.1 * k)) for k in range(3))
    ways = (Way.OUT, Way.OUT, Way.BACK, Way.BACK) * 2
    scene = Scene("boxes", "", a, (b, c, b, a) * 2, ways)
    return scene, painter.draw(scene, main_method(0).settings, None, lambda _: None)


def test_a_photo_that_comes_back_has_lost_nothing(walked: tuple[Scene, Any]) -> None:
    first, second = photo_returns(*walked, 2)
    assert (first.lap, first.views, second.lap, second.views) == (1, 4, 2, 8)
    for found in (first, second):
        assert (found.equal, found.most, found.mean, found.psnr) == (1.0, 0, 0.0, 60.0)


def test_what_was_lost_is_counted(walked: tuple[Scene, Any]) -> None:
    scene, trace = walked
    rgb = np.array(scene.photo.rgb)
    rgb[:24, :40] ^= 1  # a sixteenth of it, by one level
    rgb[0, 0] = 255 - scene.photo.rgb[0, 0]
    most = int(np.abs(rgb[0, 0].astype(int) - scene.photo.rgb[0, 0]).max())
    views = [*trace.views[:-1], replace(trace.views[-1], final=rgb)]
    first, second = photo_returns(scene, replace(trace, views=tuple(views)), 2)
    assert first.equal == 1.0
    assert second.equal == pytest.approx(15 / 16)
    assert second.most == most > 1
    assert second.mean == pytest.approx(1 / 16, abs=0.01)
    assert 40 < second.psnr < 60


def test_a_walk_of_two_sizes_is_held_to_the_large_photo(
    large: Any, sharp_painter: Any, boxes: Any
) -> None:
    a, b = (boxes.view(boxes.camera(x=0.1 * k)) for k in range(2))
    truth = large.view(large.camera())
    small = Scene("boxes", "", a, (b, a), (Way.OUT, Way.BACK), picture=truth.rgb)
    trace = sharp_painter.draw(small, main_method(0).settings, None, lambda _: None)
    (found,) = photo_returns(replace(small, photo=truth, picture=None), trace, 1)
    assert found.views == 2
    assert found.equal < 0.9, "the painter's noise"
    assert 0.5 < found.mean < 3
