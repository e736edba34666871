"""Is the model better than what needs no model?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.evaluation.results import GRADIENT_RANGE, PictureSummary


@dataclass(frozen=True)
class Verdict:
    """One kind of picture of one method against every baseline.

    Attributes:
        holes: a higher mean PSNR in holes than each baseline.
        gradient: gradient energy in holes within the range that neither blur nor noise reaches.
        ssim: a higher mean SSIM over whole pictures than each baseline.
    """

    method: str
    picture: str
    holes: bool
    gradient: bool
    ssim: bool

    @property
    def sentence(self) -> str:
        """In plain words."""
        low, high = GRADIENT_RANGE
        return (
            f"{self.method} · {self.picture}: "
            f"{'beats' if self.holes else 'does NOT beat'} every baseline in holes, "
            f"gradient energy {'within' if self.gradient else 'OUTSIDE'} {low}–{high}, "
            f"{'beats' if self.ssim else 'does NOT beat'} every baseline in SSIM"
        )


def judge_against_baselines(summaries: Sequence[PictureSummary]) -> tuple[Verdict, ...]:
    """A verdict for each summary that is no baseline."""
    baselines = [s for s in summaries if s.picture == "baseline"]
    low, high = GRADIENT_RANGE
    return tuple(
        Verdict(
            method=s.method,
            picture=s.picture,
            holes=all(s.hole_psnr > b.hole_psnr for b in baselines),
            gradient=low <= s.hole_gradient <= high,
            ssim=all(s.ssim > b.ssim for b in baselines),
        )
        for s in summaries
        if s.picture != "baseline"
    )
