"""Whole models on disk: one checkpoint of ours, a folder of others, or what was trained on it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from engine.model.backbones.wan.files import read_backbone, read_wan, save_wan
from engine.model.checkpoints import read_checkpoint, save_checkpoint, stored_format
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import PREFIX, codec_header, codec_tensors, restored_codec
from engine.model.control.adapters_file import FORMAT as ADAPTERS_FORMAT
from engine.model.decoders.picture_decoder import restored_decoder
from engine.model.encoders.image_encoder import restored_encoder
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.text import Tokenizer
from engine.model.transformer import Transformer, transformer_config


def save_model(model: Model, path: Path, eight_bit: bool) -> None:
    """Our own codec goes with it; one of diffusers is named, and its weights stay where they are.

    Of a network of others, what was trained is written, and the rest named.

    Args:
        eight_bit: store the matrices of our own network in 8 bits; those of others stay whole.

    Raises:
        CodecError: the codec is of neither kind.
        ValueError: the network is of no known kind.
    """
    transformer = model.transformer
    if not isinstance(transformer, Transformer):
        save_wan(model, path)
        return
    tensors = {f"{PREFIX}{k}": v for k, v in codec_tensors(model.codec).items()}
    tensors |= {f"transformer.{k}": v for k, v in transformer.state_dict().items()}
    for place, parts in (("encoders", model.encoders), ("decoders", model.decoders)):
        for name, part in parts.items():
            tensors |= {f"{place}.{name}.{k}": v for k, v in part.state_dict().items()}
    config = {
        "codec": codec_header(model.codec),
        "transformer": asdict(transformer.config),
        "vocabulary": list(model.tokenizer.vocabulary),
        "encoders": {name: encoder.header() for name, encoder in model.encoders.items()},
        "decoders": {name: decoder.header() for name, decoder in model.decoders.items()},
    }
    save_checkpoint(path, tensors, config, eight_bit)


def read_model(
    path: Path,
    codec: Path | PictureCodec | None = None,
    precision: torch.dtype = torch.float32,
) -> Model:
    """A checkpoint of ours; a pipeline's folder of diffusers; or what was trained on such a folder,
    as a file or as the one safetensors file of a folder.

    Args:
        codec: where the autoencoder of diffusers that the checkpoint names lies now, or that codec
            itself; None where it lies as it did, or beside the checkpoint. Never needed for our
            own codec, whose weights are inside.
        precision: of the weights of others; ours are float32.

    Raises:
        CheckpointError: unreadable, written for another version of the network, or trained with a
            codec or a base that is missing or another one.
    """
    if (path / "model_index.json").is_file():
        return read_backbone(path, precision, codec)
    path = _only_file(path) if path.is_dir() else path
    if stored_format(path) == ADAPTERS_FORMAT:
        return read_wan(path, precision, codec)
    return _read_own(path, codec)


def _only_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(
            f"{folder} is no model: it has neither the model_index.json of a pipeline nor one "
            f"safetensors file, but {len(files)}"
        )
    return files[0]


def _read_own(path: Path, codec: Path | PictureCodec | None) -> Model:
    stored = read_checkpoint(path)
    try:
        parts = _part(stored.tensors, PREFIX)
        restored = restored_codec(stored.config["codec"], parts, path, codec)
        tokenizer = Tokenizer(stored.config["vocabulary"])
        shape = transformer_config(stored.config["transformer"])
        # Kinds that came after the checkpoint have words that it does not know.
        transformer = Transformer(replace(shape, words=max(shape.words, len(tokenizer))))
        transformer.load_state_dict(_part(stored.tensors, "transformer."))
        encoders = {
            name: restored_encoder(name, header, _part(stored.tensors, f"encoders.{name}."))
            for name, header in stored.config.get("encoders", {}).items()
        }
        decoders = {
            name: restored_decoder(name, header, _part(stored.tensors, f"decoders.{name}."))
            for name, header in stored.config.get("decoders", {}).items()
        }
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} was written for another version of the network ({reason})"
        ) from error
    return Model(
        restored.eval(), transformer.eval(), tokenizer, encoders=encoders, decoders=decoders
    )


def _part(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
