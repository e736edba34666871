"""Walks of one size and of two along a scene's cameras, by a tiny model that knows nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.queries import Engine
from explorer.evaluation.drive import FILES, TrueDepth, WalkDriver
from explorer.evaluation.methods import main_method
from explorer.evaluation.scenes import Scene
from explorer.evaluation.sharp.sizes import at_model_size
from explorer.evaluation.traces import WalkTrace
from tests.tiny_model import tiny_model

SETTINGS = main_method(0).settings


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.of(tiny_model(), precision=torch.float32)


@pytest.fixture
def truth(large: Any) -> Scene:
    scene: Scene = large.walk(frames=3, step=0.1)
    return scene


def walked(driver: WalkDriver, scene: Scene) -> WalkTrace:
    told: list[int] = []
    trace = driver.draw(scene, SETTINGS, None, told.append)
    assert told == [0] + [1] * len(scene.views)
    return trace


def test_two_sizes_are_drawn_where_the_scene_has_them(engine: Engine, truth: Scene) -> None:
    scene = at_model_size(truth, (160, 96))
    driver = WalkDriver(engine, photo_depth=TrueDepth)
    two, one = walked(driver, scene), walked(driver, scene.of_one_size())
    assert two.scale == pytest.approx(1.0, rel=2e-3), "the true depth is in the scene's units"
    assert two.photo_picture_depth is not None
    true = truth.photo.depth
    assert np.median(np.abs(two.photo_picture_depth / true - 1)) < 1e-2
    assert one.photo_picture_depth is None
    for drawn, plain, view in zip(two.views, one.views, truth.views, strict=True):
        assert drawn.picture is not None
        assert drawn.picture.shape == drawn.shown.shape == (192, 320, 3)
        assert drawn.final.shape == plain.shown.shape == (96, 160, 3)
        assert plain.picture is None
        assert {"lookup", "join"} <= set(drawn.seconds)
        assert not {"lookup", "join", FILES} & set(plain.seconds)
        seen = truth.visibility_of(view)
        assert seen is not None
        error = np.abs(drawn.picture.astype(float) - view.rgb).mean(-1)[seen.seen]
        assert np.median(error) < 4, "what the photo shows is looked up in it"


def test_a_recorded_walk_is_the_same_and_tells_what_its_files_took(
    engine: Engine, truth: Scene, tmp_path: Path
) -> None:
    scene = at_model_size(truth, (160, 96))
    free = walked(WalkDriver(engine), scene)
    kept = walked(WalkDriver(engine, tmp_path), scene)
    for one, other in zip(free.views, kept.views, strict=True):
        np.testing.assert_array_equal(one.final, other.final)
        assert other.seconds[FILES] > 0
        assert other.picture is None, "it is in its file alone"
    assert len(list(tmp_path.glob("[0-9]*.npz"))) == 1 + len(scene.views)
    with np.load(tmp_path / "000001.npz", allow_pickle=False) as arrays:
        assert "picture" in arrays


def test_a_scene_without_depth_has_none_to_give(engine: Engine, truth: Scene) -> None:
    scene = at_model_size(truth, (160, 96))
    blind = type(scene.photo)(scene.photo.rgb, None, scene.photo.camera)
    with pytest.raises(ValueError, match="no true depth"):
        TrueDepth(type(scene)("blind", "", blind, (), ())).depth(None)  # type: ignore[arg-type]
