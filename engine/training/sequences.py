"""Posed RGB-D sequences on disk, as training reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.inner_files import inner_name
from engine.training.worlds.prerender import load_sequence

#: Draws after which a folder is listed again.
_REFRESH = 400


@dataclass(frozen=True)
class PosedSequence:
    """Views of one static scene.

    Attributes:
        rgb: (V, 3, H, W) float32 in [0, 1].
        depth: (V, 1, H, W) float32 z-depth, inf = sky; nan throughout where there is none.
        cameras: one a view.
        caption: a few English words.
        scales: of sequences without depth, about each view's median depth in the cameras' units.
    """

    rgb: Tensor
    depth: Tensor
    cameras: tuple[Camera, ...]
    caption: str
    scales: tuple[float, ...] = ()

    def to(self, device: torch.device) -> PosedSequence:
        return replace(self, rgb=self.rgb.to(device), depth=self.depth.to(device))

    def only(self, view: int) -> PosedSequence:
        """One view, without a copy."""
        one = slice(view, view + 1)
        return replace(
            self,
            rgb=self.rgb[one],
            depth=self.depth[one],
            cameras=self.cameras[one],
            scales=self.scales[one],
        )


class SequenceFolder:
    """Rendered sequences, one npz a file; files may be added while training reads.

    Args:
        taken: which of the files; None for all.
    """

    def __init__(
        self, folders: Sequence[Path], taken: Callable[[Path], bool] | None = None
    ) -> None:
        self.folders, self.taken = list(folders), taken
        self.files: list[Path] = []
        self.draws = 0
        self.refresh()

    def refresh(self) -> None:
        found = (f for folder in self.folders for f in _shown(folder, "*.npz"))
        self.files = sorted(f for f in found if self.taken is None or self.taken(f))
        if not self.files:
            raise ValueError(
                f"no rendered sequence (*.npz) in {', '.join(map(str, self.folders))}; "
                "render some with python -m engine.training.worlds.prerender"
            )

    def draw(self, generator: torch.Generator) -> PosedSequence:
        self.draws += 1
        if self.draws % _REFRESH == 0:
            self.refresh()
        index = int(torch.randint(len(self.files), (), generator=generator))
        return read_sequence(self.files[index])


def _shown(folder: Path, pattern: str) -> Iterator[Path]:
    """Files below a folder; what a leading dot hides, as caches and half-written ones, is not."""
    for path in folder.rglob(pattern):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def read_sequence(path: Path) -> PosedSequence:
    """One file of `engine.training.worlds.prerender`; ValueError where it is damaged."""
    stored = load_sequence(path)
    return PosedSequence(
        rgb=torch.from_numpy(stored.rgb).permute(0, 3, 1, 2).float() / 255.0,
        depth=torch.from_numpy(np.ascontiguousarray(stored.depth, dtype=np.float32))[:, None],
        cameras=tuple(stored.cameras),
        caption=stored.caption,
    )


class RgbdFolder:
    """A real or simulated recording: `cameras.json`, pictures and 16-bit millimetre depth."""

    def __init__(self, folder: Path, views: int = 5, stride: int = 3) -> None:
        self.folder, self.views, self.stride = folder, views, stride
        try:
            entries = json.loads((folder / "cameras.json").read_text())
            self.entries = [entry for entry in entries if entry.get("depth")]
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{folder} is no recording with a cameras.json ({error})") from error
        if len(self.entries) < views:
            raise ValueError(
                f"{folder} has {len(self.entries)} views with depth, fewer than {views}"
            )

    def draw(self, generator: torch.Generator) -> PosedSequence:
        stride = 1 + int(torch.randint(self.stride, (), generator=generator))
        stride = min(stride, (len(self.entries) - 1) // max(self.views - 1, 1))
        last = len(self.entries) - stride * (self.views - 1)
        start = int(torch.randint(last, (), generator=generator))
        chosen = self.entries[start : start + stride * (self.views - 1) + 1 : stride]
        rgb, depth = zip(*(self._read(entry) for entry in chosen), strict=True)
        cameras = tuple(_camera(entry) for entry in chosen)
        return PosedSequence(torch.stack(rgb), torch.stack(depth), cameras, "")

    def _read(self, entry: dict[str, object]) -> tuple[Tensor, Tensor]:
        colour = cv2.imread(str(self.folder / inner_name(entry["file"])), cv2.IMREAD_COLOR)
        raw = cv2.imread(str(self.folder / inner_name(entry["depth"])), cv2.IMREAD_UNCHANGED)
        if colour is None or raw is None:
            raise ValueError(f"{entry['file']} or its depth is missing in {self.folder}")
        rgb = torch.from_numpy(cv2.cvtColor(colour, cv2.COLOR_BGR2RGB)).permute(2, 0, 1).float()
        depth = torch.from_numpy(raw.astype(np.float32) / 1000.0)[None]
        return rgb / 255.0, torch.where(depth > 0, depth, torch.full_like(depth, torch.inf))


def _camera(entry: dict[str, float]) -> Camera:
    """cameras.json counts pixels from their centres: +0.5 moves to this project's corners."""
    width, height = entry["width"], entry["height"]
    lens = Intrinsics(
        fx=entry["fx"] / width,
        fy=entry["fy"] / height,
        cx=(entry["cx"] + 0.5) / width,
        cy=(entry["cy"] + 0.5) / height,
    )
    return Camera(np.array(entry["c2w"], dtype=np.float64), lens)
