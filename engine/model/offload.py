"""Layers that are on the device only while they compute.

The weights lie in the computer's memory. A layer's are copied to the device just before its
forward pass and forgotten just after it; they do not change while pictures are drawn, so nothing
is copied back. At no time are two layers' weights on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

#: What networks call the list of their repeated layers.
LAYER_LISTS = ("layers", "blocks", "block")

Bring = Callable[[Tensor], Tensor]


class OffloadError(ValueError):
    """A network without layers that could take turns."""


def weight_bytes(module: nn.Module) -> int:
    """Parameters and buffers, shared ones once."""
    tensors = {id(t): t for t in (*module.parameters(), *module.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def layers_of(network: nn.Module) -> nn.ModuleList | None:
    """The largest list of repeated layers, wherever it is in the network; None for none."""
    lists = [
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.ModuleList) and name.rpartition(".")[2] in LAYER_LISTS
    ]
    return max(lists, key=weight_bytes, default=None)


class Visits:
    """Layers that take turns on a device; `end` leaves them where the weights lie.

    Args:
        layers: run one after the other, by being called.
        bring: gives a weight's copy on the device.
    """

    def __init__(self, layers: Sequence[nn.Module], bring: Bring) -> None:
        self._bring = bring
        self._home: dict[int, list[tuple[nn.Parameter | Tensor, Tensor]]] = {}
        self._hooks: list[Any] = []
        for layer in layers:
            self._hooks.append(layer.register_forward_pre_hook(self._arrive))
            # Also after a pass that failed: a full device must not keep its last visitor.
            self._hooks.append(layer.register_forward_hook(self._leave, always_call=True))

    def end(self) -> None:
        """Layers compute where their weights lie from now on."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _arrive(self, layer: nn.Module, _inputs: object) -> None:
        weights = [*layer.parameters(), *layer.buffers()]
        home = [(weight, weight.data) for weight in weights]
        self._home[id(layer)] = home
        for weight, data in home:
            weight.data = self._bring(data)

    def _leave(self, layer: nn.Module, _inputs: object, _output: object) -> None:
        for weight, data in self._home.pop(id(layer), []):
            weight.data = data


def bring_to(device: torch.device) -> Bring:
    """Copies to a device; from pinned memory without the CPU waiting for it."""
    return lambda data: data.to(device, non_blocking=True)


def offload(network: nn.Module, device: torch.device, bring: Bring | None = None) -> Visits:
    """Moves all of a network to a device except its layers, which visit it from now on.

    Args:
        bring: gives a weight's copy on the device; None for `bring_to`.

    Raises:
        OffloadError: the network has no list of layers.
    """
    layers = layers_of(network)
    if layers is None:
        raise OffloadError(
            f"a {type(network).__name__} has no list of layers, so they cannot be brought to the "
            "device one at a time"
        )
    inside = {id(t) for t in (*layers.parameters(), *layers.buffers())}
    for weight in (*network.parameters(), *network.buffers()):
        if id(weight) not in inside:
            weight.data = weight.data.to(device)
        elif device.type == "cuda":
            weight.data = weight.data.pin_memory()
    return Visits(list(layers), bring or bring_to(device))
