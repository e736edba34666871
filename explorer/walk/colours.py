"""Colours as bytes at file and screen borders, as floats in [0, 1] inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def byte_tensor(picture: Tensor) -> Tensor:
    """[0, 1] to 0 … 255, rounded, where the picture lies."""
    return (picture.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)


def array(picture: Tensor) -> NDArray[Any]:
    """A picture that leaves the device: what is final, or goes to a model of others."""
    return picture.cpu().numpy()


def to_bytes(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[0, 1] to 0 … 255, rounded."""
    return np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)


def to_floats(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """0 … 255 to [0, 1]."""
    return picture.astype(np.float32) / np.float32(255)


def enlarged(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) at another (width, height), by Lanczos; as it is where it has that size."""
    if rgb.shape[1::-1] == size:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
