"""A clip's unknown scale: swept once per scene and method, the baselines too.

A single photo has no scale, and a clip's cameras have one of their own. Every method is given
the scale with which it comes nearest to the truth, so that no method is judged by its luck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.evaluation.scenes import Scene

#: A photo's median depth is sought within these multiples of how far the cameras go.
_LEAST, _MOST = 0.25, 32.0

#: The second, finer look, as powers of two around the best of the first.
FINE_STEPS = (-0.5, -0.25, 0.0, 0.25, 0.5)


@dataclass(frozen=True)
class ScaleTrial:
    """Mean PSNR over some views, had the photo's median depth been `scale` (scene's units)."""

    scale: float
    psnr: float


@dataclass(frozen=True)
class ScaleChoice:
    """The scale that a method was given in a scene, and what was tried."""

    scene: str
    method: str
    scale: float
    trials: tuple[ScaleTrial, ...]


def coarse_scales(scene: Scene) -> list[float]:
    """Half-octave steps over every scale that the scene's motion makes plausible.

    A camera that only turns has no scale: then there is one candidate.
    """
    origin = scene.photo.camera.position
    reach = max(float(np.linalg.norm(view.camera.position - origin)) for view in scene.views)
    if reach < 1e-9:
        return [1.0]
    octaves = np.arange(np.log2(_LEAST), np.log2(_MOST) + 0.01, 0.5)
    return [float(reach * 2.0**octave) for octave in octaves]


def fine_scales(around: float) -> list[float]:
    """Quarter-octave steps around a scale."""
    return [around * 2.0**step for step in FINE_STEPS]


def sweep(
    scene: str, method: str, candidates: Sequence[float], psnr_at: Callable[[float], float]
) -> ScaleChoice:
    """The candidate with the best mean PSNR.

    Raises:
        ValueError: if there is no candidate.
    """
    trials = tuple(ScaleTrial(scale, psnr_at(scale)) for scale in candidates)
    best = max(trials, key=lambda trial: trial.psnr)
    return ScaleChoice(scene, method, best.scale, trials)
