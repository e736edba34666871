"""What a walk without a window is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.queries import SamplerSettings
from explorer.walk.ready import EngineOptions
from explorer.walk.records import WalkSettings
from explorer.walk.sizes import MODEL_SIZE, Size, Sizes

#: What the exported cloud may be: the memory's fused surfels, or a point a pixel.
NORMAL, DENSE = "normal", "dense"


@dataclass(frozen=True)
class RunOptions(EngineOptions):
    """The command line's options of a walk, beside those of its engine; None means the default of
    the part that uses it.

    Attributes:
        photo: the picture file.
        out: folder for the results.
        path: a path's name, or a camera file.
        views: how many views to draw, not counting the photo.
        resume: go on with the walk in `out`.
        overwrite: begin anew also where `out` holds an unfinished walk.
        caption: what the photo shows.
        fov: horizontal degrees; None to use the EXIF tags.
        model_size: (width, height) whose pixel count the working size comes near.
        picture_size: (width, height) whose pixel count the pictures may have; None for what the
            device carries.
        raw: show and export the model's pictures.
        points: "normal" for the fused cloud, "dense" for a point a pixel.
        depth_every: every n-th view gets a depth.
        steps, depth_steps: sampling steps of a view and of a depth.
        strategy: how context views are retrieved.
        context_views: how many.
        seed: of all noise.
        depth_prior: a model's name or folder that gives the photo's depth; None for our own.
        depth_kind: what that model's output is; None to know it by the model.
        prior_every_view: that model gives every view's depth, not the photo's alone.
    """

    photo: Path
    out: Path
    path: str = "forth-and-back"
    views: int | None = None
    resume: bool = False
    overwrite: bool = False
    caption: str = ""
    fov: float | None = None
    model_size: Size = MODEL_SIZE
    picture_size: Size | None = None
    raw: bool = False
    points: str = NORMAL
    depth_every: int = 1
    steps: int | None = None
    depth_steps: int | None = None
    strategy: str = "coverage"
    context_views: int | None = None
    seed: int = 0
    depth_prior: str | None = None
    depth_kind: str | None = None
    prior_every_view: bool = False

    @property
    def sizes(self) -> Sizes:
        """As asked for; a SizeError where they do not fit each other."""
        return Sizes(self.model_size, self.picture_size)

    def settings(self) -> WalkSettings:
        """The walk's settings, with defaults filled in."""
        sampler = SamplerSettings(caption=self.caption)
        if self.steps is not None:
            sampler = replace(sampler, rgb_steps=self.steps)
        if self.depth_steps is not None:
            sampler = replace(sampler, depth_steps=self.depth_steps)
        settings = WalkSettings(
            depth_every=self.depth_every,
            strategy=self.strategy,
            raw=self.raw,
            seed=self.seed,
            sampler=sampler,
        )
        if self.context_views is not None:
            settings = replace(settings, context_views=self.context_views)
        return settings
