"""What a drawn depth picture needs before it becomes points: no speckle, and edges that are steps.

A network draws depth with soft edges and leaves the guide's texture (leaves, print) in it. Both
tear surfaces apart: each slope and each speckle is a place where nothing is sure, so that a tree
comes back as a blur. Pictures are inverse depth on any scale, (H, W).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.filters import dilated, disc, eroded, median
from engine.geometry.pictures import SKY_LEVEL


@dataclass(frozen=True)
class EdgeConfig:
    """Attributes:
    window: side of the median's window, pixels, odd; what is thinner than half of it goes.
    reach: pixels by which an edge is gathered each time.
    step: differences within reach that are half an edge, in the picture's units; twice as much
        is a whole one, and less than this is left as it is.
    times: how often edges are gathered.
    """

    window: int = 7
    reach: int = 2
    step: float = 0.1
    times: int = 3

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0:
            raise ValueError(f"a median's window is odd, not {self.window} pixels")


def clean_depth_picture(picture: Tensor, config: EdgeConfig | None = None) -> Tensor:
    """(H, W) without speckle (the median of a window), with steep edges."""
    config = config or EdgeConfig()
    return with_steep_edges(median(picture, config.window), config)


def with_steep_edges(picture: Tensor, config: EdgeConfig) -> Tensor:
    """Slopes of strong edges become steps where they are steepest.

    Each pixel takes the nearer of the lowest and highest value within reach (toggle contrast,
    Kramer and Bruckner 1975), as far as these two are an edge apart.
    """
    around = disc(2 * config.reach + 1)
    for _ in range(config.times):
        low, high = eroded(picture, around), dilated(picture, around)
        nearer = torch.where(high - picture < picture - low, high, low)
        edge = ((high - low) / config.step - 1.0).clamp(0.0, 1.0)
        picture = picture + edge * (nearer - picture)
    return picture


#: Shares of a picture's pixels: less is no thing, and less that hangs in the sky alone no thing
#: either, unless it comes in from the rim. Less sky that something surrounds is a pane.
_SPECK, _CLOUD, _PANE = 0.001, 0.01, 0.06


def without_specks(picture: Tensor) -> Tensor:
    """A picture of depth (H, W) without islands in the sky, splinters of sky in walls, and panes.

    What hangs in the sky unconnected is as far as the sky. A splinter is as deep as the median of
    what surrounds it. So is what a window shows, on the plane of its wall: half of a pane is taken
    for sky and the bars are not, and seen from aside such a window comes to pieces.
    """
    values = picture.float().cpu().numpy().copy()
    sky = values < SKY_LEVEL
    if not sky.any():
        return picture
    for labels, index, box in _parts(~sky):
        if box.area < (_CLOUD if box.inside(values) else _SPECK) * values.size:
            values[labels == index] = -1.0
    sky = values < SKY_LEVEL
    for labels, index, box in _parts(sky):
        inside = box.inside(values)
        if box.area < (_PANE if inside else _SPECK) * values.size:
            part = labels == index
            around = cv2.dilate(part.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            around &= ~sky
            if around.any():
                fill = _plane_through if inside else _median_of
                values[part] = fill(values, around, part)
    return torch.as_tensor(values).to(picture)


def _median_of(
    values: NDArray[np.float32], around: NDArray[np.bool_], _: NDArray[np.bool_]
) -> NDArray[np.float32]:
    return np.asarray(np.median(values[around]), np.float32)


def _plane_through(
    values: NDArray[np.float32], around: NDArray[np.bool_], part: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The plane through most of what is around, at the pixels of a part, never beyond it."""

    def places(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        rows, columns = np.nonzero(mask)
        return np.stack([np.ones(len(rows)), rows, columns], axis=1)

    known, at = values[around].astype(np.float64), places(around)
    low, high = np.percentile(known, (10, 90))
    most = (known >= low) & (known <= high)
    plane = np.linalg.lstsq(at[most], known[most], rcond=None)[0]
    return np.asarray((places(part) @ plane).clip(low, high), np.float32)


class _Box(NamedTuple):
    x: int
    y: int
    right: int
    bottom: int
    area: int

    def inside(self, picture: NDArray[np.float32]) -> bool:
        """It touches no border of the picture."""
        rows, columns = picture.shape
        return self.x > 0 and self.y > 0 and self.right < columns and self.bottom < rows


def _parts(mask: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.int32], int, _Box]]:
    """Connected parts of a mask: their labels, which of them, and where."""
    count, found, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    labels = np.asarray(found, np.int32)
    for index in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[index])
        yield labels, index, _Box(x, y, x + width, y + height, area)
