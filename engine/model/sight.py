"""Image encoders, decoders of single kinds and the lens's head, as a checkpoint holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.model.checkpoints import read_checkpoint, save_checkpoint
from engine.model.decoders.picture_decoder import PictureDecoder
from engine.model.decoders.registry import restored_decoder
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.encoders.registry import restored_encoder
from engine.model.errors import CheckpointError
from engine.model.lens.lens_head import LensHead, restored_lens


@dataclass(frozen=True)
class Sight:
    """Attributes:
    encoders: by name.
    decoders: by the name of their kind.
    lens: what tells the lens of a picture; None where nothing does.
    """

    encoders: Mapping[str, ImageEncoder] = field(default_factory=dict)
    decoders: Mapping[str, PictureDecoder] = field(default_factory=dict)
    lens: LensHead | None = None

    def headers(self) -> dict[str, Any]:
        """What a checkpoint's header says of them, as JSON."""
        told: dict[str, Any] = {
            "encoders": {name: encoder.header() for name, encoder in self.encoders.items()},
            "decoders": {name: decoder.header() for name, decoder in self.decoders.items()},
        }
        return told if self.lens is None else told | {"lens": self.lens.header()}

    def tensors(self) -> dict[str, Tensor]:
        """Their weights by the names that a checkpoint has for them."""
        found: dict[str, Tensor] = {}
        for place, parts in (("encoders", self.encoders), ("decoders", self.decoders)):
            for name, part in parts.items():
                found |= {f"{place}.{name}.{key}": v for key, v in part.state_dict().items()}
        if self.lens is not None:
            found |= {f"lens.{key}": v for key, v in self.lens.state_dict().items()}
        return found


def restored_sight(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Sight:
    """Of a checkpoint; nothing where it names none.

    Raises:
        CheckpointError: a class that this version does not know.
        KeyError, RuntimeError: headers or weights of another version.
    """
    return Sight(
        {
            name: restored_encoder(name, header, _part(tensors, f"encoders.{name}."))
            for name, header in config.get("encoders", {}).items()
        },
        {
            name: restored_decoder(name, header, _part(tensors, f"decoders.{name}."))
            for name, header in config.get("decoders", {}).items()
        },
        restored_lens(config["lens"], _part(tensors, "lens.")) if "lens" in config else None,
    )


def save_sight(sight: Sight, path: Path, eight_bit: bool) -> None:
    """In a file of its own, to be trained on, or joined with a model (`train export --depth`)."""
    save_checkpoint(path, sight.tensors(), sight.headers(), eight_bit)


def read_sight(path: Path) -> Sight:
    """Of `save_sight`'s file, or of a whole model.

    Raises:
        CheckpointError: it is missing, damaged, of another version, or holds none.
    """
    stored = read_checkpoint(path)
    try:
        sight = restored_sight(stored.config, stored.tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} holds sight of another version ({reason})") from error
    if not sight.encoders:
        raise CheckpointError(f"{path} holds no image encoder; name one that has")
    return sight


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
