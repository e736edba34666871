from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app import line as line_module
from explorer.app.line import Line
from explorer.walk.records import DrawnView
from explorer.walk.session.records import Node
from memory.pictures.picture import Picture
from memory.views import View

CAMERA = Camera(np.eye(4), Intrinsics.from_fov(60.0, 16 / 9))


def node(node_id: int, parent: int | None, view_id: int) -> Node:
    return Node(node_id, parent, view_id, CAMERA)


def drawn(view_id: int) -> DrawnView:
    rgb = np.full((16, 16, 3), view_id, np.uint8)
    return DrawnView(View(view_id, CAMERA, rgb), rgb, rgb[..., 0], (), {})


def never(_node_id: int) -> DrawnView:
    raise AssertionError("nothing is to be read from the disk")


def test_views_follow_each_other_and_a_depth_replaces_its_own_node() -> None:
    line = Line(never)
    assert line.add(node(0, None, 0), drawn(0))
    assert line.add(node(1, 0, 1), drawn(1))
    assert not line.add(node(1, 0, 1), drawn(7))
    assert len(line) == 2
    assert line.drawn(1).raw_rgb[0, 0, 0] == 7
    assert line.head is not None
    assert line.head.id == 1


def test_another_branch_keeps_what_both_have() -> None:
    line = Line(never)
    for k in range(3):
        line.add(node(k, k - 1 if k else None, k), drawn(k))
    other = [node(0, None, 0), node(1, 0, 1), node(5, 1, 2), node(6, 5, 3)]
    assert line.replace(other) == 2
    found = line.node_of_view(2)
    assert found is not None
    assert found.id == 5
    assert line.node_of_view(4) is None


def test_old_pictures_leave_the_memory_and_come_back_from_the_disk(monkeypatch) -> None:
    monkeypatch.setattr(line_module, "VIEWS_IN_RAM", 2)
    read: list[int] = []

    def from_disk(node_id: int) -> DrawnView:
        read.append(node_id)
        return drawn(node_id)

    line = Line(from_disk)
    for k in range(4):
        line.add(node(k, k - 1 if k else None, k), drawn(k))
    assert line.drawn(3).view.id == 3
    assert read == []
    assert line.drawn(0).view.id == 0
    assert read == [0]


def test_only_the_latest_keep_their_large_pictures(monkeypatch) -> None:
    monkeypatch.setattr(line_module, "PICTURES_IN_RAM", 3)
    line = Line(never)
    large = Picture(np.zeros((32, 32, 3), np.uint8))
    for k in range(6):
        line.add(node(k, k - 1 if k else None, k), replace(drawn(k), picture=large))
        line.drawn(0)  # what is looked at again does not keep more of them
    assert [line.drawn(k).picture is not None for k in range(6)] == [False] * 3 + [True] * 3
    assert all(line.drawn(k).raw_rgb[0, 0, 0] == k for k in range(6))
