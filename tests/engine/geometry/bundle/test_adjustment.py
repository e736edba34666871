"""Derivatives against differences, and cameras that come back."""

from dataclasses import replace

import numpy as np
import pytest

from engine.geometry.bundle.adjustment import BundleConfig, _Bundle, adjust
from engine.geometry.bundle.matches import MatchSight, MatchTable, match_errors
from engine.geometry.bundle.terms import PER_VIEW, BundleState, PointSight, TermConfig
from engine.geometry.lenses import LensModel, moved_lens
from engine.geometry.rotations import rotation_from_vector

VIEWS, COUNT = 3, 60


def some_state(rng):
    return BundleState(
        rotation_from_vector(rng.normal(size=(VIEWS, 3)) * 0.1),
        rng.normal(size=(VIEWS, 3)) * 0.3,
        np.tile([100.0, 110.0, 64.0, 40.0], (VIEWS, 1)),
        np.zeros(VIEWS),
        np.zeros(0),
    )


def seen(state, view, points):
    local = (points - state.centres[view]) @ state.rotations[view]
    pixels = local[:, :2] / local[:, 2:] * state.lenses[view, :2] + state.lenses[view, 2:]
    return pixels, local[:, 2]


def exact_sights(state, rng, noise=0.0):
    """Matches of every view with every other, with true depths."""
    points = rng.uniform((-2, -1, 3), (2, 1, 7), (COUNT, 3))
    views = [seen(state, v, points) for v in range(VIEWS)]
    views = [(p + rng.normal(0, noise, p.shape), z) for p, z in views]
    return [
        MatchSight(a, b, views[a][0], views[b][0], views[a][1], views[b][1])
        for a in range(VIEWS)
        for b in range(a + 1, VIEWS)
    ], [PointSight(v, points, views[v][0], np.ones(COUNT), 2.0) for v in range(VIEWS)]


def moved(state, each):
    return replace(
        state,
        rotations=state.rotations @ rotation_from_vector(each[:, :3]),
        centres=state.centres + each[:, 3:6],
        log_scales=state.log_scales + each[:, 6],
        lenses=moved_lens(state.lenses, each[:, 7:11]),
    )


def test_gradients_agree_with_differences(rng):
    state = some_state(rng)
    matches, points = exact_sights(state, rng, noise=1.0)
    config = BundleConfig(
        LensModel.FREE, shared_lens=False, fixed=frozenset(), terms=TermConfig(3.0, smoothness=0.5)
    )
    table = MatchTable.of(matches)
    state = replace(
        moved(state, rng.normal(size=(VIEWS, PER_VIEW)) * 0.01),
        depth_changes=rng.normal(size=table.points) * 0.05,
    )
    bundle = _Bundle(tuple(points), table, config, some_state(rng))
    normal = bundle.linearised(state)
    term, basis = normal.rest.matches, normal.rest.basis
    # The eliminated depths' share of the slope, put back.
    slope = normal.g + basis.T @ (term.mixed.T @ (term.gradient / term.curvature))
    h = 1e-6

    def cost(step):
        return bundle.linearised(moved(state, (basis @ step).reshape(-1, PER_VIEW))).cost

    differences = [(cost(h * e) - cost(-h * e)) / (2 * h) for e in np.eye(len(slope))]
    assert differences == pytest.approx(2 * slope, rel=1e-5, abs=1e-4)
    for point in range(0, table.points, 17):
        e = np.zeros(table.points)
        e[point] = h
        up, down = (
            bundle.linearised(replace(state, depth_changes=state.depth_changes + s * e)).cost
            for s in (1, -1)
        )
        assert (up - down) / (2 * h) == pytest.approx(2 * term.gradient[point], rel=1e-4, abs=1e-4)


def test_matches_with_depth_bring_cameras_scales_and_lens_back(rng):
    truth = some_state(rng)
    matches, _ = exact_sights(truth, rng)
    scales = np.array([0.0, 0.2, -0.1])
    matches = [
        replace(
            m,
            depth_a=m.depth_a * np.exp(-scales[m.view_a]),
            depth_b=m.depth_b * np.exp(-scales[m.view_b]),
        )
        for m in matches
    ]
    shaken = rng.normal(size=(VIEWS, PER_VIEW)) * 0.03
    shaken[0] = 0
    shaken[:, 7:9] = (8.0, 8.8)
    shaken[:, 9:] = 0
    config = BundleConfig(LensModel.ZOOM, terms=TermConfig(zoom_spread=100.0, scale_spread=100.0))
    found = adjust(moved(truth, shaken), [], matches, config).state
    assert np.abs(found.rotations - truth.rotations).max() < 1e-3
    assert np.abs(found.centres - truth.centres).max() < 3e-3
    assert found.log_scales == pytest.approx(scales, abs=3e-3)
    assert found.lenses[:, 0] == pytest.approx([100.0] * 3, rel=3e-3)
    assert np.median(match_errors(MatchTable.of(matches), found)) < 0.05


def test_a_third_of_wrong_matches_is_withstood(rng):
    truth = some_state(rng)
    matches, _ = exact_sights(truth, rng, noise=0.2)
    for m in matches:
        m.pixels_b[::3] = rng.uniform((0, 0), (128, 80), m.pixels_b[::3].shape)
    shaken = rng.normal(size=(VIEWS, PER_VIEW)) * 0.02
    shaken[0] = shaken[:, 6:] = 0
    found = adjust(moved(truth, shaken), [], matches).state
    assert np.abs(found.rotations - truth.rotations).max() < 0.01
    assert np.abs(found.centres - truth.centres).max() < 0.05


def test_points_hold_cameras_without_a_fixed_one(rng):
    truth = some_state(rng)
    _, points = exact_sights(truth, rng)
    shaken = rng.normal(size=(VIEWS, PER_VIEW)) * 0.03
    shaken[:, 6:] = 0
    config = BundleConfig(free_scales=False, fixed=frozenset())
    found = adjust(moved(truth, shaken), points, [], config).state
    assert np.abs(found.centres - truth.centres).max() < 1e-5


def test_smoothness_draws_consecutive_cameras_together(rng):
    truth = some_state(rng)
    _, points = exact_sights(truth, rng, noise=1.0)
    lengths = []
    for smoothness in (0.0, 30.0, 3000.0):
        config = BundleConfig(
            free_scales=False, fixed=frozenset(), terms=TermConfig(smoothness=smoothness)
        )
        found = adjust(truth, points, [], config).state
        lengths.append(np.linalg.norm(np.diff(found.centres, axis=0), axis=1).sum())
    assert lengths[0] > lengths[1] > lengths[2]
    assert lengths[2] < 0.3 * lengths[0]
