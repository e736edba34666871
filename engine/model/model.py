"""A whole model, codec, transformer and words, as one checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engine.model.checkpoints import CheckpointError, read_checkpoint, save_checkpoint
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import PREFIX, codec_header, codec_tensors, restored_codec
from engine.model.text import Tokenizer
from engine.model.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class Model:
    """What a checkpoint holds; `transformer` draws latents of `codec`, prompted by `tokenizer`."""

    codec: PictureCodec
    transformer: Transformer
    tokenizer: Tokenizer


def new_model(
    codec: PictureCodec, tokenizer: Tokenizer, config: TransformerConfig, seed: int = 0
) -> Model:
    """Untrained weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Model(codec, Transformer(config), tokenizer)


def save_model(model: Model, path: Path, eight_bit: bool) -> None:
    """Our own codec goes with it; one of diffusers is named, and its weights stay where they are.

    Raises:
        CodecError: the codec is of neither kind.
    """
    tensors = {f"{PREFIX}{k}": v for k, v in codec_tensors(model.codec).items()}
    tensors |= {f"transformer.{k}": v for k, v in model.transformer.state_dict().items()}
    config = {
        "codec": codec_header(model.codec),
        "transformer": asdict(model.transformer.config),
        "vocabulary": list(model.tokenizer.vocabulary),
    }
    save_checkpoint(path, tensors, config, eight_bit)


def read_model(path: Path, codec: Path | PictureCodec | None = None) -> Model:
    """
    Args:
        codec: where the autoencoder of diffusers that the checkpoint names lies now, or that codec
            itself; None where it lies as it did, or beside the checkpoint. Never needed for our
            own codec, whose weights are inside.

    Raises:
        CheckpointError: unreadable, written for another version of the network, or trained with a
            codec that is missing or another one.
    """
    stored = read_checkpoint(path)
    try:
        parts = _part(stored.tensors, PREFIX)
        restored = restored_codec(stored.config["codec"], parts, path, codec)
        transformer = Transformer(TransformerConfig(**stored.config["transformer"]))
        tokenizer = Tokenizer(stored.config["vocabulary"])
        transformer.load_state_dict(_part(stored.tensors, "transformer."))
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} was written for another version of the network ({reason})"
        ) from error
    return Model(restored.eval(), transformer.eval(), tokenizer)


def _part(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
