"""How many points may be drawn while the camera moves, so that the window answers at once.

A GPU draws millions of points in a frame. A software OpenGL draws them in the GUI's own thread, at
about a microsecond each: there, a moving camera sees fewer and larger points.
"""

from __future__ import annotations

import time

from vispy.gloo import gl

#: Milliseconds that a frame in motion may take on a software OpenGL.
AIM_MS = 16.0
SOFTWARE_INTERVAL_MS = 80
#: Points that a GPU is given at most.
BUDGET_ON_GPU = 4_000_000
LEAST, MOST = 4_000, 200_000
_SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "software", "gdi generic", "swrast")


class DrawPace:
    """Times the frames of a software OpenGL; leaves a GPU alone."""

    def __init__(self) -> None:
        self._software: bool | None = None
        self._points = 12_000
        self._began = 0.0

    @property
    def software(self) -> bool:
        """The processor plays the GPU; known once a frame has begun."""
        return bool(self._software)

    @property
    def points_in_motion(self) -> int | None:
        """None for as many as there are."""
        return self._points if self._software else None

    @property
    def budget(self) -> int:
        """Points that are drawn at most, at rest."""
        return BUDGET_ON_GPU if self._software is False else MOST

    @property
    def interval_ms(self) -> int:
        """Between two frames in motion: the processor that draws them has the model to run."""
        return SOFTWARE_INTERVAL_MS if self._software else 0

    def begin(self) -> None:
        """A frame begins; the OpenGL context is current."""
        if self._software is None:
            name = str(gl.glGetParameter(gl.GL_RENDERER)).lower()
            self._software = any(word in name for word in _SOFTWARE)
        self._began = time.perf_counter()

    def end(self, points: int) -> None:
        """The frame's commands are given; `points` were drawn, 0 where it does not count."""
        if not self._software:
            return
        gl.glFinish()
        if points < LEAST // 2:
            return
        taken = (time.perf_counter() - self._began) * 1000.0
        wanted = self._points * AIM_MS / max(taken, 0.1)
        self._points = int(min(MOST, max(LEAST, 0.7 * self._points + 0.3 * wanted)))
