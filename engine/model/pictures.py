"""Where pictures are made for the network, and read from what it draws.

`make_picture` is the one place that builds a `Picture`. `PictureMaker` also knows the parts of a
model that look at pictures: the autoencoder (codec), image encoders, and decoders of single kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.codecs.picture_codec import DOWNSCALE, PictureCodec
from engine.model.decoders.picture_decoder import Observed, PictureDecoder
from engine.model.encoders.features import EncoderDescription, Features
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.kinds import PATCH, Kind
from engine.model.tokens import Picture

#: Pixels of a picture to one token, on each axis; heights and widths are multiples of it.
TOKEN_PIXELS = DOWNSCALE * PATCH


def make_picture(
    kind: Kind,
    slot: int,
    content: Tensor,
    level: Tensor | None = None,
    rays: Tensor | None = None,
    hint: Tensor | None = None,
    features: tuple[Features, ...] = (),
) -> Picture:
    """See `Picture`; without a level it is observed, at level 0."""
    known = torch.zeros(len(content)).to(content) if level is None else level
    return Picture(kind, slot, content, known, rays, hint, features)


def noised(clean: Tensor, level: Tensor, generator: torch.Generator) -> Tensor:
    """(1 − t) · clean + t · noise for each member of the batch, with levels t (B,)."""
    mix = level.view(-1, 1, 1, 1)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    return (1 - mix) * clean + mix * noise


def content_shape(
    kind: Kind, size: tuple[int, int], latent_channels: int
) -> tuple[int, int, int, int]:
    """(1, C, h, w) of the content of one picture of `size` (H, W)."""
    rows, columns = size[0] // TOKEN_PIXELS, size[1] // TOKEN_PIXELS
    return 1, kind.channels(latent_channels), rows * kind.patch, columns * kind.patch


@dataclass(frozen=True)
class PictureMaker:
    """Attributes:
    codec: the autoencoder of all kinds that go through one.
    encoders: those that look at observed colours, by name.
    decoders: of kinds that have one of their own, by the kind's name.
    read: by the names of encoders, what the network reads of their features.
    """

    codec: PictureCodec
    encoders: Mapping[str, ImageEncoder] = field(default_factory=dict)
    decoders: Mapping[str, PictureDecoder] = field(default_factory=dict)
    read: Mapping[str, EncoderDescription] = field(default_factory=dict)

    def contents(self, kinds: Sequence[Kind], pictures: Sequence[Tensor]) -> list[Tensor]:
        """Of pictures (B, 3, H, W) in [−1, 1] of one size, encoded in one batch; RAYS stay."""
        encoded = [p for kind, p in zip(kinds, pictures, strict=True) if kind.encoded]
        batch = [len(p) for p in encoded]
        latents = iter(torch.split(self.codec.encode(torch.cat(encoded)), batch) if encoded else ())
        return [
            next(latents) if kind.encoded else picture
            for kind, picture in zip(kinds, pictures, strict=True)
        ]

    def look(self, kind: Kind, picture: Tensor) -> tuple[Features, ...]:
        """What the network is told of pictures (B, 3, H, W) in [−1, 1] of a kind by the encoders
        that it reads; gradients pass."""
        if not kind.looked_at:
            return ()
        return tuple(e(picture) for name, e in self.encoders.items() if name in self.read)

    def read_of(self, seen: tuple[Features, ...]) -> tuple[Features, ...]:
        """The levels alone that the network reads: finer ones would be most of what is kept."""
        return tuple(features.read_by(self.read[features.encoder]) for features in seen)

    def observed(
        self, kind: Kind, picture: Tensor, told: tuple[Features, ...] = ()
    ) -> Observed | None:
        """Colours (B, 3, H, W) in [−1, 1] for the decoder of a kind, with what all encoders see;
        None for a kind that has no decoder.

        Args:
            told: what `look` gave of the same picture, so that nothing is computed twice.
        """
        decoder = self.decoders.get(kind.name)
        if decoder is None:
            return None
        own: tuple[int, int] = (picture.shape[-2], picture.shape[-1])
        size = decoder.looks_at(own)
        known: dict[str, Features] = {}
        if size == own:
            known = {features.encoder: features for features in told}
        else:
            picture = F.interpolate(
                picture, size, mode="bilinear", antialias=True, align_corners=False
            )
        seen = [known.get(name) or e(picture) for name, e in self.encoders.items()]
        return Observed(picture, tuple(seen))

    def pictures(
        self,
        kinds: Sequence[Kind],
        contents: Sequence[Tensor],
        observed: Sequence[Observed | None],
    ) -> list[Tensor]:
        """(B, 3, H, W) in [−1, 1] of each content; what the codec decodes goes through it in one
        batch; RAYS stay.

        Args:
            observed: the RGB picture of each one's view, where it is known.
        """
        own = [self.decoders.get(kind.name) for kind in kinds]
        shared = [i for i, kind in enumerate(kinds) if kind.encoded and own[i] is None]
        found = list(contents)
        if shared:
            batch = self.codec.decode(torch.cat([contents[i] for i in shared]))
            sizes = [len(contents[i]) for i in shared]
            for i, picture in zip(shared, torch.split(batch, sizes), strict=True):
                found[i] = picture
        for i, decoder in enumerate(own):
            if decoder is not None:
                found[i] = decoder(contents[i], self.codec, observed[i])
        return found
