"""A session against unbroken walks of a room that a stand-in for the model draws."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.geometry.paths import named_path
from engine.queries import finish
from explorer.walk.journal import JOURNAL
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.session import tree
from explorer.walk.session.records import Added
from explorer.walk.session.session import Session
from explorer.walk.walk import WalkError
from memory.pictures.picture import Picture

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


@pytest.fixture
def pictured(monkeypatch):
    """Every view that is drawn gets a picture three times its size, with a depth where it has one.

    What makes pictures is tested elsewhere; this is what keeps them.
    """
    keep = Session._keep

    def kept(session, drawn):
        return keep(session, replace(drawn, picture=enlarged(drawn)))

    monkeypatch.setattr(Session, "_keep", kept)


def enlarged(drawn: DrawnView) -> Picture:
    def thrice(array):
        return None if array is None else array.repeat(3, 0).repeat(3, 1)

    return Picture(thrice(drawn.view.rgb), thrice(drawn.view.depth))


def same_picture(a: Picture | None, drawn: DrawnView) -> bool:
    b = enlarged(drawn)
    return (
        a is not None
        and np.array_equal(a.rgb, b.rgb)
        and (a.depth is None) == (b.depth is None)
        and (a.depth is None or np.array_equal(a.depth, b.depth, equal_nan=True))
    )


def test_pictures_follow_undo_branches_and_crashes(
    new_session, cameras, tmp_path, pictured
) -> None:
    session = new_session()
    finish(session.start())
    fly(session, cameras[:2])  # 1, 2
    finish(session.go_to(1))
    fly(session, [cameras[4]])  # 3
    for walk in (session, reopened(session, tmp_path / "again")):
        for view_id, node in enumerate((0, 1, 3)):
            assert same_picture(walk.picture_of(view_id), session.read(node))
            assert same_picture(walk.read(node).picture, session.read(node))
        finish(walk.go_to(2))
        assert same_picture(walk.picture_of(2), session.read(2))
        finish(walk.go_to(0))
        with pytest.raises(KeyError):
            walk.picture_of(1)


def test_a_pictures_depth_comes_when_it_came(new_session, cameras, tmp_path, monkeypatch) -> None:
    session = new_session(depth_every=4)
    finish(session.start())
    with monkeypatch.context() as patch:
        keep = Session._keep
        patch.setattr(Session, "_keep", lambda s, d: keep(s, replace(d, picture=enlarged(d))))
        fly(session, cameras[:1])
    assert session.picture_of(0) is None
    flat = session.picture_of(1)
    assert flat is not None
    assert flat.depth is None
    draw = session._walk.draw_depth

    def drawn(earlier):
        later = yield from draw(earlier)
        return replace(later, picture=enlarged(later))

    monkeypatch.setattr(session._walk, "draw_depth", drawn)
    finish(session.draw_depth(1))
    fly(session, cameras[1:2])
    for walk in (session, reopened(session, tmp_path / "again")):
        assert same_picture(walk.picture_of(1), session.read(1))
        assert walk.picture_of(1).depth is not None


def test_few_pictures_are_kept_in_ram(new_session, cameras, pictured, monkeypatch) -> None:
    session = new_session()
    finish(session.start())
    one = enlarged(session.read(0))
    monkeypatch.setattr(tree, "PICTURES_IN_RAM", 2 * (one.rgb.nbytes + one.depth.nbytes))
    added = fly(session, cameras[:4])
    assert len(session._tree._views) == 2
    assert same_picture(session.read(1).picture, added[0].drawn)


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
