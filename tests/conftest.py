"""What every test may count on: seeded randomness, no surprise deadlines, no network."""

from __future__ import annotations

import socket
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# Timing on a busy machine is no property of the code; the cases are the same on every run.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

_LOCAL_FAMILIES = {getattr(socket, "AF_UNIX", None)}
_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that we test may need a network; sockets on this machine stay allowed."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family in _LOCAL_FAMILIES or address[0] in _LOCAL_HOSTS:
            return connect(self, address)
        raise RuntimeError(f"a test tried to reach {address[0]} over the network")

    monkeypatch.setattr(socket.socket, "connect", local_only)
