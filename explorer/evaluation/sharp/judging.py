"""Judges a walk of two sizes, and one of one size enlarged, at the picture's size.

Both walk the same cameras with the same noise; the enlarged one is what people got before there
were two sizes. Views are judged one by one: what the yardstick sees in a large picture takes some
20 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.evaluation.clip_files import resized_nearest
from explorer.evaluation.depths import score_depth
from explorer.evaluation.judging import Tally
from explorer.evaluation.methods import MAIN
from explorer.evaluation.picture_metrics import psnr, resized, score_picture, unit_colours
from explorer.evaluation.results import ViewRecord
from explorer.evaluation.scenes import Scene, TrueView
from explorer.evaluation.sharp.sizes import enlarged
from explorer.evaluation.traces import WalkTrace
from explorer.evaluation.visibility import EXACT_TOLERANCE, Visibility
from explorer.evaluation.yardstick.alike import Yardstick, distance_maps

#: What people get, and today's picture of one size by Lanczos: (method, picture).
FINAL = (MAIN, "final")
ENLARGED = ("enlarged", "baseline")

Rgb = NDArray[np.uint8]
Depth = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TwoWalks:
    """Attributes:
    truth: the scene at the picture's size.
    final: the walk of two sizes; `plain`: the same cameras at the model's size alone.
    """

    truth: Scene
    final: WalkTrace
    plain: WalkTrace

    def pictures(self, index: int) -> dict[tuple[str, str], Rgb]:
        """Of one view, at the picture's size.

        Raises:
            ValueError: the walk of two sizes gave none of that size.
        """
        true = self.truth.views[index].rgb
        drawn, plain = self.final.views[index].shown, self.plain.views[index].final
        if drawn.shape != true.shape:
            raise ValueError(
                f"the walk through {self.truth.name} gave view {index + 1} at "
                f"{drawn.shape[1]}x{drawn.shape[0]}, not at {true.shape[1]}x{true.shape[0]}"
            )
        return {FINAL: drawn, ENLARGED: enlarged(plain, true)}

    def depths(self, index: int) -> dict[tuple[str, str], Depth | None]:
        """Of one view, in the scene's units; index −1 is the photo."""
        if index < 0:
            plain: Depth | None = self.plain.photo_depth
            drawn = self.final.photo_picture_depth
            shape = self.truth.photo.rgb.shape
        else:
            plain, drawn = self.plain.views[index].depth, self.final.views[index].shown_depth
            shape = self.truth.views[index].rgb.shape
        return {
            FINAL: drawn,
            ENLARGED: None if plain is None else resized_nearest(plain, *shape[:2]),
        }


def judge_two(
    tally: Tally,
    walks: TwoWalks,
    yardstick: Yardstick,
    shown_of: Callable[[int], Visibility | None],
    on_view: Callable[[], None],
) -> None:
    """Pictures and depths of all views, and the photo's depth.

    Args:
        shown_of: what the photo shows of a view, by its index; None where that is unknown.
        on_view: called after each view.
    """
    truth = walks.truth
    small = walks.plain.photo.rgb.shape[:2]
    for index, view in enumerate(truth.views):
        shown, true = shown_of(index), view.colours
        looks = yardstick.look([true])
        for (method, picture), rgb in walks.pictures(index).items():
            ours = unit_colours(rgb)
            apart = distance_maps(yardstick.look([ours]), looks)[0]
            holes, known = (None, None) if shown is None else (shown.hole, shown.seen)
            score = score_picture(ours, true, holes, apart, known)
            score = replace(score, reduced_psnr=psnr(resized(ours, *small), resized(true, *small)))
            tally.pictures.append(
                ViewRecord(truth.name, method, picture, index + 1, truth.ways[index], score)
            )
        _judge_depths(tally, walks, index, view)
        on_view()
    _judge_depths(tally, walks, -1, truth.photo)


def _judge_depths(tally: Tally, walks: TwoWalks, index: int, view: TrueView) -> None:
    if view.depth is None:
        return
    exact = walks.truth.depth_tolerance == EXACT_TOLERANCE
    for (method, _), depth in walks.depths(index).items():
        if depth is not None:
            name = walks.truth.name
            record = score_depth(name, method, index + 1, depth, view.depth, exact)
            if record is not None:
                tally.depths.append(record)


def widened(shown: Visibility, shape: tuple[int, int]) -> Visibility:
    """What the photo shows, from the model's size to the picture's (height, width)."""

    def wide(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return resized_nearest(mask.astype(np.float32), *shape) > 0.5

    return Visibility(seen=wide(shown.seen), hole=wide(shown.hole))
