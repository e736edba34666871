"""Scores of depth and cameras in closed form, and masks and tables as they are promised."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.geometry.cameras import Camera
from explorer.evaluation.systems.geometry_scores import (
    camera_score,
    columns_of,
    depth_score,
    ramp,
    score,
    straight_line,
)
from explorer.evaluation.systems.masked_completion import patch_holes, telea
from explorer.evaluation.systems.published import GEOMETRY_AS_CONTEXT, ONE4D
from explorer.evaluation.systems.samples import world_sample
from explorer.evaluation.systems.sparse_frames import evenly_observed
from explorer.evaluation.systems.tables import SystemRow, SystemTable, as_rich, mean, row


def test_the_truth_scores_perfectly_at_any_scale(samples):
    truth = samples[0].views
    depths = [3.0 * v.depth for v in truth]
    cameras = []
    for v in truth:
        T = np.array(v.camera.T_world_camera)
        T[:3, 3] *= 3.0
        cameras.append(Camera(T, v.camera.intrinsics))
    found = score(depths, cameras, truth)
    assert found.abs_rel == pytest.approx(0, abs=1e-6)
    assert found.delta1 == 1.0
    assert found.ate == pytest.approx(0, abs=1e-9)
    assert found.rpe_rotation == pytest.approx(0, abs=1e-5)


def test_depth_that_is_half_wrong_scores_by_the_half():
    truth = [np.ones((4, 4), np.float32)]
    wrong = truth[0].copy()
    wrong[0] = 1.5
    abs_rel, delta1 = depth_score([wrong], truth)
    assert abs_rel == pytest.approx(0.125)
    assert delta1 == pytest.approx(0.75)


def test_drawn_sky_is_far_and_does_not_win():
    truth = [np.array([[1.0, 1.0, 1.0, 4.0]], np.float32)]
    sky = np.array([[1.0, 1.0, 1.0, np.inf]], np.float32)
    abs_rel, delta1 = depth_score([sky], truth)
    assert abs_rel == pytest.approx(0.25)  # 8 instead of 4
    assert delta1 == pytest.approx(0.75)


def test_true_sky_is_left_out():
    truth = [np.array([[1.0, 2.0, np.inf]], np.float32)]
    assert depth_score([np.array([[1.0, 2.0, 7.0]], np.float32)], truth) == (0.0, 1.0)
    nothing = depth_score([truth[0]], [np.full((1, 3), np.inf, np.float32)])
    assert all(math.isnan(value) for value in nothing)


def test_a_turned_path_costs_rotation(samples):
    truth = [v.camera for v in samples[0].views]
    straight = camera_score(straight_line(truth), truth, samples[0].scale)
    assert straight[2] > 0.5
    assert camera_score(truth, truth, 1.0)[2] == pytest.approx(0, abs=1e-5)


def test_the_ramp_is_near_at_the_bottom():
    depth = ramp((8, 4))
    assert (np.diff(depth[:, 0]) < 0).all()


@pytest.mark.parametrize(
    ("frames", "observed", "expected"),
    [(6, 1, (0,)), (6, 2, (0, 5)), (6, 3, (0, 2, 5)), (6, 6, (0, 1, 2, 3, 4, 5))],
)
def test_observed_frames_hold_the_first_and_the_last(frames, observed, expected):
    assert evenly_observed(frames, observed) == expected
    with pytest.raises(ValueError, match="cannot be observed"):
        evenly_observed(3, 4)


@pytest.mark.parametrize("share", [0.05, 0.4, 0.8])
def test_holes_are_whole_patches(share):
    holes = patch_holes((80, 128), share, np.random.default_rng(0))
    small = holes.reshape(5, 16, 8, 16).mean((1, 3))
    assert set(np.unique(small)) <= {0.0, 1.0}
    assert small.mean() == pytest.approx(share, abs=0.0126)


def test_classical_inpainting_changes_holes_alone():
    rgb = np.random.default_rng(0).random((32, 32, 3), dtype=np.float32)
    holes = patch_holes((32, 32), 0.3, np.random.default_rng(1))
    painted = telea(rgb, holes)
    np.testing.assert_allclose(painted[~holes], rgb[~holes], atol=0.5 / 255 + 1e-6)
    assert np.abs(painted[holes] - rgb[holes]).mean() > 0.05


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="different lengths"):
        SystemTable(1, "t", ("a", "b"), (2, 2), (SystemRow("x", (1.0,)),))


def test_published_rows_are_marked():
    made = SystemTable(3, "t", ("a",) * 5, (2,) * 5, GEOMETRY_AS_CONTEXT)
    cells = list(as_rich(made).columns[0].cells)
    assert all("published, other data" in cell for cell in cells)
    assert len({len(r.values) for r in ONE4D}) == 1


def test_means_leave_out_what_is_not_finite():
    assert mean([1.0, math.nan, 3.0]) == 2.0
    assert math.isnan(mean([]))
    assert row("x", [[1.0, 3.0], []]).values[0] == 2.0
    assert columns_of([]) == [[]] * 5


def test_a_sample_is_the_same_for_the_same_seed_and_unseen_in_training():
    one, again = world_sample(9001, 2, (32, 48)), world_sample(9001, 2, (32, 48))
    assert np.array_equal(one.views[1].rgb, again.views[1].rgb)
    assert one.scale > 0
    other = world_sample(9002, 2, (32, 48))
    assert not np.array_equal(one.views[0].rgb, other.views[0].rgb)
