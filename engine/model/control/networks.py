"""Any coupling of pictures and geometry by its configuration; at equal budget; on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from engine.model.backbones.backbone import AnyLayered, Backbone, LayeredBackbone
from engine.model.control.adapters_file import StoredAdapters, save_adapters
from engine.model.control.concatenated import ChannelConcatenation, SpatialConcatenation
from engine.model.control.decoupled import DecoupledTransformer
from engine.model.control.joint_network import ControlConfig, Coupling, JointNetwork
from engine.model.control.lora import LoraConfig
from engine.model.errors import CheckpointError

_Network = DecoupledTransformer | ChannelConcatenation | SpatialConcatenation
_NETWORKS: Mapping[Coupling, type[_Network]] = {
    Coupling.DECOUPLED: DecoupledTransformer,
    Coupling.CHANNEL: ChannelConcatenation,
    Coupling.SPATIAL: SpatialConcatenation,
}


def build_network(base: Backbone, control: ControlConfig) -> JointNetwork:
    """The network that `control.coupling` names, over `base`, which is frozen in place.

    Raises:
        ValueError: `base` is coupled already, or cannot be coupled so.
    """
    if not isinstance(base, LayeredBackbone):
        raise ValueError(f"a {type(base).__name__} has adapters already; couple the one without")
    return _NETWORKS[control.coupling](base, control)


def trained_size(network: JointNetwork) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in network.trained().values())


def at_equal_budget(base: Backbone, control: ControlConfig, coupling: Coupling) -> ControlConfig:
    """`control` for another coupling, its rank chosen so that about as much is trained.

    One adapter of a higher rank takes the place of two adapters and links; α / r stays the same.
    """
    budget = trained_size(build_network(base, control))

    def size(rank: int) -> int:
        lora = replace(control.lora, rank=rank)
        return trained_size(build_network(base, replace(control, coupling=coupling, lora=lora)))

    fixed, each = 2 * size(1) - size(2), size(2) - size(1)
    rank = max(1, round((budget - fixed) / each))
    scale = control.lora.alpha / control.lora.rank
    lora = replace(control.lora, rank=rank, alpha=scale * rank)
    return replace(control, coupling=coupling, lora=lora)


def save_network(
    network: JointNetwork,
    path: Path,
    trained: Mapping[str, Tensor] | None = None,
    base: Path | None = None,
) -> None:
    """Writes what was trained (or other values of it, such as an average), with its base's hash.

    Args:
        base: where the frozen weights lie, for whoever reads the file.
    """
    values = network.trained() if trained is None else trained
    if not values:  # it was read to draw with, and is frozen as a whole
        values = trained_parameters(network)
    save_trained(path, values, network.base_hash, network.control, base)


def trained_parameters(network: JointNetwork) -> dict[str, nn.Parameter]:
    """What is trained, by name, whether or not it has been frozen since."""
    twin = build_network(network.base, network.control)
    found = dict(network.named_parameters())
    return {name: found[name] for name in twin.trained()}


def save_trained(
    path: Path,
    trained: Mapping[str, Tensor],
    base_hash: str,
    control: ControlConfig,
    base: Path | None = None,
) -> None:
    """As `save_network`, of a network that is not whole here, such as a sharded one."""
    config = asdict(control) | {"coupling": control.coupling.value}
    if base is not None:
        config["base"] = str(base.resolve())
    save_adapters(path, trained, base_hash, config)


def network_of(stored: StoredAdapters, base: AnyLayered) -> JointNetwork:
    """The network that was saved, over the base that it was trained on; nothing is trainable.

    Raises:
        CheckpointError: the adapters belong to other weights, or to another version.
    """
    stored.check_base(base.frozen_hash())
    try:
        network = build_network(base, _control(stored.config))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{stored.path} was written for another version of the network ({error})"
        ) from error
    stored.fill(network.trained())
    return network.eval().requires_grad_(False)


def _control(fields: Mapping[str, Any]) -> ControlConfig:
    lora = dict(fields["lora"])
    lora["within"] = tuple(lora["within"])
    other = {
        name: value for name, value in fields.items() if name not in ("lora", "coupling", "base")
    }
    return ControlConfig(Coupling(fields["coupling"]), LoraConfig(**lora), **other)
