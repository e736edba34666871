"""Seed 004: completing partly seen pictures, and repairing warps that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from engine.geometry.cloud_metrics import cloud_distance
from engine.geometry.projection import unproject
from engine.queries import Engine, finish
from engine.queries.answers import ask
from engine.queries.interpolate import InterpolationConfig, interpolate
from engine.queries.query import BoolArray, FloatArray, KnownView, Query
from engine.queries.scenes import SceneView, warp
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from engine.training.augmentation import disturbed_depth
from explorer.evaluation.curves import Curve, Panel
from explorer.evaluation.systems.looks import PICTURE_COLUMNS, PICTURE_DIGITS, PictureColumns
from explorer.evaluation.systems.samples import Sample
from explorer.evaluation.systems.tables import SystemTable, row

HOLE_SHARES = (0.05, 0.2, 0.4, 0.6, 0.8)
#: Places in them whose distance is told, and of the last the kernel distance.
_LOOKED_AT = (1, 4)
DEPTH_ERRORS = (0.0, 0.1, 0.25)
#: Noise levels from which on warps are distrusted; 0 trusts them to the end.
THRESHOLDS = (0.0, 0.4, 0.7)
STEPS = 4
_PATCH = 16
_TELEA_RADIUS = 3.0

Tell = Callable[[], None]


@dataclass(frozen=True)
class CompletionOptions:
    """`seed` of all noise; `steps` of every drawing."""

    steps: int = STEPS
    seed: int = 0


def patch_holes(size: tuple[int, int], share: float, rng: np.random.Generator) -> BoolArray:
    """(H, W), True where a picture is missing: whole patches, `share` of them (at least one)."""
    rows, columns = size[0] // _PATCH, size[1] // _PATCH
    count = max(1, round(share * rows * columns))
    flat = np.zeros(rows * columns, bool)
    flat[rng.choice(rows * columns, count, replace=False)] = True
    small = flat.reshape(rows, columns)
    return np.repeat(np.repeat(small, _PATCH, 0), _PATCH, 1)


def telea(rgb: FloatArray, holes: BoolArray) -> FloatArray:
    """Classical inpainting (Telea 2004) of (H, W, 3) in [0, 1]."""
    painted = cv2.inpaint(
        np.ascontiguousarray((rgb * 255).round().astype(np.uint8)),
        holes.astype(np.uint8),
        _TELEA_RADIUS,
        cv2.INPAINT_TELEA,
    )
    return (painted / 255.0).astype(np.float32)


def completed(
    engine: Engine,
    sample: Sample,
    holes: BoolArray,
    sampling: JointSampling,
    generator: torch.Generator,
) -> FloatArray:
    """The second view, its holes drawn from what is left of it and from the first view."""
    first, second = sample.views[0], sample.views[1]
    views = (KnownView(rgb=first.rgb), KnownView(rgb=second.rgb, seen=~holes))
    size = (int(holes.shape[0]), int(holes.shape[1]))
    answer = finish(ask(engine, Query(size, views), sampling, generator))[1]
    assert answer.rgb is not None
    return np.where(holes[..., None], answer.rgb, second.rgb).astype(np.float32)


def hole_table(
    engine: Engine, samples: list[Sample], options: CompletionOptions, tell: Tell
) -> SystemTable:
    """Holes of 5 to 80 %: drawn, drawn by replacement guidance, inpainted classically."""
    pictures = PictureColumns(engine)
    names = ("completion", "replacement guidance", "Telea inpainting")
    for index, sample in enumerate(samples):
        truth = sample.views[1].rgb
        for place, share in enumerate(HOLE_SHARES):
            rng = np.random.default_rng((options.seed, index, place))
            holes = patch_holes(truth.shape[:2], share, rng)
            noise = noise_of(options.seed, f"holes/{place}")
            direct = JointSampling(options.steps)
            replacing = JointSampling(options.steps, replace=True)
            answers = (
                completed(engine, sample, holes, direct, noise(index)),
                completed(engine, sample, holes, replacing, noise(index)),
                telea(truth, holes),
            )
            for name, answer in zip(names, answers, strict=True):
                pictures.add((name, place), str(sample.seed), answer, truth, holes)
        tell()
    rows = tuple(
        row(
            name,
            [
                *(pictures.of((name, place))[0] for place in range(len(HOLE_SHARES))),
                *(pictures.of((name, place))[1] for place in _LOOKED_AT),
                pictures.of((name, _LOOKED_AT[-1]))[2],
            ],
            trivial=name.startswith("Telea"),
        )
        for name in names
    )
    shares = tuple(100 * share for share in HOLE_SHARES)
    curves = tuple(Curve(r.name, shares, r.values[: len(shares)]) for r in rows)
    return SystemTable(
        4,
        f"holes of a second view, PSNR and distance inside them, {len(samples)} unseen worlds",
        (
            *(f"{share:.0%} missing ↑" for share in HOLE_SHARES),
            *(f"{HOLE_SHARES[place]:.0%} distance ↓" for place in _LOOKED_AT),
            f"{HOLE_SHARES[_LOOKED_AT[-1]]:.0%} KID ↓",
        ),
        (2,) * len(HOLE_SHARES) + (3,) * len(_LOOKED_AT) + (2,),
        rows,
        panels=(Panel("Completion against what is missing", "missing, %", curves),),
    )


def repaired(
    engine: Engine,
    sample: Sample,
    depth: FloatArray,
    trusted_until: float,
    options: CompletionOptions,
    generator: torch.Generator,
) -> FloatArray:
    """The second view from the first, warped by `depth`."""
    first, second = sample.views[0], sample.views[1]
    seen = warp([SceneView(first.rgb, depth, first.camera)], second.camera)
    views = (
        KnownView(rgb=first.rgb, camera=first.camera),
        KnownView(rgb=seen.rgb, camera=second.camera, seen=seen.seen, trusted_until=trusted_until),
    )
    size = (int(depth.shape[0]), int(depth.shape[1]))
    query = Query(size, views, scale=sample.scale)
    answer = finish(ask(engine, query, JointSampling(options.steps), generator))[1]
    assert answer.rgb is not None
    return answer.rgb


def warp_table(
    engine: Engine, samples: list[Sample], options: CompletionOptions, tell: Tell
) -> SystemTable:
    """Warps by wrong depth: trusted to the end, or noised again below a threshold."""
    pictures = PictureColumns(engine)
    names: dict[str, None] = {}
    for index, sample in enumerate(samples):
        first, second = sample.views[0], sample.views[1]
        for place, strength in enumerate(DEPTH_ERRORS):
            generator = torch.Generator().manual_seed(options.seed + 31 * index)
            true = torch.from_numpy(first.depth)[None, None]
            depth = disturbed_depth(true, generator, strength)[0, 0].numpy()
            seen = warp([SceneView(first.rgb, depth, first.camera)], second.camera)
            answers = {"warp + Telea inpainting": telea(seen.rgb, ~seen.seen)}
            for threshold in THRESHOLDS:
                name = "trusted to the end" if not threshold else f"distrusted below {threshold}"
                noise = noise_of(options.seed, f"warps/{place}")(index)
                answers[name] = repaired(engine, sample, depth, threshold, options, noise)
            names |= dict.fromkeys(answers)
            for name, answer in answers.items():
                pictures.add((name, place), str(sample.seed), answer, second.rgb)
        tell()
    places = range(len(DEPTH_ERRORS))
    rows = tuple(
        row(
            name,
            [pictures.of((name, place))[column] for column in (0, 1) for place in places],
            trivial=name.startswith("warp"),
        )
        for name in names
    )
    return SystemTable(
        4,
        f"second view from a warp of wrong depth, PSNR and distance, {len(samples)} unseen worlds",
        (
            *(f"depth error {error:.0%} ↑" for error in DEPTH_ERRORS),
            *(f"{error:.0%} distance ↓" for error in DEPTH_ERRORS),
        ),
        (2,) * len(DEPTH_ERRORS) + (3,) * len(DEPTH_ERRORS),
        rows,
    )


def between_table(
    engine: Engine, samples: list[Sample], options: CompletionOptions, tell: Tell
) -> SystemTable:
    """The view between two, along a known path: drawn, cross-faded, and its points."""
    names = ("interpolation", "warp + Telea inpainting", "cross-fade")
    pictures = PictureColumns(engine)
    chamfer: dict[str, list[float]] = {name: [] for name in names}
    config = InterpolationConfig(sampling=JointSampling(options.steps))
    for index, sample in enumerate(samples):
        first, middle, last = sample.views[0], sample.views[1], sample.views[2]
        noise = noise_of(options.seed, f"between/{index}")
        drawn = finish(interpolate(engine, (first, last), [middle.camera], config, noise))[0]
        assert drawn.warped is not None
        assert drawn.depth is not None
        inpainted = telea(drawn.warped.rgb, ~drawn.warped.seen)
        faded = (first.rgb + last.rgb) / 2
        answers: list[FloatArray] = [drawn.rgb, inpainted, faded.astype(np.float32)]
        for name, answer in zip(names, answers, strict=True):
            pictures.add(name, str(sample.seed), answer, middle.rgb)
        truth = _points(middle.depth, middle)
        apart = cloud_distance(_points(drawn.depth, middle), truth)
        chamfer["interpolation"].append(apart.chamfer / sample.scale)
        tell()
    rows = tuple(
        row(name, [*pictures.of(name), chamfer[name]], trivial=name != "interpolation")
        for name in names
    )
    return SystemTable(
        4,
        f"the view between two, {len(samples)} unseen worlds",
        (*PICTURE_COLUMNS, "Chamfer / σ ↓"),
        (*PICTURE_DIGITS, 4),
        rows,
    )


def _points(depth: FloatArray, view: SceneView) -> torch.Tensor:
    """(N, 3) points of a depth picture, without the sky."""
    points = unproject(torch.from_numpy(depth.astype(np.float32)), view.camera).reshape(-1, 3)
    return points[points.isfinite().all(-1)]
