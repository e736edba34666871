"""Depth of drawn views: the known scale is recovered and surfaces do not layer up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.rendering import SkyDirections, Surfels, render_surfels, surfels_from_view
from explorer.walk import depth_fusion
from explorer.walk.composite import certainty
from explorer.walk.depth_fusion import FusedDepth, fused_with
from memory.memory import Memory
from memory.views import View

Array = NDArray[np.float32]
H, W = 144, 256
ZEROS = np.zeros((H, W), np.int32)


def fuse_depth(drawn: Array, known: Array, trust: Array, view_ids: NDArray[np.int32]) -> FusedDepth:
    """Of arrays; its depth is one."""
    ids = torch.tensor(view_ids.copy())
    pictures = [torch.tensor(x, dtype=torch.float32) for x in (drawn, known, trust)]
    fused = depth_fusion.fuse_depth(*pictures, ids)
    return replace(fused, depth=fused.depth.numpy())


def moved(start: Camera, *t: float) -> Camera:
    T = np.eye(4)
    T[:3, 3] = t
    return start.moved(T)


@pytest.fixture
def known(room, start) -> Array:
    return room.look(start, H, W)[1]


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7])
def test_the_scale_is_recovered(known: Array, scale: float) -> None:
    rng = np.random.default_rng(0)
    noisy = known / scale * np.exp(0.02 * rng.standard_normal((H, W)))
    noisy[20:40, 20:60] *= 3.0  # a thing that the model got wrong
    trust = np.zeros((H, W), np.float32)
    trust[:, :150] = 1.0
    fused = fuse_depth(noisy.astype(np.float32), known, trust, ZEROS)
    assert fused.scale == pytest.approx(scale, rel=0.01)
    assert fused.spread == pytest.approx(0.02, abs=0.01)
    usable = np.isfinite(known)
    error = np.abs(np.log(fused.depth[usable] / known[usable]))
    assert np.median(error) < 0.02
    assert np.quantile(error[:,], 0.9) < 0.05


def test_no_scale_under_fifteen_percent(known: Array) -> None:
    trust = np.zeros((H, W), np.float32)
    trust[:, : int(0.13 * W)] = 1.0
    drawn = known * 2.0
    fused = fuse_depth(drawn, known, trust, ZEROS)
    assert fused.scale is None
    assert (fused.depth[:, 60:] == drawn[:, 60:]).all()
    trust[:, : int(0.25 * W)] = 1.0
    assert fuse_depth(drawn, known, trust, ZEROS).scale == pytest.approx(0.5, rel=1e-3)


def test_early_views_decide_about_the_scale(known: Array) -> None:
    """The photo says 1.0 on one half, a later view says 1.3 on the other."""
    claims = known.copy()
    claims[:, W // 2 :] *= 1.3
    ids = np.zeros((H, W), np.int32)
    ids[:, W // 2 :] = 20
    ones = np.ones((H, W), np.float32)
    assert fuse_depth(known, claims, ones, ids).scale == pytest.approx(1.0, abs=0.05)
    assert fuse_depth(known, claims, ones, ids[:, ::-1]).scale == pytest.approx(1.3, abs=0.05)


def test_sky_is_kept_and_never_scaled(known: Array) -> None:
    sky = np.isinf(known)
    assert sky.sum() > 1000
    ones = np.ones((H, W), np.float32)
    without_sky = np.where(sky, 30.0, known).astype(np.float32)
    fused = fuse_depth(without_sky, known, ones, ZEROS)
    assert (np.isinf(fused.depth) == sky).all()
    fused = fuse_depth(known * 2, known, np.where(sky, 0, ones), ZEROS)
    assert np.isinf(fused.depth[sky]).all()
    assert np.isfinite(fused.depth[~sky]).all()


def test_holes_join_their_rims_without_a_step(known: Array) -> None:
    """The model bends the wall; in the hole it is bent back to meet what is known around it."""
    drawn = known * np.linspace(0.85, 1.15, W, dtype=np.float32)[None]
    trust = np.ones((H, W), np.float32)
    trust[30:130, 180:220] = 0.0
    fused = fuse_depth(drawn, known, trust, ZEROS)
    usable = np.isfinite(known) & (trust == 0)
    error = np.abs(np.log(fused.depth[usable] / known[usable]))
    before = np.abs(np.log(drawn[usable] / known[usable]))
    assert error.mean() < 0.25 * before.mean()
    steps = np.abs(np.diff(np.log(fused.depth[50, 170:230])))
    assert steps.max() < 0.02


def test_nothing_flies_between_two_surfaces() -> None:
    """Where model and memory differ much, each pixel has the depth of one of the two."""
    known = np.full((H, W), 4.0, np.float32)
    drawn = known.copy()
    drawn[60:90, 100:150] = 2.0
    trust = np.linspace(0, 1, W, dtype=np.float32)[None].repeat(H, 0)
    fused = fuse_depth(drawn, known, trust, ZEROS).depth
    nearest = np.minimum(np.abs(fused - 4.0), np.abs(fused - 2.0))
    assert nearest.max() < 0.3
    assert (np.abs(fused[60:90, 100:120] - 2.0) < 0.3).mean() > 0.9
    assert (np.abs(fused[60:90, 130:150] - 4.0) < 0.3).all()


def test_the_cloud_does_not_layer_up(room, start) -> None:
    """Eight views with bent, wrongly scaled depth: the wall stays one sheet."""
    rng = np.random.default_rng(1)
    rgb, depth = room.look(start, H, W)
    seen = [surfels_from_view(torch.tensor(rgb), torch.tensor(depth), start, 0)]
    naive = list(seen)
    for i in range(1, 9):
        camera = moved(start, 0.06 * i, 0.0, 0.03 * i)
        rgb, depth = room.look(camera, H, W)
        bent = depth * (1.25 + 0.15 * np.sin(np.linspace(0, 3, W) + rng.uniform(0, 6)))
        bent = bent.astype(np.float32)
        cloud = Surfels.concatenated([s.surfels for s in seen])
        sky = SkyDirections.concatenated([s.sky for s in seen])
        r = render_surfels(cloud, camera, H, W, sky)
        fused = fuse_depth(bent, r.depth.numpy(), certainty(r.coverage).numpy(), r.view_ids.numpy())
        seen.append(surfels_from_view(torch.tensor(rgb), torch.tensor(fused.depth), camera, i))
        naive.append(surfels_from_view(torch.tensor(rgb), torch.tensor(bent / 1.25), camera, i))

    def wall_thickness(views) -> float:
        p = Surfels.concatenated([s.surfels for s in views]).positions.numpy()
        wall = p[(p[:, 1] < 0) & (np.abs(p[:, 2] - 4.0) < 1.5)]
        return float(np.quantile(np.abs(wall[:, 2] - 4.0), 0.95))

    assert wall_thickness(naive) > 0.25
    assert wall_thickness(seen) < 0.06


def test_drawn_depth_keeps_out_of_what_the_photo_looks_through(room, start) -> None:
    rgb, depth = room.look(start, H, W)
    memory = Memory()
    memory.add(View(0, start, np.round(rgb * 255).astype(np.uint8), depth))
    aside = moved(start, 0.3, 0.0, 0.0)
    truth = room.look(aside, H, W)[1]
    too_near = np.where(np.isfinite(truth), 0.7 * truth, truth).astype(np.float32)
    known = memory.look(aside, H, W)
    unseen = replace(known, coverage=torch.zeros_like(known.coverage))
    fused = fused_with(torch.from_numpy(too_near), unseen)
    assert fused.scale is None
    found = fused.depth.numpy()
    moved_back = np.isfinite(truth) & (found > too_near)
    assert moved_back.mean() > 0.5
    error = np.abs(np.log(found[moved_back] / truth[moved_back]))
    assert np.median(error) < 0.02
    nowhere = replace(unseen, free_space=None)
    assert torch.equal(
        fused_with(torch.from_numpy(too_near), nowhere).depth, torch.tensor(too_near)
    )


NEAR, FAR = 2.0, 5.0


def beside_a_card(near: float = NEAR, far: float = FAR, wide: int = 7) -> tuple[Array, Array]:
    """Known depth and trust: a card's right side, a hole, and a wall behind."""
    known = np.full((H, W), far, np.float32)
    known[:, :100] = near
    trust = np.ones((H, W), np.float32)
    trust[:, 100 : 100 + wide] = 0.0
    known[trust == 0] = np.nan
    return known, trust


def behind_rims(known: Array, trust: Array) -> tuple[Array, Array]:
    found = depth_fusion.behind_rims(torch.tensor(known), torch.tensor(trust))
    return found[0].numpy(), found[1].numpy()


@pytest.mark.parametrize(("wide", "far"), [(1, 3.5), (4, FAR), (10, FAR), (10, np.inf)])
def test_a_hole_between_near_and_far_lies_behind_the_rim(wide: int, far: float) -> None:
    known, trust = beside_a_card(far=far, wide=wide)
    rim, behind = behind_rims(known, trust)
    hole = trust == 0
    np.testing.assert_allclose(rim[hole], NEAR, rtol=1e-5)
    np.testing.assert_allclose(behind[hole], far, rtol=1e-4)
    assert not rim[~hole].any()
    assert not behind[~hole].any()


def test_what_lies_behind_a_rim_goes_on_as_what_is_nearest_to_it() -> None:
    """A floor behind a card: each row of the hole is as deep as the floor beside it."""
    known, trust = beside_a_card(wide=6)
    floor = (1 / np.linspace(0.1, 0.2, H)).astype(np.float32)
    known[:, 106:] = floor[:, None]
    behind = behind_rims(known, trust)[1][2:-2, 100:106]
    np.testing.assert_allclose(behind, np.repeat(floor[2:-2, None], 6, axis=1), rtol=0.02)


def test_a_hole_in_one_surface_lies_behind_nothing() -> None:
    """A steep floor as little as a wall."""
    slope = np.broadcast_to(1 / np.linspace(0.2, 0.5, W), (H, W)).astype(np.float32)
    for known in (np.full((H, W), FAR, np.float32), slope):
        trust = beside_a_card()[1]
        for found in behind_rims(np.where(trust > 0, known, np.nan).astype(np.float32), trust):
            assert not found.any()


def test_out_of_reach_nothing_tells_what_a_hole_lies_behind() -> None:
    known, trust = beside_a_card(wide=60)
    assert not behind_rims(known, trust)[1].any()
    everywhere = np.full((H, W), np.nan, np.float32)
    assert not behind_rims(everywhere, np.zeros((H, W), np.float32))[1].any()


def test_holes_are_no_nearer_than_what_they_lie_behind() -> None:
    """The model's curtain half-way between card and wall goes to the wall; what is known stays."""
    known, trust = beside_a_card()
    drawn = np.where(np.isnan(known), 3.2, known).astype(np.float32)
    arrays = [torch.from_numpy(x) for x in (drawn, known, trust)]
    ids = torch.zeros((H, W), dtype=torch.int32)
    behind = depth_fusion.behind_rims(arrays[1], arrays[2])[1]
    without = depth_fusion.fuse_depth(*arrays, ids).depth.numpy()
    found = depth_fusion.fuse_depth(*arrays, ids, behind=behind).depth.numpy()
    hole = trust == 0
    assert np.median(without[hole]) < 0.8 * FAR
    assert found[hole].min() >= FAR * 0.999
    np.testing.assert_allclose(found[~hole], known[~hole], rtol=1e-4)
    farther = torch.where(arrays[2] < 0.5, 9.0, arrays[0])
    deep = depth_fusion.fuse_depth(farther, *arrays[1:], ids, behind=behind).depth.numpy()
    assert deep[hole].min() > 1.2 * FAR


def test_only_what_the_photo_hides_lies_behind_its_rims(room, start) -> None:
    """Seen from aside, the strip beside the box is the wall's or the floor's."""
    rgb, depth = room.look(start, H, W)
    memory = Memory()
    memory.add(View(0, start, np.round(rgb * 255).astype(np.uint8), depth))
    aside = moved(start, 0.2, 0.0, 0.0)
    known = memory.look(aside, H, W)
    rim, behind = depth_fusion.behind_rims(known.depth, certainty(known.coverage))
    strip = (behind > 0) & known.free_space.hides(rim, behind, known.camera)
    assert strip.sum() > 100
    truth = room.look(aside, H, W)[1]
    soft = np.where(strip.numpy(), 0.75 * truth, truth).astype(np.float32)
    found = fused_with(torch.from_numpy(soft), known).depth[strip].numpy()
    assert (found >= 0.97 * behind[strip].numpy()).all()
    unhidden = replace(known, free_space=None)
    curtain = fused_with(torch.from_numpy(soft), unhidden).depth[strip].numpy()
    assert np.median(curtain) < 0.9 * np.median(found)
