"""Which views become entries."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.buffer import SourceShares
from engine.training.making import SingleViews
from engine.training.sequences import PosedSequence

VIEWS = 3


class Numbered:
    """Sequences of some views; captions count them, and pictures are as light as their number."""

    def __init__(self, views: int = VIEWS) -> None:
        self.drawn, self.views = 0, views

    def draw(self, generator: torch.Generator) -> PosedSequence:
        self.drawn += 1
        camera = Camera(np.eye(4), Intrinsics.from_fov(60, 1.5))
        rgb = torch.arange(self.views).float().view(-1, 1, 1, 1).expand(-1, 3, 2, 3)
        depth = torch.ones(self.views, 1, 2, 3)
        return PosedSequence(rgb, depth, (camera,) * self.views, f"{self.views}: {self.drawn}")


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_every_view_serves_once_and_a_batch_is_of_many_sequences() -> None:
    source = Numbered()
    singles = SingleViews(SourceShares((source,), (1.0,)), generator(), open_at_once=8)
    views = [singles.next() for _ in range(60)]
    assert all(len(view.cameras) == 1 for view in views)
    served = [(view.caption, float(view.rgb.mean())) for view in views]
    assert max(Counter(served).values()) == 1
    assert 60 / VIEWS <= source.drawn <= 60 / VIEWS + 8
    assert all(len({name for name, _ in served[k : k + 12]}) >= 5 for k in range(0, 60, 12))


def test_sources_keep_their_shares_whatever_the_length_of_their_sequences() -> None:
    sources = SourceShares((Numbered(VIEWS), Numbered(1)), (0.5, 0.5))
    singles = SingleViews(sources, generator())
    served = Counter(singles.next().caption[0] for _ in range(400))
    assert 160 < served["1"] < 240


def test_a_view_alone_keeps_its_picture_and_scale() -> None:
    whole = replace(Numbered().draw(generator()), scales=(1.0, 2.0, 3.0))
    alone = whole.only(1)
    assert alone.rgb.shape == (1, 3, 2, 3)
    assert float(alone.rgb.mean()) == 1.0
    assert alone.scales == (2.0,)
