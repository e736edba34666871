"""From the picture's size to the model's and back, for scenes whose truth has the picture's."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.evaluation.clip_files import resized_nearest
from explorer.evaluation.picture_metrics import resized
from explorer.evaluation.scenes import Scene, TrueView
from explorer.walk.photo import SIZE_MULTIPLE
from explorer.walk.sizes import Size, SizeError, Sizes

#: Worlds are rendered in multiples of this.
_RENDERED_MULTIPLE = 8

#: A rendered picture is never cropped: its shape may differ from the model's by so much.
_SHAPE = 0.02


def rendered_sizes(size: Size | None, model_size: Size) -> Size | None:
    """The picture's (width, height) of rendered worlds, None where it is the model's.

    Raises:
        SizeError: they do not fit each other, or cannot be rendered or drawn.
    """
    width, height = model_size
    if width % SIZE_MULTIPLE or height % SIZE_MULTIPLE:
        raise SizeError(
            f"--model-size {width}x{height}: the model draws multiples of {SIZE_MULTIPLE} pixels"
        )
    if size is None or size == model_size:
        return None
    Sizes(model_size, size)  # a picture smaller than the model's is refused
    if size[0] % _RENDERED_MULTIPLE or size[1] % _RENDERED_MULTIPLE:
        raise SizeError(
            f"--size {size[0]}x{size[1]}: worlds are rendered in multiples of "
            f"{_RENDERED_MULTIPLE} pixels"
        )
    if abs(math.log(size[0] * height / (size[1] * width))) > _SHAPE:
        raise SizeError(
            f"--size {size[0]}x{size[1]} and --model-size {width}x{height} differ in shape, and "
            "rendered pictures are not cropped; give two sizes of one shape"
        )
    return size


def at_model_size(truth: Scene, size: Size) -> Scene:
    """The same scene at the model's (width, height), its photo also given at the picture's size.

    The photo is reduced as `open_photo` does, true views by area; depths are never averaged.
    """
    photo = _reduced(truth.photo, _lanczos(truth.photo.rgb, size), size)
    views: dict[int, TrueView] = {id(truth.photo): photo}  # laps show one view many times
    for view in truth.views:
        if id(view) not in views:
            small = resized(view.colours, size[1], size[0])
            rgb = (small * 255.0).round().clip(0, 255).astype(np.uint8)
            views[id(view)] = _reduced(view, rgb, size)
    walked = tuple(views[id(view)] for view in truth.views)
    return replace(truth, photo=photo, views=walked, picture=truth.photo.rgb)


def enlarged(rgb: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at the size of another, by Lanczos."""
    return _lanczos(rgb, (like.shape[1], like.shape[0]))


def _lanczos(rgb: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    resampled = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(resampled, dtype=np.uint8)


def _reduced(view: TrueView, rgb: NDArray[np.uint8], size: Size) -> TrueView:
    depth = view.depth
    if depth is not None:
        depth = resized_nearest(depth, size[1], size[0])
    return TrueView(rgb, depth, view.camera)
