"""Judges walks and baselines against a scene's truth, and collects the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.pictures import median_depth
from explorer.evaluation.baselines import (
    KNOWN_COVERAGE,
    REPEAT_PHOTO,
    WARP_AND_TELEA,
    WarpedView,
)
from explorer.evaluation.depths import score_depth
from explorer.evaluation.picture_metrics import score_picture, unit_colours, worth_judging
from explorer.evaluation.poses import CameraMatcher
from explorer.evaluation.results import DepthRecord, PoseRecord, ViewRecord
from explorer.evaluation.scenes import Scene, TrueView
from explorer.evaluation.traces import WalkTrace
from explorer.evaluation.visibility import EXACT_TOLERANCE
from explorer.evaluation.yardstick.alike import Looks, Yardstick, distance_maps
from explorer.evaluation.yardstick.sets import LooksOfMethod

Mask = NDArray[np.bool_]

#: Stands for the true picture itself: how exact the camera matcher is at its best.
TRUTH = "truth itself"


#: Pixels, odd.
_HOLE_WIDTH = 5


@dataclass
class Tally:
    """The records of an evaluation so far, and how its pictures look, by (method, picture)."""

    pictures: list[ViewRecord] = field(default_factory=list)
    poses: list[PoseRecord] = field(default_factory=list)
    depths: list[DepthRecord] = field(default_factory=list)
    looks: dict[tuple[str, str], LooksOfMethod] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class JudgedScene:
    """A scene with its holes, and how its true views look, worked out once for all methods.

    Attributes:
        seen, holes: (H, W) per view; None where they cannot be known.
        matcher: recovers the cameras of drawn views.
        yardstick, looks: what looks at pictures, and what it sees in the true views.
    """

    scene: Scene
    seen: tuple[Mask | None, ...]
    holes: tuple[Mask | None, ...]
    matcher: CameraMatcher
    yardstick: Yardstick
    looks: Looks


def with_true_holes(scene: Scene, yardstick: Yardstick) -> JudgedScene:
    """Holes are what the photo could not show, by true geometry; needs true depth."""
    shown = [scene.visibility_of(view) for view in scene.views]
    return _judged(
        scene,
        yardstick,
        tuple(None if each is None else each.seen for each in shown),
        tuple(None if each is None else each.hole for each in shown),
    )


def with_warped_holes(scene: Scene, yardstick: Yardstick, warped: list[WarpedView]) -> JudgedScene:
    """Holes are what the warped photo leaves open, the same for all methods.

    For scenes without true depth: they depend on the depth that the model drew for the photo.
    Only holes that are several pixels wide count; the others come from roughness of that depth.
    """
    brush = np.ones((_HOLE_WIDTH, _HOLE_WIDTH), np.uint8)
    unknown = [(view.coverage < KNOWN_COVERAGE).astype(np.uint8) for view in warped]
    seen = tuple(cv2.morphologyEx(mask, cv2.MORPH_OPEN, brush) == 0 for mask in unknown)
    return _judged(scene, yardstick, seen, tuple(~mask for mask in seen))


def _judged(
    scene: Scene,
    yardstick: Yardstick,
    seen: tuple[Mask | None, ...],
    holes: tuple[Mask | None, ...],
) -> JudgedScene:
    looks = yardstick.look([view.colours for view in scene.views])
    return JudgedScene(scene, seen, holes, CameraMatcher(scene), yardstick, looks)


def judge_pictures(
    tally: Tally,
    judged: JudgedScene,
    method: str,
    picture: str,
    pictures: Sequence[NDArray[np.uint8]],
) -> None:
    """One picture (H, W, 3) of each view of the scene, by everything that needs no camera."""
    scene, name = judged.scene, judged.scene.name
    drawn = [unit_colours(rgb) for rgb in pictures]
    true = [view.colours for view in scene.views]
    seen = judged.yardstick.look(drawn)
    maps = distance_maps(seen, judged.looks)
    looks = tally.looks.setdefault((method, picture), LooksOfMethod())
    mixed = []
    for index, (ours, theirs, holes) in enumerate(zip(drawn, true, judged.holes, strict=True)):
        score = score_picture(ours, theirs, holes, maps[index])
        way = scene.ways[index]
        tally.pictures.append(ViewRecord(name, method, picture, index + 1, way, score))
        looks.whole.add(name, judged.looks.pooled[index], seen.pooled[index])
        if holes is not None and worth_judging(holes):
            mixed.append((index, np.where(holes[..., None], ours, theirs)))
    if mixed:
        in_holes = judged.yardstick.look([each for _, each in mixed]).pooled
        for (index, _), pooled in zip(mixed, in_holes, strict=True):
            looks.holes.add(name, judged.looks.pooled[index], pooled)


def judge_walk(
    tally: Tally, judged: JudgedScene, method: str, trace: WalkTrace, cameras: bool = True
) -> None:
    """Everything that can be known of one walk: pictures, depth, and with `cameras` also the
    cameras of its raw pictures."""
    scene = judged.scene
    judge_pictures(tally, judged, method, "final", [drawn.final for drawn in trace.views])
    judge_pictures(tally, judged, method, "raw", [drawn.raw for drawn in trace.views])
    if not scene.has_depth:
        return
    for index, (drawn, truth) in enumerate(zip(trace.views, scene.views, strict=True)):
        if cameras:
            judge_pose(tally, judged, method, index, drawn.raw)
        if drawn.depth is not None:
            judge_depth(tally, scene, method, index + 1, drawn.depth, truth)
    judge_depth(tally, scene, method, 0, trace.photo_depth, scene.photo)


def judge_pose(
    tally: Tally, judged: JudgedScene, method: str, index: int, rgb: NDArray[np.uint8]
) -> None:
    """The camera of one picture against the one asked for, in units of the photo's median depth."""
    scene = judged.scene
    error = judged.matcher.error(rgb, scene.views[index])
    tally.poses.append(
        PoseRecord(
            scene.name,
            method,
            index + 1,
            scene.ways[index],
            error.rotation_degrees if error else None,
            error.translation / true_scale(scene) if error else None,
            error.inliers if error else 0,
        )
    )


def judge_depth(
    tally: Tally,
    scene: Scene,
    method: str,
    index: int,
    depth: NDArray[np.float32],
    truth: TrueView,
) -> None:
    """One depth picture, in the scene's units, where the truth is known."""
    if truth.depth is None:
        return
    exact = scene.depth_tolerance == EXACT_TOLERANCE
    record = score_depth(scene.name, method, index, depth, truth.depth, exact)
    if record is not None:
        tally.depths.append(record)


def judge_baselines(
    tally: Tally, judged: JudgedScene, warped: list[WarpedView], cameras: bool = True
) -> None:
    """The photo repeated and the photo warped; with `cameras`, also what the matcher makes of
    the repeated photo (a camera that never moves) and of the truth itself."""
    scene = judged.scene
    judge_pictures(tally, judged, WARP_AND_TELEA, "baseline", [view.rgb for view in warped])
    judge_pictures(tally, judged, REPEAT_PHOTO, "baseline", [scene.photo.rgb] * len(warped))
    if cameras and scene.has_depth:
        for index in range(len(warped)):
            judge_pose(tally, judged, REPEAT_PHOTO, index, scene.photo.rgb)
            judge_pose(tally, judged, TRUTH, index, scene.views[index].rgb)


def true_scale(scene: Scene) -> float:
    """σ of the photo by its true depth, in the scene's units."""
    assert scene.photo.depth is not None
    return median_depth(torch.from_numpy(scene.photo.depth))
