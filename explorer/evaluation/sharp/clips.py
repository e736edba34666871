"""A real clip at its own size: the larger half of `evaluate clip`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.evaluation.drive import Driver
from explorer.evaluation.judging import JudgedScene, Tally
from explorer.evaluation.picture_metrics import psnr, unit_colours
from explorer.evaluation.progress import Counter
from explorer.evaluation.scale_sweep import FINE_STEPS, ScaleChoice, fine_scales, sweep
from explorer.evaluation.scenes import Scene
from explorer.evaluation.sharp.judging import TwoWalks, judge_two, widened
from explorer.evaluation.sharp.report import SharpTables, sharp_tables
from explorer.evaluation.traces import WalkTrace
from explorer.evaluation.visibility import Visibility
from explorer.walk.records import WalkSettings

#: What its scale is named by.
TWO_SIZES = "two sizes"


class SharpClip:
    """Walks with two sizes through a clip that a walk of one size went through already.

    Args:
        truth: the clip at the picture's size; `scene`: the same at the model's.
        sweep_views: views of the way out that each scale is tried on.
    """

    def __init__(
        self, truth: Scene, scene: Scene, driver: Driver, settings: WalkSettings, sweep_views: int
    ) -> None:
        self.truth, self.scene = truth, replace(scene, picture=truth.photo.rgb)
        self._driver, self._settings = driver, settings
        self._short = self.scene.shortened(sweep_views), truth.shortened(sweep_views)
        self._tally = Tally()

    @property
    def planned_views(self) -> int:
        """Drawn for the scale, drawn, and judged."""
        return len(FINE_STEPS) * len(self._short[0].views) + 2 * len(self.scene.views)

    @property
    def tables(self) -> SharpTables | None:
        """None before the walk."""
        return sharp_tables(self._tally) if self._tally.pictures else None

    def scale(self, around: float, counter: Counter) -> ScaleChoice:
        """Its own, since the larger photo's depth is drawn with more detail."""
        counter.now(f"{TWO_SIZES}: scale")
        small, truth = self._short

        def walk_psnr(scale: float) -> float:
            trace = self._driver.draw(small, self._settings, scale, counter.advance)
            pairs = zip(trace.views, truth.views, strict=True)
            return float(
                np.mean([psnr(unit_colours(drawn.shown), true.colours) for drawn, true in pairs])
            )

        return sweep(self.scene.name, TWO_SIZES, fine_scales(around), walk_psnr)

    def walk(
        self, judged: JudgedScene, plain: WalkTrace, scale: float, counter: Counter
    ) -> TwoWalks:
        """Draws and judges it.

        Args:
            judged: the scene at the model's size; its holes count where the clip has no depth.
            plain: the walk of one size.
        """
        counter.now(TWO_SIZES)
        final = self._driver.draw(self.scene, self._settings, scale, counter.advance)
        walks = TwoWalks(self.truth, final, plain)

        def shown(index: int) -> Visibility | None:
            view = self.truth.views[index]
            if self.truth.has_depth:
                return self.truth.visibility_of(view)
            seen, hole = judged.seen[index], judged.holes[index]
            if seen is None or hole is None:
                return None
            return widened(Visibility(seen, hole), view.rgb.shape[:2])

        counter.now(f"{TWO_SIZES}: judging")
        judge_two(self._tally, walks, judged.yardstick, shown, counter.advance)
        return walks
