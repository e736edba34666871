"""Loss curves as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

_WIDTH, _HEIGHT, _MARGIN = 900, 420, 48
_COLOURS = [
    (214, 39, 40),
    (31, 119, 180),
    (44, 160, 44),
    (255, 127, 14),
    (148, 103, 189),
    (0, 0, 0),
]


def plot_losses(log: Path, picture: Path) -> None:
    """Draws every loss of a `log.jsonl` over its steps, on a logarithmic axis, as a PNG."""
    rows = [json.loads(line) for line in log.read_text().splitlines() if line]
    names = sorted({name for row in rows for name in row["losses"]})
    values = [v for row in rows for v in row["losses"].values() if v > 0]
    if len(rows) < 2 or not values:
        return
    low, high = np.log10(min(values)), np.log10(max(values)) + 1e-6
    steps = [row["step"] for row in rows]
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)

    def place(step: int, value: float) -> tuple[int, int]:
        x = _MARGIN + (step - steps[0]) / max(1, steps[-1] - steps[0]) * (_WIDTH - 5 * _MARGIN)
        y = _HEIGHT - _MARGIN - (np.log10(value) - low) / (high - low) * (_HEIGHT - 2 * _MARGIN)
        return round(x), round(float(y))

    for value in np.logspace(low, high, 5):
        _, y = place(steps[0], float(value))
        cv2.line(canvas, (_MARGIN, y), (_WIDTH - 4 * _MARGIN, y), (225, 225, 225), 1)
        _write(canvas, f"{value:.3f}", (2, y + 4), (90, 90, 90))
    for index, name in enumerate(names):
        colour = _COLOURS[index % len(_COLOURS)]
        points = [place(r["step"], r["losses"][name]) for r in rows if r["losses"].get(name, 0) > 0]
        cv2.polylines(canvas, [np.array(points, np.int32)], False, colour, 2, cv2.LINE_AA)
        _write(canvas, name, (_WIDTH - 4 * _MARGIN + 8, _MARGIN + 20 * index), colour)
    _write(canvas, f"step {steps[-1]}", (_WIDTH - 5 * _MARGIN, _HEIGHT - 16), (90, 90, 90))
    # The drawing above is in RGB; OpenCV writes BGR.
    cv2.imwrite(str(picture), cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))


def _write(
    canvas: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
