"""Which of many pictures are matched with which, and their keypoint matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.geometry.matching import (
    Features,
    Matches,
    MatchingConfig,
    find_features,
    match_features,
)


@dataclass(frozen=True)
class GraphConfig:
    """Attributes:
    matching: features and filters.
    window: each view is matched with this many before it.
    keyframes: and with this many keyframes before those, those that share most with it.
    keyframe_share: a view becomes a keyframe when it shares less than this part of its features
        with the newest keyframe.
    """

    matching: MatchingConfig = field(default_factory=MatchingConfig)
    window: int = 3
    keyframes: int = 2
    keyframe_share: float = 0.25


@dataclass(frozen=True, eq=False)
class Link:
    """Matches between view `a` and a later view `b`."""

    a: int
    b: int
    matches: Matches


#: Keyframes that a view is tried against, the newest and some spread over the older ones.
_TRIED_KEYFRAMES = 8


def match_graph(
    rgbs: Sequence[NDArray[np.uint8]], config: GraphConfig = GraphConfig()
) -> list[Link]:
    """Links between pictures (H, W, 3) uint8 in the order of a path, without empty ones.

    Work grows with the number of pictures, not with its square.
    """
    features = [find_features(rgb, config.matching) for rgb in rgbs]
    links, keyframes = [], [0]
    for b in range(1, len(features)):
        window = range(max(0, b - config.window), b)
        near = {a: _matched(features, a, b, config) for a in window}
        old = [k for k in _spread(keyframes) if k not in window]
        far = sorted((_matched(features, k, b, config) for k in old), key=lambda k: -len(k.matches))
        links += [*near.values(), *far[: config.keyframes]]
        newest = keyframes[-1]
        shared = near[newest] if newest in near else _matched(features, newest, b, config)
        if len(shared.matches) < config.keyframe_share * len(features[b].places):
            keyframes.append(b)
    return [link for link in links if len(link.matches)]


def _matched(features: Sequence[Features], a: int, b: int, config: GraphConfig) -> Link:
    return Link(a, b, match_features(features[a], features[b], config.matching))


def _spread(keyframes: Sequence[int]) -> Iterator[int]:
    """All keyframes while they are few, else the newest half and evenly spread older ones."""
    if len(keyframes) <= _TRIED_KEYFRAMES:
        yield from keyframes
        return
    newest = _TRIED_KEYFRAMES // 2
    older = np.linspace(0, len(keyframes) - newest - 1, _TRIED_KEYFRAMES - newest)
    yield from (keyframes[int(i)] for i in older)
    yield from keyframes[-newest:]
