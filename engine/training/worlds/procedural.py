"""Procedural textures: small repeating pictures of materials, drawn with numpy.

Every function takes a generator and a size and returns (size, size, 3) float in [0, 1] (sRGB).
Those named in `REPEATING` wrap around at their borders; those in `FITTED` are meant to cover a
face once.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Picture = NDArray[np.float64]


def noise(rng: Random, n: int, fall: float, stretch: tuple[float, float] = (1, 1)) -> Picture:
    """Wrapping noise (n, n) with spectrum 1/f^fall, zero mean, unit deviation."""
    f = np.fft.fftfreq(n) * n
    radius = np.hypot(f[:, None] * stretch[0], f[None, :] * stretch[1])
    radius[0, 0] = 1.0
    spectrum = np.fft.fft2(rng.standard_normal((n, n))) / radius**fall
    spectrum[0, 0] = 0
    out = np.fft.ifft2(spectrum).real
    scaled: Picture = out / (out.std() + 1e-9)
    return scaled


def colour(rng: Random, saturation: float, low: float = 0.3, high: float = 0.9) -> Picture:
    """A random colour (3,) with bounded brightness; warm and blue hues are likelier than others."""
    value = rng.uniform(low, high)
    if rng.random() < 0.6:
        hue = rng.normal(0.35, 0.4)  # reds to yellows
    elif rng.random() < 0.6:
        hue = rng.normal(3.6, 0.4)  # blues
    else:
        hue = rng.uniform(0, 2 * np.pi)
    wave = np.cos(hue - np.array([0.0, 2.09, 4.19]))
    return np.clip(value * (1 + saturation * rng.uniform(0.1, 0.7) * wave), 0, 1)


def earthy(rng: Random, low: float = 0.25, high: float = 0.75) -> Picture:
    """A brown, beige, red-brown or grey colour (3,)."""
    value = rng.uniform(low, high)
    warmth = rng.uniform(0, 0.45)
    return np.clip(value * np.array([1 + warmth * 0.5, 1.0, 1 - warmth]), 0, 1)


def _paint(grey: Picture, base: Picture) -> Picture:
    return np.clip(grey[..., None] * base, 0, 1)


def _grid(n: int) -> tuple[Picture, Picture]:
    y, x = np.mgrid[0:n, 0:n] / n
    return y, x


def plaster(rng: Random, n: int) -> Picture:
    grey = 0.92 + 0.025 * noise(rng, n, 1.6) + rng.uniform(0.005, 0.03) * noise(rng, n, 0.4)
    return _paint(grey, 1 - 0.08 * rng.random(3))


def wallpaper(rng: Random, n: int) -> Picture:
    y, x = _grid(n)
    k = int(rng.integers(2, 7))
    kind = rng.integers(3)
    if kind == 0:
        pattern = (np.sin(2 * np.pi * k * x) > rng.uniform(-0.5, 0.5)).astype(float)
    elif kind == 1:
        pattern = (np.sin(2 * np.pi * k * x) * np.sin(2 * np.pi * k * y) > 0.3).astype(float)
    else:
        bend = 0.3 * np.sin(2 * np.pi * 2 * y)
        pattern = (np.sin(2 * np.pi * (k * x + bend)) + 0.6 * noise(rng, n, 1.8) > 0.6) * 1.0
    a = colour(rng, 0.5, 0.55, 0.95)
    b = np.clip(a * rng.uniform(0.75, 1.15) + rng.normal(0, 0.04, 3), 0, 1)
    out = a + (b - a) * cv2.GaussianBlur(pattern, (3, 3), 0.7)[..., None]
    return np.clip(out * (1 + 0.02 * noise(rng, n, 0.5))[..., None], 0, 1)


def _blocks(
    rng: Random, n: int, rows: int, columns: int, shift: float, gap: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_], Picture, Picture]:
    """Index of the block of each pixel, distance to its joint (blocks), and random per block."""
    y, x = _grid(n)
    row = np.floor(y * rows).astype(int)
    xs = x * columns + (row % 2) * shift
    column = np.floor(xs).astype(int) % columns
    fx, fy = xs % 1, (y * rows) % 1
    joint = (np.minimum(fx, 1 - fx) / columns < gap) | (np.minimum(fy, 1 - fy) / rows < gap)
    return row * columns + column, joint, fx, fy


def brick(rng: Random, n: int) -> Picture:
    rows = int(rng.integers(4, 8)) * 2
    columns = max(2, rows // 3)
    block, joint, _, fy = _blocks(rng, n, rows, columns, 0.5, rng.uniform(0.006, 0.012))
    base = earthy(rng, 0.35, 0.7) * np.array([1.1, rng.uniform(0.65, 1.0), rng.uniform(0.5, 1)])
    shade = rng.normal(1, rng.uniform(0.05, 0.16), rows * columns)[block]
    out = _paint(shade + 0.07 * noise(rng, n, 0.9) - 0.08 * fy, base)
    mortar = _paint(1 + 0.05 * noise(rng, n, 0.5), earthy(rng, 0.5, 0.8))
    return np.where(joint[..., None], mortar, out)


def stone(rng: Random, n: int) -> Picture:
    rows = int(rng.integers(2, 5)) * 2
    columns = int(rng.integers(2, 5))
    block, joint, fx, fy = _blocks(rng, n, rows, columns, rng.uniform(0.3, 0.5), 0.008)
    shade = rng.normal(1, 0.1, rows * columns)[block]
    bulge = 0.12 * np.sin(np.pi * fx) ** 0.4 * np.sin(np.pi * fy) ** 0.4
    out = _paint(0.85 * shade + bulge + 0.09 * noise(rng, n, 1.2), earthy(rng, 0.5, 0.8))
    return np.where(joint[..., None], out * 0.55, out)


def tiles(rng: Random, n: int) -> Picture:
    k = int(rng.integers(2, 7))
    block, joint, _, _ = _blocks(rng, n, k, k, 0.0, rng.uniform(0.004, 0.012))
    base = colour(rng, rng.choice([0.05, 0.1, 0.5]), 0.45, 0.95)
    shade = rng.normal(1, 0.03, k * k)[block]
    if rng.random() < 0.3:
        shade = np.where((block // k + block % k) % 2 == 0, shade, shade * rng.uniform(0.3, 0.8))
    veins = rng.uniform(0, 0.06) * noise(rng, n, 1.5)
    out = _paint(shade + veins, base)
    return np.where(joint[..., None], out * rng.uniform(0.6, 0.9), out)


def planks(rng: Random, n: int) -> Picture:
    k = int(rng.integers(4, 9))
    y, x = _grid(n)
    row = np.floor(y * k).astype(int)
    cut = rng.random(k)[row]
    piece = row * 2 + ((x + cut) % 1 > 0.5)
    grain = noise(rng, n, 1.2, (0.25, 4.0))
    shade = rng.normal(1, rng.uniform(0.04, 0.15), 2 * k)[piece]
    warm = np.array([1.0, rng.uniform(0.62, 0.82), rng.uniform(0.35, 0.65)])
    out = _paint(shade + 0.09 * grain, warm * rng.uniform(0.35, 0.85))
    f = (y * k) % 1
    joint = (f < 0.06) | (np.abs((x + cut) % 0.5) < 0.008)
    return np.where(joint[..., None], out * 0.6, out)


def wood(rng: Random, n: int) -> Picture:
    rings = noise(rng, n, 1.6, (3.0, 0.3))
    grain = 0.5 + 0.5 * np.sin(4 * rings) + 0.25 * noise(rng, n, 0.8, (4.0, 0.25))
    warm = np.array([1.0, rng.uniform(0.55, 0.85), rng.uniform(0.3, 0.7)])
    return _paint(0.85 + 0.15 * grain, warm * rng.uniform(0.25, 0.9))


def parquet(rng: Random, n: int) -> Picture:
    k = 4
    y, x = _grid(n)
    by, bx = np.floor(y * k).astype(int), np.floor(x * k).astype(int)
    flip = (by + bx) % 2 == 0
    across = np.where(flip, (x * k) % 1, (y * k) % 1)
    strip = np.floor(across * 4).astype(int)
    shade = rng.normal(1, 0.1, k * k * 4)[(by * k + bx) * 4 + strip]
    grain = np.where(flip, noise(rng, n, 1.2, (0.3, 3)), noise(rng, n, 1.2, (3, 0.3)))
    out = _paint(shade + 0.06 * grain, np.array([0.75, 0.52, 0.32]) * rng.uniform(0.6, 1.2))
    return np.where(((across * 4) % 1 < 0.07)[..., None], out * 0.7, out)


def carpet(rng: Random, n: int) -> Picture:
    grey = 1 + rng.uniform(0.05, 0.2) * noise(rng, n, 0.1) + 0.06 * noise(rng, n, 1.5)
    return _paint(grey, colour(rng, 0.5, 0.2, 0.75))


def rug(rng: Random, n: int) -> Picture:
    """Borders around a patterned middle."""
    y, x = _grid(n)
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    shades = [colour(rng, 0.9, 0.15, 0.8) for _ in range(5)]
    bands = np.digitize(edge, np.sort(rng.uniform(0.01, 0.25, 3)))
    out = np.stack(shades)[bands]
    k = int(rng.integers(2, 6))
    folded = np.abs(((x * k) % 1) - 0.5) + np.abs(((y * k * 1.5) % 1) - 0.5)
    motif = (np.sin(folded * rng.uniform(10, 30)) > 0.2) & (bands >= 2)
    out = np.where(motif[..., None], shades[4], out)
    return np.clip(out * (1 + 0.12 * noise(rng, n, 0.2))[..., None], 0, 1)


def fabric(rng: Random, n: int) -> Picture:
    y, x = _grid(n)
    base = colour(rng, rng.uniform(0, 0.9), 0.15, 0.85)
    weave = 0.05 * np.sin(2 * np.pi * 32 * x) * np.sin(2 * np.pi * 32 * y)
    out = _paint(1 + weave + 0.06 * noise(rng, n, 0.6) + 0.04 * noise(rng, n, 1.8), base)
    if rng.random() < 0.35:
        k = int(rng.integers(2, 8))
        stripes = (np.sin(2 * np.pi * k * x) > rng.uniform(0, 0.8)).astype(float)
        if rng.random() < 0.5:
            stripes = (stripes + (np.sin(2 * np.pi * k * y) > 0.4)) / 2
        out = out + stripes[..., None] * (colour(rng, 0.7) - out) * rng.uniform(0.3, 0.9)
    return np.clip(out, 0, 1)


def leather(rng: Random, n: int) -> Picture:
    creases = np.abs(noise(rng, n, 1.0))
    grey = 0.85 + 0.1 * np.minimum(creases, 1.5) + 0.06 * noise(rng, n, 1.8)
    return _paint(grey, earthy(rng, 0.08, 0.6))


def concrete(rng: Random, n: int) -> Picture:
    grey = 0.9 + 0.06 * noise(rng, n, 1.5) + 0.04 * noise(rng, n, 0.2)
    return _paint(grey, earthy(rng, 0.45, 0.8) * 0.5 + rng.uniform(0.25, 0.45))


def asphalt(rng: Random, n: int) -> Picture:
    grey = 0.9 + 0.13 * noise(rng, n, 0.1) + 0.06 * noise(rng, n, 1.6)
    cracks = np.abs(noise(rng, n, 1.7)) < 0.02
    return _paint(np.where(cracks, grey * 0.7, grey), np.full(3, rng.uniform(0.3, 0.55)))


def paving(rng: Random, n: int) -> Picture:
    rows, columns = int(rng.integers(2, 5)) * 2, int(rng.integers(2, 5))
    block, joint, _, _ = _blocks(rng, n, rows, columns, rng.choice([0.0, 0.5]), 0.008)
    shade = rng.normal(1, 0.07, rows * columns)[block]
    out = _paint(shade + 0.06 * noise(rng, n, 0.6), earthy(rng, 0.45, 0.75))
    return np.where(joint[..., None], out * 0.6, out)


def grass(rng: Random, n: int) -> Picture:
    blades = noise(rng, n, 0.5, (0.6, 1.4))
    patches = noise(rng, n, 1.7)
    base = np.array([rng.uniform(0.38, 0.55), 0.5, rng.uniform(0.2, 0.32)]) * rng.uniform(0.6, 1.2)
    out = _paint(0.9 + 0.3 * blades, base)
    dry = np.array([0.62, 0.56, 0.34])
    share = np.clip(0.25 + 0.2 * patches, 0, rng.uniform(0.1, 0.8))[..., None]
    return np.clip(out * (1 - share) + dry * share * (0.9 + 0.2 * blades[..., None]), 0, 1)


def foliage(rng: Random, n: int) -> Picture:
    leaves = noise(rng, n, rng.uniform(0.35, 0.8))
    clumps = noise(rng, n, 1.4)
    depth = 1 / (1 + np.exp(-1.5 * (leaves + 0.35 * clumps)))
    base = np.array([rng.uniform(0.42, 0.62), rng.uniform(0.52, 0.6), rng.uniform(0.22, 0.4)])
    if rng.random() < 0.15:
        base = np.array([0.75, rng.uniform(0.35, 0.6), 0.15])
    return _paint(0.12 + 0.95 * depth, base)


def bark(rng: Random, n: int) -> Picture:
    ridges = np.abs(noise(rng, n, 1.2, (0.3, 2.0)))
    return _paint(0.45 + 0.4 * ridges, earthy(rng, 0.3, 0.6))


def rock(rng: Random, n: int) -> Picture:
    ridges = 1 - np.abs(noise(rng, n, 1.4))
    grey = 0.75 + 0.18 * ridges + 0.12 * noise(rng, n, 0.7)
    return _paint(grey, earthy(rng, 0.4, 0.75))


def soil(rng: Random, n: int) -> Picture:
    grey = 0.85 + 0.12 * noise(rng, n, 0.6) + 0.08 * noise(rng, n, 1.6)
    return _paint(grey, earthy(rng, 0.35, 0.75))


def snow(rng: Random, n: int) -> Picture:
    return _paint(0.95 + 0.03 * noise(rng, n, 1.5), np.array([0.95, 0.97, 1.0]))


def water(rng: Random, n: int) -> Picture:
    ripples = noise(rng, n, 1.3, (2.5, 0.6))
    base = np.array([rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.45), rng.uniform(0.35, 0.55)])
    return _paint(0.95 + 0.12 * ripples, base)


def roof(rng: Random, n: int) -> Picture:
    block, _, fx, fy = _blocks(rng, n, 8, 8, 0.5, 0.0)
    shade = rng.normal(0.85, 0.08, 64)[block] + 0.2 * fy - 0.25 * (np.abs(fx - 0.5) > 0.44)
    base = np.array([1.0, rng.uniform(0.5, 1), rng.uniform(0.4, 1)]) * rng.uniform(0.25, 0.6)
    return _paint(shade + 0.05 * noise(rng, n, 0.7), base)


def marble(rng: Random, n: int) -> Picture:
    veins = np.exp(-np.abs(noise(rng, n, 1.7)) * 12)
    base = colour(rng, 0.1, 0.6, 0.95)
    return np.clip(_paint(1 - 0.25 * veins + 0.03 * noise(rng, n, 1.5), base), 0, 1)


def metal(rng: Random, n: int) -> Picture:
    grey = 0.9 + 0.05 * noise(rng, n, 0.8, (4, 0.2)) + 0.04 * noise(rng, n, 1.8)
    return _paint(grey, np.full(3, rng.uniform(0.35, 0.85)))


def clouds(rng: Random, n: int) -> Picture:
    cover = rng.uniform(-0.6, 0.9)
    density = np.clip((noise(rng, n, 1.7) + cover) * rng.uniform(0.4, 1.0), 0, 1)
    return np.repeat(density[..., None], 3, axis=2)


Maker = Callable[[Random, int], Picture]

REPEATING: dict[str, Maker] = {
    f.__name__: f
    for f in (
        plaster, wallpaper, brick, stone, tiles, planks, wood, parquet, carpet, fabric, leather,
        concrete, asphalt, paving, grass, foliage, bark, rock, soil, snow, water, roof, marble,
        metal, clouds,
    )
}  # fmt: skip
