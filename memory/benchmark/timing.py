"""Milliseconds and surfels of a memory that keeps growing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from engine.geometry.cameras import Camera
from memory.benchmark.house import disturbed, house, walk_through
from memory.memory import Memory

#: Depths are wrong by this much, as drawn ones are after alignment.
_DISTURBED = 0.01
_TRIALS = 12


@dataclass(frozen=True)
class MemoryTiming:
    """Medians over cameras between the stored ones, milliseconds.

    Attributes:
        views: how many were stored.
        surfels: how many points they fused to.
        add_ms: to remember one more view.
        look_ms: to draw all that is known.
        retrieve_ms: to choose four views by coverage, from what was drawn.
    """

    views: int
    surfels: int
    add_ms: float
    retrieve_ms: float
    look_ms: float

    @property
    def step_ms(self) -> float:
        """Retrieval and warp together: what a step of a walk waits for."""
        return self.retrieve_ms + self.look_ms


def measure_memory(
    counts: Sequence[int] = (10, 100, 1000),
    height: int = 144,
    width: int = 256,
    folder: Path | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[MemoryTiming]:
    """Walk through a house of six rooms; yields a timing when each of `counts` is reached."""
    boxes, cameras = house(), walk_through(max(counts))
    memory = Memory(folder=folder, device=device)
    added: list[float] = []
    for i, camera in enumerate(cameras):
        view = disturbed(boxes.view(i, camera, height, width), _DISTURBED, seed=i)
        start = time.perf_counter()
        memory.add(view)
        _wait(device)
        added.append(time.perf_counter() - start)
        if i + 1 in counts:
            yield _timed(memory, cameras[: i + 1], added[-_TRIALS:], (height, width), device)


def _timed(
    memory: Memory,
    cameras: list[Camera],
    added: list[float],
    size: tuple[int, int],
    device: torch.device | str,
) -> MemoryTiming:
    retrieving, looking = [], []
    for i in range(_TRIALS):
        camera = _between(cameras, (i + 0.5) / _TRIALS)
        start = time.perf_counter()
        known = memory.look(camera, *size)
        _wait(device)
        between = time.perf_counter()
        memory.retrieve(known, 4)
        _wait(device)
        looking.append(between - start)
        retrieving.append(time.perf_counter() - between)
    return MemoryTiming(
        views=len(cameras),
        surfels=memory.surfel_count,
        add_ms=1e3 * median(added),
        retrieve_ms=1e3 * median(retrieving),
        look_ms=1e3 * median(looking),
    )


def _between(cameras: list[Camera], part: float) -> Camera:
    """A camera near the one at `part` of the way, turned a little."""
    T = np.eye(4)
    c, s = np.cos(0.1), np.sin(0.1)
    T[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    return cameras[int(part * len(cameras))].moved(T)


def _wait(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
