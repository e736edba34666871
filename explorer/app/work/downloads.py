"""Fetching a model while the window lives on: in a thread of its own, which may be given up.

A thread of Python's and a daemon, not one of Qt's: a connection that hangs must not keep the
window from closing, and what had arrived by then is gone on with later.
"""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

from PyQt6 import sip
from PyQt6.QtCore import QObject, pyqtSignal

from explorer.app.work.events import Failed
from explorer.app.work.worker import sentence_of
from explorer.store.store import FetchProgress, ModelStore, Plan


class _GivenUpError(Exception):
    """Someone asked for an end; nothing is wrong."""


class Download(QObject):
    """One model at a time.

    Signals:
        planned: (Plan) what the hub says it is, before anything of it is fetched.
        progressed: (FetchProgress).
        arrived: (Path) it is whole.
        stopped: it was given up; what arrived is kept.
        failed: (Failed).
    """

    planned = pyqtSignal(object)
    progressed = pyqtSignal(object)
    arrived = pyqtSignal(object)
    stopped = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(self, store: ModelStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._give_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = False

    @property
    def running(self) -> bool:
        """Whether it has not told its end; who is told may begin the next."""
        return self._running

    def begin(self, name: str) -> None:
        """Fetches a model of the catalogue, or goes on with it."""
        if self.running:
            return
        self._give_up = threading.Event()
        self._running = True
        self._thread = threading.Thread(
            target=self._fetch, args=(name, self._give_up), name=f"fetch {name}", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Gives up, as soon as the next bytes arrive."""
        self._give_up.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after so long."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _fetch(self, name: str, give_up: threading.Event) -> None:
        def check() -> None:
            if give_up.is_set() or sip.isdeleted(self):
                raise _GivenUpError

        def tell(progress: FetchProgress) -> None:
            check()
            self.progressed.emit(progress)

        try:
            plan: Plan = self._store.plan(name)
            check()
            self.planned.emit(plan)
            folder: Path = self._store.fetch(plan, tell)
            check()
            self._running = False
            self.arrived.emit(folder)
        except _GivenUpError:
            self._running = False
            if not sip.isdeleted(self):
                self.stopped.emit()
        except Exception as error:  # whatever it is, the user is told and the window lives on
            self._running = False
            details = "".join(traceback.format_exception(error))
            if not sip.isdeleted(self):
                self.failed.emit(Failed(sentence_of(error), details, "download"))
