"""Single views with their depth, looking as differently as photographs do."""

from __future__ import annotations

import math
from collections import deque

import cv2
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from engine.training.augmentation import uniform
from engine.training.buffer import Offer, SourceShares
from engine.training.sequences import PosedSequence

WITH_DEPTH = Offer(cameras=False)
WITHOUT_DEPTH = Offer(depth=False, cameras=False)


class ViewPool:
    """Sequences that are open at once; a batch takes views of different ones.

    Reading a sequence costs more than cutting a view, so each serves several times.

    Args:
        wanted: what the sequences must have.
        open_at_once: how many are held.
        uses: views that are cut of each before another one takes its place, on average.
    """

    def __init__(
        self,
        sources: SourceShares,
        generator: torch.Generator,
        wanted: Offer = WITH_DEPTH,
        open_at_once: int = 256,
        uses: float = 6.0,
    ) -> None:
        self._sources, self._generator, self._wanted = sources, generator, wanted
        self._most, self._uses = open_at_once, uses
        self._open: deque[PosedSequence] = deque(maxlen=open_at_once)

    def batch(self, count: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, H, W) in [0, 1] as they came, and z-depth (B, 1, H, W); inf = sky, nan =
        unknown."""
        drawn = [cut(*self._view(), size, self._generator) for _ in range(count)]
        return torch.cat([rgb for rgb, _ in drawn]), torch.cat([depth for _, depth in drawn])

    def _view(self) -> tuple[Tensor, Tensor]:
        if len(self._open) < self._most or uniform(self._generator, 0, self._uses) < 1:
            self._open.append(self._sources.draw(self._generator, self._wanted))
        sequence = self._open[int(torch.randint(len(self._open), (), generator=self._generator))]
        view = int(torch.randint(len(sequence.rgb), (), generator=self._generator))
        return sequence.rgb[view : view + 1], sequence.depth[view : view + 1]


def cut(
    rgb: Tensor, depth: Tensor, size: tuple[int, int], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A part of a view (1, 3, H, W), squeezed a little, perhaps mirrored, and its depth
    (1, 1, H, W), both of `size` (H, W)."""
    height, width = rgb.shape[-2:]
    share = uniform(generator, 0.55, 1.0)
    rows = int(height * share)
    columns = int(width * min(1.0, share * uniform(generator, 0.8, 1.25)))
    top = int(torch.randint(height - rows + 1, (), generator=generator))
    left = int(torch.randint(width - columns + 1, (), generator=generator))
    part = (..., slice(top, top + rows), slice(left, left + columns))
    small = F.interpolate(rgb[part], size, mode="bilinear", antialias=True, align_corners=False)
    deep = F.interpolate(depth[part], size, mode="nearest-exact")
    if uniform(generator, 0, 1) < 0.5:
        small, deep = small.flip(-1), deep.flip(-1)
    return small.clamp(0, 1), deep


def varied(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (B, 3, H, W), each as another camera would have taken it."""
    return torch.cat([looking_otherwise(one[None], generator) for one in rgb])


def looking_otherwise(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Gamma, gains, saturation (a tenth is grey), contrast, brightness, blur or fewer pixels, noise
    and JPEG, much stronger than `augmentation.photometric`: photographs vary more than rendered
    worlds."""
    out = rgb ** math.exp(uniform(generator, math.log(0.6), math.log(1.6)))
    gains = torch.exp(0.12 * torch.randn(3, generator=generator)).to(rgb)
    out = out * gains[:, None, None]
    grey = out.mean(1, keepdim=True)
    coloured = uniform(generator, 0, 1) < 0.9
    out = grey + (out - grey) * (uniform(generator, 0.3, 1.5) if coloured else 0.0)
    out = (out - 0.5) * uniform(generator, 0.6, 1.3) + 0.5 + uniform(generator, -0.1, 0.1)
    if uniform(generator, 0, 1) < 0.2:
        out = F.avg_pool2d(out, 3, 1, 1, count_include_pad=False)
    elif uniform(generator, 0, 1) < 0.15:
        out = _fewer_pixels(out, uniform(generator, 0.4, 0.9))
    if uniform(generator, 0, 1) < 0.5:
        noise = torch.randn(out.shape, generator=generator).to(out)
        out = out + noise * uniform(generator, 0.0, 0.05)
    out = out.clamp(0, 1)
    if uniform(generator, 0, 1) < 0.3:
        out = _compressed(out, round(uniform(generator, 25, 90)))
    return out


def _fewer_pixels(rgb: Tensor, factor: float) -> Tensor:
    """As if a smaller picture (1, 3, H, W) had been enlarged."""
    height, width = rgb.shape[-2:]
    size = (max(1, int(height * factor)), max(1, int(width * factor)))
    small = F.interpolate(rgb, size, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)


def _compressed(rgb: Tensor, quality: int) -> Tensor:
    """A picture (1, 3, H, W) in [0, 1] as JPEG of a quality gives it back."""
    pixels = (rearrange(rgb, "1 c h w -> h w c") * 255 + 0.5).to(torch.uint8).cpu().numpy()
    _, stored = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert decoded is not None
    back = decoded[..., ::-1].copy()
    return rearrange(torch.as_tensor(back).to(rgb) / 255, "h w c -> 1 c h w")
