import numpy as np
import pytest
from scipy.spatial import cKDTree

from engine.geometry.cloud_metrics import cloud_distance


def test_distances_agree_with_a_tree(rng):
    a, b = rng.normal(size=(700, 3)), rng.normal(size=(900, 3)) + 0.1
    found = cloud_distance(a, b)
    assert found.accuracy == pytest.approx(cKDTree(b).query(a)[0].mean(), rel=1e-9)
    assert found.completeness == pytest.approx(cKDTree(a).query(b)[0].mean(), rel=1e-9)
    assert found.chamfer == pytest.approx((found.accuracy + found.completeness) / 2)


def test_a_cloud_far_from_the_origin_has_no_distance_to_itself(rng):
    cloud = rng.normal(size=(300, 3)) * 1e-3 + 1e5
    assert cloud_distance(cloud, cloud).chamfer == 0.0


def test_a_part_is_accurate_but_not_complete(rng):
    whole = rng.uniform(size=(2000, 3))
    part = whole[whole[:, 0] < 0.5]
    found = cloud_distance(part, whole)
    assert found.accuracy == 0.0
    assert found.completeness > 0.1


def test_large_clouds_are_sampled_alike_each_time(rng):
    a, b = rng.uniform(size=(2500, 3)), rng.uniform((2, 0, 0), (3, 1, 1), (2500, 3))
    some = cloud_distance(a, b, most=400)
    assert some == cloud_distance(a, b, most=400)
    assert some.chamfer == pytest.approx(cloud_distance(a, b).chamfer, rel=0.05)


@pytest.mark.parametrize("bad", [np.zeros((0, 3)), np.zeros((4, 2)), np.full((4, 3), np.nan)])
def test_what_is_no_cloud_is_refused(bad):
    with pytest.raises(ValueError, match="cloud"):
        cloud_distance(bad, np.zeros((4, 3)))
