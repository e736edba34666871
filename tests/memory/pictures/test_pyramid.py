"""Smaller pictures of a picture, whoever asks for them first."""

from __future__ import annotations

from threading import Barrier, Thread

import numpy as np

from memory.pictures.pyramid import Pyramid

LEVEL = 5


def test_threads_that_ask_together_get_the_same_levels() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (1600, 2000, 3), np.uint8)
    wanted = Pyramid(rgb)._level(LEVEL)
    for _ in range(5):
        together, start, found = Pyramid(rgb), Barrier(4), []

        def ask(pyramid: Pyramid = together, gate: Barrier = start, to: list = found) -> None:
            gate.wait()
            to.append(pyramid._level(LEVEL))

        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert all(np.array_equal(picture, wanted) for picture in found)
