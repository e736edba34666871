"""How the decoder of depth is brought to the transformer's picture."""

from __future__ import annotations

import torch

from engine.model.decoders.dense_depth import fitted, inverse_of, picture_of


def test_the_fit_withstands_outliers() -> None:
    x = torch.rand(2, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    y = torch.stack([2 * x[0] + 0.5, 0.1 * x[1] + 3])
    y[:, :, :4] = 15.0  # a fifth is wrong
    scale, shift = fitted(x, y, torch.ones_like(x, dtype=torch.bool))
    torch.testing.assert_close(scale.flatten(), torch.tensor([2.0, 0.1]), atol=0.02, rtol=0.02)
    torch.testing.assert_close(shift.flatten(), torch.tensor([0.5, 3.0]), atol=0.05, rtol=0.02)
    none, _ = fitted(x, y, torch.zeros_like(x, dtype=torch.bool))
    assert none.flatten().tolist() == [0.0, 0.0]
    inverse = torch.tensor([0.1, 1.0, 5.0])
    torch.testing.assert_close(inverse_of(picture_of(inverse)), inverse)
