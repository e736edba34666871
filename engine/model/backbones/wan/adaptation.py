"""Makes a Wan model trainable: what stands beside it, adapters in it, or all of it."""

from __future__ import annotations

import re

import torch
from torch import nn

from engine.model.backbones.backbone import Backbone
from engine.model.backbones.wan.adapted import Adapted, WanAdaptation
from engine.model.backbones.wan.network import WanBackbone
from engine.model.control.decoupled import DecoupledTransformer
from engine.model.control.joint_network import ControlConfig
from engine.model.control.lora import adapters, branch_of

#: Names of weights that diffusers loaded.
_OF_WAN = re.compile(r"(base\.)?(wan\.|layers\.\d+\.block\.)")


def adapt(base: WanBackbone, adaptation: WanAdaptation) -> WanBackbone | DecoupledTransformer:
    """The network to train, which shares the weights of `base` and at first computes the same.

    What is not trained is frozen in place.

    Raises:
        ValueError: `base` is adapted already, or has fewer layers than links are wanted.
    """
    if next(adapters(base), None) is not None:
        raise ValueError("this Wan model has adapters already; adapt the one without, or merge it")
    base.adaptation = adaptation
    base.freeze()
    if adaptation.adapted is Adapted.WHOLE:
        return base.requires_grad_(True)
    if adaptation.adapted is Adapted.LORA:
        generator = torch.Generator().manual_seed(adaptation.seed)
        return branch_of(base, adaptation.lora, generator)
    if adaptation.adapted is Adapted.DECOUPLED:
        control = ControlConfig(lora=adaptation.lora, links=adaptation.links, seed=adaptation.seed)
        return DecoupledTransformer(base, control)
    return base


def is_wan(network: Backbone) -> bool:
    """Whether `adapt` made a network, or may make one of it; others may stand on Wan too."""
    if isinstance(network, DecoupledTransformer) and isinstance(network.base, WanBackbone):
        return network.base.adaptation.adapted is Adapted.DECOUPLED
    return isinstance(network, WanBackbone)


def wan_of(network: Backbone) -> WanBackbone:
    """The Wan model that a network is, or stands on.

    Raises:
        ValueError: it is another network.
    """
    base = getattr(network, "base", network)
    if not isinstance(base, WanBackbone):
        raise ValueError(f"a {type(base).__name__} is no Wan model")
    return base


def adapted_parameters(network: Backbone) -> dict[str, nn.Parameter]:
    """What `adapt` makes trainable, by name, whether or not it has been frozen since."""
    wan = wan_of(network)
    found = dict(network.named_parameters())
    if wan.adaptation.adapted is Adapted.WHOLE:
        return found
    inside = {name for name, _ in adapters(network)}
    return {
        name: parameter
        for name, parameter in found.items()
        if name in inside or not _OF_WAN.match(name)
    }
