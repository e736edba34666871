"""Short runs of views in worlds that training never saw, with all that is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.queries.scenes import SceneView
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.walks import NoRoomError
from engine.training.worlds.world import sample_sequence

#: Less than this share of the first view on surfaces gives a scene no scale.
_LEAST_SURFACE = 0.15
_RETRY = 1_000_003


@dataclass(frozen=True, eq=False)
class Sample:
    """Attributes:
    views: in the order of the walk, with true RGB, depth in metres and cameras.
    seed: of the world.
    """

    views: tuple[SceneView, ...]
    family: str
    seed: int
    caption: str = ""

    @property
    def scale(self) -> float:
        """σ: the median depth of the first view, metres."""
        depth = self.views[0].depth
        return float(np.median(depth[np.isfinite(depth)]))


@cache
def _bank() -> TextureBank:
    return TextureBank.procedural()


def world_sample(seed: int, views: int, size: tuple[int, int]) -> Sample:
    """One run of `views` views at (H, W), deterministic by seed."""
    for attempt in range(20):
        try:
            found = sample_sequence(
                seed + attempt * _RETRY, views, *size, split="unseen", textures=_bank()
            )
        except NoRoomError:
            continue
        if np.isfinite(found.depth[0]).mean() >= _LEAST_SURFACE:
            break
    else:
        raise ValueError(f"no world near seed {seed} has room for a camera; take another seed")
    seen = tuple(
        SceneView((rgb / 255.0).astype(np.float32), depth, camera)
        for rgb, depth, camera in zip(found.rgb, found.depth, found.cameras, strict=True)
    )
    return Sample(seen, found.family, seed, found.caption)


def world_samples(
    count: int, views: int, size: tuple[int, int], first_seed: int = 9000
) -> list[Sample]:
    """`count` of them, each in a world of its own."""
    return [world_sample(first_seed + i, views, size) for i in range(count)]
