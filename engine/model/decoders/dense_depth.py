"""Depth at the picture's own edges: a dense decoder over an image encoder's features.

What the transformer draws tells how deep a view is in units of σ, and agrees with what its context
knows; what an encoder of photographs sees tells where things end. So the decoder draws inverse
depth of its own, in a unit of its own (Ranftl et al. 2020, "Towards robust monocular depth
estimation"), which is brought to the transformer's picture by a robust fit. A share of what the two
still differ by is added, smooth within the picture's edges: the mean of two that err differently
errs less, and tokens leave no steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.geometry.guided_filter import GUIDE_RADIUS, GUIDE_TOLERANCE, guided_filter
from engine.geometry.pictures import SKY_RATIO
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.decoders.picture_decoder import Observed, PictureDecoder

#: Inverse depth that is taken to be meant, in 1/σ: nothing nearer than σ/20.
_NEAREST = 20.0
#: What is not surely sky stays nearer than what a picture of depth takes for it.
_FARTHEST = 1.05 / SKY_RATIO
_FARTHEST_DRAWN = (_FARTHEST - 1) / (_FARTHEST + 1)
#: Sides of what encoders look at are multiples of this, so that most strides divide them.
_STRIDE = 16
#: The sky's logit above which nothing is drawn there: a hole in a wall costs more than far air.
_SURE = 2.0
#: Rounds of the robust fit.
_ROUNDS = 8


class _Residual(nn.Module):
    """Two 3×3 convolutions with a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.relu(self.first(F.relu(x))))
        return x + change


class FeaturePyramid(nn.Module):
    """From coarse features to fine ones, each level added to what lies below it enlarged (Lin et
    al. 2017), to `width` maps at the stride of the finest level."""

    def __init__(self, channels: Sequence[int], width: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.lateral = nn.ModuleList([nn.Conv2d(c, width, 1) for c in channels])
        self.refine = nn.ModuleList(
            [nn.Sequential(*[_Residual(width) for _ in range(count)]) for count in blocks]
        )
        self.context = nn.Linear(channels[-1], width)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """(B, width, h, w) from levels (B, C, …), fine to coarse."""
        x = self.context(levels[-1].mean((2, 3)))[..., None, None]
        for level, lateral, refine in reversed(
            list(zip(levels, self.lateral, self.refine, strict=True))
        ):
            y = lateral(level)
            if x.shape[-1] > 1:
                x = F.interpolate(x, y.shape[-2:], mode="bilinear", align_corners=False)
            x = refine(x + y)
        found: Tensor = x
        return found


class FineHead(nn.Module):
    """Two maps at the picture's own size: where one pixel ends and the next begins is seen in the
    picture, which is read once more, at full size."""

    def __init__(self, width: int, fine: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(width, fine, 3, padding=1)
        self.picture = nn.Conv2d(3, fine, 3, padding=1)
        self.refine = _Residual(fine)
        self.head = nn.Conv2d(fine, 2, 3, padding=1)

    def forward(self, x: Tensor, picture: Tensor) -> Tensor:
        """(B, 2, H, W) from maps (B, width, h, w) and the picture (B, 3, H, W) in [−1, 1]."""
        size = picture.shape[-2:]
        near = F.interpolate(self.coarse(F.relu(x)), size, mode="bilinear", align_corners=False)
        found: Tensor = self.head(F.relu(self.refine(near + self.picture(picture))))
        return found


class DenseDepth(PictureDecoder):
    """See the module.

    Attributes:
        encoder: the name of the encoder whose features it reads.
        pixels: of the pictures that it learnt from; larger ones are looked at so small, since
            things of another size than it knows are taken for others.
        fine: maps at the picture's own size.
        share: of its own inverse depth in what is drawn; the transformer's has the rest, since the
            mean of two that err differently errs less.
    """

    class_name = "DenseDepth"
    alone: ClassVar[bool] = True

    def __init__(self, header: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder = str(header["encoder"])
        self.channels = [int(c) for c in header["channels"]]
        self.blocks = [int(b) for b in header["blocks"]]
        self.width, self.pixels = int(header["width"]), int(header["pixels"])
        self.share, self.fine = float(header["share"]), int(header["fine"])
        self.pyramid = FeaturePyramid(self.channels, self.width, self.blocks)
        self.head = FineHead(self.width, self.fine)

    def header(self) -> dict[str, Any]:
        """See `PictureDecoder.header`."""
        return {
            "class": self.class_name,
            "encoder": self.encoder,
            "channels": self.channels,
            "width": self.width,
            "pixels": self.pixels,
            "share": self.share,
            "blocks": self.blocks,
            "fine": self.fine,
        }

    def looks_at(self, size: tuple[int, int]) -> tuple[int, int]:
        """See `PictureDecoder.looks_at`; about as the picture is shaped."""
        factor = math.sqrt(self.pixels / (size[0] * size[1]))
        if factor >= 1.0:
            return size
        rows, columns = (max(_STRIDE, round(s * factor / _STRIDE) * _STRIDE) for s in size)
        return rows, columns

    def shape_and_sky(self, seen: Observed) -> tuple[Tensor, Tensor] | None:
        """Inverse depth in a unit of its own and the sky's logit, (B, 1, H, W) each, of an observed
        picture (B, 3, H, W); None where its encoder has not looked at it."""
        levels = [f.levels for f in seen.features if f.encoder == self.encoder]
        if not levels:
            return None
        found = self.head(self.pyramid(levels[0]), seen.picture).float()
        inverse, sky = found.chunk(2, dim=1)
        return F.softplus(inverse), sky

    def forward(self, latent: Tensor, codec: PictureCodec, observed: Observed | None) -> Tensor:
        """See `PictureDecoder.forward`. Where nothing was observed, the transformer's picture stays
        as the codec decodes it; where the two do not agree on what is near, it has no say."""
        plain = codec.decode(latent)
        found = None if observed is None else self.shape_and_sky(observed)
        if found is None:
            return plain
        assert observed is not None
        shape, sky = found
        told = F.interpolate(plain.mean(1, keepdim=True), shape.shape[-2:], mode="area")
        inverse = inverse_of(told)
        ground = (inverse > 1 / SKY_RATIO) & (sky < 0)
        scale, shift = fitted(shape, inverse, ground)
        agree = scale > 0
        scale = torch.where(agree, scale, 1 / _median(shape, sky < 0))
        own = picture_of((scale * shape + shift * agree).clamp(_FARTHEST, _NEAREST))
        apart = torch.where(agree & (sky < 0), (1 - self.share) * (told - own), 0.0)
        drawn = (own + _smoothed(apart, observed.picture)).clamp_min(_FARTHEST_DRAWN)
        drawn = torch.where(sky > _SURE, -1.0, drawn)
        fine = F.interpolate(drawn, plain.shape[-2:], mode="bilinear", align_corners=False)
        is_sky = F.interpolate(sky, plain.shape[-2:], mode="bilinear", align_corners=False) > _SURE
        fine = torch.where(is_sky, -1.0, fine.clamp(_FARTHEST_DRAWN, 1.0))
        return fine.expand(-1, 3, -1, -1)


def _median(shape: Tensor, known: Tensor) -> Tensor:
    """(B, 1, 1, 1) of inverse depth (B, 1, H, W) where there is ground; σ lies there."""
    some = torch.where(known, shape, torch.nan).flatten(1)
    return some.nanmedian(1).values.nan_to_num(1.0).clamp_min(1e-4).view(-1, 1, 1, 1)


def _smoothed(apart: Tensor, picture: Tensor) -> Tensor:
    """What two pictures of depth (B, 1, H, W) differ by, without the steps between tokens: it
    changes where the colours (B, 3, H, W) in [−1, 1] do."""
    colours = rearrange((picture + 1) / 2, "b c h w -> b h w c")
    both = zip(apart[:, 0], colours, strict=True)
    return torch.stack([guided_filter(a, c, GUIDE_RADIUS, GUIDE_TOLERANCE) for a, c in both])[
        :, None
    ]


def inverse_of(picture: Tensor) -> Tensor:
    """σ/d of a DEPTH picture p = 2/(1 + d/σ) − 1; the sky is 0."""
    p = picture.clamp(-1.0, 1.0 - 1e-3)
    return ((1 + p) / (1 - p)).clamp_max(_NEAREST)


def picture_of(inverse: Tensor) -> Tensor:
    """The DEPTH picture of σ/d."""
    return (inverse - 1) / (inverse + 1)


def fitted(x: Tensor, y: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift (B, 1, 1, 1) by which x comes nearest to y where it is `known`.

    Iteratively reweighted least squares with Huber's weights; scale 0 where too little is known.
    """
    weight = known.to(x)
    for _ in range(_ROUNDS):
        total = weight.sum((1, 2, 3), keepdim=True).clamp_min(1e-6)
        mean_x = (weight * x).sum((1, 2, 3), keepdim=True) / total
        mean_y = (weight * y).sum((1, 2, 3), keepdim=True) / total
        spread = (weight * (x - mean_x).square()).sum((1, 2, 3), keepdim=True)
        slope = (weight * (x - mean_x) * (y - mean_y)).sum((1, 2, 3), keepdim=True)
        scale = slope / spread.clamp_min(1e-9)
        shift = mean_y - scale * mean_x
        error = (scale * x + shift - y).abs()
        known_error = torch.where(known, error, torch.nan).flatten(1)
        bend = 1.4826 * known_error.nanmedian(1).values.view(-1, 1, 1, 1)
        bend = bend.nan_to_num(1.0).clamp_min(1e-4)
        weight = known * (bend / error.clamp_min(1e-9)).clamp_max(1.0)
    enough = known.float().mean((1, 2, 3), keepdim=True) > 0.05
    return torch.where(enough, scale, torch.zeros_like(scale)), shift
