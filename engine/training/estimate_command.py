"""`train model --estimate`: memory of a GPU and hours of a run, printed, without training."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from engine.model.checkpoints import read_checkpoint
from engine.model.kinds import PATCH
from engine.model.transformer import Transformer, TransformerConfig
from engine.training.average import meta_numbers
from engine.training.estimate import (
    GIB,
    NETWORKS,
    Memory,
    Network,
    Step,
    gpu_named,
    hours,
    lora_parameters,
    memory,
    step_flops,
)
from engine.training.planned import buffer_bytes, planned_steps
from engine.training.syllabus import lesson_shares
from engine.training.trainer import TrainerConfig

#: Share of a GPU's peak that is assumed: trainers of wide transformers publish 0.3 to 0.5; narrow
#: ones wait for memory, not for arithmetic.
_WIDE, _UTILISATION, _NARROW_UTILISATION = 1024, 0.3, 0.1
OWN = "own"


def add_estimate_options(model: argparse.ArgumentParser) -> None:
    """Options that say what to estimate, and for which GPUs."""
    model.add_argument(
        "--estimate",
        nargs="?",
        const=OWN,
        metavar="NETWORK",
        help="print memory and hours instead of training: of this command's own network, or of "
        + ", ".join(NETWORKS),
    )
    model.add_argument("--gpus", type=int, default=1, help="for --estimate")
    model.add_argument("--gpu", default="h100", help="for --estimate: h100, a100, 4090, FLOPS,GiB")
    model.add_argument("--utilisation", type=float, help="for --estimate: of the GPU's peak")
    model.add_argument("--samples", type=int, help="for --estimate: instead of --steps")


def print_estimate(options: argparse.Namespace, config: TrainerConfig) -> None:
    """
    Raises:
        ValueError: an unknown network or GPU, or numbers that make no sense.
    """
    network, gpu = described(options), gpu_named(options.gpu)
    reached = options.utilisation
    if reached is None:
        reached = _UTILISATION if network.width >= _WIDE else _NARROW_UTILISATION
    if options.gpus < 1 or not 0 < reached <= 1:
        raise ValueError("--gpus must be 1 or more, and --utilisation between 0 and 1")
    shares = lesson_shares(config.mixture, lambda _: True)
    steps = planned_steps(config, shares)
    buffer = buffer_bytes(config, shares, network.patch // PATCH**2)
    found = memory(network, steps, buffer, options.gpus)
    print(
        f"{_named(options)}: {network.parameters / 1e6:.1f} million parameters, of which "
        f"{network.trained / 1e6:.1f} million are trained; {options.size} pixels"
    )
    for line in _memory_lines(found, options.gpus, gpu.memory):
        print(line)
    count = _steps(options, steps)
    for checkpointing in (False, True):
        flops = step_flops(network, steps, checkpointing)
        spent = hours(flops, 1, gpu, reached) * 3600
        how = "with checkpointing   " if checkpointing else "without checkpointing"
        told = f"{how}: {flops / 1e12:.3g} TFLOP a step and GPU, {spent:.3g} s a step"
        if count is not None:
            told += f", {hours(flops, count, gpu, reached):.3g} hours for {count} steps"
        print(told)
    print(
        f"Estimated, at {reached:.0%} of {gpu.name}'s peak in bfloat16 (an assumption: "
        "measure a few steps and give --utilisation); making entries, and waiting of GPUs for one "
        "another, are not in it."
    )


def described(options: argparse.Namespace) -> Network:
    """The network that is asked about.

    Raises:
        ValueError: an unknown one.
    """
    if options.estimate == OWN:
        return own_network(_own_shape(options), options.lora)
    if options.estimate not in NETWORKS:
        raise ValueError(f"--estimate knows {', '.join(NETWORKS)}, not {options.estimate!r}")
    network = NETWORKS[options.estimate]
    return network if options.lora is None else with_adapters(network, options.lora)


def _own_shape(options: argparse.Namespace) -> TransformerConfig:
    if options.init is not None:
        return TransformerConfig(**read_checkpoint(options.init).config["transformer"])
    heads = max(1, options.width // 64)
    return TransformerConfig(width=options.width, layers=options.layers, heads=heads)


def own_network(shape: TransformerConfig, lora: int | None = None) -> Network:
    """Our transformer, described; nothing of it is allocated."""
    total = meta_numbers(lambda: Transformer(shape))
    network = Network(
        layers=shape.layers,
        width=shape.width,
        mlp=shape.mlp_ratio * shape.width,
        patch=shape.latent_channels * PATCH**2,
        parameters=total,
        trained=total,
        gated=shape.camera_gate,
    )
    return network if lora is None else with_adapters(network, lora)


def with_adapters(network: Network, rank: int) -> Network:
    """Only adapters on the trunk's matrices are trained.

    Raises:
        ValueError: the rank is below 1.
    """
    if rank < 1:
        raise ValueError(f"an adapter needs a rank of at least 1, not {rank}")
    trained = lora_parameters(network, rank)
    return replace(network, parameters=network.parameters + trained, trained=trained)


def _named(options: argparse.Namespace) -> str:
    name = "our transformer" if options.estimate == OWN else str(options.estimate)
    return f"{name}, adapters of rank {options.lora}" if options.lora else f"{name}, all weights"


def _steps(options: argparse.Namespace, steps: Sequence[Step]) -> int | None:
    if options.samples is None:
        return None if options.steps is None else int(options.steps)
    samples = int(options.samples)
    batch = sum(step.share * step.batch for step in steps) * int(options.gpus)
    return max(1, round(samples / batch))


def _memory_lines(found: Memory, gpus: int, size: float) -> list[str]:
    parts = {
        "weights": found.weights,
        "gradients": found.gradients,
        "optimiser": found.optimiser,
        "average (EMA)": found.average,
        "whole layers and bfloat16 copies": found.gathered,
        "entries in buffers": found.buffer,
        "activations without checkpointing": found.activations,
        "activations with checkpointing": found.checkpointed,
    }
    lines = [f"  {name:34s} {bytes_ / GIB:8.2f} GiB" for name, bytes_ in parts.items()]
    for checkpointing in (False, True):
        total = found.total(checkpointing)
        how = "with" if checkpointing else "without"
        fits = "fits" if total < 0.9 * size else "does not fit"
        lines.append(
            f"  together, {how + ' checkpointing':24s} {total / GIB:8.2f} GiB on each of {gpus}: "
            f"{fits} into {size / GIB:.0f} GiB"
        )
    return lines
