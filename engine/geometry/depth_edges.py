"""What a drawn depth picture needs before it becomes points: no speckle, and edges that are steps.

A network draws depth with soft edges and leaves the guide's texture (leaves, print) in it. Both
tear surfaces apart: each slope and each speckle is a place where nothing is sure, so that a tree
comes back as a blur. Pictures are inverse depth on any scale, (H, W).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


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


def clean_depth_picture(picture: FloatArray, config: EdgeConfig | None = None) -> FloatArray:
    """(H, W) without speckle, with steep edges."""
    config = config or EdgeConfig()
    return with_steep_edges(without_speckle(picture, config.window), config)


def without_speckle(picture: FloatArray, window: int) -> FloatArray:
    """The median of each pixel's `window`² neighbours; the border is repeated."""
    rim = window // 2
    padded = np.pad(picture, rim, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    middle = window * window // 2
    ranked = np.partition(around.reshape(-1, window * window), middle, axis=1)
    return np.ascontiguousarray(ranked[:, middle].reshape(picture.shape), dtype=np.float32)


def with_steep_edges(picture: FloatArray, config: EdgeConfig) -> FloatArray:
    """Slopes of strong edges become steps where they are steepest.

    Each pixel takes the nearer of the lowest and highest value within reach (toggle contrast,
    Kramer and Bruckner 1975), as far as these two are an edge apart.
    """
    side = 2 * config.reach + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    for _ in range(config.times):
        low = cv2.erode(picture, disc, borderType=cv2.BORDER_REPLICATE)
        high = cv2.dilate(picture, disc, borderType=cv2.BORDER_REPLICATE)
        nearer = np.where(high - picture < picture - low, high, low)
        edge = np.clip((high - low) / config.step - 1.0, 0.0, 1.0)
        picture = (picture + edge * (nearer - picture)).astype(np.float32)
    return picture
