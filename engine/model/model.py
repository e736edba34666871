"""A whole model: codec, transformer and words, and what looks at pictures beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from engine.model.backbones.backbone import Backbone
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.decoders.picture_decoder import PictureDecoder
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.lens.lens_head import LensHead
from engine.model.pictures import PictureMaker
from engine.model.text import Tokenizer, Words
from engine.model.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class Model:
    """`transformer` draws latents of `codec`, prompted by `tokenizer`.

    Attributes:
        weights_hash: names all weights, where whoever read them found a name; else empty.
        source: where they were read; of adapters, where the weights lie that they stand beside.
        encoders: image encoders whose features the transformer reads, by name.
        decoders: of kinds that have one of their own, by the kind's name.
        lens: tells the lens of a picture by what an encoder sees; None where nothing does.
    """

    codec: PictureCodec
    transformer: Backbone
    tokenizer: Words
    weights_hash: str = ""
    source: Path | None = None
    encoders: Mapping[str, ImageEncoder] = field(default_factory=dict)
    decoders: Mapping[str, PictureDecoder] = field(default_factory=dict)
    lens: LensHead | None = None

    @property
    def maker(self) -> PictureMaker:
        """Makes pictures for the transformer, and reads what it draws."""
        read = getattr(self.transformer.config, "encoders", ())
        described = {description.name: description for description in read}
        return PictureMaker(self.codec, self.encoders, self.decoders, described)

    @property
    def parts(self) -> tuple[nn.Module, ...]:
        """Every network of the model."""
        beside = (*self.encoders.values(), *self.decoders.values())
        lens = () if self.lens is None else (self.lens,)
        return (self.codec, self.transformer, *beside, *lens)


def new_model(
    codec: PictureCodec, tokenizer: Tokenizer, config: TransformerConfig, seed: int = 0
) -> Model:
    """Untrained weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Model(codec, Transformer(config), tokenizer)


def own_transformer(model: Model) -> Transformer:
    """The model's network, for what is done with our own alone.

    Raises:
        ValueError: it is another one.
    """
    if not isinstance(model.transformer, Transformer):
        raise ValueError(
            f"this needs Photowalk's own transformer, not a {type(model.transformer).__name__}"
        )
    return model.transformer
