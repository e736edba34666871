"""The decoders of single kinds that there are, and how a checkpoint finds its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from engine.model.decoders.dense_depth import DenseDepth
from engine.model.decoders.picture_decoder import PictureDecoder
from engine.model.errors import CheckpointError

#: How a decoder is built again, by its class's name, from its header.
DECODERS: dict[str, Callable[[Mapping[str, Any]], PictureDecoder]] = {
    DenseDepth.class_name: DenseDepth
}


def restored_decoder(
    kind: str, header: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> PictureDecoder:
    """The decoder that a checkpoint names for a kind, with its weights.

    Raises:
        CheckpointError: this version knows no such class.
        KeyError, RuntimeError: header or weights are of another version.
    """
    if header["class"] not in DECODERS:
        raise CheckpointError(
            f"the weights decode {kind} pictures by a {header['class']}, which this version does "
            "not have; install the version that wrote them"
        )
    decoder = DECODERS[header["class"]](header)
    decoder.load_state_dict(dict(tensors))
    return decoder.eval()
