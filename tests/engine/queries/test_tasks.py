"""Interpolation, generation, rendering from depth, edits and search, on a small random model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rotations import rotation_about_y, rotation_angle
from engine.model.kinds import Kind
from engine.queries.answers import ask
from engine.queries.edit import EditConfig, FrameToEdit, propagate_edit
from engine.queries.generate import GenerationConfig, generate
from engine.queries.interpolate import (
    InterpolationConfig,
    cameras_between,
    halving_order,
    interpolate,
    interpolate_pictures,
)
from engine.queries.query import KnownView, Query, QueryError
from engine.queries.scenes import SceneView, warp
from engine.queries.search import reprojection_score
from engine.sampling.flow import finish
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of

SIZE = (32, 48)
LENS = Intrinsics.from_fov(60, 48 / 32)
FEW = JointSampling(steps=2)
NOISE = noise_of(0, "test")


def camera(x: float = 0.0, yaw: float = 0.0) -> Camera:
    T = np.eye(4)
    T[:3, :3] = rotation_about_y(yaw)
    T[0, 3] = x
    return Camera(T, LENS)


def wall(x: float = 0.0, depth: float = 2.0) -> SceneView:
    """A smooth pattern on a wall 2 m ahead, seen from x; `depth` is what is said of it."""
    v, u = np.meshgrid((np.arange(32) + 0.5) / 32, (np.arange(48) + 0.5) / 48, indexing="ij")
    X, Y = (u - 0.5) / LENS.fx * 2 + x, (v - 0.5) / LENS.fy * 2
    rgb = np.stack([np.sin(3 * X), np.cos(2 * Y), np.sin(2 * X + 3 * Y)], -1) * 0.4 + 0.5
    return SceneView(rgb.astype(np.float32), np.full(SIZE, depth, np.float32), camera(x))


def test_cameras_between_are_evenly_spaced():
    found = cameras_between(camera(0.0), camera(1.0, yaw=0.6), 3)
    np.testing.assert_allclose([c.position[0] for c in found], [0.25, 0.5, 0.75])
    for index, c in enumerate(found):
        assert rotation_angle(c.T_world_camera[:3, :3]) == pytest.approx(0.15 * (index + 1))
    with pytest.raises(ValueError, match="at least one view"):
        cameras_between(camera(), camera(1), 0)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 15])
def test_halving_draws_each_view_once_between_views_that_are_there(count):
    there = {0, count + 1}
    for left, index, right in halving_order(count):
        assert left in there
        assert right in there
        assert left < index < right
        there.add(index)
    assert there == set(range(count + 2))


def test_warps_of_two_views_show_the_wall_from_between():
    between = wall(0.1)
    seen = warp([wall(0.0), wall(0.2)], between.camera)
    assert seen.seen.mean() > 0.9
    assert np.abs(seen.rgb - between.rgb)[seen.seen].mean() < 0.03
    np.testing.assert_allclose(seen.depth[seen.seen], 2.0, rtol=0.02)


def test_interpolation_gives_a_view_for_each_camera(engine):
    cameras = cameras_between(camera(0.0), camera(0.3), 2)
    ends = (wall(0.0), wall(0.3))
    config = InterpolationConfig(sampling=FEW)
    found = finish(interpolate(engine, ends, cameras, config, NOISE))
    assert [b.camera for b in found] == cameras
    for b in found:
        assert b.rgb.shape == (*SIZE, 3)
        assert b.depth is not None
        assert b.depth.shape == SIZE
        assert b.warped is not None


def test_a_view_does_not_depend_on_how_many_others_are_drawn(engine):
    cameras = cameras_between(camera(0.0), camera(0.3), 2)
    config, ends = InterpolationConfig(sampling=FEW), (wall(0.0), wall(0.3))
    both = finish(interpolate(engine, ends, cameras, config, NOISE))
    alone = finish(interpolate(engine, ends, cameras[:1], config, NOISE))
    assert np.array_equal(both[0].rgb, alone[0].rgb)


def test_pictures_alone_can_be_interpolated(engine):
    config = InterpolationConfig(sampling=FEW, with_depth=False)
    ends = (wall(0.0).rgb, wall(0.3).rgb)
    found = finish(interpolate_pictures(engine, ends, 3, config, NOISE))
    assert len(found) == 3
    assert all(b.depth is None and b.warped is None and b.camera is None for b in found)


def test_words_make_a_view(engine):
    config = GenerationConfig(size=SIZE, sampling=FEW)
    view = finish(generate(engine, "a room", config, NOISE(0)))
    assert view.rgb.shape == (*SIZE, 3)
    assert (view.depth > 0).all()


@pytest.mark.parametrize("caption", ["", "  ", "xylophone quartz"])
def test_words_that_the_model_lacks_are_refused(engine, caption):
    with pytest.raises(QueryError, match="knows no word"):
        finish(generate(engine, caption, GenerationConfig(size=SIZE), NOISE(0)))


def test_depth_becomes_pictures_and_cameras(engine):
    """Seed 000's last row is a query like any other."""
    depths = [wall(0.0).depth, wall(0.2).depth]
    asked = tuple((kind, slot) for kind in (Kind.RGB, Kind.RAYS) for slot in range(2))
    unposed = Query(SIZE, tuple(KnownView(depth=d) for d in depths), asked)
    views = finish(ask(engine, unposed, FEW, NOISE(0)))
    assert all(v.rgb is not None and v.rays is not None for v in views)
    first, second = (
        KnownView(depth=d, camera=camera(x)) for d, x in zip(depths, (0.0, 0.2), strict=True)
    )
    posed = Query(SIZE, (replace(first, rgb=wall().rgb), second), ((Kind.RGB, 1),))
    known = finish(ask(engine, posed, FEW, NOISE(0)))
    assert known[0].rgb is None
    assert known[1].rgb is not None


def edit_frame(region: np.ndarray, seed: int = 1) -> FrameToEdit:
    rng = np.random.default_rng(seed)
    rgb = rng.random((*SIZE, 3), dtype=np.float32)
    return FrameToEdit(rgb, region, np.zeros_like(rgb), np.zeros(SIZE, bool))


def test_an_edit_changes_its_region_and_nothing_else(engine):
    region = np.zeros(SIZE, bool)
    region[8:24, 16:32] = True
    frames = [edit_frame(region, seed) for seed in (1, 2)]
    edited = np.full((*SIZE, 3), 0.7, np.float32)
    drawn = finish(propagate_edit(engine, edited, frames, EditConfig(FEW), NOISE))
    for frame, found in zip(frames, drawn, strict=True):
        assert np.array_equal(found[~region], frame.rgb[~region])
        assert np.abs(found[region] - frame.rgb[region]).mean() > 0.01


def test_frames_without_a_region_stay_as_they_are(engine):
    frame = edit_frame(np.zeros(SIZE, bool))
    drawn = finish(propagate_edit(engine, frame.rgb, [frame], EditConfig(FEW), NOISE))
    assert drawn[0] is frame.rgb


def test_frames_of_another_size_are_refused(engine):
    edited = np.zeros((48, 48, 3), np.float32)
    with pytest.raises(QueryError, match="differ in size"):
        finish(
            propagate_edit(engine, edited, [edit_frame(np.ones(SIZE, bool))], EditConfig(), NOISE)
        )


def test_what_is_seen_is_trusted_to_the_end_unless_asked_otherwise(engine, monkeypatch):
    """Distrust is worse in the project's own tables; nobody gets it by leaving an option out."""
    asked = []

    def listening(given, query, *others):
        asked.append(max(view.trusted_until for view in query.views))
        return ask(given, query, *others)

    for module in ("interpolate", "edit"):
        monkeypatch.setattr(f"engine.queries.{module}.ask", listening)
    frames = [edit_frame(np.ones(SIZE, bool))]
    ends, cameras = (wall(0.0), wall(0.3)), cameras_between(camera(0.0), camera(0.3), 1)
    for edit, between in (
        (EditConfig(FEW), InterpolationConfig(FEW)),
        (EditConfig(FEW, 0.6), InterpolationConfig(FEW, 0.6)),
    ):
        finish(propagate_edit(engine, frames[0].rgb, frames, edit, NOISE))
        finish(interpolate(engine, ends, cameras, between, NOISE))
    assert asked == [0.0, 0.0, 0.6, 0.6]


def test_the_right_geometry_scores_best():
    """Truth, then depth that is wrong by more and more, then a camera that looks away."""
    truth = reprojection_score([wall(0.0), wall(0.4)])
    near = reprojection_score([wall(0.0, 1.6), wall(0.4, 1.6)])
    nearer = reprojection_score([wall(0.0, 1.0), wall(0.4, 1.0)])
    assert truth > near > nearer
    away = SceneView(wall(0.4).rgb, wall(0.4).depth, camera(0.4, yaw=2.0))
    assert truth > reprojection_score([wall(0.0), away])
    # A sixth of each picture leaves the other one; the rest fits.
    assert truth > -0.25 / 6 - 0.01


def test_a_score_needs_two_views():
    with pytest.raises(ValueError, match="at least two views"):
        reprojection_score([wall()])


def test_noise_is_keyed_by_index():
    same = torch.randn(3, generator=noise_of(1, "a")(2))
    assert torch.equal(same, torch.randn(3, generator=noise_of(1, "a")(2)))
    assert not torch.equal(same, torch.randn(3, generator=noise_of(1, "a")(3)))
    assert not torch.equal(same, torch.randn(3, generator=noise_of(1, "b")(2)))
