import math

import numpy as np
import pytest

from engine.geometry.depth_boundaries import BoundaryScore
from explorer.evaluation.picture_metrics import PartScore, PictureScore
from explorer.evaluation.results import DepthRecord, DepthScore, PoseRecord, ViewRecord
from explorer.evaluation.scenes import Way
from explorer.evaluation.summaries import (
    compare,
    summarise_depths,
    summarise_pictures,
    summarise_poses,
)
from explorer.evaluation.yardstick.sets import LooksOfMethod
from explorer.evaluation.yardstick.together import FEWEST_PICTURES


def record(
    scene: str, method: str, way: Way, psnr: float, hole: PartScore | None = None
) -> ViewRecord:
    picture = "baseline" if method == "repeat" else "final"
    score = PictureScore(psnr, psnr / 100, hole, distance=1 - psnr / 100)
    return ViewRecord(scene, method, picture, 1, way, score)


def hole(psnr: float, gradient: float = 1.0, true_gradient: float = 2.0) -> PartScore:
    return PartScore(0.2, psnr, 0.5, gradient, true_gradient, distance=2 - psnr / 100)


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
    assert summary.distance == pytest.approx(0.8)
    assert (summary.distance_out, summary.distance_back) == pytest.approx((0.8, 0.8))
    assert summary.hole_distance == pytest.approx(1.86)
    found = summary.hole_distance_out, summary.hole_distance_back
    assert found == pytest.approx((1.88, 1.84))


def test_kernel_distances_are_of_the_method_that_drew() -> None:
    rng = np.random.default_rng(0)
    looks = LooksOfMethod()
    for index in range(FEWEST_PICTURES):
        true = rng.normal(size=6)
        looks.whole.add(f"{index}", true, true + 1)
    records = [record("a", "ours", Way.OUT, 20.0), record("a", "repeat", Way.OUT, 10.0)]
    ours, repeat = summarise_pictures(records, {("ours", "final"): looks})
    assert ours.kernel_distance is not None
    assert ours.kernel_distance.mean > 1
    assert ours.hole_kernel_distance is None
    assert repeat.kernel_distance is None


def test_a_method_without_holes_has_no_hole_figures() -> None:
    (summary,) = summarise_pictures([record("a", "ours", Way.OUT, 20.0)])
    assert math.isnan(summary.hole_psnr)
    assert math.isnan(summary.hole_distance)
    assert summary.kernel_distance is None
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
    # Less is better: the world with more PSNR is the nearer one here.
    assert by_measure["distance"].difference == pytest.approx(-0.045)
    assert by_measure["distance"].wins == 1
    assert by_measure["hole_distance"].wins == 2


def test_what_nobody_looked_at_is_not_compared() -> None:
    records = [
        ViewRecord("a", name, kind, 1, Way.OUT, PictureScore(20.0, 0.5, None))
        for name, kind in (("ours", "final"), ("repeat", "baseline"))
    ]
    found = compare(records, ("ours", "final"), ("repeat", "baseline"))
    assert [comparison.measure for comparison in found] == ["ssim", "psnr"]


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
        boundaries = (BoundaryScore(math.nan if index == 2 else 0.5, abs_rel, 1),) * (index > 0)
        return DepthRecord("a", "ours", index, score, score, score, boundaries)

    photo, walk = summarise_depths([depth(0, 0.1), depth(1, 0.2), depth(2, 0.4)])
    assert (photo.which, photo.views, photo.by_scale.abs_rel) == ("photo", 1, 0.1)
    assert (walk.which, walk.views) == ("walk", 2)
    assert walk.by_scale.abs_rel == pytest.approx(0.3)
    assert walk.by_walk_scale.delta1 == pytest.approx(0.7)
    assert photo.boundaries == ()
    (boundaries,) = walk.boundaries
    assert (boundaries.precision, boundaries.recall) == pytest.approx((0.5, 0.3))
    assert boundaries.reach == 1
