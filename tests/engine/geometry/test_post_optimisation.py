import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.keypoints import projected
from engine.geometry.lenses import LensModel
from engine.geometry.matching import Matches
from engine.geometry.metrics import ate, rpe
from engine.geometry.post_optimisation import (
    PostOptimisationConfig,
    ViewMatches,
    closest_depth,
    post_optimise,
)
from engine.geometry.projection import unproject
from engine.geometry.rotations import rotation_from_vector

SIZE = (45, 80)


def pointmap(view, camera=None):
    points = unproject(torch.from_numpy(view.depth[::2, ::2]), camera or view.camera).numpy()
    points[~np.isfinite(view.depth[::2, ::2])] = np.inf
    return points


@pytest.fixture
def views(walk, room):
    """The walk at half its size: pixels of the small pictures are every other ray."""
    k = room.lens
    lens = Intrinsics(k.fx, k.fy, k.cx + 0.25 / 80, k.cy + 0.25 / 45)
    return [type(v)(Camera(v.camera.T_world_camera, lens), v.rgb, v.depth) for v in walk]


def true_matches(views, rng):
    """Keypoints that geometry itself matches, between neighbours."""
    found = []
    for i in range(len(views) - 1):
        a, b = views[i], views[i + 1]
        rows, columns = rng.integers(2, 43, 150), rng.integers(2, 78, 150)
        pixels = np.stack([columns + 0.5, rows + 0.5], axis=1)
        there = projected(pointmap(a)[rows, columns], b.camera, SIZE)
        inside = ((there > 1) & (there < (79, 44))).all(axis=1)
        found.append(ViewMatches(i, i + 1, Matches(pixels[inside], there[inside])))
    return found


def test_exact_pointmaps_give_exact_cameras_and_depths(views):
    config = PostOptimisationConfig(lens=LensModel.FREE, smoothness=0.0)
    found = post_optimise([pointmap(v) for v in views], config=config)
    truth = [v.camera for v in views]
    assert ate(found.cameras, truth, with_scale=False) < 1e-3
    assert rpe(found.cameras, truth, with_scale=False).rotation_degrees < 0.02
    assert found.cameras[0].intrinsics.fx == pytest.approx(truth[0].intrinsics.fx, rel=1e-3)
    assert len({c.intrinsics for c in found.cameras}) == 1  # one lens for all
    for depth, view in zip(found.depths, views, strict=True):
        assert depth == pytest.approx(view.depth[::2, ::2], rel=5e-3)
    assert max(found.reprojection_errors) < 0.02


def test_noise_is_averaged_away_and_smoothness_calms_the_path(views, rng):
    views = views[:4]
    maps = [pointmap(v) for v in views]
    maps = [m + rng.normal(0, 0.15, m.shape) for m in maps]
    truth = [v.camera for v in views]
    rough = post_optimise(maps, config=PostOptimisationConfig(smoothness=0.0)).cameras
    calm = post_optimise(maps, config=PostOptimisationConfig(smoothness=3.0)).cameras
    assert ate(rough, truth) < 0.06
    assert ate(calm, truth) < 0.06

    def length(cameras):
        places = np.array([c.position for c in cameras])
        return np.linalg.norm(np.diff(places, axis=0), axis=1).sum()

    assert length(calm) < length(rough)


def test_matches_mend_pointmaps_that_disagree_between_views(views, rng):
    maps = []
    for view in views:
        T = np.eye(4)
        T[:3, :3] = rotation_from_vector(rng.normal(size=3) * 0.03)
        T[:3, 3] = rng.normal(size=3) * 0.08
        maps.append(pointmap(view, view.camera.moved(T)))
    truth = [v.camera for v in views]
    alone = post_optimise(maps, views[0].camera.intrinsics)
    matched = post_optimise(maps, views[0].camera.intrinsics, matches=true_matches(views, rng))
    before, after = (rpe(f.cameras, truth, with_scale=False) for f in (alone, matched))
    assert after.rotation_degrees < 0.4 * before.rotation_degrees
    assert after.translation < 0.6 * before.translation


def test_the_closest_depth_is_the_least_distance_of_a_ray(views, rng):
    camera = views[1].camera
    points = pointmap(views[1]) + rng.normal(0, 0.1, (*SIZE, 3))
    depth = closest_depth(points, camera)
    for factor in (0.99, 1.01):
        nearer, other = (
            np.linalg.norm(unproject(torch.from_numpy(d), camera).numpy() - points, axis=-1)
            for d in (depth, factor * depth)
        )
        assert (nearer < other).all()


def test_sky_unknown_and_weights(views):
    maps = [pointmap(v) for v in views[:2]]
    maps[0][:5], maps[0][5:8] = np.inf, np.nan
    maps[1][:, :20] += 3.0
    weights = [np.ones(SIZE), np.ones(SIZE)]
    weights[1][:, :20] = 0.0
    found = post_optimise(maps, weights=weights)
    assert np.isinf(found.depths[0][:5]).all()
    assert np.isnan(found.depths[0][5:8]).all()
    assert np.linalg.norm(found.cameras[1].position - views[1].camera.position) < 0.03


def test_what_does_not_fit_together_is_refused(views):
    good = pointmap(views[0])
    with pytest.raises(ValueError, match="at least one"):
        post_optimise([])
    with pytest.raises(ValueError, match="one shape"):
        post_optimise([good, good[:20]])
    with pytest.raises(ValueError, match="weights"):
        post_optimise([good], weights=[])
    with pytest.raises(ValueError, match="known lens"):
        post_optimise([good], config=PostOptimisationConfig(lens=LensModel.KNOWN))
    none = Matches(np.empty((0, 2)), np.empty((0, 2)))
    with pytest.raises(ValueError, match="beyond"):
        post_optimise([good], matches=[ViewMatches(0, 1, none)])
