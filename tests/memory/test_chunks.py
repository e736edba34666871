"""Chunks: what is visible is found, what is not is not touched, far things are coarse."""

import itertools
import math

import numpy as np
import torch

from engine.geometry.rendering import render_surfels, surfels_from_view
from memory.chunks import LEVELS, chunk_order, selected, touched_chunks
from memory.cloud import SurfelCloud, unseen
from tests.memory.scenes import H, W, camera, pictures, wall


def cloud_of(views):
    cloud = SurfelCloud()
    for view in views:
        depth = torch.tensor(view.depth)
        rgb = torch.tensor(view.rgb) / 255
        seen = surfels_from_view(rgb, depth, view.camera, view.id)
        at = depth.view(-1)[seen.surfel_pixels]
        empty = unseen(len(seen.surfels), depth.device)
        cloud.append(seen.surfels, seen.surfel_pixels, at, W, empty)
    return cloud


def test_any_first_part_of_a_tile_is_spread_evenly():
    pixels = torch.arange(32 * 32)
    ordering = chunk_order(pixels, torch.full((1024,), 2.0), 32)
    placed = pixels[ordering.order]
    x, y = placed % 32, placed // 32
    half = (x + y)[:512] % 2
    assert bool((half == 0).all())  # a checkerboard
    quarter = torch.stack([x, y])[:, :256] % 2
    assert bool((quarter == 0).all())  # every second row and column
    assert bool((torch.stack([x, y])[:, :64] % 4 == 0).all())
    assert torch.equal(ordering.rank, torch.arange(1024))


def test_near_and_far_are_different_chunks():
    depth = torch.where(torch.arange(1024) % 32 < 16, 1.0, 6.0)
    ordering = chunk_order(torch.arange(1024), depth, 32)
    assert int(ordering.chunk.max()) == 1
    assert len(set(depth[ordering.order][ordering.chunk == 0].tolist())) == 1


def test_culling_loses_nothing_that_is_visible():
    views = pictures([wall()], [camera(), camera(yaw=1.2), camera(yaw=-1.2), camera(x=1.0, z=-1.0)])
    views = [v for v in views if np.isfinite(v.depth).any()]
    cloud = cloud_of(views)
    everything = cloud.all()
    for asked in (camera(x=0.4, z=0.5, yaw=0.2), camera(x=-2, z=1, yaw=0.7)):
        selection = cloud.select(asked, H, W)
        few = render_surfels(cloud.surfels(selection), asked, H, W)
        full = render_surfels(everything, asked, H, W)
        assert 0 < len(selection.index) < len(everything)
        both = full.coverage > 0.9
        assert float((few.coverage - full.coverage).abs().max()) < 0.2
        assert float(((few.depth - full.depth) / full.depth).abs()[both].nanmean()) < 5e-3


def test_nothing_is_selected_behind_the_camera():
    cloud = cloud_of(pictures([wall()], [camera()]))
    assert len(cloud.select(camera(yaw=math.pi), H, W).index) == 0


def test_far_surfaces_are_drawn_from_fewer_larger_discs():
    cloud = cloud_of(pictures([wall()], [camera()]))
    near = cloud.select(camera(), H, W)
    far = cloud.select(camera(z=-9), H, W)  # four times as far
    assert len(near.index) == len(cloud)
    assert len(far.index) <= len(near.index) / 8
    assert float(far.enlarged.median()) >= 2.8
    out = render_surfels(cloud.surfels(far), camera(z=-9), H, W)
    middle = (slice(H * 7 // 16, H * 9 // 16), slice(W * 7 // 16, W * 9 // 16))
    assert float(out.coverage[middle].min()) > 0.95
    assert float((out.depth[middle] - 12).abs().max()) < 0.05


def test_levels_are_prefixes():
    cloud = cloud_of(pictures([wall()], [camera()]))
    touched = touched_chunks(cloud._chunks, camera(), H, W, 1.0)
    counts = [len(selected(cloud._chunks, touched, coarser=i).index) for i in range(LEVELS)]
    for finer, coarser in itertools.pairwise(counts):
        assert 0.4 * finer <= coarser <= 0.6 * finer
