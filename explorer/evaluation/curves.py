"""Curves as a picture, drawn without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

INK = (40, 40, 48)
GRID = (222, 222, 228)
#: Colours that stay apart for colour-blind readers (Okabe and Ito).
PALETTE = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (90, 90, 90),
)
PANEL_WIDTH, PANEL_HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 46, 44


@dataclass(frozen=True)
class Curve:
    """One line: equally many x and y; a y that is not finite leaves a gap."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """Curves that share their axes. `band`, if given, shades a range of y that is aimed for."""

    title: str
    x_label: str
    curves: tuple[Curve, ...]
    band: tuple[float, float] | None = None
    logarithmic_x: bool = False


def draw_panels(panels: Sequence[Panel], columns: int = 2) -> NDArray[np.uint8]:
    """All panels side by side, (H, W, 3) uint8.

    Raises:
        ValueError: if there is no panel.
    """
    if not panels:
        raise ValueError("there is no curve to draw")
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    sheet = Image.new("RGB", (columns * PANEL_WIDTH, rows * PANEL_HEIGHT), "white")
    for index, panel in enumerate(panels):
        corner = (index % columns * PANEL_WIDTH, index // columns * PANEL_HEIGHT)
        sheet.paste(_draw_panel(panel), corner)
    return np.asarray(sheet, dtype=np.uint8)


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Pixel of a value."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = np.log(low), np.log(high), np.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def _limits(values: Sequence[float], margin: float) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    spread = (high - low) or max(abs(high), 1.0) * 0.1
    return low - margin * spread, high + margin * spread


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) within [low, high]."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** np.floor(np.log10(rough))
    step = next((m * power for m in (1.0, 2.0, 5.0) if m * power >= rough), 10.0 * power)
    first = int(np.ceil(low / step - 1e-9))
    return [float(k * step) for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _draw_panel(panel: Panel) -> Image.Image:
    image = Image.new("RGB", (PANEL_WIDTH, PANEL_HEIGHT), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    xs = [value for curve in panel.curves for value in curve.x]
    ys = [value for curve in panel.curves for value in curve.y]
    x_low, x_high = (min(xs), max(xs)) if panel.logarithmic_x else _limits(xs, 0.03)
    x_axis = _Axis(x_low, x_high, _LEFT, PANEL_WIDTH - _RIGHT, panel.logarithmic_x)
    y_axis = _Axis(*_limits([*ys, *(panel.band or ())], 0.08), PANEL_HEIGHT - _BOTTOM, _TOP)
    if panel.band is not None:
        low, high = y_axis.place(panel.band[0]), y_axis.place(panel.band[1])
        pen.rectangle((x_axis.start, high, x_axis.end, low), fill=(236, 246, 236))
    _draw_axes(pen, font, panel, x_axis, y_axis, sorted(set(xs)))
    for index, curve in enumerate(panel.curves):
        _draw_curve(pen, curve, PALETTE[index % len(PALETTE)], x_axis, y_axis)
    _draw_legend(pen, font, panel.curves)
    return image


def _draw_axes(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    panel: Panel,
    x_axis: _Axis,
    y_axis: _Axis,
    xs: Sequence[float],
) -> None:
    for tick in ticks(y_axis.low, y_axis.high):
        y = y_axis.place(tick)
        pen.line((x_axis.start, y, x_axis.end, y), fill=GRID)
        pen.text((x_axis.start - 6, y), f"{tick:g}", fill=INK, font=font, anchor="rm")
    few = len(xs) <= 8
    for tick in xs if few or panel.logarithmic_x else ticks(x_axis.low, x_axis.high):
        x = x_axis.place(tick)
        pen.line((x, y_axis.start, x, y_axis.start + 4), fill=INK)
        pen.text((x, y_axis.start + 6), f"{tick:g}", fill=INK, font=font, anchor="ma")
    corners = (x_axis.start, y_axis.end, x_axis.end, y_axis.start)
    pen.rectangle(corners, outline=INK)
    pen.text((PANEL_WIDTH / 2, 8), panel.title, fill=INK, font=font, anchor="ma")
    middle = (x_axis.start + x_axis.end) / 2
    pen.text((middle, PANEL_HEIGHT - 8), panel.x_label, fill=INK, font=font, anchor="ms")


def _draw_curve(
    pen: ImageDraw.ImageDraw, curve: Curve, colour: tuple[int, int, int], x: _Axis, y: _Axis
) -> None:
    previous: tuple[float, float] | None = None
    for x_value, y_value in zip(curve.x, curve.y, strict=True):
        if not np.isfinite(y_value):
            previous = None
            continue
        here = (x.place(x_value), y.place(y_value))
        if previous is not None:
            pen.line((*previous, *here), fill=colour, width=2)
        pen.ellipse((here[0] - 2, here[1] - 2, here[0] + 2, here[1] + 2), fill=colour)
        previous = here


def _draw_legend(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    curves: Sequence[Curve],
) -> None:
    x = float(_LEFT)
    for index, curve in enumerate(curves):
        if not curve.label:
            continue
        pen.line((x, 34, x + 16, 34), PALETTE[index % len(PALETTE)], 3)
        pen.text((x + 21, 34), curve.label, fill=INK, font=font, anchor="lm")
        x += 38 + pen.textlength(curve.label, font=font)
