import math

import pytest

from explorer.evaluation.picture_metrics import HoleScore, PictureScore
from explorer.evaluation.results import DepthRecord, DepthScore, PoseRecord, ViewRecord
from explorer.evaluation.scenes import Way
from explorer.evaluation.summaries import (
    compare,
    summarise_depths,
    summarise_pictures,
    summarise_poses,
)


def record(
    scene: str, method: str, way: Way, psnr: float, hole: HoleScore | None = None
) -> ViewRecord:
    picture = "baseline" if method == "repeat" else "final"
    return ViewRecord(scene, method, picture, 1, way, PictureScore(psnr, psnr / 100, hole))


def hole(psnr: float, gradient: float = 1.0, true_gradient: float = 2.0) -> HoleScore:
    return HoleScore(0.2, psnr, 0.5, gradient, true_gradient)


def test_out_and_back_are_kept_apart_and_holes_only_counted_where_they_are() -> None:
    records = [
        record("a", "ours", Way.OUT, 20.0, hole(12.0)),
        record("a", "ours", Way.BACK, 10.0),
        record("b", "ours", Way.BACK, 30.0, hole(16.0, gradient=8.0, true_gradient=4.0)),
    ]
    (summary,) = summarise_pictures(records)
    assert (summary.scenes, summary.views, summary.hole_views) == (2, 3, 2)
    assert summary.psnr == pytest.approx(20.0)
    assert (summary.psnr_out, summary.psnr_back) == (20.0, 20.0)
    assert summary.hole_psnr == 14.0
    assert (summary.hole_psnr_out, summary.hole_psnr_back) == (12.0, 16.0)
    assert summary.hole_gradient == pytest.approx(9.0 / 6.0)
    assert summary.hole_gradient_median == pytest.approx((0.5 + 2.0) / 2)


def test_a_method_without_holes_has_no_hole_figures() -> None:
    (summary,) = summarise_pictures([record("a", "ours", Way.OUT, 20.0)])
    assert math.isnan(summary.hole_psnr)
    assert math.isnan(summary.hole_gradient)
    assert math.isnan(summary.psnr_back)


def test_comparison_pairs_scenes() -> None:
    records = [
        record("a", "ours", Way.OUT, 20.0, hole(12.0)),
        record("b", "ours", Way.OUT, 15.0, hole(10.0)),
        record("a", "repeat", Way.OUT, 10.0, hole(11.0)),
        record("b", "repeat", Way.OUT, 16.0, hole(8.0)),
        record("c", "repeat", Way.OUT, 99.0),
    ]
    by_measure = {c.measure: c for c in compare(records, ("ours", "final"), ("repeat", "baseline"))}
    assert by_measure["psnr"].difference == pytest.approx(4.5)
    assert by_measure["psnr"].standard_error == pytest.approx(5.5)
    assert (by_measure["psnr"].wins, by_measure["psnr"].scenes) == (1, 2)
    assert by_measure["hole_psnr"].wins == 2
    assert by_measure["hole_psnr"].difference == pytest.approx(1.5)


def test_pose_failures_are_counted_not_averaged() -> None:
    records = [
        PoseRecord("a", "ours", 1, Way.OUT, 1.0, 0.1, 40),
        PoseRecord("a", "ours", 2, Way.OUT, 3.0, 0.5, 30),
        PoseRecord("a", "ours", 3, Way.BACK, None, None, 0),
    ]
    (summary,) = summarise_poses(records)
    assert (summary.views, summary.failures) == (3, 1)
    assert summary.rotation_degrees_mean == 2.0
    assert summary.translation_median == pytest.approx(0.3)


def test_depth_of_the_photo_and_of_the_walk_are_kept_apart() -> None:
    def depth(index: int, abs_rel: float) -> DepthRecord:
        score = DepthScore(abs_rel, 1 - abs_rel)
        return DepthRecord("a", "ours", index, score, score, score)

    photo, walk = summarise_depths([depth(0, 0.1), depth(1, 0.2), depth(2, 0.4)])
    assert (photo.which, photo.views, photo.by_scale.abs_rel) == ("photo", 1, 0.1)
    assert (walk.which, walk.views) == ("walk", 2)
    assert walk.by_scale.abs_rel == pytest.approx(0.3)
    assert walk.by_walk_scale.delta1 == pytest.approx(0.7)
