"""Coupled networks among the kinds of backbones: adapters beside weights that lie elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from engine.model.backbones.backbone import AnyLayered, Backbone, LayeredBackbone
from engine.model.backbones.family import BackboneFamily, Reading, Source
from engine.model.control.adapters_file import FORMAT, StoredAdapters, read_adapters
from engine.model.control.joint_network import JointNetwork
from engine.model.control.networks import network_of, save_network
from engine.model.costs import NetworkShape
from engine.model.embedded import embedded_weights
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.weights_folder import file_hash


class CoupledFamily(BackboneFamily):
    """What `train adapters` writes, and `train model --lora` beside its merged model.

    Args:
        family_of: of the networks that these stand on.
        read: reads a model that such a network is part of.
    """

    name = "coupled"

    def __init__(
        self,
        family_of: Callable[[Backbone], BackboneFamily],
        read: Callable[[Path, Reading], Model],
    ) -> None:
        self._family_of, self._read = family_of, read

    def owns(self, network: Backbone) -> bool:
        return isinstance(network, JointNetwork)

    def recognises(self, source: Source) -> bool:
        return source.format == FORMAT

    def read(self, path: Path, how: Reading) -> Model:
        stored = read_adapters(path)
        base, network = self._base_of(stored, how)
        named = f"{file_hash(path)}\n{base.weights_hash or file_hash(_known(base.source))}"
        whole = hashlib.sha256(named.encode()).hexdigest()
        return replace(base, transformer=network_of(stored, network), weights_hash=whole)

    def save(self, model: Model, path: Path, eight_bit: bool) -> None:
        assert isinstance(model.transformer, JointNetwork)
        save_network(model.transformer, path, base=model.source)

    def adapted(self, network: Backbone, rank: int, seed: int) -> Backbone:
        raise ValueError(
            f"a {type(network).__name__} has adapters already; adapt the one that it stands on"
        )

    def shape(self, network: Backbone) -> NetworkShape:
        assert isinstance(network, JointNetwork)
        return self._family_of(network.base).shape(network.base)

    def _base_of(self, stored: StoredAdapters, how: Reading) -> tuple[Model, AnyLayered]:
        """The model whose transformer has the hash that the adapters name, and that transformer.

        Raises:
            CheckpointError: it is nowhere, or what lies there cannot be read.
        """
        looked = []
        for place in _places(stored):
            looked.append(str(place))
            if not place.exists():
                continue
            model = self._read(place, how)
            network = model.transformer
            if isinstance(network, LayeredBackbone) and network.frozen_hash() == stored.base:
                return model, network
        raise CheckpointError(
            f"{stored.path} belongs to weights {stored.base[:12]}, and those are not at "
            f"{' nor at '.join(looked)}; put the model that it was trained on beside it"
        )


def _places(stored: StoredAdapters) -> Iterator[Path]:
    """Where it lay, beside the adapters under its name, and what comes with the program."""
    named = str(stored.config.get("base", ""))
    if named:
        yield Path(named)
        yield stored.path.resolve().parent / Path(named).name
    yield embedded_weights()


def _known(source: Path | None) -> Path:
    assert source is not None, "a model that was read knows where"
    return source
