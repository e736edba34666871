"""What a model puts out becomes depth: closed forms, and what must not change the answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.pictures import SKY_RATIO
from explorer.priors.conversion import to_depth
from explorer.priors.kinds import DepthKind, PriorError, kind_of

DEPTH = np.linspace(1.0, 9.0, 35, dtype=np.float32).reshape(5, 7)


@given(st.floats(1e-4, 1e4))
def test_inverse_depth_has_no_unit(scale: float) -> None:
    depth = to_depth(np.float32(scale) / DEPTH, DepthKind.INVERSE, 1.0)
    ratio = depth / DEPTH
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)
    assert np.median(depth) == pytest.approx(1.0, rel=0.02)


def test_inverse_depth_near_zero_is_sky() -> None:
    inverse = 1.0 / DEPTH
    inverse[0] = [0.0, -0.1, 1e-6, 0.5 / 5.0 / SKY_RATIO, np.nan, np.inf, 0.5]
    depth = to_depth(inverse, DepthKind.INVERSE, 1.0)
    assert np.isinf(depth[0, :4]).all()
    assert np.isnan(depth[0, 4:6]).all()
    assert np.isfinite(depth[0, 6])
    assert np.isfinite(depth[1:]).all()
    assert depth[np.isfinite(depth)].max() <= SKY_RATIO


def test_half_a_photo_of_sky_does_not_move_the_rest() -> None:
    ground = 1.0 / DEPTH
    below = to_depth(ground, DepthKind.INVERSE, 1.0)
    both = to_depth(np.concatenate([np.zeros_like(ground), ground]), DepthKind.INVERSE, 1.0)
    np.testing.assert_array_equal(both[5:], below)
    assert np.isinf(both[:5]).all()


def test_metres_are_left_alone() -> None:
    output = DEPTH.copy()
    output[0, :3] = [0.0, -1.0, np.nan]
    depth = to_depth(output, DepthKind.METRIC, 1.0)
    assert np.isnan(depth[0, :3]).all()
    np.testing.assert_array_equal(depth[1:], DEPTH[1:])
    saturated = to_depth(output, DepthKind.METRIC, 1.0, farthest=9.0)
    assert np.isinf(saturated[-1, -1])
    np.testing.assert_array_equal(saturated[1:4], DEPTH[1:4])
    np.testing.assert_array_equal(to_depth(DEPTH, DepthKind.RELATIVE, 1.0, 9.0), DEPTH)


def test_canonical_inverse_depth_takes_the_photos_lens() -> None:
    """Bochkovskii et al. 2024: depth = f / (width x C); a longer lens sees farther."""
    fx = 0.8
    np.testing.assert_allclose(to_depth(fx / DEPTH, DepthKind.CANONICAL, fx), DEPTH, rtol=1e-6)


@pytest.mark.parametrize("kind", list(DepthKind))
def test_no_depth_at_all_is_said(kind: DepthKind) -> None:
    for nothing in (np.zeros((8, 8), np.float32), np.full((8, 8), np.nan, np.float32)):
        with pytest.raises(PriorError, match="finds no depth in this photo"):
            to_depth(nothing, kind, 1.0)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "depth_anything"}, DepthKind.INVERSE),
        ({"model_type": "depth_anything", "depth_estimation_type": "relative"}, DepthKind.INVERSE),
        ({"model_type": "depth_anything", "depth_estimation_type": "metric"}, DepthKind.METRIC),
        ({"model_type": "depth_anything", "depth_estimation_type": "other"}, None),
        ({"model_type": "dpt"}, DepthKind.INVERSE),
        (
            {"model_type": "dpt", "is_hybrid": True, "backbone_config": {"model_type": "bit"}},
            DepthKind.INVERSE,
        ),
        ({"model_type": "dpt", "backbone_config": {"model_type": "beit"}}, DepthKind.INVERSE),
        ({"model_type": "dpt", "backbone_config": {"model_type": "dinov2"}}, DepthKind.METRIC),
        ({"model_type": "zoedepth"}, DepthKind.METRIC),
        ({"model_type": "glpn"}, DepthKind.METRIC),
        ({"model_type": "depth_pro"}, DepthKind.CANONICAL),
        ({"model_type": "prompt_depth_anything"}, None),
        ({}, None),
    ],
)
def test_the_table_of_kinds(config: dict, expected: DepthKind | None) -> None:
    assert kind_of(config) is expected
