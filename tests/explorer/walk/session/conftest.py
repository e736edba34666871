"""A `Session` in a room, drawn by a stand-in for the model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.geometry.paths import named_path
from engine.queries import finish
from explorer.walk.records import WalkSettings
from explorer.walk.session.session import Session


@pytest.fixture
def engine():
    return SimpleNamespace(device="cpu", weights_hash="none")


@pytest.fixture
def flown(fake, room_photo, tmp_path, engine, start) -> Session:
    """A session with the photo and three views."""
    session = Session.create(tmp_path / "flown", room_photo, engine, WalkSettings())
    finish(session.start())
    for camera in named_path("strafe", 3, start, 1.0, 0.9):
        finish(session.step(camera))
    return session
