"""Layers as compiled kernels, for the lessons that are all built alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from engine.model.compiler import compiler_fault
from engine.model.transformer import Transformer

#: Ways of a layer that are kept compiled; three sizes exceed torch's own limit of 8.
_KERNELS = 64


def compile_layers(network: nn.Module, device: torch.device) -> None:
    """Compiles the layers of our own transformer, at the first lesson that asks for it.

    Raises:
        ValueError: it is another network, or no compiler works.
    """
    if not isinstance(network, Transformer):
        raise ValueError(
            f"only Photowalk's own transformer trains with --compile, not a "
            f"{type(network).__name__}; leave it out"
        )
    fault = compiler_fault(device)
    if fault is not None:
        raise ValueError(f"{fault}; install one (g++ on a CPU), or leave --compile out")
    # All layers share one limit, and each size of picture is compiled for both groups of a pass.
    torch._dynamo.config.recompile_limit = max(_KERNELS, torch._dynamo.config.recompile_limit)
    for layer in network.layers:
        # A kernel for any number of tokens would be slower than one for each of a few sizes.
        layer.compile(dynamic=False)


@contextmanager
def compiled_if(on: bool) -> Iterator[None]:
    """Compiled layers run as such only here and where `on`.

    A layer is compiled anew for every way in which a pass is divided into pictures. Single views
    know one; walks and joint lessons know dozens, at half a minute each.
    """
    torch.compiler.set_stance("default" if on else "force_eager")
    try:
        yield
    finally:
        torch.compiler.set_stance("default")
