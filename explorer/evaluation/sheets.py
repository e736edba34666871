"""Comparison sheets: the same views by every method, side by side, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_LABEL_HEIGHT = 18
_LABEL_WIDTH = 110
_GAP = 3


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One method: a label and a picture (H, W, 3) uint8 per column, None where there is none."""

    label: str
    pictures: tuple[NDArray[np.uint8] | None, ...]


def depth_colours(depth: NDArray[np.float32], nearest: float, furthest: float) -> NDArray[np.uint8]:
    """Depth (H, W) as colours by inverse depth: near is bright, sky black, unknown grey."""
    near, far = 1.0 / max(nearest, 1e-6), 1.0 / max(furthest, 1e-6)
    inverse = 1.0 / np.maximum(np.nan_to_num(depth, nan=1.0, posinf=1e9), 1e-6)
    level = np.clip((inverse - far) / max(near - far, 1e-9), 0.0, 1.0)
    bgr = cv2.applyColorMap((level * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    colours = np.ascontiguousarray(bgr[..., ::-1])
    colours[np.isinf(depth)] = 0
    colours[np.isnan(depth)] = 128
    return colours.astype(np.uint8)


def hole_overlay(rgb: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The picture with its holes tinted, to see what had to be invented."""
    tinted = rgb.copy()
    tinted[hole] = (0.5 * tinted[hole] + 0.5 * np.array([255, 0, 160])).astype(np.uint8)
    return tinted


def draw_sheet(columns: Sequence[str], rows: Sequence[SheetRow]) -> NDArray[np.uint8]:
    """A grid with a name above each column and before each row, (H, W, 3) uint8.

    Raises:
        ValueError: if there is no picture, or a row has not one entry per column.
    """
    shapes = [p.shape for row in rows for p in row.pictures if p is not None]
    if not shapes:
        raise ValueError("there is no picture to put on a sheet")
    for row in rows:
        if len(row.pictures) != len(columns):
            raise ValueError(
                f"row '{row.label}' has {len(row.pictures)} pictures, not {len(columns)}"
            )
    height, width = max(s[0] for s in shapes), max(s[1] for s in shapes)
    sheet = Image.new(
        "RGB",
        (
            _LABEL_WIDTH + len(columns) * (width + _GAP),
            _LABEL_HEIGHT + len(rows) * (height + _GAP),
        ),
        "white",
    )
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for index, name in enumerate(columns):
        x = _LABEL_WIDTH + index * (width + _GAP)
        pen.text((x + 4, 3), name, fill="black", font=font)
    for line, row in enumerate(rows):
        y = _LABEL_HEIGHT + line * (height + _GAP)
        pen.text((4, y + 4), row.label.replace(", ", "\n"), fill="black", font=font)
        for index, picture in enumerate(row.pictures):
            if picture is not None:
                sheet.paste(Image.fromarray(picture), (_LABEL_WIDTH + index * (width + _GAP), y))
    return np.asarray(sheet, dtype=np.uint8)


def evenly(count: int, shown: int) -> list[int]:
    """At most `shown` indices below `count`, evenly spread, the last included."""
    if count <= shown:
        return list(range(count))
    return sorted({int(i) for i in np.linspace(0, count - 1, shown).round()})
