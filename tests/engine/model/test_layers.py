"""Parts of a layer against torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.model.layers import gelu


@pytest.mark.parametrize("compiling", [False, True])
def test_the_gelu_is_torchs_compiled_or_not(
    compiling: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: compiling)
    x = torch.linspace(-12, 12, 4001, dtype=torch.float64, requires_grad=True)
    other = x.detach().clone().requires_grad_()
    torch.testing.assert_close(gelu(x), F.gelu(other, approximate="tanh"))
    gelu(x).sum().backward()
    F.gelu(other, approximate="tanh").sum().backward()
    torch.testing.assert_close(x.grad, other.grad)
