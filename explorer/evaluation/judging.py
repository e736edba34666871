"""Judges walks and baselines against a scene's truth, and collects the records."""

from __future__ import annotations

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
from explorer.evaluation.picture_metrics import score_picture, unit_colours
from explorer.evaluation.poses import CameraMatcher
from explorer.evaluation.results import DepthRecord, PoseRecord, ViewRecord
from explorer.evaluation.scenes import Scene, TrueView
from explorer.evaluation.traces import WalkTrace

Mask = NDArray[np.bool_]

#: Stands for the true picture itself: how exact the camera matcher is at its best.
TRUTH = "truth itself"


#: Pixels, odd.
_HOLE_WIDTH = 5


@dataclass
class Tally:
    """The records of an evaluation so far."""

    pictures: list[ViewRecord] = field(default_factory=list)
    poses: list[PoseRecord] = field(default_factory=list)
    depths: list[DepthRecord] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class JudgedScene:
    """A scene with its holes worked out once for all methods.

    Attributes:
        seen, holes: (H, W) per view; None where they cannot be known.
        matcher: recovers the cameras of drawn views.
    """

    scene: Scene
    seen: tuple[Mask | None, ...]
    holes: tuple[Mask | None, ...]
    matcher: CameraMatcher


def with_true_holes(scene: Scene) -> JudgedScene:
    """Holes are what the photo could not show, by true geometry; needs true depth."""
    shown = [scene.visibility_of(view) for view in scene.views]
    return JudgedScene(
        scene,
        tuple(None if each is None else each.seen for each in shown),
        tuple(None if each is None else each.hole for each in shown),
        CameraMatcher(scene),
    )


def with_warped_holes(scene: Scene, warped: list[WarpedView]) -> JudgedScene:
    """Holes are what the warped photo leaves open, the same for all methods.

    For scenes without true depth: they depend on the depth that the model drew for the photo.
    Only holes that are several pixels wide count; the others come from roughness of that depth.
    """
    brush = np.ones((_HOLE_WIDTH, _HOLE_WIDTH), np.uint8)
    unknown = [(view.coverage < KNOWN_COVERAGE).astype(np.uint8) for view in warped]
    seen = tuple(cv2.morphologyEx(mask, cv2.MORPH_OPEN, brush) == 0 for mask in unknown)
    return JudgedScene(scene, seen, tuple(~mask for mask in seen), CameraMatcher(scene))


def _judge(
    tally: Tally,
    judged: JudgedScene,
    method: str,
    picture: str,
    index: int,
    rgb: NDArray[np.uint8],
) -> None:
    scene = judged.scene
    score = score_picture(unit_colours(rgb), scene.views[index].colours, judged.holes[index])
    tally.pictures.append(
        ViewRecord(scene.name, method, picture, index + 1, scene.ways[index], score)
    )


def judge_walk(
    tally: Tally, judged: JudgedScene, method: str, trace: WalkTrace, cameras: bool = True
) -> None:
    """Everything that can be known of one walk: pictures, depth, and with `cameras` also the
    cameras of its raw pictures."""
    scene = judged.scene
    for index, drawn in enumerate(trace.views):
        _judge(tally, judged, method, "final", index, drawn.final)
        _judge(tally, judged, method, "raw", index, drawn.raw)
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
    record = score_depth(scene.name, method, index, depth, truth.depth)
    if record is not None:
        tally.depths.append(record)


def judge_baselines(
    tally: Tally, judged: JudgedScene, warped: list[WarpedView], cameras: bool = True
) -> None:
    """The photo repeated and the photo warped; with `cameras`, also what the matcher makes of
    the repeated photo (a camera that never moves) and of the truth itself."""
    scene = judged.scene
    for index, view in enumerate(warped):
        _judge(tally, judged, WARP_AND_TELEA, "baseline", index, view.rgb)
        _judge(tally, judged, REPEAT_PHOTO, "baseline", index, scene.photo.rgb)
        if cameras and scene.has_depth:
            judge_pose(tally, judged, REPEAT_PHOTO, index, scene.photo.rgb)
            judge_pose(tally, judged, TRUTH, index, scene.views[index].rgb)


def true_scale(scene: Scene) -> float:
    """σ of the photo by its true depth, in the scene's units."""
    assert scene.photo.depth is not None
    return median_depth(torch.from_numpy(scene.photo.depth))
