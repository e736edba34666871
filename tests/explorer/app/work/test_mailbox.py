from __future__ import annotations

import threading

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.work.mailbox import Mailbox
from explorer.app.work.requests import CloseWalk, DrawDepth, DrawView, GoTo

CAMERA = Camera(np.eye(4), Intrinsics.from_fov(60.0, 16 / 9))


def test_of_many_cameras_the_newest_is_taken_and_the_others_are_gone() -> None:
    mailbox = Mailbox()
    for ticket in range(500):
        mailbox.post(DrawView(CAMERA, ticket))
    taken = mailbox.take()
    assert isinstance(taken, DrawView)
    assert taken.ticket == 499
    assert mailbox.empty


def test_other_requests_keep_their_order_and_come_before_a_camera() -> None:
    mailbox = Mailbox()
    mailbox.post(DrawView(CAMERA, 1))
    mailbox.post(DrawDepth(3))
    mailbox.post(CloseWalk())
    assert [type(mailbox.take()) for _ in range(3)] == [DrawDepth, CloseWalk, DrawView]


def test_moves_of_the_head_that_follow_each_other_become_the_last_one() -> None:
    mailbox = Mailbox()
    for node in (9, 8, 7):
        mailbox.post(GoTo(node))
    mailbox.post(DrawDepth(7))
    mailbox.post(GoTo(6))
    taken = [mailbox.take() for _ in range(3)]
    assert taken == [GoTo(7), DrawDepth(7), GoTo(6)]
    assert mailbox.empty


def test_a_move_of_the_head_takes_back_the_camera_asked_before_it() -> None:
    mailbox = Mailbox()
    mailbox.post(DrawView(CAMERA, 1))
    mailbox.post(GoTo(0))
    assert mailbox.take() == GoTo(0)
    assert mailbox.empty


def test_a_stop_holds_until_the_next_request_is_taken() -> None:
    mailbox = Mailbox()
    mailbox.post(DrawDepth(1))
    mailbox.stop_current()
    assert mailbox.stop_asked
    mailbox.take()
    assert not mailbox.stop_asked


def test_stopping_all_forgets_what_waits() -> None:
    mailbox = Mailbox()
    mailbox.post(DrawDepth(1))
    mailbox.post(DrawView(CAMERA, 1))
    mailbox.stop_current(and_waiting=True)
    assert mailbox.empty


def test_closing_wakes_who_waits() -> None:
    mailbox = Mailbox()
    taken: list[object] = ["nothing yet"]
    waiter = threading.Thread(target=lambda: taken.append(mailbox.take()))
    waiter.start()
    mailbox.close()
    waiter.join(5)
    assert not waiter.is_alive()
    assert taken[-1] is None
    assert mailbox.stop_asked
