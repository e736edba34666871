"""A sheet of sample worlds: `python -m engine.training.worlds.sheet OUT.jpg`.

Each cell is the first view of a walk over its depth; the last row is of the family and textures
that training never sees.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.worlds.families import FAMILIES, UNSEEN_FAMILY
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import Sequence, sample_sequence

_HEIGHT, _WIDTH = 144, 256

Bytes = NDArray[np.uint8]


def depth_picture(depth: NDArray[np.float32]) -> Bytes:
    """Depth (H, W) as colours (H, W, 3): near is yellow, far is dark, sky is black."""
    known = np.isfinite(depth)
    scale = float(np.median(depth[known])) if known.any() else 1.0
    nearness = np.where(known, 1 / (1 + depth / scale), 0.0)
    coloured = cv2.applyColorMap((nearness * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def cell(sequence: Sequence) -> Bytes:
    """The first view of a walk over its depth, (2·H, W, 3)."""
    return np.concatenate([sequence.rgb[0], depth_picture(sequence.depth[0])])


def sheet(bank: TextureBank, columns: int, seed: int) -> Bytes:
    """One row for each family, `columns` worlds each."""
    rows = []
    for family in FAMILIES:
        split = "unseen" if family == UNSEEN_FAMILY else "train"
        sequences = [
            sample_sequence(seed + i, 1, _HEIGHT, _WIDTH, split, bank, family=family)
            for i in range(columns)
        ]
        rows.append(np.concatenate([cell(s) for s in sequences], axis=1))
    return np.concatenate(rows)


def save(picture: Bytes, path: Path, most_bytes: int = 600_000) -> None:
    """As PNG or JPEG by the name's ending; a JPEG is compressed until it is small enough."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    qualities = range(92, 30, -6) if path.suffix.lower() in (".jpg", ".jpeg") else range(1)
    for quality in qualities:
        done, data = cv2.imencode(path.suffix, bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise ValueError(f"{path}: the sheet must end in .jpg or .png")
        if data.nbytes <= most_bytes:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sheet", description="A sheet of sample worlds.")
    parser.add_argument("out", type=Path, help="picture to write, .jpg or .png")
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--textures", type=Path, help="folder of photographs")
    options = parser.parse_args(arguments)
    bank = TextureBank.from_folder(options.textures)
    save(sheet(bank, options.columns, options.seed), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
