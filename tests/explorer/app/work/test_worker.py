"""The thread that touches the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import Qt

from explorer.app.work import events, requests
from explorer.app.work.studio import Studio
from explorer.app.work.worker import Worker
from explorer.walk.ready import EngineOptions
from explorer.walk.records import WalkSettings
from explorer.walk.session.autosave import AutosaveFolders

UNCOMPILED = EngineOptions(device="cpu", compile=False)


@pytest.fixture
def worker(qapp, tmp_path) -> Iterator[Worker]:
    made = Worker(Studio(AutosaveFolders(tmp_path)))
    yield made
    made.quit_and_wait()


def test_a_photo_opened_while_the_model_loads_does_not_stop_the_loading(worker, qtbot) -> None:
    heard: list[events.Event] = []

    def hear(event: events.Event) -> None:
        heard.append(event)
        if isinstance(event, events.Busy):
            worker.stop_current()  # what opening a file does first, here at the worst moment

    worker.told.connect(hear, Qt.ConnectionType.DirectConnection)
    worker.start()
    worker.ask(requests.LoadEngine(UNCOMPILED))
    qtbot.waitUntil(lambda: any(isinstance(e, events.Idle) for e in heard), timeout=60_000)
    assert any(isinstance(e, events.EngineReady) for e in heard)


def test_other_work_is_given_up_at_its_next_event(worker, qtbot) -> None:
    heard: list[events.Event] = []

    def hear(event: events.Event) -> None:
        heard.append(event)
        if isinstance(event, events.FoundLeft):
            worker.stop_current()

    worker.told.connect(hear, Qt.ConnectionType.DirectConnection)
    worker.start()
    worker.ask(requests.LookForLeft())
    qtbot.waitUntil(lambda: any(isinstance(e, events.Idle) for e in heard), timeout=60_000)
    assert [type(e) for e in heard] == [events.FoundLeft, events.Stopped, events.Idle]


def test_an_open_walk_comes_along_to_a_new_engine_whatever_is_stopped(
    worker, qtbot, tmp_path, rng
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 255, (80, 128, 3), np.uint8)).save(photo)
    heard: list[events.Event] = []
    stopping = False

    def hear(event: events.Event) -> None:
        heard.append(event)
        if stopping and not isinstance(event, events.Idle):
            worker.stop_current()

    worker.told.connect(hear, Qt.ConnectionType.DirectConnection)
    worker.start()
    worker.ask(requests.LoadEngine(UNCOMPILED))
    worker.ask(requests.OpenPhoto(photo, WalkSettings(), (128, 80)))
    qtbot.waitUntil(lambda: _count(heard, events.Idle) >= 1, timeout=60_000)
    qtbot.waitUntil(lambda: _count(heard, events.Drawn) == 1, timeout=60_000)
    idle = _count(heard, events.Idle)

    stopping = True
    worker.ask(requests.LoadEngine(UNCOMPILED))
    qtbot.waitUntil(lambda: _count(heard, events.Idle) > idle, timeout=60_000)
    assert _count(heard, events.EngineReady) == 2
    assert _count(heard, events.Restored) == 1

    stopping = False
    camera = next(e for e in heard if isinstance(e, events.Drawn)).added.node.camera
    worker.ask(requests.DrawView(camera, 7))
    qtbot.waitUntil(lambda: _count(heard, events.Drawn) == 2, timeout=60_000)


def _count(heard: list[events.Event], kind: type) -> int:
    return sum(isinstance(event, kind) for event in heard)
