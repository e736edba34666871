"""Named results of an evaluation: one record per view, summaries over many, comparisons."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.geometry.depth_boundaries import BoundaryScore
from explorer.evaluation.picture_metrics import PictureScore
from explorer.evaluation.scenes import Way
from explorer.evaluation.yardstick.together import KernelDistance

#: Gradient energy in holes over the truth's: within this range a picture is neither blurred
#: nor noisy enough to win unfairly.
GRADIENT_RANGE = (0.7, 1.3)


@dataclass(frozen=True)
class ViewRecord:
    """One picture of one method, judged against the true view.

    Attributes:
        method: name of the settings or baseline; `picture`: "final", "raw" or "baseline".
        index: place in the walk, from 1; way: "out" or "back".
    """

    scene: str
    method: str
    picture: str
    index: int
    way: Way
    score: PictureScore


@dataclass(frozen=True)
class PoseRecord:
    """Where a drawn view was really taken from, by matching it to the true view.

    Attributes:
        rotation_degrees, translation: error of the recovered camera, translation in units of the
            photo's median true depth; None where too few matches were found.
        matches: how many inliers support it.
    """

    scene: str
    method: str
    index: int
    way: Way
    rotation_degrees: float | None
    translation: float | None
    matches: int


@dataclass(frozen=True)
class DepthScore:
    """AbsRel and the share of pixels within a factor of 1.25, after one kind of alignment."""

    abs_rel: float
    delta1: float


@dataclass(frozen=True)
class DepthRecord:
    """Depth of one view against the true depth.

    Attributes:
        index: 0 for the photo, then the place in the walk.
        by_scale: after this view's own best scale (median ratio).
        by_scale_shift: after this view's own scale and shift in inverse depth.
        by_walk_scale: with the one scale that the photo was given, so that drift counts.
        boundaries: within each reach of `depths.REACHES`, which need no scale; none where the
            truth is measured: its steps are not exact.
    """

    scene: str
    method: str
    index: int
    by_scale: DepthScore
    by_scale_shift: DepthScore
    by_walk_scale: DepthScore
    boundaries: tuple[BoundaryScore, ...] = ()


@dataclass(frozen=True)
class KnownSummary:
    """Means over views of what the photo shows in them; only tables of two sizes have it.

    Attributes:
        gradient: energy in all of it over the truth's; `gradient_median`: the median of the
            views' own ratios.
    """

    views: int
    share: float
    psnr: float
    ssim: float
    distance: float
    gradient: float
    gradient_median: float


@dataclass(frozen=True)
class PictureSummary:
    """Means over views; `hole_*` over the views whose holes are large enough.

    Attributes:
        hole_gradient: energy in all holes over the truth's; `hole_gradient_median`: the median
            of the views' own ratios.
        distance: how different the pictures look (`yardstick.alike`), 0 to 4.
        kernel_distance: of all pictures from all true ones (`yardstick.together`);
            `hole_kernel_distance`: with the truth wherever there is no hole. None where the
            pictures are too few.
        known: what the photo shows, where that was judged apart.
        reduced_psnr: of pictures reduced to the model's size, where there are two: where things
            stand, apart from how sharp they are.
    """

    method: str
    picture: str
    scenes: int
    views: int
    psnr: float
    psnr_out: float
    psnr_back: float
    ssim: float
    ssim_out: float
    ssim_back: float
    hole_views: int
    hole_share: float
    hole_psnr: float
    hole_psnr_out: float
    hole_psnr_back: float
    hole_ssim: float
    hole_gradient: float
    hole_gradient_median: float
    distance: float = math.nan
    distance_out: float = math.nan
    distance_back: float = math.nan
    hole_distance: float = math.nan
    hole_distance_out: float = math.nan
    hole_distance_back: float = math.nan
    kernel_distance: KernelDistance | None = None
    hole_kernel_distance: KernelDistance | None = None
    known: KnownSummary | None = None
    reduced_psnr: float = math.nan


@dataclass(frozen=True)
class PoseSummary:
    """Medians and means over the views whose camera could be recovered."""

    method: str
    views: int
    failures: int
    rotation_degrees_median: float
    rotation_degrees_mean: float
    translation_median: float
    translation_mean: float


@dataclass(frozen=True)
class DepthSummary:
    """Means over views: `which` is "photo" or "walk"."""

    method: str
    which: str
    views: int
    by_scale: DepthScore
    by_scale_shift: DepthScore
    by_walk_scale: DepthScore
    boundaries: tuple[BoundaryScore, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A method against a baseline, scene by scene.

    Attributes:
        difference: mean over scenes of method − baseline; `standard_error`: of that mean.
        wins: scenes in which the method is better, out of `scenes`.
    """

    method: str
    baseline: str
    measure: str
    difference: float
    standard_error: float
    wins: int
    scenes: int
