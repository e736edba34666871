"""Our Muon against that of torch, which multiplies in bfloat16 on every machine."""

from __future__ import annotations

import torch
from torch import nn

from engine.training.optimisers import Muon

SHAPES = [(24, 8), (8, 24), (16, 16), (24, 8)]


def test_steps_and_state_are_those_of_torch() -> None:
    start = [torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in SHAPES]
    ours, theirs = ([nn.Parameter(p.clone()) for p in start] for _ in range(2))
    mine = Muon(ours, 0.02)
    other = torch.optim.Muon(theirs, 0.02, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        mine.step()
        other.step()
    for a, b, before in zip(ours, theirs, start, strict=True):
        moved = (b - before).norm()
        assert moved > 0.1
        assert (a - b).norm() < 0.06 * moved  # bfloat16
        torch.testing.assert_close(mine.state[a], other.state[b])
