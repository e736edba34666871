"""Carries an edit of the first frame through the others (seed 004).

In each later frame all patches outside the edited region are seen. Inside, what tracking carries
over from the edited frame is seen; below a noise level that one may set, it is drawn together with
the rest, so that the edit takes on each frame's viewpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from engine.queries.answers import ask
from engine.queries.engine import Engine
from engine.queries.query import BoolArray, FloatArray, KnownView, Query, QueryError, check_size
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling
from engine.sampling.keys import Noise


@dataclass(frozen=True)
class EditConfig:
    """Attributes:
    sampling: how each frame is drawn.
    trusted_until: noise level from which on carried-over patches are drawn anew; 0, the default,
        keeps them.
    """

    sampling: JointSampling = field(default_factory=lambda: JointSampling(steps=4))
    trusted_until: float = KnownView.trusted_until
    caption: str = ""


@dataclass(frozen=True, eq=False)
class FrameToEdit:
    """A later frame.

    Attributes:
        rgb: (H, W, 3) in [0, 1], as it was.
        region: (H, W), where the edit lies in it.
        carried: (H, W, 3), the edit as tracking carries it here.
        carried_seen: (H, W), where `carried` holds something.
    """

    rgb: FloatArray
    region: BoolArray
    carried: FloatArray
    carried_seen: BoolArray


def propagate_edit(
    engine: Engine,
    edited: FloatArray,
    frames: Sequence[FrameToEdit],
    config: EditConfig,
    noise: Noise,
) -> Drawing[list[FloatArray]]:
    """The later frames (H, W, 3) with the edit; outside their regions they are as they were.

    The edited first frame and the frame drawn last are context for each.

    Raises:
        QueryError: frames of another size than the edited one.
    """
    size = check_size(edited)
    results: list[FloatArray] = []
    previous = edited
    for index, frame in enumerate(frames):
        if frame.rgb.shape != edited.shape:
            raise QueryError(f"frame {index + 1} and the edited frame differ in size")
        if not frame.region.any():
            results.append(frame.rgb)
            continue
        drawn = yield from _edited(engine, (edited, previous), frame, config, noise(index), size)
        results.append(drawn)
        previous = drawn
    return results


def _edited(
    engine: Engine,
    context: tuple[FloatArray, FloatArray],
    frame: FrameToEdit,
    config: EditConfig,
    generator: torch.Generator,
    size: tuple[int, int],
) -> Drawing[FloatArray]:
    inside = frame.region & frame.carried_seen
    shown = np.where(inside[..., None], frame.carried, frame.rgb).astype(np.float32)
    seen = ~frame.region | frame.carried_seen
    known = tuple(KnownView(rgb=rgb) for rgb in context)
    asked = KnownView(rgb=shown, seen=seen, trusted_until=config.trusted_until)
    query = Query(size, (*known, asked), caption=config.caption)
    answer = (yield from ask(engine, query, config.sampling, generator))[-1]
    assert answer.rgb is not None
    return np.where(frame.region[..., None], answer.rgb, frame.rgb).astype(np.float32)
