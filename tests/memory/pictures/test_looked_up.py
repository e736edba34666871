"""New views out of stored pictures: closed forms, and which of them is asked for what."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from engine.geometry.cameras import Camera
from memory.pictures import finding
from memory.pictures.looked_up import LookedUp, Seen, look_up
from memory.pictures.source import Source
from tests.memory.pictures.planes import (
    FAR,
    LENS,
    NEAR,
    SIZE,
    SMALL,
    WALL,
    H,
    W,
    camera,
    card_inverse,
    h,
    inverse_of,
    noise,
    on_card,
    picture,
    seen,
    texture,
    w,
)

FLAT = np.full((H, W), 1 / FAR, np.float32)
COLOURS = {1: (250, 0, 0), 2: (0, 0, 250)}


def of_plane(normal: tuple[float, ...], view_id: int = 0, at: Camera | None = None) -> Source:
    at = at or camera()
    inverse = np.maximum(inverse_of(normal, at), 0)
    return Source.of(view_id, at, picture(texture(normal, at), inverse))


def flat(view_id: int, at: Camera) -> Source:
    """A view of the wall, in a colour of its own."""
    rgb = np.full((H, W, 3), COLOURS[view_id], np.uint8)
    return Source.of(view_id, at, picture(rgb, inverse_of(WALL, at)))


def shown(to: Camera, known: Seen, *sources: Source) -> LookedUp:
    by_id = {s.view_id: s for s in sources}
    return look_up(by_id.get, to, SIZE, known)


def wall_seen(to: Camera, ids: np.ndarray | int = 0) -> Seen:
    return seen(inverse_of(WALL, to, SMALL), ids)


def seen_of_card(to: Camera) -> Seen:
    """What points of a photo of it would show, at the model's size."""
    inverse = card_inverse(to, SMALL)
    z = 1 / inverse
    x = (np.arange(w) + 0.5) / w - LENS.cx
    points = to.T_world_camera[0, 3] + x / LENS.fx * z
    at = np.clip(((points / z * LENS.fx + LENS.cx) * w).astype(int), 0, w - 1)
    rows = np.arange(h)[:, None]
    hidden = card_inverse(camera(), SMALL)[rows, at] > inverse + 0.01
    return seen(np.where(hidden, np.nan, inverse).astype(np.float32))


@pytest.mark.parametrize("inverse", [FLAT, card_inverse(camera()), np.zeros_like(FLAT)])
def test_the_photos_own_camera_sees_the_photo_bit_for_bit(inverse) -> None:
    small = cv2.resize(inverse, SMALL, interpolation=cv2.INTER_NEAREST)
    found = shown(camera(), seen(small), Source.of(0, camera(), picture(noise(), inverse)))
    assert np.array_equal(found.rgb, noise())
    assert not found.view_ids.any()
    np.testing.assert_allclose(found.inverse, inverse, rtol=1e-3)


def test_a_shift_by_whole_pixels_loses_nothing() -> None:
    to = camera(x=7 * FAR / (LENS.fx * W))
    found = shown(to, wall_seen(to), Source.of(0, camera(), picture(noise(), FLAT)))
    assert np.array_equal(found.rgb[:, :-7], noise()[:, 7:])
    assert found.found[:, :-7].all()
    assert not found.found[:, -7:].any()


@pytest.mark.parametrize(
    "to", [camera(x=0.33, y=-0.1), camera(z=1.3), camera(z=-1.7), camera(x=-0.4, z=0.5, yaw=0.2)]
)
@pytest.mark.parametrize("normal", [WALL, (0.08, -0.05, 0.22)])
def test_planes_are_seen_as_they_are(to, normal) -> None:
    known = seen(inverse_of(normal, to, SMALL))
    found = shown(to, known, of_plane(normal))
    off = np.abs(found.rgb.astype(int) - texture(normal, to))[found.found]
    assert found.found.mean() > 0.35
    assert np.percentile(off, 99.5) <= 3
    truth = inverse_of(normal, to)[found.found]
    np.testing.assert_allclose(found.inverse[found.found], truth, rtol=5e-3)


def test_the_disoccluded_strip_is_as_wide_as_it_must_be() -> None:
    to = camera(x=0.3)
    src = Source.of(0, camera(), picture(noise(), card_inverse(camera())))
    found = shown(to, seen_of_card(to), src)
    wide = LENS.fx * W * 0.3 * (1 / NEAR - 1 / FAR)
    rows = on_card(to).any(axis=1)
    rows = cv2.erode(rows.astype(np.uint8), np.ones(3, np.uint8)).reshape(-1) > 0
    inside = np.arange(W) < W - np.ceil(LENS.fx * W * 0.3 / FAR) - 1
    strip = (~found.found & inside).sum(axis=1)
    assert rows.sum() > 50
    assert np.abs(strip[rows] - wide).max() <= 1
    assert not strip[~cv2.dilate(rows.astype(np.uint8), np.ones(7)).reshape(-1).astype(bool)].any()
    q = found.inverse[found.found]
    assert np.minimum(np.abs(q * NEAR - 1), np.abs(q * FAR - 1)).max() < 2e-3


@pytest.mark.parametrize("back", [5.0, 9.0])
def test_from_afar_a_fine_checkerboard_is_grey(back) -> None:
    board = np.where((np.indices((H, W)).sum(axis=0) % 2)[..., None], 255, 0)
    src = Source.of(0, camera(), picture(np.repeat(board, 3, -1).astype(np.uint8), FLAT))
    to = camera(z=-back)
    found = shown(to, wall_seen(to), src)
    inner = cv2.erode(found.found.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert inner.sum() > 1000
    assert np.abs(found.rgb[inner].astype(int) - 128).max() <= 8


def test_from_near_it_stays_a_checkerboard() -> None:
    board = np.where((np.indices((H, W)) // 4).sum(axis=0) % 2, 255, 0)
    src = Source.of(0, camera(), picture(np.repeat(board[..., None], 3, -1).astype(np.uint8), FLAT))
    to = camera(z=2.0)
    found = shown(to, wall_seen(to), src)
    assert found.rgb[found.found].std() > 110


def test_the_photo_is_asked_before_drawn_views() -> None:
    to = camera(x=0.1)
    found = shown(to, wall_seen(to, 1), of_plane(WALL), flat(1, to))
    by_photo = shown(to, wall_seen(to), of_plane(WALL))
    assert np.array_equal(found.rgb[by_photo.found], by_photo.rgb[by_photo.found])
    assert (found.view_ids[by_photo.found] == 0).all()
    assert (found.view_ids[~by_photo.found] == 1).all()


def test_a_drawn_view_shows_only_what_is_known_of_it() -> None:
    """The photo looks elsewhere; each of two drawn views has a part of the wall."""
    to, away = camera(), of_plane(WALL, at=camera(yaw=3.1))
    ids = np.full((h, w), 1)
    ids[:, 30:50], ids[:, 50:] = 3, 2
    found = shown(to, wall_seen(to, ids), away, flat(1, camera(x=0.1)), flat(2, camera(x=-0.1)))
    columns = np.arange(W)
    for view_id, mine in ((1, columns < 30 * 4 - 4), (2, columns >= 50 * 4 + 4)):
        inside = mine & (columns > 12) & (columns < W - 12)
        assert (found.view_ids[:, inside] == view_id).all()
        assert (found.rgb[:, inside] == COLOURS[view_id]).all()
    assert (found.view_ids[:, 30 * 4 + 8 : 50 * 4 - 8] == -1).all()


def test_a_view_of_which_hardly_anything_is_known_is_not_opened() -> None:
    ids = np.ones((h, w))
    ids[0, 0] = 2
    asked = []

    def source_of(view_id: int) -> Source | None:
        asked.append(view_id)
        return None

    look_up(source_of, camera(), SIZE, wall_seen(camera(), ids))
    assert asked == [0, 1]


def test_what_something_nearer_hides_is_not_taken_from_the_photo() -> None:
    """A thing between the photo's place and a camera behind it, that only a drawn view saw."""
    back = camera(z=-2.5)
    inverse = np.full((h, w), 1 / (FAR + 2.5), np.float32)
    inverse[14:24, 28:44] = 1 / NEAR
    known = seen(inverse, np.where(inverse > 0.3, 1, 0))
    thing = cv2.resize(inverse, SIZE, interpolation=cv2.INTER_NEAREST)
    rgb = np.full((H, W, 3), COLOURS[1], np.uint8)
    drawn = Source.of(1, back, picture(rgb, thing))
    inside, around = np.zeros((H, W), bool), np.zeros((H, W), bool)
    inside[15 * 4 : 23 * 4, 29 * 4 : 43 * 4] = True
    around[13 * 4 : 25 * 4, 27 * 4 : 45 * 4] = True
    wall = shown(back, wall_seen(back), of_plane(WALL)).view_ids == 0
    assert (wall & ~around).mean() > 0.2
    found = shown(back, known, of_plane(WALL), drawn)
    assert (found.view_ids[inside] == 1).all()
    assert (found.rgb[inside] == COLOURS[1]).all()
    assert (found.view_ids[wall & ~around] == 0).all()
    alone = shown(back, known, of_plane(WALL))
    assert (alone.view_ids[inside] == -1).all()


def test_nothing_stands_where_the_photo_looks_through() -> None:
    """At the photo's own camera its picture is shown, whatever drawn views believe."""
    inverse = np.full((h, w), 1 / FAR, np.float32)
    inverse[15:30, 30:50] = 1 / NEAR
    known = seen(inverse, np.where(inverse > 0.3, 1, 0))
    found = shown(camera(), known, of_plane(WALL))
    assert (found.view_ids == 0).all()
    assert np.array_equal(found.rgb, texture(WALL, camera()))


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_bands_and_threads_change_nothing(monkeypatch, threads) -> None:
    to = camera(x=0.3, z=0.3, yaw=0.05)
    src = Source.of(0, camera(), picture(noise(), card_inverse(camera())))
    known = seen_of_card(camera(x=0.3))
    pictures = []
    for band, count in ((1000, 1), (64, 1), (64, 4), (7, 3)):
        monkeypatch.setattr(finding, "_BAND", band)
        cv2.setNumThreads(count)
        pictures.append(shown(to, known, src))
    for other in pictures[1:]:
        assert np.array_equal(other.rgb, pictures[0].rgb)
        assert np.array_equal(other.inverse, pictures[0].inverse, equal_nan=True)
        assert np.array_equal(other.view_ids, pictures[0].view_ids)


@pytest.mark.parametrize("known", [wall_seen(camera()), seen(np.full((h, w), np.nan, np.float32))])
def test_without_sources_nothing_is_found(known) -> None:
    found = shown(camera(), known)
    assert not found.found.any()
    assert not found.rgb.any()
    assert np.isnan(found.inverse).all()


def test_nothing_is_found_behind_ones_back() -> None:
    nothing = seen(np.full((h, w), np.nan, np.float32))
    assert not shown(camera(yaw=np.pi), nothing, of_plane(WALL)).found.any()


def test_the_photo_is_found_where_no_points_are() -> None:
    nothing = seen(np.full((h, w), np.nan, np.float32))
    to = camera(x=0.2)
    found = shown(to, nothing, of_plane(WALL))
    assert found.found[:, : W - 20].all()
    off = np.abs(found.rgb.astype(int) - texture(WALL, to))[found.found]
    assert np.percentile(off, 99.5) <= 3
