"""Smaller pictures of a picture, whoever asks for them first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from memory.pictures.pyramid import Pyramid


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_threads_that_ask_together_get_the_same_levels() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    alone = Pyramid(rgb)
    wanted = [alone._level(level) for level in range(5)]
    for _ in range(5):
        together = Pyramid(rgb)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(together._level, [4, 3, 4, 2, 1, 4, 3, 2] * 2))
        for level, picture in zip([4, 3, 4, 2, 1, 4, 3, 2] * 2, found, strict=True):
            assert np.array_equal(picture, wanted[level])
