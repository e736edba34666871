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
