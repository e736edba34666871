"""The thread that touches the model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PyQt6.QtCore import Qt

from explorer.app.work import events, requests
from explorer.app.work.studio import Studio
from explorer.app.work.worker import Worker
from explorer.walk.session.autosave import AutosaveFolders


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
    worker.ask(requests.LoadEngine("cpu", None, False))
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
