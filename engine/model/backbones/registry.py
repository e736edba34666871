"""Every kind of network that models have, found by its files or by itself.

Ours, Wan's and coupled ones are built in; another one is a `BackboneFamily` that is registered.
Those that were registered last are asked first, and ours last of all: it says what is wrong with a
file that nobody knows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.model.backbones.backbone import Backbone
from engine.model.backbones.family import BackboneFamily, Reading, Source
from engine.model.backbones.own import OwnFamily
from engine.model.backbones.wan.family import WanFamily
from engine.model.control.family import CoupledFamily
from engine.model.errors import CheckpointError
from engine.model.model import Model

_registered: list[BackboneFamily] = []


def register(family: BackboneFamily) -> None:
    """Another kind, asked before those that are there.

    Raises:
        ValueError: there is one of that name.
    """
    if family.name in {known.name for known in families()}:
        raise ValueError(f"there is a kind of backbone called {family.name!r} already")
    _registered.insert(0, family)


def families() -> tuple[BackboneFamily, ...]:
    """All that are known, in the order in which they are asked."""
    return (*_registered, *_BUILT_IN)


def family_of(network: Backbone) -> BackboneFamily:
    """
    Raises:
        ValueError: nobody knows such a network.
    """
    for family in families():
        if family.owns(network):
            return family
    known = ", ".join(family.name for family in families())
    raise ValueError(f"a {type(network).__name__} is of no known kind of backbone ({known})")


def family_at(source: Source) -> BackboneFamily:
    """
    Raises:
        CheckpointError: nobody knows such a pipeline.
    """
    for family in families():
        if family.recognises(source):
            return family
    known = ", ".join(name for family in families() for name in family.pipelines)
    raise CheckpointError(
        f"the pipeline in {source.path} has {source.transformer}; Photowalk reads {known}, such as "
        "Wan2.1-T2V-1.3B"
    )


def read(path: Path, how: Reading) -> Model:
    """Whatever model lies there.

    Raises:
        CheckpointError: it cannot be used.
    """
    source = Source.of(path)
    model = family_at(source).read(source.path, how)
    return model if model.source is not None else replace(model, source=source.path)


#: Coupled networks stand on others, which are found as everywhere.
_BUILT_IN = (WanFamily(), CoupledFamily(family_of, read), OwnFamily())
