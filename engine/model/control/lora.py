"""Low-rank adapters (Hu et al. 2021): y = W x + (α / r) B A x, with W frozen and B zero at first.

Several branches may share one W (seed 001, eq. 7 and 8): a branch is a module of its own over
shared parameters, so that the call says which branch computes, and no switch is ever set. Nothing
here knows what the module is; any network with `nn.Linear` layers can be branched.
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
    """Attributes:
    rank: r of every adapter; the seed has 64 on a model of 14 billion parameters.
    alpha: α; the adapter's answer is scaled by α / r.
    within: only linear layers whose dotted names start with one of these get an adapter.
    """

    rank: int = 16
    alpha: float = 16.0
    within: tuple[str, ...] = ("layers.", "modulation", "final_modulation")

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"an adapter needs a rank of at least 1, not {self.rank}")

    def wants(self, name: str) -> bool:
        return name.startswith(self.within)


class LoraLinear(nn.Module):
    """A linear layer with an adapter beside it; the layer itself is shared and frozen."""

    def __init__(self, base: nn.Linear, config: LoraConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        self.scale = config.alpha / config.rank
        # float32 whatever the base is stored in: steps of training are too small for bfloat16.
        down = torch.randn(config.rank, base.in_features, generator=generator)
        place = base.weight.device
        self.down = nn.Parameter(down.div(math.sqrt(base.in_features)).to(place))
        self.up = nn.Parameter(torch.zeros(base.out_features, config.rank, device=place))

    @property
    def in_features(self) -> int:
        return self.base.in_features

    @property
    def out_features(self) -> int:
        return self.base.out_features

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features), as the frozen layer while `up` is zero."""
        update = (x @ self.down.T.to(x.dtype)) @ self.up.T.to(x.dtype)
        out: Tensor = self.base(x) + self.scale * update
        return out

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One plain layer that computes the same up to rounding; nothing is shared with it."""
        layer = copy.deepcopy(self.base)
        layer.weight += (self.scale * (self.up @ self.down)).to(layer.weight.dtype)
        return layer


def branch_of(
    module: M,
    config: LoraConfig,
    generator: torch.Generator,
    wanted: Callable[[str], bool] | None = None,
) -> M:
    """A copy of `module` that shares its parameters and has adapters on its linear layers.

    Args:
        wanted: which layers, by their dotted names; `config.wants` where it is left out. Layers
            that learn by themselves get none.

    Raises:
        ValueError: no linear layer is wanted, or the module is a branch already.
    """
    if any(isinstance(layer, LoraLinear) for layer in module.modules()):
        raise ValueError("the module has adapters already; branch the frozen one instead")
    wanted = wanted or config.wants
    branch = detached(module)
    chosen = [
        (name, layer)
        for name, layer in branch.named_modules()
        if isinstance(layer, nn.Linear) and wanted(name) and not layer.weight.requires_grad
    ]
    if not chosen:
        raise ValueError(f"no linear layer of {type(module).__name__} is named {config.within}")
    for name, layer in chosen:
        _replace(branch, name, LoraLinear(layer, config, generator))
    return branch


def detached(module: M) -> M:
    """A copy without adapters that shares the frozen parameters."""
    copied = copy.deepcopy(module, memo={id(p): p for p in module.parameters()})
    for name, layer in list(copied.named_modules()):
        if isinstance(layer, LoraLinear):
            _replace(copied, name, layer.base)
    return copied


def merged(module: M) -> M:
    """A copy, with weights of its own, in which every adapter has gone into its layer."""
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
