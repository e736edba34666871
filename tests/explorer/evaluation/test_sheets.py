import numpy as np
import pytest

from explorer.evaluation.sheets import SheetRow, depth_colours, draw_sheet, evenly, hole_overlay


def test_sheet_holds_every_picture_where_it_belongs() -> None:
    red = np.full((20, 30, 3), (255, 0, 0), np.uint8)
    blue = np.full((20, 30, 3), (0, 0, 255), np.uint8)
    sheet = draw_sheet(["1", "2"], [SheetRow("a", (red, None)), SheetRow("b", (blue, red))])
    assert (sheet == (255, 0, 0)).all(axis=2).sum() == 2 * 20 * 30
    reds = np.argwhere((sheet == (255, 0, 0)).all(axis=2))
    blues = np.argwhere((sheet == (0, 0, 255)).all(axis=2))
    assert blues[:, 0].min() > reds[:, 0].min()
    assert blues[:, 1].max() < reds[:, 1].max()


def test_sheet_refuses_nothing_and_ragged_rows() -> None:
    with pytest.raises(ValueError, match="no picture"):
        draw_sheet(["1"], [SheetRow("a", (None,))])
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="'a' has 1"):
        draw_sheet(["1", "2"], [SheetRow("a", (picture,))])


def test_near_is_brighter_and_sky_is_black() -> None:
    depth = np.array([[1.0, 4.0, np.inf, np.nan]], np.float32)
    colours = depth_colours(depth, 1.0, 10.0).astype(int)
    assert colours[0, 0].sum() > colours[0, 1].sum() > 0
    assert colours[0, 2].tolist() == [0, 0, 0]
    assert colours[0, 3].tolist() == [128, 128, 128]


def test_overlay_changes_holes_only() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    hole = np.zeros((4, 4), bool)
    hole[1, 1] = True
    changed = (hole_overlay(rgb, hole) != rgb).any(axis=2)
    assert (changed == hole).all()


def test_evenly_spread_indices_end_at_the_end() -> None:
    assert evenly(16, 4) == [0, 5, 10, 15]
    assert evenly(3, 8) == [0, 1, 2]
