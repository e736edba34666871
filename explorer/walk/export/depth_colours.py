"""Depth as colours that mean the same in every picture of a walk, and the legend that says what."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Rgb = NDArray[np.uint8]

SKY_COLOUR = (232, 238, 245)
UNKNOWN_COLOUR = (128, 128, 128)
LEGEND_HEIGHT = 28
#: Share of depths left out at either end of the range, so that a few pixels do not stretch it.
_TAIL = 0.01


@dataclass(frozen=True)
class DepthColours:
    """Turbo over the logarithm of depth: near is red, far is blue.

    Attributes:
        near, far: scene units; depths beyond take the end colours.
        units: what a scene unit is, for the legend.
    """

    near: float
    far: float
    units: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.near < self.far < math.inf:
            raise ValueError(f"a depth range needs 0 < near < far, not {self.near} and {self.far}")

    def picture(self, depth: NDArray[np.float32]) -> Rgb:
        """(H, W) z-depth → (H, W, 3) uint8; sky is light, unknown is grey."""
        known = np.isfinite(depth) & (depth > 0)
        logs = np.log(np.where(known, depth, self.near) / self.near)
        share = 1.0 - logs / math.log(self.far / self.near)
        rgb = _turbo()[np.round(np.clip(share, 0.0, 1.0) * 255).astype(np.uint8)]
        rgb[~known] = UNKNOWN_COLOUR
        rgb[np.isposinf(depth)] = SKY_COLOUR
        return rgb

    def legend(self, width: int) -> Rgb:
        """A band (LEGEND_HEIGHT, width, 3): the colour bar with depths, and sky at its end."""
        band = Image.new("RGB", (width, LEGEND_HEIGHT), (16, 16, 18))
        draw = ImageDraw.Draw(band)
        font = ImageFont.load_default(10)
        left, right = 6, max(width - 44, 16)
        logs = np.linspace(math.log(self.near), math.log(self.far), right - left)
        bar = self.picture(np.exp(logs).astype(np.float32)[None].repeat(8, axis=0))
        band.paste(Image.fromarray(bar), (left, 4))
        draw.rectangle((right + 6, 4, right + 13, 11), fill=SKY_COLOUR)
        draw.text((right + 17, 1), "sky", fill="white", font=font)
        taken = -math.inf
        unit = f" {self.units}" if self.units else ""
        for i, value in enumerate(_round_values(self.near, self.far)):
            x = left + (right - left) * math.log(value / self.near) / math.log(self.far / self.near)
            text = f"{value:g}{unit if i == 0 else ''}"
            start = max(2.0, x - draw.textlength(text, font=font) / 2)
            if start < taken + 6:
                continue
            draw.line((x, 11, x, 14), fill="white")
            draw.text((start, 14), text, fill="white", font=font)
            taken = start + draw.textlength(text, font=font)
        return np.asarray(band)


def colours_for(
    depths: Iterable[NDArray[np.float32] | None], sigma: float, units: str = ""
) -> DepthColours:
    """The range that fits all depths of a walk, without the last hundredth at either end.

    Around `sigma`, the photo's median depth, where no depth is known.
    """
    samples = []
    for depth in depths:
        if depth is not None:
            sample = depth[::4, ::4]
            samples.append(sample[np.isfinite(sample) & (sample > 0)])
    known = np.concatenate(samples) if samples else np.zeros(0, dtype=np.float32)
    if not known.size:
        return DepthColours(sigma / 4, sigma * 4, units)
    near, far = (float(q) for q in np.quantile(known, (_TAIL, 1.0 - _TAIL)))
    if far < 1.1 * near:
        near, far = near / 1.05, far * 1.05
    return DepthColours(near, far, units)


def _turbo() -> Rgb:
    """(256, 3) uint8 RGB."""
    bgr = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_TURBO)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)[:, 0].astype(np.uint8)


def _round_values(near: float, far: float) -> list[float]:
    """1, 2 and 5 times powers of ten within the range; both ends where there are fewer than two."""
    first, last = math.floor(math.log10(near)), math.ceil(math.log10(far))
    values = [m * 10.0**p for p in range(first, last + 1) for m in (1, 2, 5)]
    inside = [v for v in values if near <= v <= far]
    return inside if len(inside) >= 2 else [float(f"{near:.3g}"), float(f"{far:.3g}")]
