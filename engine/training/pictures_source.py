"""Pictures to train the codec on: photos, and the RGB, DEPTH and XYZ pictures of posed RGB-D.

Every source answers `crop(rng, size)` with one random float picture (3, size, size) in [−1, 1].
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.pictures import depth_to_picture, median_depth, points_to_picture
from engine.geometry.rays import camera_directions
from engine.model.inner_files import inner_name
from engine.training.sequences import SequenceFolder

_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class PictureSource(Protocol):
    def crop(self, rng: np.random.Generator, size: int) -> Tensor: ...


def _random_crop(rng: np.random.Generator, picture: NDArray[Any], size: int) -> NDArray[Any]:
    """A crop after a random shrink (detail at every scale), mirrored at times."""
    height, width = picture.shape[:2]
    smallest = size / min(height, width)
    factor = max(float(rng.uniform(0.45, 1.0)), smallest)
    if abs(factor - 1) > 1e-3:
        shape = (max(size, round(width * factor)), max(size, round(height * factor)))
        picture = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
    y = int(rng.integers(picture.shape[0] - size + 1))
    x = int(rng.integers(picture.shape[1] - size + 1))
    crop = picture[y : y + size, x : x + size]
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _as_tensor(picture: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)


class PhotoFolder:
    """All photos below a folder, kept in memory as bytes."""

    def __init__(self, folder: Path) -> None:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _PHOTO_SUFFIXES)
        read = [cv2.imread(str(p), cv2.IMREAD_COLOR) for p in files]
        self.photos = [cv2.cvtColor(p, cv2.COLOR_BGR2RGB) for p in read if p is not None]
        if not self.photos:
            raise ValueError(
                f"no readable photo below {folder}; give a folder of JPEG or PNG files"
            )

    def crop(self, rng: np.random.Generator, size: int) -> Tensor:
        photo = self.photos[int(rng.integers(len(self.photos)))]
        return _as_tensor(_random_crop(rng, photo.astype(np.float32) / 127.5 - 1.0, size))


class DepthMaps:
    """DEPTH and XYZ pictures of z-depth maps with known lens; unknown depth is filled from beside.

    Args:
        depths: (H, W) float32 maps, inf = sky.
        directions: (H, W, 3) camera directions with z = 1 that belong to each map.
    """

    def __init__(
        self, depths: Sequence[NDArray[np.float32]], directions: Sequence[NDArray[np.float32]]
    ) -> None:
        if not depths:
            raise ValueError("no depth map was given")
        self.depths, self.directions = depths, directions

    def crop(self, rng: np.random.Generator, size: int) -> Tensor:
        index = int(rng.integers(len(self.depths)))
        depth = torch.from_numpy(self.depths[index])
        scale = median_depth(depth) * float(np.exp(rng.uniform(-0.7, 0.7)))
        if rng.random() < 0.75:
            picture = depth_to_picture(depth, scale)[..., None].expand(-1, -1, 3)
        else:
            points = depth[..., None] * torch.from_numpy(self.directions[index])
            picture = points_to_picture(points, scale)
        return _as_tensor(_random_crop(rng, picture.numpy().astype(np.float32), size))


def read_rgbd_depths(folder: Path) -> DepthMaps:
    """Depth maps of a folder with `cameras.json` and 16-bit millimetre PNGs (0 = none → sky)."""
    depths, directions = [], []
    for entry in json.loads((folder / "cameras.json").read_text()):
        if not entry.get("depth"):
            continue
        raw = cv2.imread(str(folder / inner_name(entry["depth"])), cv2.IMREAD_UNCHANGED)
        if raw is None:
            raise ValueError(f"{folder / entry['depth']} is missing or no PNG")
        depth = raw.astype(np.float32) / 1000.0
        depths.append(np.where(depth > 0, depth, np.inf).astype(np.float32))
        v, u = np.mgrid[0 : raw.shape[0], 0 : raw.shape[1]].astype(np.float32)
        x, y = (u - entry["cx"]) / entry["fx"], (v - entry["cy"]) / entry["fy"]
        directions.append(np.stack([x, y, np.ones_like(x)], -1).astype(np.float32))
    return DepthMaps(depths, directions)


class Mixture:
    """Draws from several sources with given shares."""

    def __init__(self, sources: Sequence[tuple[PictureSource, float]]) -> None:
        self.sources = [source for source, _ in sources]
        shares = np.array([share for _, share in sources], dtype=np.float64)
        self.shares = shares / shares.sum()

    def crop(self, rng: np.random.Generator, size: int) -> Tensor:
        return self.sources[int(rng.choice(len(self.sources), p=self.shares))].crop(rng, size)


class Renderings:
    """RGB, DEPTH and XYZ pictures of rendered sequences, a few of which are kept at a time."""

    def __init__(self, folder: SequenceFolder, generator: torch.Generator, uses: int = 30) -> None:
        self.folder, self.generator, self.uses = folder, generator, uses
        self.draws = 0
        self.sequence = folder.draw(generator)

    def crop(self, rng: np.random.Generator, size: int) -> Tensor:
        self.draws += 1
        if self.draws % self.uses == 0:
            self.sequence = self.folder.draw(self.generator)
        view = int(rng.integers(len(self.sequence.cameras)))
        depth = self.sequence.depth[view, 0].numpy()
        if rng.random() < 0.6:
            rgb = self.sequence.rgb[view].permute(1, 2, 0).numpy() * 2 - 1
            return _as_tensor(_random_crop(rng, rgb, size))
        directions = camera_directions(self.sequence.cameras[view], *depth.shape).numpy()
        return DepthMaps([depth], [directions]).crop(rng, size)


def components(source: PictureSource, rng: np.random.Generator, crops: int) -> Tensor:
    """8×8 patches (N, 3, 8, 8) for the codec's linear start."""
    batch = torch.stack([source.crop(rng, 64) for _ in range(crops)])
    patches = batch.unfold(2, 8, 8).unfold(3, 8, 8)  # (B, 3, h, w, 8, 8)
    return patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 8, 8)
