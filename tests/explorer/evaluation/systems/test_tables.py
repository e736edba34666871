"""Every table runs on a small random model and names a trivial answer to beat."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from rich.console import Console

from engine.geometry.cameras import Camera
from engine.queries.scenes import SceneView
from explorer.evaluation.systems import edits, joint_completion, masked_completion, points, run
from explorer.evaluation.systems import sparse_frames as sparse
from explorer.evaluation.systems.tables import SystemTable


def nothing() -> None:
    """Progress that nobody looks at."""


def check(found: SystemTable, trivial: bool = True) -> None:
    assert any(r.trivial for r in found.rows) == trivial
    own = [r for r in found.rows if not r.published]
    assert any(math.isfinite(value) for r in own for value in r.values)


def test_depth_and_cameras(engine, samples):
    options = joint_completion.CompletionOptions(steps=1, samples=2)
    check(joint_completion.geometry_table(engine, samples, options, nothing))


def test_search_chooses_by_reprojection_alone(engine, straight, monkeypatch):
    """Of samples that are ever better, the best one is found, and its error is what is told."""
    truth = straight.views

    def worse(number: int) -> list[SceneView]:
        """The truth in the last sample, depth ever more wrong before."""
        factor = np.linspace(1.0 + 0.5 * (3 - number), 1.0, 32)[:, None]
        return [SceneView(v.rgb, (v.depth * factor).astype(np.float32), v.camera) for v in truth]

    def draw(_engine, _sample, _config, seed):
        return worse(seed // 1000)

    monkeypatch.setattr(joint_completion, "dense", draw)
    options = joint_completion.CompletionOptions(samples=4)
    found = joint_completion.search_table(engine, [straight], options, nothing)
    errors = [r.values[0] for r in found.rows]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx(0, abs=1e-6)
    assert len(found.panels) == 4


def test_sparse_frames(engine, samples, monkeypatch):
    seen = []

    def known_points(_engine, pictures, _sampling, _seed):
        seen.append(sum(p is not None for p in pictures))
        return [points._in_first_frame(v.depth, v, samples[0].views[0]) for v in samples[0].views]

    monkeypatch.setattr(sparse, "points_of", known_points)
    found = sparse.sparsity_table(engine, samples[:1], sparse.SparseOptions(), nothing)
    assert seen == [1, 2, 3]
    own = [r for r in found.rows if not r.published]
    assert all(r.values[0] < 0.05 for r in own)  # true points give true depth
    assert any(r.published for r in found.rows)


def test_points_that_no_camera_explains_are_counted_not_hidden(engine, samples, monkeypatch):
    def noise(_engine, pictures, _sampling, _seed):
        rng = np.random.default_rng(0)
        return [rng.normal(size=(32, 48, 3)).astype(np.float32) for _ in pictures]

    monkeypatch.setattr(sparse, "points_of", noise)
    found = sparse.sparsity_table(engine, samples[:1], sparse.SparseOptions(), nothing)
    assert found.notes
    assert "left out" in found.notes[0]


def test_points_and_pictures(engine, samples):
    options = points.PointOptions(steps=1, corrections=1)
    check(points.depth_table(engine, samples, options, nothing))
    check(points.control_table(engine, samples, options, nothing))


def test_points_of_the_first_frame_are_its_depth(samples):
    first = samples[0].views[0]
    found = points._in_first_frame(first.depth, first, first)
    np.testing.assert_allclose(found[..., 2], first.depth, rtol=1e-5)
    moved = SceneView(first.rgb, first.depth, Camera(np.eye(4), first.camera.intrinsics))
    other = samples[0].views[1]
    shifted = points._in_first_frame(other.depth, other, moved)
    assert np.abs(shifted[..., 0] - found[..., 0]).mean() > 0.01


def test_completion(engine, samples):
    options = masked_completion.CompletionOptions(steps=2)
    holes = masked_completion.hole_table(engine, samples, options, nothing)
    check(holes)
    assert {r.name for r in holes.rows} >= {"completion", "replacement guidance"}
    assert holes.columns[5:] == ("20% distance ↓", "80% distance ↓", "80% KID ↓")
    assert all(0 < value < 4 for r in holes.rows for value in r.values[5:7])
    assert [len(curve.y) for curve in holes.panels[0].curves] == [5, 5, 5]
    check(masked_completion.warp_table(engine, samples, options, nothing))
    check(masked_completion.between_table(engine, samples, options, nothing))


def test_a_completed_view_keeps_what_was_left_of_it(engine, samples):
    holes = masked_completion.patch_holes((32, 48), 0.5, np.random.default_rng(0))
    sampling = masked_completion.JointSampling(2)
    noise = masked_completion.noise_of(0, "t")(0)
    found = masked_completion.completed(engine, samples[0], holes, sampling, noise)
    assert np.array_equal(found[~holes], samples[0].views[1].rgb[~holes])


def test_an_edit_lies_where_true_depth_says(straight):
    """A wall that leans back: a step to the right moves what is painted to the left."""
    first, other = straight.views[0], straight.views[2]
    region = edits.spot((32, 48))
    assert np.array_equal(edits.where_it_lies(first, region, first), region)
    moved = edits.where_it_lies(first, region, other)
    assert moved.sum() == pytest.approx(region.sum(), rel=0.2)
    columns = [np.nonzero(mask.any(0))[0].mean() for mask in (region, moved)]
    lens = first.camera.intrinsics
    assert columns[0] - columns[1] == pytest.approx(0.25 * lens.fx * 48 / 2.5, abs=0.7)


def test_edits_are_compared_with_copies(engine, straight):
    found = edits.edit_table(engine, [straight], edits.EditOptions(steps=1), nothing)
    check(found)
    by_name = {r.name: r.values for r in found.rows}
    assert by_name["carried"][-1] > by_name["copied"][-1]
    assert all(0 < values[1] < 4 for values in by_name.values())


def test_the_whole_evaluation_writes_what_it_prints(engine, samples, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "world_samples", lambda *_: samples)
    monkeypatch.setattr(run.Engine, "load", staticmethod(lambda *_: engine))
    options = run.SeedsOptions(tmp_path, only=(4,), count=2, size=(48, 32))
    console = Console(record=True, width=160, quiet=False)
    report = run.evaluate_seeds(options, console)
    assert {t.seed for t in report.tables} == {4}
    written = json.loads((tmp_path / "seeds.json").read_text())
    assert len(written["tables"]) == 4
    assert list(tmp_path.glob("seed-004-*.png"))
    assert "004 · holes" in console.export_text()


def test_an_unknown_document_is_refused(tmp_path):
    with pytest.raises(ValueError, match="documents 0 to 4"):
        run.evaluate_seeds(run.SeedsOptions(tmp_path, only=(7,)))
