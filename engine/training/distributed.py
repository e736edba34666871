"""Training on several devices: parameters sharded with FSDP, one process a device.

Start it with `torchrun --nproc-per-node N -m engine.training.cli model …` or `accelerate launch`;
both set the variables that `join` reads. Every process draws scenes and noise of its own, but all
draw the same kind of lesson at the same step, so that the same parameters have gradients.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import fully_shard


@dataclass(frozen=True)
class Place:
    """This process among all: `rank` of `count`, on `device`."""

    rank: int
    count: int
    device: torch.device

    @property
    def sharded(self) -> bool:
        return self.count > 1

    @property
    def writes(self) -> bool:
        """One process saves and reports."""
        return self.rank == 0


def join(device: str) -> Place:
    """The place that torchrun gave this process; alone where it gave none.

    Raises:
        ValueError: more processes on this machine than CUDA devices.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Place(0, 1, torch.device(device))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.startswith("cuda") and local >= torch.cuda.device_count():
        raise ValueError(
            f"process {local} has no CUDA device of its own (there are "
            f"{torch.cuda.device_count()}); start no more processes than devices"
        )
    place = torch.device("cuda", local) if device.startswith("cuda") else torch.device("cpu")
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    return Place(int(os.environ["RANK"]), count, place)


def leave(place: Place) -> None:
    if place.sharded and dist.is_initialized():
        dist.destroy_process_group()


def shard(network: nn.Module, place: Place) -> None:
    """Splits the parameters over all processes, a layer at a time; nothing happens alone."""
    if not place.sharded:
        return
    layers = network.get_submodule("layers")
    for layer in layers.children():
        fully_shard(layer)
    fully_shard(network)


def whole_state(network: nn.Module) -> dict[str, Tensor]:
    """All weights in one place; every process must call it, only the writer gets them all."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_model_state_dict(network, options=options)
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def load_whole_state(network: nn.Module, state: dict[str, Any]) -> None:
    """Inverse of `whole_state`, for sharded and whole networks; what is not named stays."""
    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=False, strict=False)
    set_model_state_dict(network, state, options=options)


def whole_momenta(
    network: nn.Module, optimisers: Sequence[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """What optimisers remember of each parameter, as `parameter:name`; see `whole_state`."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    found: dict[str, Any] = get_optimizer_state_dict(network, optimisers, options=options)
    state = found.get("state", {})
    return {f"{of}:{name}": value for of, kept in state.items() for name, value in kept.items()}


def load_whole_momenta(
    network: nn.Module,
    optimisers: Sequence[torch.optim.Optimizer],
    momenta: Mapping[str, Tensor],
) -> bool:
    """Inverse of `whole_momenta`, for new optimisers, whose rates and decays stay.

    Returns:
        False where nothing was loaded: there is none, or it is of other optimisers, as between one
        process and several.
    """
    state: dict[str, dict[str, Tensor]] = {}
    for key, value in momenta.items():
        of, _, name = key.rpartition(":")
        state.setdefault(of, {})[name] = value
    now: dict[str, Any] = get_optimizer_state_dict(network, optimisers)
    known = now["state"]
    fits = all(of in known and known[of].keys() == kept.keys() for of, kept in state.items())
    if fits and state:
        options = StateDictOptions(full_state_dict=True, strict=False)
        loaded: dict[str, Any] = {"state": state, "param_groups": now["param_groups"]}
        set_optimizer_state_dict(network, optimisers, loaded, options=options)
    # To be asked what they hold, optimisers took a step of nothing with every parameter.
    for name, parameter in network.named_parameters():
        if not fits or name not in state:
            for optimiser in optimisers:
                optimiser.state.pop(parameter, None)
    return fits and bool(state)


def agreed(value: float, place: Place) -> float:
    """The writer's value on every process: clocks differ, and all must stop at the same step."""
    if not place.sharded:
        return value
    shared = torch.tensor([value], device=place.device)
    dist.broadcast(shared, src=0)
    return float(shared)
