import cv2
import numpy as np
import pytest

from engine.geometry.match_graph import GraphConfig
from engine.geometry.matching import MatchingConfig
from engine.geometry.metrics import ate, rpe
from engine.geometry.structure import StructureConfig, recover_cameras

#: Few features make a quick test.
QUICK = StructureConfig(graph=GraphConfig(MatchingConfig(most_features=350), window=2))


def path_length(views):
    places = np.array([v.camera.position for v in views])
    return np.linalg.norm(np.diff(places, axis=0), axis=1).sum()


def errors(found, views):
    truth = [v.camera for v in views]
    return ate(found.cameras, truth) / path_length(views), rpe(found.cameras, truth)


def test_a_walk_is_recovered_from_true_depth(walk, room):
    found = recover_cameras([v.rgb for v in walk], [v.depth for v in walk], room.lens, QUICK)
    drift, relative = errors(found, walk)
    assert drift < 0.01
    assert relative.rotation_degrees < 0.15
    assert found.reprojection_error < 0.5
    assert min(v.inliers for v in found.views) > 30
    assert np.abs(found.cameras[0].T_world_camera - np.eye(4)).max() < 1e-9
    # Depth is metric, so that the path is, too.
    far = walk[-1].camera.relative_to(walk[0].camera).position
    assert found.cameras[-1].position == pytest.approx(far, abs=0.04)


def test_wrong_depths_scales_and_an_unknown_lens(walk, room, rng):
    depths = []
    for view in walk:
        field = cv2.resize(rng.normal(0, 0.1, (3, 5)), (160, 90), interpolation=cv2.INTER_CUBIC)
        depths.append(view.depth * np.exp(field + rng.normal(0, 0.3)))
    found = recover_cameras([v.rgb for v in walk], depths, config=QUICK)
    drift, relative = errors(found, walk)
    assert drift < 0.015
    assert relative.rotation_degrees < 0.4
    assert found.cameras[0].intrinsics.fx == pytest.approx(room.lens.fx, rel=0.05)
    # The scales bring the depths together again.
    scaled = [
        np.median(d / v.depth) * f.depth_scale
        for d, v, f in zip(depths, walk, found.views, strict=True)
    ]
    assert np.std(np.log(scaled)) < 0.1


def test_a_view_that_shows_something_else_is_filled_in_and_said_so(walk, room, rng):
    views = walk[:5]
    rgbs = [v.rgb for v in views]
    rgbs[2] = rng.integers(0, 256, rgbs[2].shape, dtype=np.uint8)
    found = recover_cameras(rgbs, [v.depth for v in views], room.lens, QUICK)
    assert [v.inliers > 0 for v in found.views] == [True, True, False, True, True]
    between = (found.cameras[1].position + found.cameras[3].position) / 2
    assert found.cameras[2].position == pytest.approx(between, abs=1e-9)
    assert errors(found, views)[0] < 0.05


def test_a_single_picture_stands_at_the_origin(walk, room):
    found = recover_cameras([walk[0].rgb], [walk[0].depth], room.lens)
    assert (found.cameras[0].T_world_camera == np.eye(4)).all()
    assert found.views[0].inliers == 0


def test_pictures_and_depths_must_belong_together(walk):
    with pytest.raises(ValueError, match="one for one"):
        recover_cameras([walk[0].rgb], [])
    with pytest.raises(ValueError, match="one size"):
        recover_cameras([walk[0].rgb], [walk[0].depth[:50]])
    with pytest.raises(ValueError, match="cameras need pictures"):
        recover_cameras([], [])
