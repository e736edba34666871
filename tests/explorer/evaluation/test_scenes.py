from typing import Any

import numpy as np
import pytest

from explorer.evaluation.scenes import Way, forth_and_back


def test_way_out_is_even_and_way_back_is_odd_reversed() -> None:
    order = forth_and_back(list(range(9)))
    assert order.photo == 0
    assert order.out == (2, 4, 6, 8)
    assert order.back == (7, 5, 3, 1)
    assert forth_and_back([0, 1, 2, 3]).back == (3, 1)


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="at least three frames"):
        forth_and_back([0, 1])


def test_the_way_back_runs_between_the_cameras_of_the_way_out(boxes: Any) -> None:
    scene = boxes.walk(frames=9)
    positions = {
        way: [
            v.camera.position[0] for v, w in zip(scene.views, scene.ways, strict=True) if w is way
        ]
        for way in Way
    }
    assert positions[Way.OUT] == sorted(positions[Way.OUT])
    assert positions[Way.BACK] == sorted(positions[Way.BACK], reverse=True)
    assert not set(positions[Way.OUT]) & set(positions[Way.BACK])


def test_a_shortened_scene_keeps_the_end_of_the_way_out(boxes: Any) -> None:
    scene = boxes.walk(frames=17)
    short = scene.shortened(3)
    assert len(short.views) == 3
    assert set(short.ways) == {Way.OUT}
    assert short.views[-1] is scene.views[7]
    assert len(scene.shortened(100).views) == 8


def test_visibility_needs_true_depth(boxes: Any) -> None:
    scene = boxes.walk()
    shown = scene.visibility_of(scene.views[2])
    assert shown is not None
    assert 0.01 < shown.hole.mean() < 0.5
    blind = type(scene.photo)(scene.photo.rgb, None, scene.photo.camera)
    assert scene.visibility_of(blind) is None
    assert scene.has_depth
    assert np.isfinite(scene.views[0].colours).all()
