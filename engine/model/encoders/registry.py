"""The image encoders that there are, and how a checkpoint finds its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from engine.model.encoders.efficientnet_lite import EfficientNetLite0
from engine.model.encoders.features import EncoderDescription, FeatureLevel
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.errors import CheckpointError

#: How an encoder is built again, by its class's name, from its description.
ENCODERS: dict[str, Callable[[EncoderDescription], ImageEncoder]] = {
    EfficientNetLite0.class_name: EfficientNetLite0
}


def restored_encoder(
    name: str, header: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> ImageEncoder:
    """The encoder that a checkpoint names, with its weights.

    Raises:
        CheckpointError: this version knows no such class.
        KeyError, RuntimeError: header or weights are of another version.
    """
    if header["class"] not in ENCODERS:
        known = ", ".join(ENCODERS) or "none"
        raise CheckpointError(
            f"the weights see through the image encoder {name} ({header['class']}), which this "
            f"version does not have (it has {known}); install the version that wrote them"
        )
    levels = tuple(FeatureLevel(int(s), int(c)) for s, c in header["levels"])
    encoder = ENCODERS[header["class"]](EncoderDescription(name, str(header["source"]), levels))
    encoder.load_state_dict(dict(tensors))
    return encoder.eval()
