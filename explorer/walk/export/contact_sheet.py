"""Every n-th view over its depth on one sheet, to see a whole walk at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from explorer.walk.export.depth_colours import LEGEND_HEIGHT, UNKNOWN_COLOUR, DepthColours
from explorer.walk.files import atomic_path

Rgb = NDArray[np.uint8]

_LABEL_HEIGHT = 18
_GAP = 4
_BACKGROUND = (16, 16, 18)
#: Views are made smaller until they have no more pixels than this.
_MOST_PIXELS = 512 * 288


def every_nth(count: int, most: int = 24) -> list[int]:
    """Indices of at most `most` views at an even pace, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(i) for i in np.linspace(0, count - 1, most)]


def write_contact_sheet(
    frames: Sequence[Rgb],
    depths: Sequence[NDArray[np.float32] | None],
    labels: Sequence[str],
    colours: DepthColours,
    target: Path,
) -> None:
    """Write the chosen views in rows, each over its depth and under its label, as they are or
    made smaller; without any depth, the views alone.

    Raises:
        ValueError: no views, or not one depth (or None) and one label for each.
    """
    if not frames or not len(frames) == len(depths) == len(labels):
        raise ValueError(
            f"a sheet needs as many depths and labels as views, not {len(frames)} views, "
            f"{len(depths)} depths, {len(labels)} labels"
        )
    height, width = _cell(frames[0].shape)
    has_depth = any(depth is not None for depth in depths)
    tall = height * (1 + has_depth)
    columns = max(1, min(len(frames), round(math.sqrt(len(frames) * tall / width * 1.6))))
    rows = math.ceil(len(frames) / columns)
    cell_width, cell_height = width + _GAP, tall + _LABEL_HEIGHT + _GAP
    legend_height = LEGEND_HEIGHT if has_depth else 0
    size = (columns * cell_width + _GAP, rows * cell_height + legend_height + _GAP)
    sheet = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for i, (frame, depth, label) in enumerate(zip(frames, depths, labels, strict=True)):
        x, y = _GAP + i % columns * cell_width, i // columns * cell_height
        draw.text((x + 2, y + 2), label, fill="white", font=font)
        sheet.paste(_fitted(frame, (width, height)), (x, y + _LABEL_HEIGHT))
        if not has_depth:
            continue
        below = (x, y + _LABEL_HEIGHT + height)
        if depth is None:
            sheet.paste(UNKNOWN_COLOUR, (*below, x + width, below[1] + height))
            draw.text((x + 6, below[1] + 6), "no depth drawn", fill="white", font=font)
        else:
            sheet.paste(_fitted(colours.picture(depth), (width, height)), below)
    if has_depth:
        legend = colours.legend(min(size[0], 640))
        sheet.paste(Image.fromarray(legend), (0, size[1] - LEGEND_HEIGHT))
    with atomic_path(target) as path:
        sheet.save(path, format="PNG", compress_level=1)


def _cell(shape: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of a view on the sheet."""
    factor = min(1.0, math.sqrt(_MOST_PIXELS / (shape[0] * shape[1])))
    return round(shape[0] * factor), round(shape[1] * factor)


def _fitted(rgb: Rgb, size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(rgb)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
