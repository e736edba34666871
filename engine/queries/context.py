"""Observed views as the network knows them: their keys and values, computed once a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from engine.geometry.cameras import Camera
from engine.model.tokens import Group
from engine.model.transformer import Cache
from engine.queries.engine import Engine
from engine.queries.observed import Frame, observed_views
from engine.queries.query import Context, KnownView, QueryError, check_size, scale_of


@torch.no_grad()
def open_context(
    engine: Engine,
    views: Sequence[KnownView],
    anchor: int = 0,
    use_depth: bool = True,
    size: tuple[int, int] | None = None,
    camera: Camera | None = None,
) -> Context:
    """Encodes views whose picture and camera are known, and computes their keys and values.

    The view at `anchor` comes first. Without views, `size` and `camera` say what is asked for.

    Raises:
        QueryError: views of different sizes or without camera, or neither views nor size and
            camera.
    """
    if not views:
        if size is None or camera is None:
            raise QueryError("a context without views needs the size and camera of the asked view")
        return Context(camera, 1.0, Cache(), 0, size)
    ordered = (views[anchor], *views[:anchor], *views[anchor + 1 :])
    sizes = {check_size(view.rgb) for view in ordered if view.rgb is not None}
    if len(sizes) != 1:
        raise QueryError(f"context views must have one size, not {sorted(sizes)}")
    first = ordered[0].camera
    if first is None or any(view.camera is None for view in ordered):
        raise QueryError("the camera of every context view must be known")
    frame = Frame(first, scale_of(ordered), sizes.pop())
    shown = ordered if use_depth else tuple(replace(view, depth=None) for view in ordered)
    observed = observed_views(engine, shown, frame)
    with engine.autocast():
        cache = engine.transformer.remember(Group(observed.pictures), Cache())
    return Context(first, frame.scale, cache, len(ordered), frame.size)
