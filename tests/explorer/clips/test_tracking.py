"""Regions on a textured picture that moves in a known way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from explorer.clips.frames import ClipError
from explorer.clips.regions import edited_region, tones_between
from explorer.clips.tracking import track_edit

HEIGHT, WIDTH = 96, 144


def texture(seed: int = 0) -> np.ndarray:
    """Large and small blobs, so that there is something to recognise."""
    rng = np.random.default_rng(seed)
    large = np.zeros((3 * HEIGHT, 3 * WIDTH, 3))
    for cells, share in ((12, 0.5), (4, 0.5)):
        size = (3 * HEIGHT // cells, 3 * WIDTH // cells, 3)
        small = rng.integers(0, 255, size).astype(np.uint8)
        large += share * cv2.resize(small, (3 * WIDTH, 3 * HEIGHT), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(large.round().astype(np.uint8), (5, 5), 0)


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


def posts(frames: list[np.ndarray], region: np.ndarray) -> list[np.ndarray]:
    """Frames before which a wide board passes, and where it stands in each."""
    rng = np.random.default_rng(5)
    board = cv2.GaussianBlur(rng.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8), (9, 9), 0)
    covered = []
    for index, picture in enumerate(frames):
        left, right = np.clip((22 * index - 90, 22 * index - 10), 0, WIDTH)
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[:, left:right] = True
        picture[mask] = board[mask]
        covered.append(mask)
    return covered


def test_a_region_is_found_again_behind_what_passed_in_front_of_it(region):
    frames = [frame("shift", 0.4 * i) for i in range(12)]
    covered = posts(frames, region)
    found = list(track_edit(frames, painted(frames[0], region), region))
    truths = [region_at("shift", 0.4 * i, region) & ~covered[i] for i in range(1, 12)]
    hidden = min(range(11), key=lambda i: truths[i].sum())
    assert truths[hidden].sum() < 0.1 * region.sum()
    assert found[hidden].region.sum() < 0.15 * region.sum()
    assert not covered[-1].any()
    assert overlap(found[-1].region, truths[-1]) > 0.85


def test_a_region_is_found_again_after_frames_that_show_nothing(region):
    frames = [frame("shift", i) for i in range(7)]
    frames[2], frames[3] = np.zeros_like(frames[2]), np.full_like(frames[3], 255)
    found = list(track_edit(frames, painted(frames[0], region), region))
    assert not found[1].region.any()
    assert not found[2].region.any()
    for index in (4, 5, 6):
        assert overlap(found[index - 1].region, region_at("shift", index, region)) > 0.85


def test_a_region_that_never_comes_back_is_not_invented(region):
    elsewhere = cv2.flip(texture(seed=9), 1)[HEIGHT : 2 * HEIGHT, WIDTH : 2 * WIDTH]
    frames = [frame("shift", 0), frame("shift", 1), *([elsewhere] * 3)]
    found = list(track_edit(frames, painted(frames[0], region), region))
    assert found[-1].region.sum() < 0.1 * region.sum()


def test_a_video_that_grows_dark_takes_the_edit_along(region):
    """At the end at 46 % of its brightness."""
    frames = [
        np.clip(frame("shift", i) * (1 - 0.06 * i) + 2 * i, 0, 255).astype(np.uint8)
        for i in range(10)
    ]
    edited = painted(frames[0], region)
    last = list(track_edit(frames, edited, region))[-1]
    truth = region_at("shift", 9, region)
    assert overlap(last.region, truth) > 0.85
    inside = cv2.erode(truth.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    expected = np.array((240, 30, 40)) * 0.46 + 18
    assert np.abs(last.carried[inside].mean(0) - expected).max() < 8


def spoiled(edited: np.ndarray, how: str) -> np.ndarray:
    if how == "jpeg":
        _, data = cv2.imencode(".jpg", edited, [cv2.IMWRITE_JPEG_QUALITY, 60])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    if how == "tones":
        return np.clip(edited * 1.1 + 6.0, 0, 255).astype(np.uint8)
    if how == "a pixel aside":
        return np.concatenate([edited[:, :1], edited[:, :-1]], axis=1)
    noise = np.random.default_rng(2).normal(0, 5, edited.shape)
    return np.clip(edited + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("how", ["jpeg", "tones", "a pixel aside", "noise"])
def test_what_a_program_changes_by_the_way_is_no_edit(how, region):
    first = frame("shift", 0)
    found = edited_region(first, spoiled(painted(first, region), how))
    assert overlap(found, region) > 0.65
    assert (found & region).sum() > 0.97 * region.sum()
    with pytest.raises(ClipError, match="does not differ"):
        edited_region(first, spoiled(first, how))


def test_a_thin_edit_does_not_vanish():
    region = np.zeros((HEIGHT, WIDTH), bool)
    region[30:60, 70:73] = True
    frames = [frame("shift", i) for i in range(4)]
    last = list(track_edit(frames, painted(frames[0], region), region))[-1]
    assert overlap(last.region, region_at("shift", 3, region)) > 0.6


def test_tones_are_those_that_were_applied():
    first = frame("shift", 0)
    darker = np.clip(first * np.array((0.8, 0.7, 0.9)) + (5, 20, -3), 0, 255).astype(np.uint8)
    everywhere = np.ones((HEIGHT, WIDTH), bool)
    found = tones_between(first, darker, everywhere)
    np.testing.assert_allclose(found.gain, (0.8, 0.7, 0.9), atol=0.01)
    np.testing.assert_allclose(found.offset, (5, 20, -3), atol=1.2)
    other = cv2.flip(texture(seed=9), 0)[:HEIGHT, :WIDTH]
    assert tones_between(first, other, everywhere).none
    assert tones_between(first, np.zeros_like(first), everywhere).none


def test_a_hole_that_an_edit_leaves_by_chance_is_part_of_it():
    first = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    edited = first.copy()
    cv2.circle(edited, (70, 48), 20, (240, 30, 40), -1)
    cv2.circle(edited, (70, 48), 6, (90, 90, 90), -1)
    assert edited_region(first, edited)[48, 70]
