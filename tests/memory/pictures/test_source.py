"""What is made of a stored picture before it is looked into."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from memory.pictures.picture import Picture
from memory.pictures.source import Source
from tests.memory.pictures.planes import FAR, NEAR, SIZE, H, W, camera, card_inverse, picture

RED, GREEN = np.array((240, 20, 10)), np.array((10, 200, 20))


def of_card(mask: np.ndarray) -> Source:
    """A red card before a green wall, through a lens."""
    sharp = np.where(mask[..., None], RED, GREEN).astype(np.float32)
    rgb = np.round(cv2.GaussianBlur(sharp, (0, 0), 0.7)).astype(np.uint8)
    return Source.of(0, camera(), picture(rgb, np.where(mask, 1 / NEAR, 1 / FAR)))


def card() -> np.ndarray:
    return card_inverse(camera()) > 1 / 3


def bar(wide: int) -> np.ndarray:
    mask = np.zeros((H, W), bool)
    mask[:, 150 : 150 + wide] = True
    return mask


def test_from_its_own_place_a_picture_is_left_as_it_is() -> None:
    source = of_card(card())
    assert source.seen_from(camera(), W) is source.rgb
    assert source.seen_from(camera(yaw=0.4), W) is source.rgb
    assert source.size == SIZE


def test_from_aside_a_rim_has_the_colours_of_its_own_side() -> None:
    source = of_card(card())
    mixed = np.abs(source.rgb - np.where(card()[..., None], RED, GREEN)).max(-1)
    assert (mixed > 20).sum() > 300
    seen = source.seen_from(camera(x=0.3), W).astype(int)
    off = np.abs(seen - np.where(card()[..., None], RED, GREEN)).max(-1)
    assert (off > 2).sum() <= 12  # about the corners the wall is the nearest clean thing
    assert (off <= np.maximum(mixed, 2)).all()


def test_a_rim_is_cleaned_the_more_the_more_its_sides_come_apart() -> None:
    source = of_card(card())
    off = [
        np.abs(source.seen_from(camera(x=t), W).astype(int) - source.rgb).sum()
        for t in (0.001, 0.01, 0.02, 0.3)
    ]
    assert off[0] == 0
    assert 0 < off[1] < off[2] < off[3]


@pytest.mark.parametrize("wide", [1, 2, 4, 6])
def test_a_thin_bar_keeps_its_colours(wide) -> None:
    """It is all rim, so there is nothing clean of its side to be had."""
    source = of_card(bar(wide))
    seen = source.seen_from(camera(x=0.3), W)
    assert np.array_equal(seen[bar(wide)], source.rgb[bar(wide)])
    away = cv2.dilate(bar(wide).view(np.uint8), np.ones((1, 3))) == 0
    assert np.abs(seen[away].astype(int) - GREEN).max() <= 2


def test_edges_are_marked_a_pixel_to_each_side() -> None:
    source = of_card(bar(40))
    assert set(np.flatnonzero(source.surface[90, :, 1])) == {148, 149, 150, 151, *range(188, 192)}
    assert np.array_equal(source.surface[..., 0], source.inverse)


def test_a_picture_without_depth_cannot_be_looked_into() -> None:
    with pytest.raises(ValueError, match="view 3 has no depth"):
        Source.of(3, camera(), Picture(np.zeros((4, 4, 3), np.uint8)))


def test_a_picture_without_edges_has_no_rims() -> None:
    source = Source.of(0, camera(), picture(np.zeros((H, W, 3), np.uint8), np.ones((H, W))))
    assert not len(source.rims.rows)
    assert source.seen_from(camera(x=3.0), W) is source.rgb
