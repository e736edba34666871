import numpy as np
import pytest

from explorer.evaluation.curves import (
    PALETTE,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    Curve,
    Panel,
    draw_panels,
    ticks,
)


def pixels_of(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere((picture == colour).all(axis=2))


def test_a_rising_curve_rises() -> None:
    picture = draw_panels([Panel("t", "x", (Curve("", (1, 2, 3, 4), (0, 1, 4, 9)),))])
    assert picture.shape == (PANEL_HEIGHT, PANEL_WIDTH, 3)
    drawn = pixels_of(picture, PALETTE[0])
    left, right = drawn[drawn[:, 1].argmin()], drawn[drawn[:, 1].argmax()]
    assert right[0] < left[0] - 100


def test_gaps_and_empty_curves_do_not_break_a_panel() -> None:
    nan = float("nan")
    picture = draw_panels([Panel("t", "x", (Curve("a", (1, 2, 3), (nan, nan, nan)),))] * 3)
    assert picture.shape == (2 * PANEL_HEIGHT, 2 * PANEL_WIDTH, 3)
    constant = draw_panels([Panel("t", "x", (Curve("a", (10, 100, 1000), (5, 5, 5)),), None, True)])
    assert len(pixels_of(constant, PALETTE[0])) > 300
    with pytest.raises(ValueError, match="no curve"):
        draw_panels([])


def test_ticks_are_round_and_within() -> None:
    assert ticks(0.0, 1.0) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(17.3, 18.9) == pytest.approx([17.5, 18.0, 18.5])
    assert all(-3e-5 <= t <= 8e-5 for t in ticks(-3e-5, 8e-5))
