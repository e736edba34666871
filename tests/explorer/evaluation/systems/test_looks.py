"""The columns that tables of pictures share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.evaluation.systems.looks import PICTURE_COLUMNS, PICTURE_DIGITS, PictureColumns
from explorer.evaluation.yardstick.together import FEWEST_PICTURES


def test_rows_are_kept_apart_and_masks_are_kept_to(engine, samples):
    truth = samples[0].views[0].rgb
    spoilt = truth.copy()
    spoilt[:16] = 0.5
    spoilt_part = np.zeros((32, 48), bool)
    spoilt_part[:16] = True
    columns = PictureColumns(engine)
    for index in range(FEWEST_PICTURES):
        columns.add("truth", str(index), truth, truth)
    columns.add(("spoilt", 0), "a", spoilt, truth, spoilt_part)
    columns.add(("rest", 0), "a", spoilt, truth, ~spoilt_part)
    psnrs, distances, kernel = columns.of("truth")
    assert (psnrs, distances) == ([60.0] * FEWEST_PICTURES, [0.0] * FEWEST_PICTURES)
    assert kernel == pytest.approx([0.0], abs=1e-9)
    spoilt_values, rest = columns.of(("spoilt", 0)), columns.of(("rest", 0))
    assert spoilt_values[0][0] < 20 < rest[0][0] == 60.0
    assert spoilt_values[1][0] > 1.5 * rest[1][0]
    assert math.isnan(rest[2][0])  # one picture is no set
    assert len(PICTURE_COLUMNS) == len(PICTURE_DIGITS) == len(rest)


def test_a_row_without_pictures_has_no_values(engine):
    psnrs, distances, kernel = PictureColumns(engine).of("nothing")
    assert psnrs == distances == []
    assert math.isnan(kernel[0])
