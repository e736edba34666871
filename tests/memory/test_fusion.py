"""The cloud grows with the surface that was seen, and keeps the best of it."""

import numpy as np
import torch

from engine.geometry.rendering import render_surfels
from memory.cloud import SLOTS, SurfelCloud, unseen, with_view
from memory.fusion import FusionConfig, Observation, fuse, observe
from tests.memory.scenes import H, W, camera, pictures, wall


def picture(view, confidence=1.0, depth=None):
    return Observation(
        view_id=view.id,
        camera=view.camera,
        rgb=torch.tensor(view.rgb) / 255,
        depth=torch.tensor(view.depth) if depth is None else depth,
        confidence=torch.full((H, W), confidence),
    )


def fused(*pictures_):
    cloud = SurfelCloud()
    for p in pictures_:
        fuse(cloud, p, FusionConfig())
    return cloud


def test_what_is_known_is_not_added_again():
    views = pictures([wall()], [camera(), camera(), camera(x=0.05), camera(yaw=0.02)])
    cloud = fused(picture(views[0]))
    assert len(cloud) == H * W
    for view in views[1:]:
        fuse(cloud, picture(view), FusionConfig())
    assert len(cloud) < 1.12 * H * W  # a rim of what was outside


def test_a_slightly_wrong_depth_is_the_same_surface():
    view = pictures([wall()], [camera()])[0]
    wrong = torch.tensor(view.depth) * 1.03
    assert len(fused(picture(view), picture(view, depth=wrong))) == H * W
    other = torch.tensor(view.depth) * 1.2
    assert len(fused(picture(view), picture(view, depth=other))) > 1.9 * H * W


def test_a_new_part_adds_that_part():
    views = pictures([wall()], [camera(), camera(x=2.1)])  # half a picture to the right
    cloud = fused(*map(picture, views))
    assert 1.4 * H * W < len(cloud) < 1.65 * H * W


def test_coming_closer_replaces_the_coarse_by_the_fine():
    far, near = pictures([wall()], [camera(), camera(z=2.0)])
    cloud = fused(picture(far), picture(near))
    covered = (1 / 3) ** 2  # of the far picture, by the near one
    assert len(cloud) < H * W * (2 - 0.7 * covered)
    out = render_surfels(cloud.all(), near.camera, H, W)
    inner = (slice(6, -6), slice(6, -6))
    assert bool((out.view_ids[inner] == near.id).all())
    assert float(out.footprint[inner].max()) < 1.3
    again = render_surfels(cloud.all(), far.camera, H, W)
    assert float(again.coverage[2:-2, 2:-2].min()) > 0.7  # no gap around the fine part


def test_a_worse_look_changes_nothing():
    near, far = pictures([wall()], [camera(z=2.0), camera()])
    cloud = fused(picture(near))
    before = cloud.all().colours.clone()
    fuse(cloud, picture(far), FusionConfig())
    assert torch.equal(cloud.all().colours[: len(before)], before)


def test_the_unsure_is_replaced_by_the_sure():
    view, later = pictures([wall()], [camera(), camera()])
    cloud = fused(picture(view, 0.3), picture(later, 1.0))
    assert len(cloud) < 1.2 * H * W
    out = render_surfels(cloud.all(), view.camera, H, W)
    assert float((out.view_ids[3:-3, 3:-3] == 1).float().mean()) > 0.99


def test_unsure_things_in_the_air_vanish_when_seen_through():
    view, later = pictures([wall()], [camera(), camera()])
    ghost = torch.full((H, W), torch.nan)
    ghost[10:20, 10:20] = 1.0
    for confidence, stays in ((0.3, False), (0.9, True)):
        cloud = fused(picture(view, confidence, ghost), picture(later))
        assert bool((cloud.all().view_ids == 0).any()) == stays


def test_surfels_know_who_sees_them():
    views = pictures([wall()], [camera(), camera(x=0.1), camera(yaw=3.0)])
    cloud = fused(picture(views[0]), picture(views[1]))
    selection = cloud.select(camera(), H, W)
    seen_by, seen_well = cloud.seen(selection.index)
    out = render_surfels(cloud.surfels(selection), camera(), H, W)
    middle = seen_by[out.surfel_ids[H // 2, W // 2]]
    assert set(middle.tolist()) == {0, 1, -1}
    # Pixels per unit: half the width over the tangent of half the field of view, by depth.
    well = float(seen_well[out.surfel_ids[H // 2, W // 2]].max())
    assert abs(well - W * camera().intrinsics.fx / 3.0) < 0.05 * well


def test_finer_surfels_inherit_who_saw_the_coarse_ones():
    far, near = pictures([wall()], [camera(), camera(z=2.0)])
    cloud = fused(picture(far), picture(near))
    selection = cloud.select(near.camera, H, W)
    seen_by, _ = cloud.seen(selection.index)
    out = render_surfels(cloud.surfels(selection), near.camera, H, W)
    rows = seen_by[out.surfel_ids[6:-6, 6:-6].reshape(-1)]
    assert float(((rows == 0).any(1) & (rows == 1).any(1)).float().mean()) > 0.95
    assert bool(((rows == 1).sum(1) <= 1).all())


def test_a_wall_in_between_is_not_seen_through():
    # The far wall is known from one side; another view stands before a nearer wall.
    first, second = pictures([wall(3.0)], [camera()]), pictures([wall(1.5)], [camera(z=-2.0)], 1)
    cloud = fused(picture(first[0]), picture(second[0]))
    everything = cloud.select(camera(), H, W).index
    seen_by, _ = cloud.seen(everything)
    far_wall = cloud.surfels(cloud.select(camera(), H, W)).view_ids == 0
    assert not bool((seen_by[far_wall] == 1).any())


def test_a_view_without_depth_is_told_what_it_sees():
    view = pictures([wall()], [camera()])[0]
    cloud = fused(picture(view))
    asked = camera(x=0.2)
    depth = render_surfels(cloud.all(), asked, H, W).depth
    observe(cloud, asked, 5, depth)
    seen_by, _ = cloud.seen(cloud.select(camera(), H, W).index)
    assert 0.8 < float((seen_by == 5).any(1).float().mean()) < 1.0


def test_the_weakest_view_makes_room():
    seen = unseen(1, torch.device("cpu"))
    for i in range(SLOTS):
        seen = with_view(*seen, i, torch.tensor([10.0 + i]))
    assert sorted(seen[0][0].tolist()) == list(range(SLOTS))
    same = with_view(*seen, 50, torch.tensor([10.5]))
    assert 50 not in same[0]
    better = with_view(*seen, 51, torch.tensor([20.0]))
    assert 51 in better[0]
    assert 0 not in better[0]
    assert np.isclose(float(better[1].min()), 11.0)
