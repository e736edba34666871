"""What a new camera is told of the past: points, and views from the same place between them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.geometry.rendering import Rendering
from memory.known import Known
from memory.memory import Memory
from memory.recall import Recalled
from memory.views import View
from tests.memory.scenes import H, W, camera, pictures, wall

FAR = 3.0
BLOCK = (slice(16, 32), slice(30, 50))


def look(memory: Memory, asked) -> Known:
    """Its pictures as arrays."""
    known = memory.look(asked, H, W)
    names = ("rgb", "depth", "coverage", "view_ids", "footprint")
    return replace(known, **{name: getattr(known, name).numpy() for name in names})


def seen(asked) -> View:
    return pictures([wall(z=FAR)], [asked])[0]


@pytest.fixture
def view() -> View:
    """Nobody knows how far away a block of it is."""
    sure = np.ones((H, W), np.float32)
    sure[BLOCK] = 0.0
    return replace(seen(camera()), confidence=sure)


def remembered(*views: View) -> Memory:
    memory = Memory()
    for view in views:
        memory.add(view)
    return memory


def test_what_left_no_points_is_known_from_the_same_place_only(view) -> None:
    memory = remembered(view)
    assert (memory.render_points(camera(), H, W).coverage.numpy()[BLOCK] < 0.5).mean() > 0.8
    here = look(memory, camera())
    assert (here.coverage == 1).all()
    np.testing.assert_allclose(here.rgb, view.rgb / 255, atol=1e-6)
    np.testing.assert_allclose(here.depth[BLOCK], view.depth[BLOCK])
    assert (here.view_ids[BLOCK] == 0).all()
    aside = look(memory, camera(x=0.3))
    assert (aside.coverage[20:28, 32:40] < 0.5).mean() > 0.8


def test_points_stay_where_a_drawn_view_has_some_too(view) -> None:
    """Turned, a drawn view only fills gaps: later points may be finer than it. Its own camera is
    shown all of it again."""
    aside, asked = camera(x=0.8), camera(x=0.8, yaw=0.02)
    unsure = view.confidence.copy()
    unsure[:, 50:70] = 0.0
    grey = replace(seen(aside), id=1, rgb=np.full_like(view.rgb, 90), confidence=unsure)
    memory = remembered(view, grey)
    np.testing.assert_allclose(look(memory, aside).rgb, 90 / 255, atol=1e-6)
    known, points = look(memory, asked), memory.render_points(asked, H, W)
    same = seen(asked).depth > 0.97 * points.depth.numpy()
    covered = (points.coverage.numpy() > 0.999) & same
    assert 0.3 < covered.mean() < 1.0
    np.testing.assert_array_equal(known.rgb[covered], points.rgb.numpy()[covered])
    gaps = points.coverage.numpy() == 0
    gaps[:, -5:] = False  # what the view did not see
    assert gaps.any()
    np.testing.assert_allclose(known.rgb[gaps], 90 / 255, atol=1e-6)


def test_drawn_views_do_not_paint_over_the_photos_rims(view) -> None:
    """A block stands before the wall; what was drawn from aside puts grey points all around it."""
    depth, rgb = view.depth.copy(), view.rgb.copy()
    depth[BLOCK] *= 0.6
    rgb[BLOCK] = (200, 30, 30)
    memory = remembered(replace(view, rgb=rgb, depth=depth, confidence=None))
    near = camera(x=0.3 / (camera().intrinsics.fx * W * (1 / depth[BLOCK].max() - 1 / FAR)))
    rim = memory.render_points(near, H, W).coverage.numpy() < 0.5
    rim[:2], rim[-2:], rim[:, :2], rim[:, -2:] = False, False, False, False
    assert rim.sum() > 50
    aside = seen(camera(x=0.8))
    sure = np.ones((H, W), np.float32)
    memory.add(replace(aside, id=1, rgb=np.full_like(rgb, 128), confidence=sure))
    painted = memory.render_points(near, H, W).view_ids.numpy()[rim] == 1
    assert painted.mean() > 0.3
    known = look(memory, near)
    assert (known.view_ids[rim] == 0).mean() > 0.9
    off = np.abs(known.rgb - rgb / 255)[rim].mean(-1)
    assert np.median(off) < 0.05


def test_what_stood_before_the_points_is_seen_again_from_the_same_place(view) -> None:
    """Nobody is sure of a near thing's depth, and the wall behind it has points of other views."""
    memory = remembered(replace(view, confidence=np.ones((H, W), np.float32)))
    aside = camera(x=0.4)
    behind = memory.render_points(aside, H, W)
    rgb = (behind.rgb.numpy() * 255).round().astype(np.uint8)
    depth = behind.depth.numpy().copy()
    rgb[BLOCK], depth[BLOCK] = 90, 0.6 * depth[BLOCK]
    memory.add(View(1, aside, rgb, depth, view.confidence))
    points = memory.render_points(aside, H, W)
    covered = points.coverage.numpy()[BLOCK] > 0.9
    assert covered.mean() > 0.5
    assert not (points.view_ids.numpy()[BLOCK] == 1).any()
    known = look(memory, aside)
    np.testing.assert_allclose(known.rgb[BLOCK], 90 / 255, atol=1e-6)
    np.testing.assert_allclose(known.depth[BLOCK], memory.views[1].depth[BLOCK])
    assert (known.view_ids[BLOCK] == 1).all()
    farther = look(memory, camera(x=0.6))
    assert not (farther.view_ids[BLOCK] == 1).any()


def test_a_wall_seen_twice_is_known_where_either_saw_it() -> None:
    """The two views' pictures overlap; from between, each pixel has the wall's depth, and stems
    from the view that came first where both saw it."""
    step = 2.0
    memory = remembered(seen(camera()), replace(seen(camera(x=step)), id=1))
    known = look(memory, camera(x=step / 2))
    inner = (slice(2, -2), slice(2, -2))
    assert (known.coverage[inner] > 0.9).all()
    np.testing.assert_allclose(known.depth[inner], FAR, rtol=0.01)
    # The first view's picture ends half its width to the right of its own centre.
    end = W / 2 + (W / 2 - step / 2 * camera().intrinsics.fx * W / FAR)
    assert (known.view_ids[inner[0], 2 : int(end) - 2] == 0).all()
    assert (known.view_ids[inner[0], int(end) + 3 : -2] == 1).all()
    found = memory.retrieve(memory.look(camera(x=step / 2), H, W), 2)
    assert {f.view_id for f in found} == {0, 1}
    assert all(0.5 < f.share < 0.9 for f in found)


@pytest.fixture
def half() -> Known:
    """A plain grey picture at depth 2, half of it the photo's, all of it covered by three
    quarters."""
    known = Memory().look(camera(), H, W)
    ids = torch.zeros_like(known.view_ids)
    ids[:, W // 2 :] = 7
    plane = torch.ones_like(known.depth)
    return replace(
        known,
        rgb=0.5 * torch.ones_like(known.rgb),
        depth=2.0 * plane,
        coverage=0.75 * plane,
        view_ids=ids,
        footprint=3.0 * plane,
    )


def test_rims_get_what_the_photos_points_leave_and_all_of_drawn_views(half: Known) -> None:
    plane = torch.ones_like(half.depth)
    nothing = torch.full_like(half.view_ids, -1)
    rims = Rendering(torch.ones_like(half.rgb), 2.0 * plane, plane, nothing, nothing, 0.5 * plane)
    left, right = (slice(None), 0), (slice(None), -1)
    known = half.with_rims(rims)
    assert (known.rgb[left] == 0.5 + 0.25 * 0.5).all()
    assert (known.rgb[right] == 1.0).all()
    assert (known.view_ids[left] == 0).all()
    assert (known.view_ids[right] == 0).all()
    assert (known.footprint[left] == 3.0).all()
    assert (known.footprint[right] == 0.5).all()
    assert (known.coverage == 1.0).all()
    behind = half.with_rims(replace(rims, depth=3.0 * plane))
    assert (behind.rgb[left] == 0.5).all(), "the photo's own points hide it"
    assert (behind.rgb[right] == 1.0).all()
    unknown = half.with_rims(replace(rims, depth=torch.nan * plane))
    assert torch.equal(unknown.rgb, half.rgb)


@pytest.mark.parametrize(
    ("depth", "weight", "share", "gap"),
    [(2.0, 0.0, 0.25, False), (2.0, 0.6, 0.6, False), (1.0, 0.0, 1.0, True), (9.0, 0, 0.25, False)],
)
def test_recalled_views_fill_what_is_left(half: Known, depth, weight, share, gap) -> None:
    plane = torch.ones_like(half.depth)
    ids = torch.full_like(half.view_ids, 4)
    ids[0] = -1
    again = Recalled(torch.zeros_like(half.rgb), weight * (ids >= 0), depth * plane, ids)
    known = half.with_gaps_filled(again)
    torch.testing.assert_close(known.rgb[1:], (1 - share) * half.rgb[1:])
    assert (known.coverage[1:] == 1.0).all()
    assert (known.view_ids[1:] == (ids if gap else half.view_ids)[1:]).all()
    assert (known.depth[1:] == (depth if gap else 2.0)).all()
    torch.testing.assert_close(known.footprint[1:], 3.0 - 2.0 * share * plane[1:])
    if depth >= 2.0:
        assert torch.equal(known.rgb[0], half.rgb[0])


def test_a_look_is_of_the_memory_as_it_was(view) -> None:
    """Else views would be retrieved that are gone, or that came later would be passed over."""
    memory = remembered(view)
    known = memory.look(camera(), H, W)
    assert [f.view_id for f in memory.retrieve(known, 2)] == [0]
    changes = (
        lambda: memory.add(View(1, camera(x=0.2), view.rgb)),
        lambda: memory.back_fill(1, seen(camera(x=0.2)).depth),
        lambda: memory.clear_after(0),
        lambda: memory.clear_after(-1),
    )
    for change in changes:
        change()
        with pytest.raises(ValueError, match="look again"):
            memory.retrieve(known, 2)
        known = memory.look(camera(), H, W)
        memory.retrieve(known, 2)


def test_an_empty_memory_knows_nothing() -> None:
    known = look(Memory(), camera())
    assert (known.coverage == 0).all()
    assert np.isnan(known.depth).all()
    assert (known.view_ids == -1).all()
    assert known.free_space is None


def test_a_view_without_depth_is_taken_in_by_the_look_that_it_was_drawn_from(
    view, monkeypatch
) -> None:
    """Points are not rendered again, and what remembers it is the same."""
    asked = camera(x=0.1)
    drawn = replace(seen(asked), id=1, depth=None, confidence=None)
    again, once = remembered(view), remembered(view)
    again.add(drawn)
    known = once.look(drawn.camera, H, W)
    renders = []
    monkeypatch.setattr(once, "render_points", lambda *asked: renders.append(asked))
    once.add(drawn, known)
    assert renders == []
    found = [m.retrieve(m.look(asked, H, W), 2) for m in (again, once)]
    assert found[0] == found[1]
    assert again.surfel_count == once.surfel_count


def test_an_old_look_is_not_taken_for_a_new_one(view) -> None:
    memory, asked = remembered(view), camera(x=0.1)
    known = memory.look(asked, H, W)
    memory.add(replace(seen(asked), id=1))
    rendered = []
    plain = memory.render_points
    memory.render_points = lambda *a: rendered.append(a) or plain(*a)  # type: ignore[method-assign]
    memory.add(replace(seen(asked), id=2, depth=None, confidence=None), known)
    assert len(rendered) == 1
