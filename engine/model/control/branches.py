"""A branch of the network: its frozen weights with adapters, and own projections of geometry."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from engine.model.control.lora import LoraConfig, adapters, branch_of
from engine.model.text import Kind
from engine.model.transformer import Transformer

COLOUR_KINDS = (Kind.RGB, Kind.WARP)
GEOMETRY_KINDS = (Kind.DEPTH, Kind.XYZ, Kind.RAYS)


def colour_branch(base: Transformer, config: LoraConfig, generator: torch.Generator) -> Transformer:
    """The base network with adapters on its layers; at first it computes what the base does."""
    return branch_of(base, config, generator, lambda name: name.startswith("layers."))


def adapted(base: Transformer, config: LoraConfig, generator: torch.Generator) -> Transformer:
    """A branch with own projections of geometry, which the base may never have learned."""
    network = colour_branch(base, config, generator)
    for kind in GEOMETRY_KINDS:
        for own, shared in ((network.inputs, base.inputs), (network.outputs, base.outputs)):
            own[kind] = copy.deepcopy(shared[kind]).requires_grad_(True)
    return network


def trained_of(network: Transformer) -> dict[str, Tensor]:
    """What `adapted` leaves open to training, by name."""
    found: dict[str, Tensor] = dict(adapters(network))
    for kind in GEOMETRY_KINDS:
        for part in ("inputs", "outputs"):
            for name, tensor in getattr(network, part)[kind].named_parameters():
                found[f"{part}.{int(kind)}.{name}"] = tensor
    return found
