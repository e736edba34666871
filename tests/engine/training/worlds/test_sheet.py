"""The sample sheet."""

import numpy as np
from PIL import Image

from engine.training.worlds.families import FAMILIES
from engine.training.worlds.sheet import save, sheet


def test_sheet_has_a_row_for_each_family_and_stays_small(bank, tmp_path):
    picture = sheet(bank, 1, seed=2)
    assert picture.shape == (288 * len(FAMILIES), 256, 3)
    path = tmp_path / "sheet.jpg"
    save(picture, path, most_bytes=200_000)
    assert path.stat().st_size <= 200_000
    with Image.open(path) as back:
        shown = np.asarray(back.convert("RGB"), dtype=float)
    assert np.abs(shown - picture).mean() < 12
