"""The memory as a whole: the same views give the same points; nothing is forgotten."""

import dataclasses

import numpy as np
import pytest
import torch

from memory.benchmark.house import house, walk_through
from memory.benchmark.timing import measure_memory
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.retrieval import STRATEGIES
from tests.memory.scenes import H, W, camera, pictures, retrieved, wall


@pytest.fixture(scope="module")
def walk():
    cameras = walk_through(40, aspect=W / H)[::5]
    return [house().view(i, c, H, W) for i, c in enumerate(cameras)]


def same(one, other):
    a, b = one.points(), other.points()
    return all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))


def remembered(views, **options):
    memory = Memory(**options)
    for view in views:
        memory.add(view)
    return memory


def without_depth(view):
    return dataclasses.replace(view, depth=None, confidence=None)


def test_the_same_views_give_the_same_memory(walk, tmp_path):
    one = remembered(walk)
    other = remembered(walk, folder=tmp_path, config=MemoryConfig(views_in_ram=1))
    retrieved(other, walk[2].camera, 3)  # looking changes nothing
    assert same(one, other)
    asked = camera(x=2.6, y=-1.5, z=2.6, yaw=0.5)
    assert torch.equal(one.render_points(asked, H, W).rgb, other.render_points(asked, H, W).rgb)
    for strategy in STRATEGIES:
        assert retrieved(one, asked, 4, strategy) == retrieved(other, asked, 4, strategy)
    again = remembered([other.views[i] for i in other.views])
    assert same(one, again)


def test_forgetting_later_views_is_as_if_they_never_came(walk, tmp_path):
    memory = remembered([*walk[:3], without_depth(walk[3]), *walk[4:]], folder=tmp_path)
    memory.back_fill(3, walk[3].depth)
    memory.clear_after(3)
    assert list(memory.views) == [0, 1, 2, 3]
    assert len(list(tmp_path.iterdir())) == 4
    fresh = remembered([*walk[:3], without_depth(walk[3])])
    fresh.back_fill(3, walk[3].depth)
    assert same(memory, fresh)
    memory.add(walk[4])
    fresh.add(walk[4])
    assert same(memory, fresh)


def tables(memory):
    """Everything that the next view is judged by."""
    cloud, size = memory._cloud, memory._cloud._size
    names = ("_oriented", "_looks", "_view_ids", "_alive", "_seen_by", "_seen_well")
    rows = [getattr(cloud, name)[:size] for name in names]
    chunks = [cloud._chunks.start, cloud._chunks.counts, cloud._chunks.centres]
    poses = memory._poses.poses
    more = [torch.tensor(poses.ids), torch.tensor(poses.T_world_camera)]
    return [*rows, *chunks, *more, memory._sky._sky.directions, torch.tensor(len(memory._cloud))]


@pytest.mark.parametrize("kept", range(-1, 5))
def test_the_last_views_are_taken_back_without_making_the_rest_anew(walk, kept, monkeypatch):
    with_and_without = [*walk[:2], without_depth(walk[2]), *walk[3:]]
    memory = remembered(with_and_without)
    monkeypatch.setattr(memory, "_forget_points", lambda: pytest.fail("all points made anew"))
    memory.clear_after(kept)
    fresh = remembered(with_and_without[: kept + 1])
    for found, expected in zip(tables(memory), tables(fresh), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
    for view in with_and_without[kept + 1 :]:
        memory.add(view)
        fresh.add(view)
    assert same(memory, fresh)


def test_taking_back_further_than_is_remembered_makes_the_rest_anew(walk):
    memory = Memory(MemoryConfig(undo=2))
    for view in walk:
        memory.add(view)
    memory.clear_after(len(walk) - 2)
    memory.clear_after(1)
    for found, expected in zip(tables(memory), tables(remembered(walk[:2])), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_depth_that_came_late_stays_when_later_views_go(walk):
    memory = remembered([walk[0], without_depth(walk[1]), walk[2]])
    memory.back_fill(1, walk[1].depth)
    memory.clear_after(1)
    fresh = remembered([walk[0], without_depth(walk[1])])
    fresh.back_fill(1, walk[1].depth)
    for found, expected in zip(tables(memory), tables(fresh), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_what_was_seen_is_seen_again(walk):
    memory = remembered(walk)
    for view in (walk[0], walk[4]):
        out = memory.render_points(view.camera, H, W)
        truth = torch.tensor(view.rgb) / 255
        error = (out.rgb - truth)[out.coverage > 0.9].square().mean()
        assert float(out.coverage.mean()) > 0.93
        assert float(-10 * error.log10()) > 22
        depth = torch.tensor(view.depth)
        assert float(((out.depth - depth) / depth).abs().nanmedian()) < 0.01


def test_points_grow_with_the_surface_and_not_with_the_views():
    views = pictures([wall()], [camera(x=0.02 * i) for i in range(12)])
    memory = remembered(views)
    assert memory.surfel_count < 1.5 * H * W
    assert memory.surfel_count == len(memory.points())


def test_depth_that_comes_later_adds_its_points():
    first, second = pictures([wall()], [camera(), camera(x=2.0)])
    memory = remembered([first, without_depth(second)])
    assert memory.surfel_count == H * W
    assert memory.views[1].depth is None
    found = retrieved(memory, camera(x=1.0), 2)
    assert {r.view_id for r in found} == {0, 1}  # it sees known points even so
    memory.back_fill(1, second.depth, np.full((H, W), 0.9, np.float32))
    assert memory.surfel_count > 1.3 * H * W
    assert memory.views[1].depth is not None
    with pytest.raises(ValueError, match="has its depth already"):
        memory.back_fill(1, second.depth)


def test_sky_is_remembered_once():
    open_air = [((-3.0, 1.0, -3.0), (3.0, 1.1, 9.0))]
    views = pictures(open_air, [camera(), camera(x=0.5), camera(yaw=0.4)])
    memory = remembered(views[:2])
    assert memory.render_points(camera(x=-40.0), H, W).coverage[: H // 3].min() > 0.9
    count = len(memory._sky)
    first = int(np.isinf(views[0].depth).sum())
    assert first <= count < 1.05 * first  # the horizon moved a little
    memory.add(views[2])
    assert 1.05 * count < len(memory._sky) < 1.6 * count
    turned = memory.render_points(camera(yaw=0.4), H, W)
    assert bool(torch.isposinf(turned.depth[: H // 3]).all())


def test_wrong_questions_get_an_answer_in_words(walk):
    memory = Memory()
    assert retrieved(memory, camera(), 3) == []
    assert float(memory.render_points(camera(), H, W).coverage.max()) == 0
    memory.add(walk[1])
    with pytest.raises(ValueError, match="no retrieval strategy 'best'"):
        retrieved(memory, camera(), 3, "best")
    with pytest.raises(ValueError, match="cannot be added after"):
        memory.add(walk[1])
    with pytest.raises(KeyError, match="no view 8"):
        memory.views[8]


def test_the_benchmark_measures():
    timings = list(measure_memory((2, 3), H, W))
    assert [t.views for t in timings] == [2, 3]
    assert timings[1].surfels > timings[0].surfels > H * W / 2
    assert all(min(t.add_ms, t.retrieve_ms, t.look_ms) > 0 for t in timings)
