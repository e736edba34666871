"""A whole model, codec, transformer and words, as one checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engine.model.checkpoints import CheckpointError, read_checkpoint, save_checkpoint
from engine.model.codec import Codec, codec_config
from engine.model.text import Tokenizer
from engine.model.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class Model:
    """What a checkpoint holds; `transformer` draws latents of `codec`, prompted by `tokenizer`."""

    codec: Codec
    transformer: Transformer
    tokenizer: Tokenizer


def new_model(
    codec: Codec, tokenizer: Tokenizer, config: TransformerConfig, seed: int = 0
) -> Model:
    """Untrained weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Model(codec, Transformer(config), tokenizer)


def save_model(model: Model, path: Path, eight_bit: bool) -> None:
    tensors = {f"codec.{k}": v for k, v in model.codec.state_dict().items()}
    tensors |= {f"transformer.{k}": v for k, v in model.transformer.state_dict().items()}
    config = {
        "codec": asdict(model.codec.config),
        "transformer": asdict(model.transformer.config),
        "vocabulary": list(model.tokenizer.vocabulary),
    }
    save_checkpoint(path, tensors, config, eight_bit)


def read_model(path: Path) -> Model:
    """
    Raises:
        CheckpointError: unreadable, or written for another version of the network.
    """
    stored = read_checkpoint(path)
    try:
        codec = Codec(codec_config(stored.config["codec"]))
        transformer = Transformer(TransformerConfig(**stored.config["transformer"]))
        tokenizer = Tokenizer(stored.config["vocabulary"])
        codec.load_state_dict(_part(stored.tensors, "codec."))
        transformer.load_state_dict(_part(stored.tensors, "transformer."))
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} was written for another version of the network ({reason})"
        ) from error
    return Model(codec.eval(), transformer.eval(), tokenizer)


def _part(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
