"""Which views become entries."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.making import SingleViews
from engine.training.sequences import PosedSequence

VIEWS = 3


class Numbered:
    """Sequences of three views; captions count them, and pictures are as light as their number."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self) -> PosedSequence:
        self.drawn += 1
        camera = Camera(np.eye(4), Intrinsics.from_fov(60, 1.5))
        rgb = torch.arange(VIEWS).float().view(VIEWS, 1, 1, 1).expand(VIEWS, 3, 2, 3)
        depth = torch.ones(VIEWS, 1, 2, 3)
        return PosedSequence(rgb, depth, (camera,) * VIEWS, str(self.drawn))


def test_every_view_serves_once_and_a_batch_is_of_many_sequences() -> None:
    source = Numbered()
    singles = SingleViews(source.draw, torch.Generator().manual_seed(0), open_at_once=8)
    views = [singles.next() for _ in range(60)]
    assert all(len(view.cameras) == 1 for view in views)
    served = [(view.caption, float(view.rgb.mean())) for view in views]
    assert max(Counter(served).values()) == 1
    assert 60 / VIEWS <= source.drawn <= 60 / VIEWS + 8
    assert all(len({name for name, _ in served[k : k + 12]}) >= 5 for k in range(0, 60, 12))


def test_a_view_alone_keeps_its_picture_and_scale() -> None:
    whole = replace(Numbered().draw(), scales=(1.0, 2.0, 3.0))
    alone = whole.only(1)
    assert alone.rgb.shape == (1, 3, 2, 3)
    assert float(alone.rgb.mean()) == 1.0
    assert alone.scales == (2.0,)
