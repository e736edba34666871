"""A small texture bank, made once."""

from __future__ import annotations

import pytest
import torch

from engine.training.worlds.textures import TextureBank


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def bank() -> TextureBank:
    return TextureBank.procedural(size=32)
