"""The network compiled by `torch.compile`, with a warm-up that can be told and stopped.

Where a network's layers are modules that are called, a layer is compiled once and serves them all;
else its `remember` and `predict` are compiled whole. Whatever cannot be compiled runs as it is, and
`fault` says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.errors import first_line
from engine.queries.context import open_context
from engine.queries.engine import Engine
from engine.queries.photo_depth import draw_depth_of_photo
from engine.queries.query import KnownView
from engine.queries.views import SamplerSettings, draw_depth, draw_view
from engine.sampling.flow import finish

#: Every number of context pictures is a layout of its own, and each is compiled once.
LAYOUTS = 64


@dataclass(frozen=True)
class WarmUp:
    """How far a warm-up is.

    Attributes:
        done, total: layouts that are compiled, and all of them.
        seconds: since it began.
    """

    done: int
    total: int
    seconds: float

    @property
    def left(self) -> float:
        """Seconds that the rest takes, if it goes on as it began."""
        return self.seconds / self.done * (self.total - self.done) if self.done else 0.0


class Compiled:
    """A network that runs compiled until that fails; `end` makes it what it was.

    Attributes:
        fault: why it runs uncompiled, in one sentence; None while all is well.
    """

    def __init__(self, network: nn.Module, backend: str | Callable[..., Any] = "inductor") -> None:
        self.fault: str | None = None
        config = torch._dynamo.config
        config.recompile_limit = max(config.recompile_limit, LAYOUTS)
        self._plain: list[tuple[Any, str, Any]] = []
        for owner, name in places_of(network):
            plain = getattr(owner, name)
            # Not the bound method: its name on `owner` is about to lead back here.
            function = getattr(plain, "__func__", plain)
            compiled = torch.compile(function, backend=backend, dynamic=True)
            fast = compiled if function is plain else partial(compiled, owner)
            self._plain.append((owner, name, vars(owner).get(name)))
            setattr(owner, name, self._guarded(plain, fast))

    def end(self) -> None:
        """The network runs uncompiled from now on."""
        for owner, name, plain in self._plain:
            if plain is None:
                delattr(owner, name)
            else:
                setattr(owner, name, plain)
        self._plain.clear()

    def _guarded(self, plain: Callable[..., Any], fast: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if self.fault is not None:
                return plain(*args, **kwargs)
            try:
                return fast(*args, **kwargs)
            except Exception as error:
                # What is wrong with the input is wrong uncompiled as well, and is raised there.
                answer = plain(*args, **kwargs)
                self.fault = f"it could not be compiled ({first_line(error)})"
                return answer

        return run


def places_of(network: nn.Module) -> list[tuple[Any, str]]:
    """What of a network is compiled: owners, and the names of their functions.

    A network that goes through the parts of its layers by itself may have the function that runs
    one of them as its attribute `run_block`; that is compiled then, once for all layers.
    """
    # A network of branches, which share their weights, has layers in each of them.
    lists = [getattr(part, "layers", None) for part in (network, *network.children())]
    layers = [layer for found in lists if isinstance(found, nn.ModuleList) for layer in found]
    if layers:
        return [(layer, "forward") for layer in layers]
    if callable(getattr(network, "run_block", None)):
        return [(network, "run_block")]
    return [(network, "remember"), (network, "predict")]


def warm_up(
    engine: Engine, size: tuple[int, int] = (256, 144), context_views: int = 2
) -> Iterator[WarmUp]:
    """Draws, in noise, what a walk of (width, height) draws: one view for each number of context
    views. Yields after each layout, at which point it may be left or gone on with later."""
    begin, total = time.perf_counter(), context_views + 1
    rng = np.random.default_rng(0)
    width, height = size
    camera = Camera(np.eye(4), Intrinsics.from_fov(60, width / height))
    rgb = rng.random((height, width, 3), dtype=np.float32)
    depth = 1.0 + rng.random((height, width), dtype=np.float32)
    settings = SamplerSettings(rgb_steps=1, depth_steps=1)
    noise = torch.Generator().manual_seed(0)
    yield WarmUp(0, total, 0.0)
    finish(draw_depth_of_photo(engine, rgb, camera, settings, noise))
    yield WarmUp(1, total, time.perf_counter() - begin)
    for views in range(1, context_views + 1):
        context = open_context(engine, [KnownView(rgb, depth, camera=camera)] * views)
        finish(draw_view(engine, context, camera, None, settings, noise))
        finish(draw_depth(engine, context, camera, rgb, None, settings, noise))
        yield WarmUp(views + 1, total, time.perf_counter() - begin)
