"""Optimisers: Muon for the transformer's matrices, AdamW for the rest, or AdamW for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.model.precision import best_precision

#: Quintic Newton–Schulz coefficients of Jordan et al. 2024.
_A, _B, _C = 3.4445, -4.7750, 2.0315
#: RMS of an AdamW update, which the orthogonal one is scaled to (Liu et al. 2025).
_ADAMW_RMS = 0.2


def orthogonalised(matrices: Tensor, steps: int = 5) -> Tensor:
    """(M, rows, columns) to the nearest semi-orthogonal matrices, roughly.

    In bfloat16 only where the hardware multiplies it, elsewhere it is several times slower; all
    matrices of one shape go through together.
    """
    x: Tensor = matrices.to(best_precision(matrices.device))
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT.contiguous() if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    nearest: Tensor = (x.mT if tall else x).to(matrices)
    return nearest


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates (Jordan et al. 2024), for 2-D parameters only.

    The steps and the state are those of `torch.optim.Muon`, which multiplies in bfloat16 wherever
    it runs: without hardware for it, a step takes 2 to 20 times as long.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, parameters in shapes.items():
                self._step_shape(parameters, shape, group)

    def _step_shape(
        self, parameters: list[Tensor], shape: torch.Size, group: dict[str, Any]
    ) -> None:
        updates = []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            gradient = parameter.grad
            assert gradient is not None
            state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
            updates.append(gradient.lerp(state["momentum_buffer"], group["momentum"]))
        scale = group["lr"] * _ADAMW_RMS * max(shape) ** 0.5
        for parameter, update in zip(parameters, orthogonalised(torch.stack(updates)), strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=scale)


def build_optimisers(
    model: nn.Module, learning_rate: float, muon: bool = True
) -> list[torch.optim.Optimizer]:
    """For all parameters that are not frozen.

    Muon needs whole matrices: leave it off where parameters are sharded.

    Raises:
        ValueError: everything is frozen.
    """
    matrices, others, plain = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if muon and parameter.ndim == 2 and name.startswith("layers.") and "offset" not in name:
            matrices.append(parameter)
        elif parameter.ndim >= 2:
            others.append(parameter)
        else:
            plain.append(parameter)
    if not (matrices or others or plain):
        raise ValueError(f"every parameter of the {type(model).__name__} is frozen")
    adamw = torch.optim.AdamW(
        [{"params": others, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
        lr=learning_rate,
        betas=(0.9, 0.98),
    )
    return [Muon(matrices, learning_rate), adamw] if matrices else [adamw]


def set_learning_rate(optimisers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
