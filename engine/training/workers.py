"""Entries made by other processes, so that a GPU never waits for worlds to be cut and warped.

Each process has its own copy of the codec and reads the sequences itself; what it makes waits in
one short queue a kind. A trainer that finds a queue empty draws an old entry once more.
"""

from __future__ import annotations

import copy
import queue
import time
from dataclasses import fields, replace
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from typing import Any

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor

from engine.model.codecs.picture_codec import PictureCodec
from engine.training.buffer import SourceShares
from engine.training.denormals import flushed_denormals
from engine.training.making import Entry, EntryMaker, MakingConfig, scarcest

#: Entries of a kind that wait at most.
WAITING = 24
_PATIENCE = 120.0


class EntryWorkers:
    """See the module.

    Args:
        names: kinds that will be asked for; others are never made.
        device: where entries are moved to.

    Raises:
        ValueError: from `make`, when a process could not use the sequences.
        RuntimeError: from `make`, when every process has ended by itself.
    """

    def __init__(
        self,
        count: int,
        sequences: SourceShares,
        codec: PictureCodec,
        config: MakingConfig,
        names: tuple[str, ...],
        seed: int,
        device: torch.device,
    ) -> None:
        if count < 1:
            raise ValueError(f"entries need at least one process, not {count}")
        context = multiprocessing.get_context("spawn")
        self.device, self.names = device, names
        self._queues: dict[str, Queue[Any]] = {n: context.Queue(WAITING) for n in names}
        self._stop, self._failures = context.Event(), context.SimpleQueue()
        whole = copy.deepcopy(codec).cpu()
        self._processes: list[SpawnProcess] = []
        for number in range(count):
            given = (
                sequences,
                whole,
                config,
                seed + 104729 * (number + 1),
                self._queues,
                self._stop,
                self._failures,
            )
            process = context.Process(target=_work, args=given, daemon=True)
            process.start()
            self._processes.append(process)
        self._seen: set[str] = set()

    def make(self, name: str) -> Entry | None:
        """The next entry of a kind; waits for the very first one, later never."""
        if name not in self._queues:
            raise ValueError(f"no process makes {name!r} entries; they make {self.names}")
        self._check()
        if name in self._seen:
            try:
                return on_device(_tensors(self._queues[name].get_nowait()), self.device)
            except queue.Empty:
                return None
        entry = _tensors(self._first(name))
        self._seen.add(name)
        return on_device(entry, self.device)

    def _first(self, name: str) -> Any:
        began = time.monotonic()
        while time.monotonic() - began < _PATIENCE:
            try:
                return self._queues[name].get(timeout=0.5)
            except queue.Empty:
                self._check()
        raise RuntimeError(f"no {name!r} entry came in {_PATIENCE:.0f} seconds")

    def _check(self) -> None:
        if not self._failures.empty():
            raise ValueError(self._failures.get())
        if not any(process.is_alive() for process in self._processes):
            codes = sorted({process.exitcode for process in self._processes}, key=str)
            raise RuntimeError(
                f"every process that makes entries has ended, with exit codes {codes}"
            )

    def close(self) -> None:
        """Ends all processes."""
        self._stop.set()
        for waiting in self._queues.values():
            _emptied(waiting)
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()
                process.join()
        for waiting in self._queues.values():
            waiting.close()
            waiting.cancel_join_thread()
        self._failures.close()


def _work(
    sequences: SourceShares,
    codec: PictureCodec,
    config: MakingConfig,
    seed: int,
    queues: dict[str, Queue[Any]],
    stop: Any,
    failures: Any,
) -> None:
    """What a process does until it is stopped: always makes the kind of which the fewest wait."""
    torch.set_num_threads(1)
    codec.eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    maker = EntryMaker(sequences, codec, config, generator, torch.device("cpu"))
    try:
        with flushed_denormals():
            while not stop.is_set():
                _make_one(maker, queues, stop)
    except ValueError as error:  # of the sequences, as in the trainer's own process
        failures.put(str(error))
    for waiting in queues.values():
        waiting.cancel_join_thread()


def _make_one(maker: EntryMaker, queues: dict[str, Queue[Any]], stop: Any) -> None:
    name = scarcest(tuple(queues), {n: q.qsize() for n, q in queues.items()})
    entry = _arrays(maker.make(name))
    while not stop.is_set():
        try:
            queues[name].put(entry, timeout=0.2)
            return
        except queue.Full:
            continue


def on_device(entry: Entry, device: torch.device) -> Entry:
    """The entry with all its tensors on a device."""
    moved: Entry = _mapped(entry, lambda t: t.to(device))
    return moved


def _arrays(entry: Entry) -> Any:
    """Tensors would travel through shared memory, one file handle each; arrays do not."""
    return _mapped(entry, lambda t: t.numpy())


def _tensors(entry: Any) -> Entry:
    mapped: Entry = _mapped(entry, torch.from_numpy)
    return mapped


def _mapped(entry: Any, change: Any) -> Any:
    found = {}
    for entry_field in fields(entry):
        value = getattr(entry, entry_field.name)
        if isinstance(value, (Tensor, np.ndarray)):
            found[entry_field.name] = change(value)
        elif isinstance(value, dict):
            found[entry_field.name] = {k: change(v) for k, v in value.items()}
    return replace(entry, **found)


def _emptied(waiting: Queue[Any]) -> None:
    while True:
        try:
            waiting.get_nowait()
        except (queue.Empty, OSError, EOFError):
            return
