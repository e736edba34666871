"""Seed 004: an edit of the first view, carried to the others, against where it truly lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.projection import project, unproject
from engine.queries import Engine, finish
from engine.queries.edit import EditConfig, propagate_edit
from engine.queries.query import BoolArray, FloatArray
from engine.queries.scenes import SceneView
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.clips.editing import frames_to_edit, joined
from explorer.clips.tracking import track_edit
from explorer.evaluation.systems.looks import PictureColumns
from explorer.evaluation.systems.samples import Sample
from explorer.evaluation.systems.tables import SystemTable, row
from explorer.walk.colours import to_bytes, to_floats

#: The edit: bright, so that no world has it already.
PAINT = np.array((0.95, 0.1, 0.55), np.float32)
#: A pixel is the same surface when its depth agrees by this share.
_SAME_SURFACE = 0.05


@dataclass(frozen=True)
class EditOptions:
    """`steps` of each drawing, `seed` of its noise."""

    steps: int = 4
    seed: int = 0


def spot(size: tuple[int, int]) -> BoolArray:
    """(H, W), an ellipse in the middle of the picture."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    axes = (width // 6, height // 5)
    cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, 1, -1)
    return np.asarray(mask > 0)


def where_it_lies(first: SceneView, region: BoolArray, other: SceneView) -> BoolArray:
    """(H, W), the pixels of `other` whose surface is in the region of `first`, by true depth."""
    height, width = region.shape
    points = unproject(torch.from_numpy(other.depth), other.camera).reshape(-1, 3)
    seen = project(points, first.camera, height, width)
    pixels = seen.uv.floor().nan_to_num(-1).long()
    inside = (pixels >= 0).all(-1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
    inside &= seen.depth > 0
    column, line = pixels[:, 0].clamp(0, width - 1), pixels[:, 1].clamp(0, height - 1)
    surface = torch.from_numpy(first.depth)[line, column]
    same = (seen.depth / surface - 1).abs() < _SAME_SURFACE
    painted = torch.from_numpy(region)[line, column] & same & inside
    return np.asarray(painted.numpy().reshape(height, width))


def painted(rgb: FloatArray, region: BoolArray) -> FloatArray:
    """The picture with the edit."""
    return np.where(region[..., None], PAINT, rgb).astype(np.float32)


def carried(engine: Engine, sample: Sample, options: EditOptions) -> list[FloatArray]:
    """The later views with the edit of the first one, as the command draws them."""
    region = spot(sample.views[0].depth.shape[:2])
    frames = [to_bytes(view.rgb) for view in sample.views]
    edited = to_bytes(painted(sample.views[0].rgb, region))
    to_edit = frames_to_edit(frames[1:], list(track_edit(frames, edited, region)))
    config = EditConfig(JointSampling(options.steps))
    noise = noise_of(options.seed, "edit")
    drawn = finish(propagate_edit(engine, to_floats(edited), to_edit, config, noise))
    return [joined(frame, picture) for frame, picture in zip(to_edit, drawn, strict=True)]


def edit_table(
    engine: Engine, samples: list[Sample], options: EditOptions, tell: Callable[[], None]
) -> SystemTable:
    """PSNR where the edit lies or is drawn, and how far the two regions agree."""
    pictures = PictureColumns(engine)
    overlap: dict[str, list[float]] = {"carried": [], "copied": []}
    for sample in samples:
        first = sample.views[0]
        region = spot(first.depth.shape[:2])
        for view, picture in zip(sample.views[1:], carried(engine, sample, options), strict=True):
            true_region = where_it_lies(first, region, view)
            if true_region.mean() < 0.01:
                continue  # it has left the view
            truth = painted(view.rgb, true_region)
            copied = painted(view.rgb, region)
            for name, answer in (("carried", picture), ("copied", copied)):
                shown = _is_paint(answer)
                judged = true_region | shown
                pictures.add(name, str(sample.seed), answer, truth, judged)
                overlap[name].append(float((true_region & shown).sum() / judged.sum()))
        tell()
    rows = tuple(
        row(name, [*pictures.of(name)[:2], shares], trivial=name == "copied")
        for name, shares in overlap.items()
    )
    title = f"an edit of the first view in the next ones, {len(samples)} unseen worlds"
    columns = ("PSNR where it lies ↑", "distance there ↓", "overlap ↑")
    return SystemTable(4, title, columns, (2, 3, 3), rows)


def _is_paint(rgb: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(np.abs(rgb - PAINT).max(-1) < 0.25)
