"""A point a pixel, each surface once, in closed form."""

from __future__ import annotations

import numpy as np
import torch

from engine.geometry.projection import project
from explorer.walk.export.dense_points import DenseViews, dense_cloud


def test_every_known_pixel_of_the_photo_is_a_point_on_the_wall(record):
    views = DenseViews(record.cameras[:1], record.frames, record.depths, [None])
    cloud = dense_cloud(views)
    finite = np.isfinite(record.depths[0])
    assert 0.9 * finite.sum() < len(cloud) <= finite.sum()  # but for the rim of the sky
    x, _, z = cloud.positions.T
    assert np.abs(0.2 * x + z - 3.0).max() < 1e-4
    wall = -np.array([0.2, 0.0, 1.0]) / np.hypot(0.2, 1.0)
    assert (cloud.normals @ wall).min() > 0.999
    seen = project(torch.from_numpy(cloud.positions), record.cameras[0], *finite.shape)
    column, row = seen.uv.numpy().astype(int).T
    assert np.array_equal(cloud.colours, record.frames[0][row, column])
    assert len(np.unique(row * 96 + column)) == len(cloud)


def test_a_later_view_gives_what_nobody_had_seen(record):
    new = np.zeros((9, 16), bool)
    new[:, :4] = True  # a quarter, at another size than the pictures
    alone = dense_cloud(DenseViews(record.cameras[:1], record.frames, record.depths, [None]))
    both = dense_cloud(DenseViews(record.cameras[:2], record.frames, record.depths, [None, new]))
    added = np.isfinite(record.depths[1][:, :24]).sum()
    assert 0.85 * added < len(both) - len(alone) <= added
    nothing = DenseViews(record.cameras, record.frames, record.depths, [None, *[~new & new] * 3])
    assert len(dense_cloud(nothing)) == len(alone)


def test_no_point_lies_at_an_edge_between_two_surfaces(record):
    """The second half of the picture lies twice as far: nothing in between, nothing beside it."""
    depth = np.full((54, 96), 2.0, np.float32)
    depth[:, 48:] = 4.0
    depth[20, 10] = np.nan
    cloud = dense_cloud(DenseViews(record.cameras[:1], record.frames, [depth], [None]))
    assert set(np.unique(cloud.positions[:, 2])) == {2.0, 4.0}
    columns = cloud.positions[:, 0] / cloud.positions[:, 2]
    step = 2 * np.abs(columns).max() / 95
    assert np.abs(columns).min() > 0.9 * step  # the pixels on both sides are missing
    assert len(cloud) >= 54 * 94 - 9


def test_views_without_depth_give_nothing(record):
    views = DenseViews(record.cameras[3:], record.frames[3:], record.depths[3:], [None])
    assert len(dense_cloud(views)) == 0
