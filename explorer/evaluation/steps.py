"""What more sampling steps buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.evaluation.curves import Curve, Panel
from explorer.evaluation.judging import Tally
from explorer.evaluation.results import GRADIENT_RANGE
from explorer.evaluation.summaries import summarise_depths, summarise_pictures


@dataclass(frozen=True)
class StepRow:
    """Figures of walks drawn with so many sampling steps.

    Attributes:
        method: its name; steps: of the RGB query, and of the depth query.
        seconds: median per view, all parts together.
        depth_abs_rel: of the walk's views, after each view's own scale.
    """

    method: str
    picture: str
    steps: int
    psnr: float
    ssim: float
    hole_psnr: float
    hole_gradient: float
    distance: float
    hole_distance: float
    depth_abs_rel: float
    seconds: float


def summarise_steps(tally: Tally, seconds: Mapping[str, Sequence[float]]) -> list[StepRow]:
    """One row per number of steps and kind of picture.

    Args:
        seconds: medians per walk, by method name ("3 steps").
    """
    depths = {
        s.method: s.by_scale.abs_rel for s in summarise_depths(tally.depths) if s.which == "walk"
    }
    return [
        StepRow(
            method=s.method,
            picture=s.picture,
            steps=int(s.method.split()[0]),
            psnr=s.psnr,
            ssim=s.ssim,
            hole_psnr=s.hole_psnr,
            hole_gradient=s.hole_gradient,
            distance=s.distance,
            hole_distance=s.hole_distance,
            depth_abs_rel=depths.get(s.method, float("nan")),
            seconds=float(np.median(seconds[s.method])),
        )
        for s in summarise_pictures(tally.pictures)
    ]


def step_panels(rows: Sequence[StepRow]) -> list[Panel]:
    """PSNR, SSIM, holes, depth and time over the number of steps."""
    titles = {
        "psnr": "PSNR (dB)",
        "ssim": "SSIM",
        "hole_psnr": "PSNR in holes (dB)",
        "hole_gradient": "gradient energy in holes over the truth's",
        "distance": "distance of looks",
        "hole_distance": "distance of looks in holes",
        "depth_abs_rel": "AbsRel of the walk's depth",
        "seconds": "seconds per view",
    }
    panels = []
    for name, title in titles.items():
        curves = []
        for picture in dict.fromkeys(row.picture for row in rows):
            chosen = sorted((r for r in rows if r.picture == picture), key=lambda r: r.steps)
            ys = tuple(float(getattr(row, name)) for row in chosen)
            curves.append(Curve(picture, tuple(float(row.steps) for row in chosen), ys))
        shared = name in ("depth_abs_rel", "seconds")
        kept = (Curve("", curves[0].x, curves[0].y),) if shared else tuple(curves)
        band = GRADIENT_RANGE if name == "hole_gradient" else None
        panels.append(Panel(title, "sampling steps", kept, band))
    return panels
