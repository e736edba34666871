"""What a step of a walk asks for and what it returns: plain, immutable records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.queries import SamplerSettings
from explorer.walk.colours import enlarged
from explorer.walk.depth_fusion import FusedDepth
from memory.pictures.picture import Picture
from memory.retrieval import STRATEGIES
from memory.views import View

#: The strategy that remembers nothing: the model sees the latest view and no warp.
NO_MEMORY = "none"


@dataclass(frozen=True)
class WalkSettings:
    """How views are drawn.

    Attributes:
        depth_every: every n-th view gets a depth and so adds points; 1 for every view.
        context_views: how many remembered views the model is shown, at least 1. The embedded
            weights draw the same from one as from four, beside the memory's own picture.
        strategy: how they are chosen, one of `memory.retrieval.STRATEGIES`, or "none" to walk
            without memory: the latest view is the only context, and nothing is warped.
        use_hint: the model is shown the memory's own picture of the new view.
        use_depth_context: the model is shown the depths of the context views.
        raw: the pictures shown and exported are the model's own; the memory is the same.
        seed: all noise of the walk follows from it.
        sampler: steps and caption.
    """

    depth_every: int = 1
    context_views: int = 2
    strategy: str = "coverage"
    use_hint: bool = True
    use_depth_context: bool = True
    raw: bool = False
    seed: int = 0
    sampler: SamplerSettings = field(default_factory=SamplerSettings)

    def __post_init__(self) -> None:
        for name in ("depth_every", "context_views"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.strategy not in (*STRATEGIES, NO_MEMORY):
            known = ", ".join((*STRATEGIES, NO_MEMORY))
            raise ValueError(f"there is no retrieval strategy {self.strategy!r}; choose {known}")


@dataclass(frozen=True)
class StepProgress:
    """One sampling step is done.

    Attributes:
        view_id: the view being drawn.
        part: "photo depth", "view" or "depth".
        index, total: steps done and steps of this part.
    """

    view_id: int
    part: str
    index: int
    total: int


@dataclass(frozen=True)
class RetrievedView:
    """A remembered view that the model was shown, and the share of the new view that it covers."""

    view_id: int
    share: float


@dataclass(frozen=True, eq=False)
class DrawnView:
    """A view and how it came to be.

    Attributes:
        view: as remembered, at the model's size.
        raw_rgb: (H, W, 3) uint8, the model's picture alone; the photo itself for view 0.
        coverage_map: (H, W) uint8, how much the memory knew of each pixel; 255 is all.
        retrieved: the context views, best first; empty for view 0.
        seconds: by part of the step.
        depth_scale: the factor that brought the model's depth to the memory's; None where too
            little was known, or no depth was drawn.
        depth_spread: relative difference left after that; None as above.
        source_ids: (H, W) int32, the remembered view that a pixel was known from, −1 for none;
            None where nothing was looked up.
        agreement_db: PSNR of the model's own picture against what the memory surely knew; None
            where that was too little to say.
        picture: the view at the picture's size; None in a walk of one size.
    """

    view: View
    raw_rgb: NDArray[np.uint8]
    coverage_map: NDArray[np.uint8]
    retrieved: tuple[RetrievedView, ...]
    seconds: dict[str, float]
    depth_scale: float | None = None
    depth_spread: float | None = None
    source_ids: NDArray[np.int32] | None = None
    agreement_db: float | None = None
    picture: Picture | None = None

    def __post_init__(self) -> None:
        for name in ("raw_rgb", "coverage_map"):
            array = np.array(getattr(self, name), dtype=np.uint8)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.source_ids is not None:
            ids = np.array(self.source_ids, dtype=np.int32)
            ids.setflags(write=False)
            object.__setattr__(self, "source_ids", ids)

    @property
    def coverage(self) -> float:
        """Share of the picture that the memory knew, in [0, 1]."""
        return float(self.coverage_map.mean() / 255.0)

    def shown_rgb(self, raw: bool) -> NDArray[np.uint8]:
        """The picture to show and export, at the picture's size where there is one: the final
        one, or the model's own, enlarged."""
        if self.picture is None:
            return self.raw_rgb if raw else self.view.rgb
        if raw and self.retrieved:  # the photo, and what else was seen, no model drew
            return enlarged(self.raw_rgb, self.picture.size)
        return self.picture.rgb


def with_scale(drawn: DrawnView, fused: FusedDepth | None) -> DrawnView:
    """Also tells how its depth was brought to the memory's."""
    if fused is None or fused.scale is None:
        return drawn
    return replace(drawn, depth_scale=fused.scale, depth_spread=fused.spread)


def unknown_before(view: View) -> DrawnView:
    """A view of which nothing was remembered, and that nothing was drawn for."""
    return DrawnView(view, view.rgb, np.zeros(view.rgb.shape[:2], np.uint8), (), {})
