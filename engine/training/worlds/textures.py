"""A bank of small textures, and pages of them with mipmaps that one gather samples.

Procedural textures always; crops of photographs when a folder is given. An eighth of both is kept
apart for unseen worlds (photographs by the hash of their source's name).
"""

from __future__ import annotations

import csv
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.worlds.fittings import FITTED
from engine.training.worlds.procedural import REPEATING, Random

_VERSION = 8
_UNSEEN_SHARE = 8
_COPIES = {"facade": 48, "shopfront": 24, "poster": 32, "plaster": 8, "clouds": 16, "books": 24}
_DEFAULT_COPIES = 16
_MOST_SURFACES = 320
_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}

Bytes = NDArray[np.uint8]


def linear(display: Tensor) -> Tensor:
    """Display values from 0 to 255 as linear light, in place; their gamma is taken as 2."""
    return display.mul_(1 / 255).square_()


@dataclass(frozen=True)
class TexturePage:
    """The few textures that one world uses, with mipmaps, ready to sample.

    Attributes:
        texels: (count · texels per texture, 3) linear light, all levels one after another.
        size: pixels along a side of the finest level, a power of two.
    """

    texels: Tensor
    size: int

    def joined(self, levels: Bytes) -> TexturePage:
        """With more textures (t, texels, 3) uint8 sRGB behind its own."""
        more = torch.as_tensor(levels).to(self.texels.device).flatten(0, 1).float()
        return TexturePage(torch.cat([self.texels, linear(more)]), self.size)

    def sample(self, index: Tensor, u: Tensor, v: Tensor, level: Tensor) -> Tensor:
        """Bilinear linear-light colours (n, 3) at positions in repeats, from mip `level` (n,)."""
        levels = int(np.log2(self.size))
        offsets = np.cumsum([0] + [(self.size >> m) ** 2 for m in range(levels + 1)])
        m = level.round().clamp(0, levels).to(torch.int64)
        side = torch.bitwise_right_shift(torch.full_like(m, self.size), m)
        table = torch.tensor(offsets, dtype=torch.int64, device=m.device)
        base = index * int(offsets[-1]) + table[m]
        x = (u - u.floor()) * side - 0.5
        y = (v - v.floor()) * side - 0.5
        x0, y0 = x.floor(), y.floor()
        ax, ay = x - x0, y - y0
        mask = side - 1
        xi, yi = x0.to(torch.int64), y0.to(torch.int64)
        xa, xb = xi & mask, (xi + 1) & mask
        ya, yb = base + (yi & mask) * side, base + ((yi + 1) & mask) * side
        corners = torch.stack([ya + xa, ya + xb, yb + xa, yb + xb], dim=1)
        weights = torch.stack([(1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay], dim=1)
        return torch.nn.functional.embedding_bag(
            corners, self.texels, per_sample_weights=weights, mode="sum"
        )


@dataclass(frozen=True)
class TextureBank:
    """Textures by category.

    Attributes:
        levels: (count, texels, 3) uint8 sRGB, every picture with all its mip levels.
        size: pixels along a side of the finest level, a power of two.
        train, unseen: category → indices, disjoint.
    """

    levels: Tensor
    size: int
    train: dict[str, tuple[int, ...]]
    unseen: dict[str, tuple[int, ...]]

    @staticmethod
    def procedural(size: int = 128, seed: int = 0) -> TextureBank:
        """A bank that needs no files; deterministic by seed."""
        pictures, labels = _procedural_pictures(size, seed)
        return _pack(mipmaps(pictures), labels, size)

    @staticmethod
    def from_folder(
        folder: Path | str | None, size: int = 128, cache: Path | str | None = None, seed: int = 0
    ) -> TextureBank:
        """Procedural textures and those made of the photographs below `folder`.

        With `cache`, the packed bank is read from (or written to) that npz file.
        Raises ValueError when the folder holds no picture.
        """
        if folder is None:
            return TextureBank.procedural(size, seed)
        if cache is not None and Path(cache).exists():
            loaded = _read_cache(Path(cache), size)
            if loaded is not None:
                return loaded
        pictures, labels = _procedural_pictures(size, seed)
        more, more_labels = _photo_pictures(Path(folder), size)
        pictures, labels = pictures + more, labels + more_labels
        levels = mipmaps(pictures)
        if cache is not None:
            _write_cache(Path(cache), levels, labels, size)
        return _pack(levels, labels, size)

    def page(self, ids: list[int], device: torch.device | str = "cpu") -> TexturePage:
        """Textures `ids` with mipmaps, in that order."""
        chosen = self.levels[ids].to(device).flatten(0, 1).float()
        return TexturePage(linear(chosen), self.size)

    def pick(self, rng: Random, split: str, *categories: str) -> int:
        """A random texture of one of the categories (each equally likely)."""
        table = self.train if split == "train" else self.unseen
        known = [c for c in categories if table.get(c)]
        if not known:
            raise ValueError(f"no texture of {categories} in the bank's {split} part")
        ids = table[known[int(rng.integers(len(known)))]]
        return ids[int(rng.integers(len(ids)))]


Labels = list[tuple[str, bool]]  # category, unseen


def _procedural_pictures(size: int, seed: int) -> tuple[list[Bytes], Labels]:
    pictures: list[Bytes] = []
    labels: Labels = []
    for name, make in {**REPEATING, **FITTED}.items():
        copies = _COPIES.get(name, _DEFAULT_COPIES)
        for i in range(copies):
            digest = hashlib.sha256(f"{seed}/{name}/{i}".encode()).digest()
            rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
            pictures.append((make(rng, size) * 255 + 0.5).clip(0, 255).astype(np.uint8))
            labels.append((name, i % _UNSEEN_SHARE == _UNSEEN_SHARE - 1))
    return pictures, labels


def _photo_pictures(folder: Path, size: int) -> tuple[list[Bytes], Labels]:
    sources = _sources(folder)
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _PICTURES)
    if not files:
        raise ValueError(f"no JPEG, PNG or WebP picture below the texture folder {folder}")
    surfaces = [p for p in files if _is_surface(p, folder)]
    files = [p for p in files if not _is_surface(p, folder)]
    files += surfaces[:: len(surfaces) // _MOST_SURFACES + 1]
    pictures: list[Bytes] = []
    labels: Labels = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        source = sources.get(name, name)
        unseen = hashlib.sha256(source.encode()).digest()[0] % _UNSEEN_SHARE == 0
        raw = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if raw is None:
            continue
        rgb = cv2.cvtColor(raw, cv2.COLOR_BGR2RGB)
        n = min(rgb.shape[:2])
        y, x = (rgb.shape[0] - n) // 2, (rgb.shape[1] - n) // 2
        crop = rgb[y : y + n, x : x + n]
        square = np.asarray(cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        if _is_surface(path, folder):
            pictures.append(_wrapped(square))
            labels.append(("photo_paving", unseen))
            continue
        pictures.append(square)
        labels.append(("photo", unseen))
        kind = _surface_kind(square)
        if kind:
            pictures.append(_wrapped(square))
            labels.append((kind, unseen))
    return pictures, labels


def _is_surface(path: Path, folder: Path) -> bool:
    """Pictures below a folder with "tex" in its name show one flat surface each."""
    return "tex" in path.relative_to(folder).as_posix().split("/")[0]


def _sources(folder: Path) -> dict[str, str]:
    """File → the photograph that it was cut from, where a manifest.csv tells."""
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        return {}
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {r["file"]: r["path"].split("#")[0] for r in rows if r.get("file") and r.get("path")}


def _surface_kind(rgb: Bytes) -> str | None:
    """Whether an even, detailed crop may serve as leaves or as some rough surface."""
    x = rgb.astype(np.float64) / 255
    grey = x.mean(2)
    blocks = grey.reshape(4, grey.shape[0] // 4, 4, -1).mean((1, 3))
    detail = np.abs(np.diff(grey, axis=1)).mean()
    if detail < 0.025 or blocks.std() > 0.13 or not 0.1 < grey.mean() < 0.85:
        return None
    r, g, b = x.mean((0, 1))
    return "photo_leaves" if g > 1.04 * r and g > 1.25 * b else "photo_rough"


def _wrapped(rgb: Bytes) -> Bytes:
    """Cross-fades a picture with its half-shifted copy so that it repeats without a seam."""
    n = rgb.shape[0]
    t = np.abs(np.linspace(-1, 1, n))
    w = np.clip((1 - np.maximum(t[:, None], t[None, :])) / 0.25, 0, 1)[..., None]
    shifted = np.roll(rgb, (n // 2, n // 2), axis=(0, 1))
    return (w * rgb + (1 - w) * shifted + 0.5).astype(np.uint8)


def mipmaps(pictures: list[Bytes]) -> Bytes:
    """All levels (count, texels, 3), averaged in linear light (gamma taken as 2)."""
    level = np.stack(pictures).astype(np.float32) ** 2
    chain = []
    while True:
        count, n = level.shape[:2]
        chain.append((np.sqrt(level) + 0.5).astype(np.uint8).reshape(count, n * n, 3))
        if n == 1:
            return np.concatenate(chain, axis=1)
        level = level.reshape(count, n // 2, 2, n // 2, 2, 3).mean((2, 4))


def _pack(levels: Bytes, labels: Labels, size: int) -> TextureBank:
    parts: list[dict[str, list[int]]] = [{}, {}]
    for i, (name, unseen) in enumerate(labels):
        parts[unseen].setdefault(name, []).append(i)
    train, held = ({k: tuple(v) for k, v in part.items()} for part in parts)
    return TextureBank(torch.as_tensor(levels), size, train, held)


def _write_cache(path: Path, levels: Bytes, labels: Labels, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        np.savez(
            stream,
            version=_VERSION,
            levels=levels,
            size=size,
            names=np.array([n for n, _ in labels]),
            unseen=np.array([u for _, u in labels]),
        )
    os.replace(name, path)


def _read_cache(path: Path, size: int) -> TextureBank | None:
    """None when the file was written by another version or for another size."""
    with np.load(path, allow_pickle=False) as data:
        if int(data["version"]) != _VERSION or int(data["size"]) != size:
            return None
        labels = [(str(n), bool(u)) for n, u in zip(data["names"], data["unseen"], strict=True)]
        return _pack(data["levels"], labels, size)
