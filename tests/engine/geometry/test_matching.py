import numpy as np
import pytest

from engine.geometry.keypoints import depth_at, lifted, projected
from engine.geometry.matching import (
    find_features,
    match_pictures,
    nearest_descriptors,
)

SIZE = (90, 160)


def carried(matches, a, b):
    points = lifted(matches.pixels_a, depth_at(a.depth, matches.pixels_a), a.camera, SIZE)
    return np.linalg.norm(projected(points, b.camera, SIZE) - matches.pixels_b, axis=1)


def test_matches_lie_where_geometry_carries_them(walk):
    a, b = walk[0], walk[2]
    matches = match_pictures(a.rgb, b.rgb)
    error = carried(matches, a, b)
    assert len(matches) > 60
    assert np.nanmedian(error) < 0.6  # the room is cast without smoothing its edges
    assert np.nanmean(error < 1.5) > 0.85
    swapped = matches.swapped()
    assert (swapped.pixels_a == matches.pixels_b).all()


def test_a_shifted_picture_is_matched_by_that_shift(walk):
    rgb = walk[0].rgb
    matches = match_pictures(rgb[:, :-8], rgb[:, 8:])
    shift = matches.pixels_a - matches.pixels_b
    assert np.abs(np.median(shift, axis=0) - (8, 0)).max() < 0.05


def test_pixel_centres_lie_half_a_pixel_in(walk):
    rgb = walk[0].rgb
    matches = match_pictures(rgb, np.ascontiguousarray(rgb[::-1, ::-1]))
    turned = matches.pixels_a + matches.pixels_b
    assert np.abs(np.median(turned, axis=0) - (160, 90)).max() < 0.02


def test_pictures_that_share_nothing_have_no_matches(walk, rng):
    noise = rng.integers(0, 256, walk[0].rgb.shape, dtype=np.uint8)
    assert len(match_pictures(walk[0].rgb, noise)) == 0
    assert len(match_pictures(walk[0].rgb, np.full_like(noise, 128))) == 0


def test_matches_are_the_same_each_time(walk):
    a = match_pictures(walk[0].rgb, walk[1].rgb)
    b = match_pictures(walk[0].rgb, walk[1].rgb)
    assert (a.pixels_a == b.pixels_a).all()
    assert (a.pixels_b == b.pixels_b).all()


def test_the_nearest_descriptor_and_its_lead(rng):
    among = rng.normal(size=(40, 128)).astype(np.float32)
    wanted = among[[3, 17]] + rng.normal(0, 0.01, (2, 128)).astype(np.float32)
    found = nearest_descriptors(wanted, among)
    distance = np.sort(np.linalg.norm(wanted[:, None] - among[None], axis=-1), axis=1)
    assert found.index.tolist() == [3, 17]
    assert found.ratio == pytest.approx(distance[:, 0] / distance[:, 1], rel=0.05)


def test_only_pictures_are_taken():
    with pytest.raises(ValueError, match="uint8"):
        find_features(np.zeros((4, 4, 3)))
