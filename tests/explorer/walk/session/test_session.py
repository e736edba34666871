"""A session against unbroken walks of a room that a stand-in for the model draws."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.geometry.paths import named_path
from engine.queries import finish
from explorer.walk.journal import JOURNAL
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.session.records import Added
from explorer.walk.session.session import Session
from explorer.walk.walk import WalkError

ENGINE = SimpleNamespace(device="cpu", weights_hash="none")


@pytest.fixture
def cameras(start):
    return named_path("strafe", 6, start, 1.0, 0.9)


@pytest.fixture
def new_session(fake, room_photo, tmp_path):
    def make(name: str = "walk", **settings) -> Session:
        return Session.create(tmp_path / name, room_photo, ENGINE, WalkSettings(**settings))

    return make


def fly(session: Session, cameras) -> list[Added]:
    return [finish(session.step(camera)) for camera in cameras]


def reopened(session: Session, folder: Path) -> Session:
    """The session as a crash at this moment would leave it."""
    shutil.copytree(session.folder, folder)
    return finish(Session.open(folder, ENGINE))


def same(a: DrawnView, b: DrawnView) -> bool:
    def equal(x, y) -> bool:
        if x is None or y is None:
            return x is y
        return np.array_equal(x, y, equal_nan=x.dtype.kind == "f")

    names = ("raw_rgb", "coverage_map", "source_ids")
    return (
        all(equal(getattr(a, n), getattr(b, n)) for n in names)
        and all(equal(getattr(a.view, n), getattr(b.view, n)) for n in ("rgb", "depth"))
        and a.retrieved == b.retrieved
        and a.agreement_db == b.agreement_db
    )


def test_views_follow_the_photo_and_are_read_back(new_session, cameras) -> None:
    session = new_session()
    assert session.head == -1
    first = finish(session.start())
    added = fly(session, cameras[:2])
    assert [n.id for n in session.line()] == [0, 1, 2]
    assert [n.view_id for n in session.nodes] == [0, 1, 2]
    assert session.head == 2
    assert same(session.read(1), added[0].drawn)
    assert set(first.cloud.changed) == {0}
    assert len(first.cloud.changed[0]) > 1000
    assert added[0].drawn.agreement_db is not None
    assert 10 < added[0].drawn.agreement_db < 60
    assert added[0].drawn.source_ids.max() == 0


def test_an_undo_draws_on_as_if_the_view_had_never_been(new_session, cameras) -> None:
    straight, wandering = new_session("a"), new_session("b")
    for session in (straight, wandering):
        finish(session.start())
    fly(straight, cameras[:2])
    fly(wandering, [cameras[0], cameras[4], cameras[5]])
    target = wandering.undo_target(2)
    assert target == 1
    moved = finish(wandering.go_to(target))
    assert moved.head == 1
    assert moved.cloud.gone <= {2, 3}
    [after] = fly(wandering, [cameras[1]])
    assert (after.node.id, after.node.parent, after.node.view_id) == (4, 1, 2)
    assert same(after.drawn, straight.read(2))


def test_branches_stay_and_redo_follows_the_one_last_left(new_session, cameras) -> None:
    session = new_session()
    finish(session.start())
    fly(session, cameras[:2])  # 1, 2
    finish(session.go_to(0))
    assert session.undo_target() is None
    fly(session, cameras[3:5])  # 3, 4
    assert [n.id for n in session.children(0)] == [1, 3]
    finish(session.go_to(0))
    assert session.redo_target() == 3
    assert session.redo_target(5) == 4
    finish(session.go_to(2))
    assert [n.id for n in session.line()] == [0, 1, 2]
    assert session.redo_target() is None
    finish(session.go_to(session.undo_target(2)))
    assert session.redo_target(2) == 2


def test_another_branch_brings_its_own_points(new_session, cameras) -> None:
    session = new_session()
    finish(session.start())
    fly(session, [cameras[5]])
    finish(session.go_to(0))
    [other] = fly(session, [cameras[0]])
    moved = finish(session.go_to(1))
    there = {k: len(v) for k, v in moved.cloud.changed.items()}
    everything = {k: len(v) for k, v in session.cloud().changed.items()}
    assert there[1] == everything[1] != len(other.cloud.changed[1])


def test_after_a_crash_nothing_is_lost_and_the_next_view_is_the_same(
    new_session, cameras, tmp_path
) -> None:
    session = new_session(depth_every=2)
    finish(session.start())
    fly(session, cameras[:2])
    finish(session.draw_depth(1))
    fly(session, [cameras[2]])
    finish(session.go_to(2))
    session.name_branch(2, "the door")
    session.change(WalkSettings(depth_every=1, strategy="pose"))
    with (session.folder / JOURNAL).open("ab") as file:
        file.write(b'{"event": "view", "file": "0000')  # what a kill leaves of a line
    again = reopened(session, tmp_path / "again")
    assert again.head == 2
    assert again.settings == session.settings
    assert [n.id for n in again.nodes] == [n.id for n in session.nodes]
    assert again.nodes[2].branch == "the door"
    assert again.photo.source_name == "room.png"
    [a], [b] = fly(session, [cameras[3]]), fly(again, [cameras[3]])
    assert same(a.drawn, b.drawn)


def test_a_step_that_is_given_up_changes_nothing(new_session, cameras) -> None:
    session, straight = new_session("a"), new_session("b")
    for one in (session, straight):
        finish(one.start())
    steps = session.step(cameras[3])
    next(steps)
    steps.close()
    assert [n.id for n in session.nodes] == [0]
    [a], [b] = fly(session, [cameras[0]]), fly(straight, [cameras[0]])
    assert same(a.drawn, b.drawn)


def test_a_move_that_is_given_up_leaves_head_and_memory_together(new_session, cameras) -> None:
    session = new_session()
    finish(session.start())
    fly(session, cameras[:3])
    finish(session.go_to(0))
    move = session.go_to(3)
    next(move)
    next(move)  # view 1 stands now
    move.close()
    assert session.head == 1
    [added] = fly(session, [cameras[4]])
    assert (added.node.parent, added.node.view_id) == (1, 2)


def test_geometry_comes_later_once_and_adds_points(new_session, cameras) -> None:
    session = new_session(depth_every=10)
    finish(session.start())
    [added] = fly(session, [cameras[5]])
    assert added.drawn.view.depth is None
    filled = finish(session.draw_depth())
    assert filled.drawn.view.depth is not None
    assert len(filled.cloud.changed[1]) > 0
    assert session.read(1).view.depth is not None
    assert session.nodes[1].description["has_depth"]
    with pytest.raises(WalkError, match="has its depth already"):
        finish(session.draw_depth(1))


def test_context_parts_show_what_each_view_saw(new_session, cameras) -> None:
    session = new_session()
    finish(session.start())
    fly(session, cameras[:2])
    parts = session.context_parts(2)
    assert {p.view_id for p in parts} <= {0, 1}
    masks = np.array([p.mask for p in parts])
    assert masks.shape[1:] == session.photo.rgb.shape[:2]
    assert masks.any(0).mean() > 0.8
    assert session.context_parts(0) == ()


def test_nobody_goes_where_nothing_is(new_session) -> None:
    session = new_session()
    with pytest.raises(WalkError, match="no view 3"):
        finish(session.go_to(3))
