"""The engine: a loaded model, ready to answer queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch

from engine.model.backbones.backbone import Backbone
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.embedded import embedded_weights
from engine.model.model import Model
from engine.model.pictures import TOKEN_PIXELS, PictureMaker
from engine.model.precision import best_precision
from engine.model.storage import read_model
from engine.model.text import Words
from engine.model.weights_folder import file_hash
from engine.queries.looking import Looking

#: Heights and widths of pictures are multiples of this.
SIZE_MULTIPLE = TOKEN_PIXELS


@dataclass(frozen=True)
class Engine:
    """Attributes:
    model: codec, transformer and tokenizer, on `device`.
    precision: what matrices are multiplied in; latents and pictures stay float32.
    weights_hash: SHA-256 of the weights file, of what a folder's parts are called by their hashes,
        or of nothing for weights made in memory.
    looking: looks at pictures for the network.
    """

    model: Model
    device: torch.device
    precision: torch.dtype
    weights_hash: str
    looking: Looking = field(init=False, default_factory=Looking, compare=False, repr=False)

    @staticmethod
    def load(
        path: Path | None = None,
        device: str = "cpu",
        precision: torch.dtype | None = None,
        codec: Path | None = None,
    ) -> Engine:
        """The embedded weights, another file's, or a folder's (see `read_model`).

        Args:
            codec: where the autoencoder that the file names lies, if not where it lay.

        Raises:
            CheckpointError: the file is missing, damaged or of another version, or its codec is
                missing or another one.
        """
        path = path or embedded_weights()
        precision = precision or best_precision(torch.device(device))
        model = read_model(path, codec, precision)
        return Engine.of(model, device, precision, model.weights_hash or file_hash(path))

    @staticmethod
    def of(
        model: Model,
        device: str = "cpu",
        precision: torch.dtype | None = None,
        weights_hash: str = "",
    ) -> Engine:
        place = torch.device(device)
        for part in model.parts:
            part.to(place).eval().requires_grad_(False)
        return Engine(model, place, precision or best_precision(place), weights_hash)

    @property
    def codec(self) -> PictureCodec:
        return self.model.codec

    @property
    def maker(self) -> PictureMaker:
        return self.model.maker

    @property
    def transformer(self) -> Backbone:
        return self.model.transformer

    @property
    def tokenizer(self) -> Words:
        return self.model.tokenizer

    def autocast(self) -> torch.autocast:
        """To wrap passes of the transformer in."""
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision is torch.bfloat16
        )
