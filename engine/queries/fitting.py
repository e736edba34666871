"""A model brought into the memory that is free: a plan for its real sizes, and carrying it out."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from engine.model.backbones.registry import family_of
from engine.model.costs import ViewWork, tokens_of, view_bytes
from engine.model.memory_plan import MemoryNeeds, MemoryPlan, Part, choose_plan, least_need
from engine.model.model import Model
from engine.model.offload import offload, part_of
from engine.model.precision import best_precision
from engine.queries.engine import Engine
from engine.queries.free_memory import free_memory

FLOAT32 = 4
#: Parts of a pipeline that are loaded with it; its text encoder is loaded when it is first asked.
_READ_AT_ONCE = ("transformer", "vae")
#: Bytes of a pixel that our own codec holds while it decodes, and while it encodes, in float32.
_OWN_CODEC = (110, 14)
#: Convolutions of others at full size: a decoder of 96 channels there (`explorer/doctor`).
_OTHER_CODEC = (6940, 3878)


class TooLargeError(ValueError):
    """A model that does not fit into the memory that is free; one sentence."""


@dataclass(frozen=True)
class Fitted:
    """A model ready to draw, and how it was brought into the device's memory."""

    engine: Engine
    plan: MemoryPlan


def needs_of(model: Model, size: tuple[int, int], context_views: int = 2) -> MemoryNeeds:
    """Memory of a walk of (width, height) pixels with a model, weighed as it is.

    A text encoder is weighed by its files: it is loaded when it is first asked.
    """
    network: Any = model.transformer
    text = int(getattr(getattr(network, "text", None), "weights", 0))
    work = ViewWork(tokens_of(size), 2 * context_views)
    own = not hasattr(model.codec, "autoencoder")
    decoding, encoding = _OWN_CODEC if own else _OTHER_CODEC
    most = max(decoding, encoding * work.context)
    side = 256
    tile = (size[0] * size[1]) if own else min(size[0], side) * min(size[1], side)
    return MemoryNeeds(
        transformer=part_of(network),
        codec=Part(part_of(model.codec).weights),
        text=Part(text),
        drawing=view_bytes(family_of(network).shape(network), work, FLOAT32),
        coding=most * size[0] * size[1],
        tile=most * tile,
    )


def plan_for(
    model: Model, device: str, size: tuple[int, int], context_views: int = 2
) -> MemoryPlan:
    """The quickest plan for a model that lies in the computer's memory already.

    Raises:
        TooLargeError: not even the most sparing one fits.
    """
    place = torch.device(device)
    needs, same = needs_of(model, size, context_views), place.type == "cpu"
    free = free_memory(place)
    if same:
        # The weights are in this memory already; only what drawing takes is still to come.
        free += needs.transformer.weights + needs.codec.weights
    # What stays in the computer's memory is there already as well.
    host = needs.transformer.weights + needs.text.weights
    plan = choose_plan(needs, free, host, same)
    if plan is None:
        raise TooLargeError(
            f"this model needs at least {least_need(needs, same) / 2**30:.1f} GB on {device} at "
            f"{size[0]}x{size[1]}, and {free / 2**30:.1f} GB are free there; choose a smaller size "
            "or model, or close other programs"
        )
    return plan


def apply_plan(model: Model, plan: MemoryPlan, device: str, weights_hash: str = "") -> Engine:
    """Brings a model to a device as a plan says.

    A codec that cannot work on tiles goes on as it is; a network's words are told where to be
    encoded by its `text`, where it has one.
    """
    if plan.codec_tiled:
        enable = getattr(model.codec, "enable_tiling", None)
        if enable is not None:
            enable()
    text: Any = getattr(model.transformer, "text", None)
    if text is not None:
        text.device = torch.device("cpu" if plan.layers_visit else device)
        text.leaves = plan.text_leaves
    if not plan.layers_visit:
        return Engine.of(model, device, weights_hash=weights_hash)
    place = torch.device(device)
    model.codec.to(place).eval().requires_grad_(False)
    model.transformer.eval().requires_grad_(False)
    offload(model.transformer, place)
    return Engine(model, place, best_precision(place), weights_hash)


def _check_reading(folder: Path, precision: torch.dtype) -> None:
    """A pipeline is read into the computer's memory first: better said than killed half-way.

    Raises:
        TooLargeError: it has too little.
    """
    files = [f for part in _READ_AT_ONCE for f in sorted((folder / part).glob("*.safetensors"))]
    needed = sum(map(_numbers_in, files)) * precision.itemsize
    free = free_memory(torch.device("cpu"))
    if needed > free:
        raise TooLargeError(
            f"reading {folder} takes {needed / 2**30:.1f} GB of this computer's memory, and "
            f"{free / 2**30:.1f} GB are free; choose a smaller model, or close other programs"
        )


def _numbers_in(file: Path) -> int:
    """How many values a safetensors file holds, by its header; 0 for one that cannot be read,
    which is said where it is read."""
    try:
        with safe_open(str(file), framework="pt") as opened:
            return sum(prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118
    except (SafetensorError, OSError):
        return 0


def load_fitted(
    path: Path | None,
    device: str,
    size: tuple[int, int],
    context_views: int = 2,
    codec: Path | None = None,
) -> Fitted:
    """Loads weights (None: the embedded ones) and fits them into the memory that is free.

    Raises:
        CheckpointError: the file cannot be used.
        TooLargeError: the model does not fit.
    """
    precision = best_precision(torch.device(device))
    if path is not None and path.is_dir():
        _check_reading(path, precision)
    loaded = Engine.load(path, "cpu", precision, codec)
    plan = plan_for(loaded.model, device, size, context_views)
    engine = apply_plan(loaded.model, plan, device, loaded.weights_hash)
    return Fitted(engine, plan)
