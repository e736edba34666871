"""Regions on a textured picture that moves in a known way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from explorer.clips.frames import ClipError
from explorer.clips.tracking import edited_region, track_edit

HEIGHT, WIDTH = 96, 144


def texture(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (24, 36, 3)).astype(np.uint8)
    large = cv2.resize(small, (3 * WIDTH, 3 * HEIGHT), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(large, (5, 5), 0)


def motion(kind: str, index: int) -> np.ndarray:
    """Affine map (2, 3) from frame coordinates to those of a large texture."""
    centre = (WIDTH / 2, HEIGHT / 2)
    if kind == "shift":
        M = np.float32([[1, 0, 2.5 * index], [0, 1, 1.0 * index]])
    elif kind == "turn":
        M = cv2.getRotationMatrix2D(centre, 2.5 * index, 1.0)
    else:
        M = cv2.getRotationMatrix2D(centre, 0, 1.0 / (1 + 0.03 * index))
    M = np.vstack([M, [0, 0, 1]])
    place = np.float64([[1, 0, WIDTH], [0, 1, HEIGHT], [0, 0, 1]])
    return (place @ M)[:2]


def frame(kind: str, index: int) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(texture(), motion(kind, index), (WIDTH, HEIGHT), flags=flags)


def region_at(kind: str, index: int, region: np.ndarray) -> np.ndarray:
    """Where a region of frame 0 lies in frame `index`."""
    to_first = np.linalg.inv(np.vstack([motion(kind, 0), [0, 0, 1]]))
    full = to_first @ np.vstack([motion(kind, index), [0, 0, 1]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(region.astype(np.uint8), full, (WIDTH, HEIGHT), flags=flags) > 0


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


@pytest.fixture
def region() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (70, 48), (22, 15), 0, 0, 360, 1, -1)
    return mask > 0


def painted(picture: np.ndarray, region: np.ndarray) -> np.ndarray:
    edited = picture.copy()
    edited[region] = (240, 30, 40)
    return edited


def test_the_region_is_where_the_frames_differ(region):
    first = frame("shift", 0)
    found = edited_region(first, painted(first, region))
    assert overlap(found, region) > 0.7
    assert (found & region).sum() == region.sum()


def test_specks_are_no_edit(region):
    first = frame("shift", 0)
    edited = painted(first, region)
    edited[5, 5] = 255 - edited[5, 5]
    assert not edited_region(first, edited)[0:10, 0:10].any()
    noise = np.random.default_rng(0).integers(-4, 5, first.shape)
    noisy = np.clip(first.astype(int) + noise, 0, 255).astype(np.uint8)
    with pytest.raises(ClipError, match="does not differ"):
        edited_region(first, noisy)


def test_frames_of_another_size_are_refused():
    first = frame("shift", 0)
    with pytest.raises(ClipError, match="144x96"):
        edited_region(first, first[:48])


@pytest.mark.parametrize("kind", ["shift", "turn", "zoom"])
def test_a_region_follows_its_surface(kind, region):
    frames = [frame(kind, i) for i in range(6)]
    edited = painted(frames[0], region)
    found = list(track_edit(frames, edited, region))
    assert len(found) == 5
    for index, tracked in enumerate(found, start=1):
        truth = region_at(kind, index, region)
        assert overlap(tracked.region, truth) > 0.85, index
        inside = cv2.erode(truth.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        carried = tracked.carried[inside & tracked.seen].astype(int)
        assert np.abs(carried - (240, 30, 40)).mean() < 6


def test_something_in_front_is_not_painted_over(region):
    """A grey post crosses the region in the later frames."""
    frames = [frame("shift", i) for i in range(5)]
    posts = [np.zeros((HEIGHT, WIDTH), bool) for _ in frames]
    for index in range(2, 5):
        posts[index][:, 58:68] = True
        frames[index][posts[index]] = 128
    found = list(track_edit(frames, painted(frames[0], region), region))
    last = found[-1]
    truth = region_at("shift", 4, region) & ~posts[4]
    assert (last.region & posts[4]).sum() < 0.35 * posts[4][region_at("shift", 4, region)].sum()
    assert overlap(last.region, truth) > 0.6


def test_a_region_that_leaves_the_picture_ends_at_its_border(region):
    region = np.zeros((HEIGHT, WIDTH), bool)
    region[30:60, 2:30] = True
    frames = [frame("shift", 3 * i) for i in range(4)]
    found = list(track_edit(frames, painted(frames[0], region), region))
    truth = region_at("shift", 9, region)
    assert truth.sum() < 0.5 * region.sum()
    assert overlap(found[-1].region, truth) > 0.6


def test_a_still_video_keeps_the_region(region):
    frames = [frame("shift", 0)] * 3
    for tracked in track_edit(frames, painted(frames[0], region), region):
        assert overlap(tracked.region, region) > 0.97
