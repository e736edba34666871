"""What real pictures and real walks do to clean worlds: lenses, light, and imperfect depth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Intrinsics


@dataclass(frozen=True)
class Crop:
    """A rectangle of a picture, as shares of its width and height."""

    left: float
    top: float
    width: float
    height: float

    def intrinsics(self, whole: Intrinsics) -> Intrinsics:
        """The lens of the part, given that of the whole."""
        return Intrinsics(
            fx=whole.fx / self.width,
            fy=whole.fy / self.height,
            cx=(whole.cx - self.left) / self.width,
            cy=(whole.cy - self.top) / self.height,
        )


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def random_crop(
    generator: torch.Generator, source: tuple[int, int], target: tuple[int, int], least: float
) -> Crop:
    """A crop of the target's aspect, at least `least` of the largest that fits; sizes (H, W)."""
    (height, width), aspect = source, target[1] / target[0]
    fit_w = min(width, height * aspect) / width
    fit_h = min(height, width / aspect) / height
    share = uniform(generator, least, 1.0)
    # Whole pixels, so that the lens of the part is exact.
    w, h = max(1, round(fit_w * share * width)), max(1, round(fit_h * share * height))
    left = round(uniform(generator, 0, width - w))
    top = round(uniform(generator, 0, height - h))
    return Crop(left / width, top / height, w / width, h / height)


def cut(picture: Tensor, crop: Crop, size: tuple[int, int], nearest: bool = False) -> Tensor:
    """The crop of (V, C, H, W) at `size` (H, W); area-averaged unless `nearest`."""
    height, width = picture.shape[-2:]
    top, left = round(crop.top * height), round(crop.left * width)
    part = picture[
        ...,
        top : top + max(1, round(crop.height * height)),
        left : left + max(1, round(crop.width * width)),
    ]
    if nearest:
        return F.interpolate(part, size=size, mode="nearest-exact")
    return F.interpolate(part, size=size, mode="bilinear", antialias=True, align_corners=False)


@dataclass(frozen=True)
class RolledCrop:
    """A rectangle that lies askew in a picture, as a camera turned about its axis would cut it.

    Depth along the axis is the same for every roll, so a single view turns without its scene.

    Attributes:
        centre: of the rectangle in the whole picture, pixels (x, y).
        half: of its width and height, pixels.
        angle: radians; positive turns the rectangle clockwise in the picture.
    """

    centre: tuple[float, float]
    half: tuple[float, float]
    angle: float

    def intrinsics(self, whole: Intrinsics, size: tuple[int, int]) -> Intrinsics:
        """The lens of the part, given that of the whole, whose pixels are square; size (H, W)."""
        (height, width), (half_x, half_y) = size, self.half
        dx = self.centre[0] - whole.cx * width
        dy = self.centre[1] - whole.cy * height
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return Intrinsics(
            fx=whole.fx * width / (2 * half_x),
            fy=whole.fy * height / (2 * half_y),
            cx=(half_x - (cos * dx + sin * dy)) / (2 * half_x),
            cy=(half_y - (cos * dy - sin * dx)) / (2 * half_y),
        )


def random_rolled_crop(
    generator: torch.Generator,
    source: tuple[int, int],
    target: tuple[int, int],
    least: float,
    roll: float,
) -> RolledCrop:
    """Wholly inside the picture, at least `least` of the largest; sizes (H, W), `roll` radians.

    Most are turned by little: whoever photographs holds the camera nearly level.
    """
    (height, width), aspect = source, target[0] / target[1]
    angle = uniform(generator, -roll, roll) * uniform(generator, 0, 1)
    cos, sin = math.cos(angle), abs(math.sin(angle))
    most = min(width / (cos + aspect * sin), height / (sin + aspect * cos)) / 2
    half_x = most * uniform(generator, least, 1.0)
    reach_x, reach_y = half_x * (cos + aspect * sin), half_x * (sin + aspect * cos)
    centre = (
        uniform(generator, reach_x, width - reach_x),
        uniform(generator, reach_y, height - reach_y),
    )
    return RolledCrop(centre, (half_x, half_x * aspect), angle)


def rolled_cut(
    picture: Tensor, crop: RolledCrop, size: tuple[int, int], nearest: bool = False
) -> Tensor:
    """The crop of (V, C, H, W) at `size` (H, W).

    Unless `nearest`, a pixel is the mean of samples no further apart than pixels of the picture:
    large photos would flicker otherwise.
    """
    height, width = picture.shape[-2:]
    fine = 1 if nearest else max(2, math.ceil(2 * crop.half[0] / size[1]))
    rows, columns = (
        (torch.arange(n * fine, device=picture.device) + 0.5) / (n * fine) * 2 - 1 for n in size
    )
    v, u = torch.meshgrid(rows * crop.half[1], columns * crop.half[0], indexing="ij")
    cos, sin = math.cos(crop.angle), math.sin(crop.angle)
    x = (crop.centre[0] + cos * u - sin * v) * (2 / width) - 1
    y = (crop.centre[1] + sin * u + cos * v) * (2 / height) - 1
    grid = torch.stack([x, y], dim=-1).to(picture).expand(len(picture), -1, -1, -1)
    mode = "nearest" if nearest else "bilinear"
    part = F.grid_sample(picture, grid, mode, padding_mode="border", align_corners=False)
    return part if nearest else F.avg_pool2d(part, fine)


def unevenly_lit(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the time (V, 3, H, W) is brighter here and darker there, each colour a little apart.

    Lamps, windows and lenses do so in photos; in worlds nearly all that darkens is shape.
    """
    if uniform(generator, 0, 1) < 0.5:
        return rgb
    coarse = torch.randn(1, 4, 3, 4, generator=generator).to(rgb)
    field = F.interpolate(coarse, size=rgb.shape[-2:], mode="bicubic", align_corners=False)
    strength = uniform(generator, 0.05, 0.4)
    return rgb * torch.exp(strength * (field[:, :1] + 0.25 * field[:, 1:]))


def photometric(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """One camera's look for all views (V, 3, H, W) in [0, 1]: gain, gamma, tint, noise."""
    gain = torch.tensor([uniform(generator, 0.92, 1.08) for _ in range(3)]).to(rgb)
    out = rgb.clamp(0, 1).pow(uniform(generator, 0.7, 1.4)) * gain[:, None, None]
    out = out * uniform(generator, 0.75, 1.2)
    grey = out.mean(1, keepdim=True)
    out = torch.lerp(grey, out, uniform(generator, 0.5, 1.25))
    pivot = float(out.mean())
    out = (out - pivot) * uniform(generator, 0.75, 1.25) + pivot
    if float(torch.rand((), generator=generator)) < 0.3:
        out = torch.lerp(out, F.avg_pool2d(out, 3, 1, 1, count_include_pad=False), 0.6)
    noise = torch.randn(out.shape, generator=generator).to(out)
    return (out + noise * uniform(generator, 0.0, 0.02)).clamp(0, 1)


def disturbed_depth(depth: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Depth (V, 1, H, W) wrong as a network's is: smooth scale fields, soft edges, lost detail.

    `strength` is the standard deviation of log depth; sky stays sky.
    """
    views, _, height, width = depth.shape
    coarse = torch.randn(views, 1, 3, 4, generator=generator).to(depth)
    fine = torch.randn(views, 1, 6, 10, generator=generator).to(depth)
    field = sum(
        F.interpolate(f, size=(height, width), mode="bicubic", align_corners=False) * weight
        for f, weight in ((coarse, 0.8), (fine, 0.5))
    )
    shared = torch.randn(views, 1, 1, 1, generator=generator).to(depth) * 0.5
    disturbed = depth * torch.exp(strength * (field + shared))
    inverse = torch.where(depth.isinf(), torch.zeros_like(depth), 1.0 / disturbed)
    if float(torch.rand((), generator=generator)) < 0.5:
        inverse = F.avg_pool2d(inverse, 3, 1, 1, count_include_pad=False)
    soft = 1.0 / inverse.clamp_min(1e-9)
    return torch.where(depth.isinf(), depth, soft)
