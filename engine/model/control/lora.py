"""Low-rank adapters (Hu et al. 2021): y = W x + (α / r) B A x, with W frozen and B zero at first.

Several branches may share one W: each is its own module, so that which branch computes is said by
the call and by no global switch (seed 001, eq. 7 and 8).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class LoraConfig:
    """`rank` r and `alpha` α of every adapter; the seed uses rank 64 on a 14B model."""

    rank: int = 16
    alpha: float = 16.0

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"an adapter needs a rank of at least 1, not {self.rank}")


class LoraLinear(nn.Module):
    """A linear layer with an adapter beside it; the layer itself is shared and frozen."""

    def __init__(self, base: nn.Linear, config: LoraConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        self.scale = config.alpha / config.rank
        down = torch.randn(config.rank, base.in_features, generator=generator)
        self.down = nn.Parameter((down / math.sqrt(base.in_features)).to(base.weight))
        self.up = nn.Parameter(torch.zeros(base.out_features, config.rank).to(base.weight))

    @property
    def in_features(self) -> int:
        return self.base.in_features

    @property
    def out_features(self) -> int:
        return self.base.out_features

    def forward(self, x: Tensor) -> Tensor:
        update = (x @ self.down.T.to(x.dtype)) @ self.up.T.to(x.dtype)
        out: Tensor = self.base(x) + self.scale * update
        return out

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One plain layer that computes the same."""
        layer = copy.deepcopy(self.base)
        layer.weight += (self.scale * (self.up @ self.down)).to(layer.weight)
        return layer


def branch_of(
    module: M,
    config: LoraConfig,
    generator: torch.Generator,
    wanted: Callable[[str], bool] = lambda name: True,
) -> M:
    """A copy of `module` that shares its parameters and has adapters on its linear layers.

    Args:
        wanted: which layers, by their dotted names within `module`.
    """
    shared = {id(p): p for p in module.parameters()}
    branch = copy.deepcopy(module, memo=dict(shared))
    for name, layer in list(branch.named_modules()):
        if isinstance(layer, nn.Linear) and wanted(name):
            _replace(branch, name, LoraLinear(layer, config, generator))
    return branch


def merged(module: M) -> M:
    """A copy of a branch in which every adapter has gone into its layer."""
    whole = copy.deepcopy(module)
    for name, layer in list(whole.named_modules()):
        if isinstance(layer, LoraLinear):
            _replace(whole, name, layer.merged())
    return whole


def adapters(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Names and parameters of all adapters below a module."""
    for name, layer in module.named_modules():
        if isinstance(layer, LoraLinear):
            prefix = f"{name}." if name else ""
            yield f"{prefix}down", layer.down
            yield f"{prefix}up", layer.up


def _replace(module: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, layer)
