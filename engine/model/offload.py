"""Weights that are on the device only while they compute.

The weights of a network's layers lie in the computer's memory. Each module's are copied to the
device just before its forward pass and forgotten just after it; they do not change while pictures
are drawn, so nothing is copied back. It is the innermost modules that take turns, so that it works
for a network too that goes through its layers' parts by itself, and never more than the weights of
one layer are on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.model.memory_plan import Part

#: What networks call the lists of their repeated layers, and of what stands beside each of them.
LAYER_LISTS = ("layers", "blocks", "block", "gates")

Bring = Callable[[Tensor], Tensor]


class OffloadError(ValueError):
    """A network without layers that could take turns."""


def weight_bytes(module: nn.Module) -> int:
    """Parameters and buffers, shared ones once."""
    tensors = {id(t): t for t in (*module.parameters(), *module.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def layers_of(network: nn.Module) -> tuple[nn.Module, ...]:
    """The repeated layers, wherever in the network their lists are; none inside another."""
    found: list[nn.Module] = []
    for name, module in network.named_modules():
        named = name.rpartition(".")[2] in LAYER_LISTS and isinstance(module, nn.ModuleList)
        if named and not any(module in set(layer.modules()) for layer in found):
            found.extend(module)
    return tuple(found)


def visitors_of(network: nn.Module) -> tuple[nn.Module, ...]:
    """The innermost modules of all layers: those whose weights can come and go."""
    inside = {id(m): m for layer in layers_of(network) for m in layer.modules()}
    return tuple(
        m
        for m in inside.values()
        if next(m.children(), None) is None and next(m.parameters(), None) is not None
    )


def part_of(network: nn.Module) -> Part:
    """What a network weighs, and how much of that can take turns.

    Branches share the weights of what they stand on, and those come for each of them.
    """
    visitors = visitors_of(network)
    largest = max(map(weight_bytes, visitors), default=0)
    return Part(weight_bytes(network), weight_bytes(nn.ModuleList(visitors)), largest)


class Visits:
    """Modules that take turns on a device; `end` leaves them where the weights lie.

    Args:
        modules: each is used by being called.
        bring: gives a weight's copy on the device.
    """

    def __init__(self, modules: Sequence[nn.Module], bring: Bring) -> None:
        self._bring = bring
        self._home: dict[int, list[tuple[nn.Parameter | Tensor, Tensor]]] = {}
        self._hooks: list[Any] = []
        for module in modules:
            self._hooks.append(module.register_forward_pre_hook(self._arrive))
            # Also after a pass that failed: a full device must not keep its last visitor.
            self._hooks.append(module.register_forward_hook(self._leave, always_call=True))

    def end(self) -> None:
        """Modules compute where their weights lie from now on."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _arrive(self, module: nn.Module, _inputs: object) -> None:
        weights = [*module.parameters(), *module.buffers()]
        home = [(weight, weight.data) for weight in weights]
        self._home[id(module)] = home
        for weight, data in home:
            weight.data = self._bring(data)

    def _leave(self, module: nn.Module, _inputs: object, _output: object) -> None:
        for weight, data in self._home.pop(id(module), []):
            weight.data = data


def bring_to(device: torch.device) -> Bring:
    """Copies to a device; from pinned memory without the CPU waiting for it."""
    return lambda data: data.to(device, non_blocking=True)


def offload(network: nn.Module, device: torch.device, bring: Bring | None = None) -> Visits:
    """Moves all of a network to a device except its layers' weights, which visit it from now on.

    Args:
        bring: gives a weight's copy on the device; None for `bring_to`.

    Raises:
        OffloadError: the network has no list of layers.
    """
    visitors = visitors_of(network)
    if not visitors:
        raise OffloadError(
            f"a {type(network).__name__} has no list of layers, so they cannot be brought to the "
            "device one at a time"
        )
    coming = {id(t) for m in visitors for t in (*m.parameters(), *m.buffers())}
    for weight in (*network.parameters(), *network.buffers()):
        if id(weight) not in coming:
            weight.data = weight.data.to(device)
        elif device.type == "cuda":
            weight.data = weight.data.pin_memory()
    return Visits(visitors, bring or bring_to(device))
