"""The one thread that touches the model."""

from __future__ import annotations

import traceback

from PyQt6.QtCore import QObject, QThread, pyqtSignal

from explorer.app.work.events import Busy, Failed, Idle, Stopped
from explorer.app.work.mailbox import Mailbox
from explorer.app.work.requests import Request
from explorer.app.work.studio import Studio


class Worker(QThread):
    """Takes requests from a mailbox and tells what happens, one event at a time.

    Signals:
        told: an `explorer.app.work.events.Event`, delivered in the thread of the receiver.
    """

    told = pyqtSignal(object)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._mailbox = Mailbox()

    def ask(self, request: Request) -> None:
        """Leaves a request; returns at once."""
        self._mailbox.post(request)

    def forget_view(self) -> None:
        """Takes back the camera that waits."""
        self._mailbox.forget_view()

    def stop_current(self, and_waiting: bool = False) -> None:
        """Gives up what is being done, at the next sampling step."""
        self._mailbox.stop_current(and_waiting)

    def quit_and_wait(self) -> None:
        """Ends the thread; what was drawn is on the disk."""
        self._mailbox.close()
        self.wait()

    def run(self) -> None:
        while (request := self._mailbox.take()) is not None:
            self._do(request)
            if self._mailbox.empty:
                self.told.emit(Idle())
        try:
            self._studio.close()
        except Exception as error:  # the process must not die while it quits
            self.told.emit(_failure(error, "closing"))

    def _do(self, request: Request) -> None:
        """One request; whatever goes wrong becomes an event, since an exception that leaves
        `run` would take the process with it."""
        handling, whole = self._studio.handle(request), False
        try:
            for event in handling:
                self.told.emit(event)
                if isinstance(event, Busy):
                    whole = event.whole
                if not whole and self._mailbox.stop_asked:
                    handling.close()
                    self.told.emit(Stopped())
                    return
        except Exception as error:
            self.told.emit(_failure(error, type(request).__name__))


def _failure(error: Exception, request: str) -> Failed:
    details = "".join(traceback.format_exception(error))
    return Failed(sentence_of(error), details, request)


def sentence_of(error: BaseException) -> str:
    """What went wrong in one line; bad input says it itself, anything else names its kind."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    words = " ".join(str(error).split())
    if type(error).__name__ == "OutOfMemoryError":
        return "The GPU's memory is full. Choose a smaller size, or the CPU."
    if isinstance(error, MemoryError):
        return "This machine's memory is full. Choose a smaller size, or close other programs."
    if isinstance(error, ValueError) and words:
        return words[0].upper() + words[1:] + ("" if words[-1] in ".!?" else ".")
    return f"Something went wrong that should not have ({type(error).__name__})."
