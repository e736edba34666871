"""Views at the picture's size: a card before a wall, and the holes beside it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from explorer.walk.joining import Joining
from memory.pictures.looked_up import LookedUp

SIZE = H, W = 144, 256
SMALL = h, w = 36, 64
RED, GREEN = np.array((230, 20, 20)), np.array((60, 150, 60))
NEAR, FAR = np.float32(0.5), np.float32(0.2)
#: Columns of the card.
CARD = slice(60, 120)


def looked(hole: np.ndarray, inverse: np.ndarray | None = None, drawn: bool = False) -> LookedUp:
    """The card before the wall, with a hole."""
    card = np.zeros(SIZE, bool)
    card[30:120, CARD] = True
    shade = np.random.default_rng(0).integers(-6, 7, (*SIZE, 1))
    rgb = (np.where(card[..., None], RED, GREEN) + shade).astype(np.uint8)
    deep = np.where(card, NEAR, FAR) if inverse is None else inverse
    ids = np.where(hole, -1, 1 if drawn else 0).astype(np.int32)
    rgb[hole] = 0
    # Card and wall have come six pixels apart.
    return LookedUp(rgb, np.where(hole, np.nan, deep).astype(np.float32), ids, parallax=20.0)


def columns(start: int, stop: int, rows: slice = slice(30, 120)) -> np.ndarray:
    hole = np.zeros(SIZE, bool)
    hole[rows, start:stop] = True
    return hole


def small(wall: float = 1.0) -> np.ndarray:
    """The model's own picture: the card, softly, and the wall in a tone of its own."""
    card = np.zeros(SIZE, np.float32)
    card[30:120, CARD] = 1.0
    card = cv2.resize(cv2.GaussianBlur(card, (0, 0), 1.5), (w, h), interpolation=cv2.INTER_AREA)
    card = card[..., None]
    return np.round(card * RED + (1 - card) * GREEN * wall).astype(np.uint8)


def small_depth() -> np.ndarray:
    inverse = np.full(SMALL, FAR)
    inverse[8:30, CARD.start // 4 : CARD.stop // 4] = NEAR
    return (1 / inverse).astype(np.float32)


NOTHING = np.zeros(SIZE, bool)


def test_without_holes_it_is_what_was_looked_up_but_for_rims() -> None:
    found = looked(NOTHING)
    wanted = found.rgb.copy()
    joined = Joining(found, SMALL).rgb(small(0.5))
    off = np.abs(joined.astype(int) - wanted).max(-1) > 0
    rims = cv2.morphologyEx(
        (found.inverse > 0.3).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    )
    assert off.any()
    assert not off[rims == 0].any()
    assert np.array_equal(Joining(found, SMALL).depth(small_depth()), 1 / found.inverse)


def test_rims_that_have_not_come_apart_stay_as_the_photo_has_them() -> None:
    wanted = looked(NOTHING).rgb
    photo, drawn = (replace(looked(NOTHING, drawn=d), parallax=1.0) for d in (False, True))
    assert np.array_equal(Joining(photo, SMALL).rgb(small(0.5)), wanted)
    assert not np.array_equal(Joining(drawn, SMALL).rgb(small(0.5)), wanted)


def test_a_wide_hole_gets_the_models_picture_in_the_tones_of_its_far_side() -> None:
    """The model's wall is a third darker; the card's red stays out of the hole."""
    hole = columns(120, 160)
    joined = Joining(looked(hole), SMALL).rgb(small(0.66)).astype(int)
    inside = joined[hole]
    assert np.abs(inside - GREEN).max(axis=1).mean() < 8
    assert (np.abs(inside - GREEN).max(axis=1) < 30).mean() > 0.97
    plain = cv2.resize(small(0.66), (W, H), interpolation=cv2.INTER_CUBIC).astype(int)[hole]
    assert np.abs(plain - GREEN).max(axis=1).mean() > 45
    beside = joined[40:110, 122:130]
    assert (beside[..., 0] < beside[..., 1]).all()


def test_what_the_model_drew_is_in_the_hole() -> None:
    """A blue spot in the middle of the hole, that nobody else saw."""
    hole = columns(130, 210)
    drawn = small(1.0)
    drawn[15:21, 38:46] = (40, 60, 220)
    joined = Joining(looked(hole), SMALL).rgb(drawn).astype(int)
    spot = joined[66:78, 160:176]
    assert (spot[..., 2] > spot[..., 1] + 80).all()
    off = np.abs(joined[~hole] - looked(hole).rgb.astype(int)[~hole]).max(-1)
    assert (off >= 130).sum() <= 4  # the card's corners are rounded


def test_a_slit_gets_what_is_behind_and_not_the_models_picture() -> None:
    hole = columns(120, 123)
    drawn = np.full((h, w, 3), (20, 20, 255), np.uint8)
    joined = Joining(looked(hole), SMALL)
    rgb = joined.rgb(drawn).astype(int)
    inner = columns(122, 123, slice(35, 115))
    assert np.abs(rgb[inner] - GREEN).max() < 40
    assert (rgb[hole][:, 2] < 100).all()
    depth = joined.depth(np.full(SMALL, 3.0, np.float32))
    np.testing.assert_allclose(depth[columns(120, 123, slice(35, 115))], 1 / FAR, rtol=1e-3)


def test_slivers_of_drawn_views_in_slits_go_too() -> None:
    """Kept, they would pile up to a foam of strips."""
    hole = columns(120, 128)
    found = looked(hole)
    found.rgb[30:120, 123:125] = (20, 20, 255)
    found.inverse[30:120, 123:125] = FAR
    found.view_ids[30:120, 123:125] = 4
    rgb = Joining(found, SMALL).rgb(small())
    assert (rgb[35:115, 120:128, 2] < 150).all()


def test_in_a_hole_depth_has_the_models_two_surfaces_and_nothing_between() -> None:
    hole = np.ones(SIZE, bool)
    hole[:, 250:] = False
    depth = Joining(looked(hole), SMALL).depth(small_depth())
    off = np.minimum(np.abs(depth * NEAR - 1), np.abs(depth * FAR - 1))
    assert off.max() < 1e-3
    near = np.abs(depth * NEAR - 1) < 1e-3
    assert near[34:118, CARD.start + 2 : CARD.stop - 2].all()
    assert near.sum() < 1.1 * 22 * 15 * 16


def test_the_sky_stays_the_sky() -> None:
    sky = np.full(SIZE, FAR)
    sky[:20] = 0.0
    hole = columns(180, 230, slice(0, 144))
    told = np.full(SMALL, 5.0, np.float32)
    told[:5] = np.inf
    depth = Joining(looked(hole, sky), SMALL).depth(told)
    assert np.isinf(depth[:20]).all()
    assert np.isfinite(depth[20:]).all()
    np.testing.assert_allclose(depth[20:], 5.0, rtol=1e-3)


def test_all_hole_is_the_models_picture_enlarged() -> None:
    rgb = Joining(looked(~NOTHING), SMALL).rgb(small(0.8))
    wanted = cv2.resize(small(0.8), (W, H), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(rgb, wanted)
