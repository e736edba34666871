"""Filters of pictures that run where the picture lies.

Each has two ways: a plain one in torch, for any device, and for pictures in RAM what OpenCV and
numpy make of it, several times as fast there and without a copy. Both agree to a few units in the
last place (`tests/engine/geometry/test_filters.py` says how many), so that a walk on a GPU never
leaves it.

Pictures are float32 tensors (H, W) or (H, W, C). Borders bear OpenCV's names: "replicate" repeats
the last pixel, "reflect" mirrors the picture with it, "reflect101" without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Border = Literal["replicate", "reflect", "reflect101"]

_OPENCV = {
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "reflect101": cv2.BORDER_REFLECT_101,
}
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_LUMA = (0.299, 0.587, 0.114)


def in_ram(picture: Tensor) -> bool:
    """Whether OpenCV and numpy can look at it where it is."""
    return picture.device.type == "cpu"


def precision(device: torch.device) -> torch.dtype:
    """The finest float that a device computes with."""
    return torch.float32 if device.type == "mps" else torch.float64


def log(x: Tensor) -> Tensor:
    """Natural logarithm."""
    return torch.from_numpy(np.log(x.numpy())) if in_ram(x) else x.log()


def exp(x: Tensor) -> Tensor:
    """e to the power of x."""
    return torch.from_numpy(np.exp(x.numpy())) if in_ram(x) else x.exp()


def percentiles(values: Tensor, percent: Sequence[float]) -> list[float]:
    """Of values (N,), N > 0; between two neighbours where they fall between two."""
    if in_ram(values):
        return [float(x) for x in np.percentile(values.numpy(), percent)]
    ordered, last = values.sort().values, len(values) - 1
    places = [p / 100 * last for p in percent]
    around = [(int(p), min(int(p) + 1, last)) for p in places]
    below, above = ordered[torch.tensor(around, device=values.device)].T.tolist()
    return [a + (b - a) * (p % 1) for a, b, p in zip(below, above, places, strict=True)]


def luma(rgb: Tensor) -> Tensor:
    """Brightness (H, W) of colours (H, W, 3), as in BT.601."""
    if in_ram(rgb):
        return torch.from_numpy(rgb.numpy() @ np.array(_LUMA, np.float32))
    return rgb @ torch.tensor(_LUMA, device=rgb.device)


def gaussian_blur(
    picture: Tensor, sigma: float, border: Border = "reflect101", side: int | None = None
) -> Tensor:
    """Weighted mean of the `side`² pixels around each; by default so many that none counts."""
    side = side or round(8 * sigma + 1) | 1
    if in_ram(picture):
        return _new(
            cv2.GaussianBlur(picture.numpy(), (side, side), sigma, borderType=_OPENCV[border])
        )
    taps = cv2.getGaussianKernel(side, sigma, cv2.CV_32F)[:, 0].tolist()
    return _separable(picture, taps, border)


def box_mean(picture: Tensor, side: int) -> Tensor:
    """Mean of the `side`² pixels around each; the border is mirrored."""
    if in_ram(picture):
        return _new(cv2.blur(picture.numpy(), (side, side), borderType=cv2.BORDER_REFLECT))
    padded = _planes(_padded_around(picture, side // 2, "reflect"))
    return _pictures(F.avg_pool2d(padded, side, stride=1), picture)


def median(picture: Tensor, side: int) -> Tensor:
    """The middle of the `side`² values around each pixel of (H, W), side odd; the border is
    repeated."""
    padded = _padded_around(picture, side // 2, "replicate")
    around = padded.unfold(0, side, 1).unfold(1, side, 1).reshape(*picture.shape, side * side)
    middle = side * side // 2
    if in_ram(picture):
        ranked = np.partition(around.numpy(), middle, axis=-1)[..., middle]
        return torch.from_numpy(np.ascontiguousarray(ranked))
    return around.median(dim=-1).values


def disc(side: int) -> NDArray[np.uint8]:
    """The structuring element that looks most like a disc, (side, side)."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def eroded(picture: Tensor, element: NDArray[np.uint8], border: Border = "replicate") -> Tensor:
    """The least value of (H, W) under the structuring element (h, w) around each pixel."""
    if in_ram(picture):
        return _new(cv2.erode(picture.numpy(), element, borderType=_OPENCV[border]))
    return _extreme(picture, element, border, torch.minimum)


def dilated(picture: Tensor, element: NDArray[np.uint8], border: Border = "replicate") -> Tensor:
    """The greatest value of (H, W) under the structuring element (h, w) around each pixel."""
    if in_ram(picture):
        return _new(cv2.dilate(picture.numpy(), element, borderType=_OPENCV[border]))
    return _extreme(picture, element, border, torch.maximum)


def closed(picture: Tensor, element: NDArray[np.uint8], border: Border = "reflect") -> Tensor:
    """A morphological closing of (H, W): what is dark and narrower than the element fills up."""
    return eroded(dilated(picture, element, border), element, border)


def halved(picture: Tensor) -> Tensor:
    """Every second pixel of the blurred picture, ((H + 1) // 2, (W + 1) // 2): one octave down."""
    if in_ram(picture):
        return _new(cv2.pyrDown(picture.numpy()))
    return _separable(picture, _BINOMIAL, "reflect101", step=2)


def doubled(picture: Tensor, height: int, width: int) -> Tensor:
    """One octave up, to a size that `halved` brings to this one's."""
    if in_ram(picture):
        return _new(cv2.pyrUp(picture.numpy(), dstsize=(width, height)))
    rows = _doubled_rows(picture)[:height]
    return _doubled_rows(rows.transpose(0, 1))[:width].transpose(0, 1)


def read_nearest(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The pixel of (H, W) nearest to columns x and rows y (h, w; 0 at the first pixel's centre)."""
    if in_ram(picture):
        return _new(_remapped(picture, x, y, cv2.INTER_NEAREST))
    return picture[_within(y.round(), picture.shape[0]), _within(x.round(), picture.shape[1])]


def read_linear(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(H, W, C) between its pixels, at columns x and rows y (h, w)."""
    if in_ram(picture):
        return _new(_remapped(picture, x, y, cv2.INTER_LINEAR))
    left, top = x.floor(), y.floor()
    across, down = (x - left)[..., None], (y - top)[..., None]
    rows = [_within(row, picture.shape[0]) for row in (top, top + 1)]
    columns = [_within(column, picture.shape[1]) for column in (left, left + 1)]
    upper, lower = (
        picture[row, columns[0]] * (1 - across) + picture[row, columns[1]] * across for row in rows
    )
    return upper * (1 - down) + lower * down


def _remapped(picture: Tensor, x: Tensor, y: Tensor, how: int) -> NDArray[Any]:
    found = cv2.remap(picture.numpy(), x.numpy(), y.numpy(), how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found)


def _within(index: Tensor, size: int) -> Tensor:
    return index.clamp(0, size - 1).to(torch.int64)


def _new(array: Any) -> Tensor:
    return torch.from_numpy(np.asarray(array))


def _planes(picture: Tensor) -> Tensor:
    """(C, 1, H, W)."""
    return picture.reshape(*picture.shape[:2], -1).permute(2, 0, 1)[:, None]


def _pictures(planes: Tensor, like: Tensor) -> Tensor:
    """Back from `_planes`, to (H, W) or (H, W, C) as `like` is."""
    return planes[:, 0].permute(1, 2, 0).reshape(*planes.shape[2:], *like.shape[2:])


def _padded(picture: Tensor, dim: int, before: int, after: int, border: Border) -> Tensor:
    """With more rows (`dim` 0) or columns (1) before the first and after the last."""
    index = _border_index(picture.shape[dim], before, after, border, picture.device)
    return picture.index_select(dim, index)


def _padded_around(picture: Tensor, rim: int, border: Border) -> Tensor:
    return _padded(_padded(picture, 0, rim, rim, border), 1, rim, rim, border)


def _border_index(
    size: int, before: int, after: int, border: Border, device: torch.device
) -> Tensor:
    index = torch.arange(-before, size + after, device=device)
    if border == "replicate" or size == 1:
        return index.clamp(0, size - 1)
    last = 2 * size - 1 if border == "reflect" else 2 * size - 2
    index = index.remainder(last + (border == "reflect"))
    return torch.minimum(index, last - index)


def _separable(picture: Tensor, taps: Sequence[float], border: Border, step: int = 1) -> Tensor:
    """Weighted sums along the rows and down the columns, at every `step`-th pixel.

    No convolution: graphics chips round its factors to 11 bits unless they are told not to.
    """
    rim = len(taps) // 2
    for dim in (1, 0):
        padded = _padded(picture, dim, rim, rim, border)
        reach = (picture.shape[dim] - 1) // step * step + 1
        shifted = (padded.narrow(dim, i, reach) for i in range(len(taps)))
        if step > 1:
            shifted = (s[:, ::step] if dim else s[::step] for s in shifted)
        picture = torch.stack([tap * s for tap, s in zip(taps, shifted, strict=True)]).sum(0)
    return picture


def _doubled_rows(picture: Tensor) -> Tensor:
    """Twice the rows: each between its neighbours, and the means of two."""
    following = torch.cat([picture[1:], picture[-1:]])
    before = torch.cat([picture[1:2] if len(picture) > 1 else picture[:1], picture[:-1]])
    even, odd = (before + 6 * picture + following) / 8, (picture + following) / 2
    return torch.stack([even, odd], dim=1).flatten(0, 1)


@cache
def _offsets(element: bytes, width: int) -> tuple[tuple[int, int], ...]:
    rows, columns = np.nonzero(np.frombuffer(element, np.uint8).reshape(-1, width))
    return tuple(zip(rows.tolist(), columns.tolist(), strict=True))


def _extreme(picture: Tensor, element: NDArray[np.uint8], border: Border, of: Any) -> Tensor:
    (height, width), (h, w) = picture.shape, element.shape
    padded = _padded(picture, 0, h // 2, h - 1 - h // 2, border)
    padded = _padded(padded, 1, w // 2, w - 1 - w // 2, border)
    shifted = [
        padded[row : row + height, column : column + width]
        for row, column in _offsets(element.tobytes(), w)
    ]
    found: Tensor = shifted[0]
    for other in shifted[1:]:
        found = of(found, other)
    return found
