"""Where requests wait for the worker: in order, but of cameras only the newest.

Giving up the view in flight for every new camera draws nothing while a key is held; finishing it
and then taking the newest draws as many as the machine can.
"""

from __future__ import annotations

from collections import deque
from threading import Condition, Event

from explorer.app.work.requests import DrawView, GoTo, Redo, Request, Undo


class Mailbox:
    """Posted to by one thread, emptied by another."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._requests: deque[Request] = deque()
        self._view: DrawView | None = None
        self._closed = False
        self._stop = Event()

    def post(self, request: Request) -> None:
        """Adds a request; a camera takes the place of one that waits, and so does a move of the
        head when nothing was asked for since the last one; undos that wait add up."""
        with self._changed:
            if isinstance(request, DrawView):
                self._view = request
            elif isinstance(request, GoTo):
                self._view = None
                if self._requests and isinstance(self._requests[-1], GoTo):
                    self._requests.pop()
                self._requests.append(request)
            elif isinstance(request, Undo | Redo):
                self._view = None
                last = self._requests[-1] if self._requests else None
                if type(last) is type(request):
                    self._requests.pop()
                    request = type(request)(last.steps + request.steps)
                self._requests.append(request)
            else:
                self._requests.append(request)
            self._changed.notify()

    def take(self) -> Request | None:
        """Waits for the next request; None when the mailbox is closed and no more may come."""
        with self._changed:
            while not self._closed and not self._requests and self._view is None:
                self._changed.wait()
            if self._closed:
                return None
            self._stop.clear()
            if self._requests:
                return self._requests.popleft()
            view, self._view = self._view, None
            return view

    @property
    def empty(self) -> bool:
        with self._changed:
            return not self._requests and self._view is None

    def forget_view(self) -> None:
        """The camera that waits is no longer wanted."""
        with self._changed:
            self._view = None

    def stop_current(self, and_waiting: bool = False) -> None:
        """Asks for what is being done to be given up, and for what waits to be forgotten."""
        with self._changed:
            self._stop.set()
            self._view = None
            if and_waiting:
                self._requests.clear()

    @property
    def stop_asked(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        """No more: the worker ends after giving up what it does."""
        with self._changed:
            self._closed = True
            self._stop.set()
            self._changed.notify()
