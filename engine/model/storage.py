"""Whole models on disk: one checkpoint of ours, a folder of others, or what was trained on it."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.model.backbones.family import Reading
from engine.model.backbones.registry import family_of, read
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.model import Model


def save_model(model: Model, path: Path, eight_bit: bool) -> None:
    """Our own codec goes with it; one of diffusers is named, and its weights stay where they are.

    Of a network of others, or of one with adapters beside it, what was trained is written, and the
    rest named.

    Args:
        eight_bit: store the matrices of our own network in 8 bits; those of others stay whole.

    Raises:
        CodecError: the codec is of neither kind.
        ValueError: the network is of no known kind.
    """
    family_of(model.transformer).save(model, path, eight_bit)


def read_model(
    path: Path,
    codec: Path | PictureCodec | None = None,
    precision: torch.dtype = torch.float32,
) -> Model:
    """A checkpoint of ours; a pipeline's folder of diffusers; what was trained on such a folder, or
    adapters beside a model, as a file or as the one safetensors file of a folder.

    Args:
        codec: where the autoencoder of diffusers that the checkpoint names lies now, or that codec
            itself; None where it lies as it did, or beside the checkpoint. Never needed for our
            own codec, whose weights are inside.
        precision: of the weights of others; ours are float32.

    Raises:
        CheckpointError: unreadable, written for another version of the network, or trained with a
            codec or a base that is missing or another one.
    """
    return read(path, Reading(codec, precision))
