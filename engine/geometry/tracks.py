"""Chains of pairwise matches: one keypoint of the scene, seen in several views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.geometry.bundle.matches import MatchSight
from engine.geometry.bundle.terms import Indices
from engine.geometry.cameras import Array


@dataclass(frozen=True, eq=False)
class _Keypoints:
    """All places at which matches begin or end.

    Attributes:
        views: (K,); pixels: (K, 2); depths: (K,), nan where unknown.
        ends: (M, 2), the two keypoints of each match.
    """

    views: Indices
    pixels: Array
    depths: Array
    ends: Indices


def tracked(sights: Sequence[MatchSight]) -> list[MatchSight]:
    """Matches rearranged so that all views of a keypoint are matched with one of them.

    That one is the first whose depth is known, so that a point seen by many views has one depth,
    which ties the lengths of their motions together. Chains that meet a view twice hold a wrong
    match somewhere: their matches stay as they are.
    """
    matched = [s for s in sights if len(s)]
    if not matched:
        return []
    points = _keypoints(matched)
    root = _components(len(points.views), points.ends)
    unknown = ~np.isfinite(points.depths)
    order = np.lexsort((points.views, unknown, root))
    pairs, doubled = [], set()
    for group in np.split(order, np.flatnonzero(np.diff(root[order])) + 1):
        if len(np.unique(points.views[group])) < len(group):
            doubled.add(int(root[group[0]]))
        elif not unknown[group[0]]:
            pairs += [(group[0], other) for other in group[1:]]
    pairs += [(a, b) for a, b in points.ends if int(root[a]) in doubled and not unknown[a]]
    return _sights(points, np.array(pairs, dtype=np.intp).reshape(-1, 2))


def _keypoints(sights: Sequence[MatchSight]) -> _Keypoints:
    rows = []
    for s in sights:
        rows.append(np.column_stack([np.full(len(s), s.view_a), s.pixels_a, s.depth_a]))
        rows.append(np.column_stack([np.full(len(s), s.view_b), s.pixels_b, s.depth_b]))
    every = np.concatenate(rows)
    _, first, inverse = np.unique(every[:, :3], axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    ends, at = [], 0
    for s in sights:
        n = len(s)
        ends.append(np.column_stack([inverse[at : at + n], inverse[at + n : at + 2 * n]]))
        at += 2 * n
    kept = every[first]
    return _Keypoints(kept[:, 0].astype(np.intp), kept[:, 1:3], kept[:, 3], np.concatenate(ends))


def _components(count: int, ends: Indices) -> Indices:
    """(count,), the smallest member of each keypoint's chain."""
    root = np.arange(count)
    while True:
        low = root.copy()
        smaller = np.minimum(root[ends[:, 0]], root[ends[:, 1]])
        np.minimum.at(low, ends[:, 0], smaller)
        np.minimum.at(low, ends[:, 1], smaller)
        low = low[low]
        if (low == root).all():
            return root
        root = low


def _sights(points: _Keypoints, pairs: Indices) -> list[MatchSight]:
    """One sight for each pair of views."""
    pairs = np.unique(pairs, axis=0)
    views = points.views[pairs]
    order = np.lexsort((views[:, 1], views[:, 0]))
    pairs, views = pairs[order], views[order]
    bounds = np.flatnonzero(np.any(np.diff(views, axis=0) != 0, axis=1)) + 1
    sights = []
    for part in np.split(pairs, bounds):
        if not len(part):
            continue
        a, b = part.T
        sights.append(
            MatchSight(
                int(points.views[a[0]]),
                int(points.views[b[0]]),
                points.pixels[a],
                points.pixels[b],
                points.depths[a],
                points.depths[b],
            )
        )
    return sights
