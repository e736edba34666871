"""A model small enough for any test, whose weights are all at work."""

from __future__ import annotations

import torch

from engine.model.codec import Codec, CodecConfig
from engine.model.model import Model, new_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig


def tiny_model() -> Model:
    """The same one every time."""
    generator = torch.Generator().manual_seed(0)
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(torch.randn(400, 3, 8, 8, generator=generator) * 0.3)
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    model = new_model(codec, Tokenizer([]), shape)
    with torch.no_grad():
        for parameter in model.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model
