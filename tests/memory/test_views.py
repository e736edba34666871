"""Views are rounded as they are stored, whole files or none."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.geometry.cameras import Camera, Intrinsics
from memory.views import View, ViewFileError, load_view, save_view

CAMERA = Camera(np.eye(4), Intrinsics(0.8, 1.1, 0.49, 0.52))
SHAPE = (4, 6)


def plain(**changes):
    parts = {"id": 3, "camera": CAMERA, "rgb": np.zeros((*SHAPE, 3), np.uint8)}
    return View(**{**parts, **changes})


depths = hnp.arrays(
    np.float32,
    SHAPE,
    elements=st.one_of(
        st.floats(np.float32(0.01), np.float32(1e6), width=32), st.sampled_from([np.inf, np.nan])
    ),
)
shares = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rgb=hnp.arrays(np.uint8, (*SHAPE, 3)),
    depth=depths,
    confidence=shares,
    scale=st.floats(1e-3, 1e3),
    caption=st.text(max_size=20),
)
def test_what_is_read_is_what_was_remembered(tmp_path, rgb, depth, confidence, scale, caption):
    view = View(12, CAMERA, rgb, depth, confidence, caption, scale)
    path = tmp_path / "view.npz"
    save_view(path, view)
    again = load_view(path)
    assert (again.id, again.caption, again.scale) == (12, caption, scale)
    assert np.array_equal(again.camera.T_world_camera, CAMERA.T_world_camera)
    assert again.camera.intrinsics == CAMERA.intrinsics
    assert np.array_equal(again.rgb, view.rgb)
    assert np.array_equal(again.depth, view.depth, equal_nan=True)
    assert np.array_equal(again.confidence, view.confidence)
    assert [p.name for p in tmp_path.iterdir()] == ["view.npz"]


def test_rounding_is_small_and_happens_once():
    depth = np.linspace(0.3, 40, 24, dtype=np.float32).reshape(SHAPE)
    view = plain(depth=depth, confidence=np.full(SHAPE, 0.7, np.float32), scale=2.5)
    assert np.abs(view.depth / depth - 1).max() < 1e-3
    assert np.abs(view.confidence - 0.7).max() < 1 / 255
    again = plain(depth=view.depth, confidence=view.confidence, scale=2.5)
    assert np.array_equal(again.depth, view.depth)
    assert np.array_equal(again.confidence, view.confidence)


def test_arrays_are_copies_and_cannot_be_written():
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    view = plain(rgb=rgb, depth=np.ones(SHAPE, np.float32))
    rgb[:] = 9
    assert view.rgb.max() == 0
    for array in (view.rgb, view.depth):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_view_without_depth_stays_without(tmp_path):
    save_view(tmp_path / "v.npz", plain())
    again = load_view(tmp_path / "v.npz")
    assert again.depth is None
    assert again.confidence is None
    assert again.with_depth(np.ones(SHAPE, np.float32), None).depth is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"rgb": np.zeros(SHAPE, np.uint8)},
        {"rgb": np.zeros((*SHAPE, 3), np.float32)},
        {"depth": np.ones((5, 5), np.float32)},
        {"confidence": np.ones(SHAPE, np.float32)},
        {"scale": 0.0},
        {"id": -1},
    ],
)
def test_wrong_parts_are_refused(changes):
    with pytest.raises(ValueError, match="view"):
        plain(**changes)


@pytest.mark.parametrize("damage", ["cut", "text", "keys", "version"])
def test_a_broken_file_is_named(tmp_path, damage):
    path = tmp_path / "view.npz"
    save_view(path, plain(depth=np.ones(SHAPE, np.float32)))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "text":
        path.write_text("no view")
    elif damage == "keys":
        np.savez(path, rgb=np.zeros((2, 2, 3), np.uint8))
    else:
        with np.load(path) as file:
            arrays = dict(file)
        arrays["about"] = np.frombuffer(b'{"version": 99}', np.uint8)
        np.savez(path, **arrays)
    with pytest.raises(ViewFileError, match=r"view\.npz"):
        load_view(path)
