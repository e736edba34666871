"""Pictures that cover a face once: façade bays, doors, shop fronts, books, screens, posters.

Same signature as in `procedural`: (generator, size) → (size, size, 3) float in [0, 1] (sRGB).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.worlds.procedural import (
    Maker,
    Picture,
    Random,
    brick,
    colour,
    concrete,
    earthy,
    noise,
    plaster,
    rug,
    stone,
)


def _clipped(x: Picture) -> Picture:
    out: Picture = np.clip(x, 0.0, 1.0)
    return out


def _rectangle(picture: Picture, box: tuple[float, float, float, float], paint: Picture) -> None:
    """Fills x0, y0, x1, y1 (fractions of the picture)."""
    n = picture.shape[0]
    x0, y0, x1, y1 = (round(v * n) for v in box)
    picture[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = paint


def _glass(rng: Random, n: int) -> Picture:
    """A pane: sky above, something dark below, sometimes a curtain or a lit room."""
    y = np.linspace(0, 1, n)[:, None, None]
    top, low = colour(rng, 0.2, 0.3, 0.85), colour(rng, 0.2, 0.03, 0.25)
    level = rng.uniform(0.1, 0.7)
    out = low + (top - low) / (1 + np.exp((y - level) * rng.uniform(3, 14)))
    out = np.repeat(out, n, axis=1) * (1 + 0.12 * noise(rng, n, 1.7)[..., None])
    if rng.random() < 0.3:
        w = round(rng.uniform(0.15, 0.45) * n)
        out[:, :w] = out[:, n - w :] = colour(rng, 0.2, 0.5, 0.9)
    if rng.random() < 0.12:
        out = out * 0.3 + np.array([1.0, 0.8, 0.5]) * rng.uniform(0.4, 0.8)
    return _clipped(out)


def _window(rng: Random, n: int, frame: Picture, panes: tuple[int, int]) -> Picture:
    out = _glass(rng, n)
    t = rng.uniform(0.03, 0.07)
    for i in range(panes[0] + 1):
        x = i / panes[0]
        _rectangle(out, (x - t, 0, x + t, 1), frame)
    for i in range(panes[1] + 1):
        y = i / panes[1]
        _rectangle(out, (0, y - t, 1, y + t), frame)
    return out


def _place(out: Picture, part: Picture, box: tuple[float, float, float, float]) -> None:
    n = out.shape[0]
    x0, y0, x1, y1 = (round(v * n) for v in box)
    out[y0:y1, x0:x1] = cv2.resize(part, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)


def facade(rng: Random, n: int) -> Picture:
    """One storey, one or two bays, repeating both ways."""
    wall = [brick, plaster, stone, concrete][int(rng.choice(4, p=[0.35, 0.35, 0.2, 0.1]))]
    out = wall(rng, n)
    if wall is plaster:
        out = out * colour(rng, 0.35, 0.5, 1.0)
    frame = colour(rng, 0.1, 0.75, 1.0) if rng.random() < 0.7 else colour(rng, 0.5, 0.08, 0.35)
    bays = int(rng.choice([1, 2, 2, 3]))
    panes = (int(rng.integers(1, 3)), int(rng.integers(1, 4)))
    w = rng.uniform(0.38, 0.68) / bays
    top, bottom = rng.uniform(0.12, 0.25), rng.uniform(0.68, 0.92)
    trim = np.clip(out.mean((0, 1)) * rng.uniform(0.8, 1.35), 0, 1)
    for i in range(bays):
        x = (i + 0.5) / bays
        if rng.random() < 0.8:
            m = rng.uniform(0.015, 0.03)
            _rectangle(out, (x - w / 2 - m, top - m, x + w / 2 + m, bottom + m), trim)
        _place(out, _window(rng, n // 2, frame, panes), (x - w / 2, top, x + w / 2, bottom))
        _rectangle(out, (x - w / 2, top, x + w / 2, top + 0.015), frame * 0.3)
        _rectangle(out, (x - w * 0.6, bottom, x + w * 0.6, bottom + 0.03), trim * 1.0)
    if rng.random() < 0.4:
        _rectangle(out, (0, 0, 1, rng.uniform(0.02, 0.05)), trim)
    return _clipped(out)


def curtain_wall(rng: Random, n: int) -> Picture:
    """Office façade: bands or a grid of glass."""
    out = np.tile(_glass(rng, n)[:, :1], (1, n, 1)) * (1 + 0.1 * noise(rng, n, 1.6)[..., None])
    columns = int(rng.integers(1, 5))
    for i in range(columns):
        pane = (i / columns, 0, (i + 1) / columns, 1)
        n0, n1 = round(pane[0] * n), round(pane[2] * n)
        out[:, n0:n1] *= rng.uniform(0.7, 1.3)
    frame = colour(rng, 0.1, 0.15, 0.8)
    for i in range(columns):
        _rectangle(out, (i / columns, 0, i / columns + 0.03, 1), frame)
    _rectangle(out, (0, 0, 1, rng.uniform(0.08, 0.4)), colour(rng, 0.2, 0.2, 0.8))
    return _clipped(out)


def _bytes(x: Picture) -> NDArray[np.uint8]:
    return (x * 255 + 0.5).clip(0, 255).astype(np.uint8)


def lettering(rng: Random, n: int, paper: Picture, ink: Picture) -> Picture:
    """Words that mean nothing."""
    out = _bytes(np.ones((n, n, 3)) * paper)
    rows = int(rng.integers(1, 4))
    for i in range(rows):
        word = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWZ"), int(rng.integers(3, 8))))
        scale = n / 128 * rng.uniform(0.7, 1.6)
        at = (round(0.05 * n), round((i + 0.75) / rows * n))
        thick = max(1, round(scale * 2))
        cv2.putText(out, word, at, int(rng.integers(0, 5)), scale, _bytes(ink).tolist(), thick)
    return out / 255.0


def shopfront(rng: Random, n: int) -> Picture:
    """Sign above, glass with goods, a door."""
    out = np.ones((n, n, 3)) * colour(rng, 0.6, 0.1, 0.7)
    goods = _glass(rng, n) * 0.6
    for _ in range(int(rng.integers(5, 18))):
        x, y = rng.uniform(0, 0.9), rng.uniform(0.3, 0.9)
        w, h = rng.uniform(0.03, 0.2), rng.uniform(0.05, 0.3)
        _rectangle(goods, (x, y, x + w, y + h), colour(rng, 0.9, 0.1, 0.9) * 0.8)
    sign = lettering(rng, n, colour(rng, 0.9, 0.1, 0.95), colour(rng, 0.8, 0.1, 1.0))
    _place(out, goods, (0.04, 0.28, 0.68, 0.92))
    _place(out, _window(rng, n // 2, colour(rng, 0.3, 0.1, 0.8), (1, 2)), (0.74, 0.28, 0.95, 0.97))
    _place(out, sign[n // 4 : 3 * n // 4], (0.02, 0.06, 0.98, 0.24))
    for x in rng.uniform(0.1, 0.6, int(rng.integers(0, 3))):
        _rectangle(out, (x, 0.28, x + 0.02, 0.92), out[2, 2])
    return _clipped(out)


def door(rng: Random, n: int) -> Picture:
    base = earthy(rng, 0.3, 0.7) if rng.random() < 0.5 else colour(rng, 0.3, 0.3, 1.0)
    out = np.ones((n, n, 3)) * base * (1 + 0.04 * noise(rng, n, 1.0, (0.3, 3))[..., None])
    columns, rows = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    for i in range(columns):
        for j in range(rows):
            x0, x1 = (i + 0.18) / columns, (i + 0.82) / columns
            y0, y1 = 0.06 + (j + 0.1) / rows * 0.88, 0.06 + (j + 0.9) / rows * 0.88
            _rectangle(out, (x0, y0, x1, y1), base * 0.72)
            _rectangle(out, (x0 + 0.02, y0 + 0.015, x1, y1), base * 1.12)
            _rectangle(out, (x0 + 0.03, y0 + 0.025, x1 - 0.02, y1 - 0.02), base * 0.95)
    x = rng.choice([0.06, 0.88])
    _rectangle(out, (x, 0.48, x + 0.06, 0.54), np.full(3, rng.uniform(0.2, 0.9)))
    return _clipped(out)


def books(rng: Random, n: int) -> Picture:
    """A full shelf of spines."""
    out = np.ones((n, n, 3)) * 0.05
    x = 0.0
    while x < 1:
        w, h = rng.uniform(0.02, 0.08), rng.uniform(0.6, 0.97)
        spine = colour(rng, rng.uniform(0.1, 1.0), 0.1, 0.9)
        _rectangle(out, (x, 1 - h, x + w * 0.92, 1), spine)
        _rectangle(out, (x, 1 - h * 0.85, x + w * 0.92, 1 - h * 0.7), colour(rng, 0.4, 0.1, 1.0))
        x += w
    return _clipped(out * (1 + 0.05 * noise(rng, n, 0.5)[..., None]))


def screen(rng: Random, n: int) -> Picture:
    if rng.random() < 0.4:
        return np.clip(0.04 + 0.03 * noise(rng, n, 1.8)[..., None] * np.ones(3), 0, 1)
    out = np.ones((n, n, 3)) * colour(rng, 0.6, 0.1, 0.9)
    for _ in range(int(rng.integers(2, 9))):
        x, y = rng.uniform(0, 0.7, 2)
        box = (x, y, x + rng.uniform(0.1, 0.6), y + rng.uniform(0.05, 0.6))
        _rectangle(out, box, colour(rng, 0.6, 0.05, 1.0))
    return _clipped(out)


def poster(rng: Random, n: int) -> Picture:
    """A framed print: noise painting, shapes or words."""
    kind = rng.integers(3)
    if kind == 0:
        out = lettering(rng, n, colour(rng, 0.5, 0.1, 1.0), colour(rng, 0.6, 0.0, 1.0))
    elif kind == 1:
        field = np.stack([noise(rng, n, 1.7) for _ in range(3)], axis=2)
        out = colour(rng, 0.5) + 0.2 * field
    else:
        shapes = _bytes(np.ones((n, n, 3)) * colour(rng, 0.4, 0.4, 1.0))
        for _ in range(int(rng.integers(3, 12))):
            at = tuple(int(v) for v in rng.integers(0, n, 2))
            paint = _bytes(colour(rng, 0.9, 0.05, 1.0)).tolist()
            cv2.circle(shapes, at, int(rng.integers(n // 16, n // 3)), paint, -1)
        out = shapes / 255.0
    frame = colour(rng, 0.4, 0.05, 0.9)
    t = rng.uniform(0.02, 0.07)
    for box in ((0, 0, 1, t), (0, 1 - t, 1, 1), (0, 0, t, 1), (1 - t, 0, 1, 1)):
        _rectangle(out, box, frame)
    return _clipped(out)


def cupboard(rng: Random, n: int) -> Picture:
    """One door or two drawers with a handle."""
    base = colour(rng, 0.15, 0.6, 1.0) if rng.random() < 0.5 else earthy(rng, 0.3, 0.75)
    out = np.ones((n, n, 3)) * base * (1 + 0.03 * noise(rng, n, 1.2, (3, 0.3))[..., None])
    rows = int(rng.choice([1, 1, 2, 3]))
    metal = np.full(3, rng.uniform(0.15, 0.8))
    for j in range(rows):
        y0, y1 = j / rows, (j + 1) / rows
        _rectangle(out, (0, y0, 1, y0 + 0.015), base * 0.4)
        _rectangle(out, (0, y0, 0.015, y1), base * 0.4)
        if rows == 1:
            _rectangle(out, (0.84, 0.1, 0.89, 0.35), metal)
        else:
            _rectangle(out, (0.35, y0 + 0.12 / rows, 0.65, y0 + 0.22 / rows), metal)
    return _clipped(out)


def carfront(rng: Random, n: int) -> Picture:
    """Grille, lamps and plate across the end of a car."""
    base = np.full(3, 0.75)
    out = np.ones((n, n, 3)) * base
    _rectangle(out, (0.2, 0.25, 0.8, 0.55), np.full(3, rng.uniform(0.03, 0.3)))
    lamp = np.array([1.0, 1.0, 0.9]) if rng.random() < 0.5 else np.array([0.8, 0.08, 0.05])
    _rectangle(out, (0.02, 0.22, 0.18, 0.5), lamp)
    _rectangle(out, (0.82, 0.22, 0.98, 0.5), lamp)
    _rectangle(out, (0.35, 0.62, 0.65, 0.76), np.array([0.95, 0.9, rng.uniform(0.3, 0.95)]))
    _rectangle(out, (0, 0.86, 1, 1), np.full(3, 0.08))
    return _clipped(out)


FITTED: dict[str, Maker] = {
    f.__name__: f
    for f in (
        facade, curtain_wall, shopfront, door, books, screen, poster, cupboard, carfront, rug,
    )
}  # fmt: skip
