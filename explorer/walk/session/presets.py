"""Draft, balanced, best: what they choose, and how long a view will take on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from explorer.walk.records import WalkSettings

#: Steps and pixels that the first guess below was measured with.
_GUESS_PIXELS = 256 * 144
#: Seconds a view on two CPU cores at 256x144, before anything was measured on this machine.
_GUESS_FIXED, _GUESS_STEP = 0.39, 0.098
#: How much a new measurement counts.
_WEIGHT = 0.3


@dataclass(frozen=True)
class Preset:
    """Attributes:
    name: shown to the user.
    size: (width, height) whose pixel count the working size comes near.
    rgb_steps, depth_steps, depth_every, context_views: as in `WalkSettings`.
    """

    name: str
    size: tuple[int, int]
    rgb_steps: int
    depth_steps: int
    depth_every: int
    context_views: int

    def applied(self, settings: WalkSettings) -> WalkSettings:
        """The settings with this preset's choices; seed, caption and the rest stay."""
        sampler = replace(settings.sampler, rgb_steps=self.rgb_steps, depth_steps=self.depth_steps)
        return replace(
            settings,
            sampler=sampler,
            depth_every=self.depth_every,
            context_views=self.context_views,
        )


PRESETS = (
    Preset("draft", (192, 112), 1, 1, 2, 1),
    Preset("balanced", (256, 144), 1, 1, 1, 2),
    Preset("best", (384, 216), 1, 1, 1, 4),
)


class SecondsModel:
    """Seconds per view = pixels · (fixed + steps · seconds per step), learned from drawn views."""

    def __init__(self) -> None:
        self._fixed, self._step = _GUESS_FIXED / _GUESS_PIXELS, _GUESS_STEP / _GUESS_PIXELS
        self._measured = False

    @property
    def measured(self) -> bool:
        """The estimates come from this machine."""
        return self._measured

    def learn(self, seconds: Mapping[str, float], steps: int, size: tuple[int, int]) -> None:
        """A view was drawn.

        Args:
            seconds: by part, as in `DrawnView`.
            steps: all sampling steps that it took.
            size: (width, height) of its picture.
        """
        pixels, stepping = size[0] * size[1], seconds.get("steps", 0.0)
        fixed = sum(seconds.values()) - stepping
        weight = _WEIGHT if self._measured else 1.0
        self._fixed += weight * (fixed / pixels - self._fixed)
        self._step += weight * (stepping / max(steps, 1) / pixels - self._step)
        self._measured = True

    def estimate(self, settings: WalkSettings, size: tuple[int, int]) -> float:
        """Seconds per view, on average over views with and without depth."""
        sampler = settings.sampler
        steps = sampler.rgb_steps + sampler.depth_steps / settings.depth_every
        return size[0] * size[1] * (self._fixed + steps * self._step)
