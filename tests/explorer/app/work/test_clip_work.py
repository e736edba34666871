"""A picture that is edited elsewhere leaves large, and comes back small."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from PIL import Image

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.work.clip_work import _same_size, save_picture
from explorer.app.work.requests import SavePicture
from explorer.clips.regions import edited_region
from explorer.walk.photo import Photo
from explorer.walk.records import DrawnView
from memory.pictures.picture import Picture
from memory.views import View

SIZE = (1174, 782)  # as of a photo of 3:2; the model draws 240x160


def waves(size: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: size[1], : size[0]] / size[0]
    rgb = np.stack([np.sin(40 * x), np.cos(50 * y), np.sin(30 * x + 60 * y)], -1)
    return np.round(127 + 60 * rgb).astype(np.uint8)


def test_an_edit_of_the_large_picture_is_found_in_the_small_one(tmp_path: Path) -> None:
    large = waves(SIZE)
    small = cv2.resize(large, (240, 160), interpolation=cv2.INTER_AREA)
    camera = Camera(np.eye(4), Intrinsics.from_fov(60, 1.5))
    none = np.zeros((160, 240), np.uint8)
    drawn = DrawnView(View(0, camera, small), small, none, (), {}, picture=Picture(large))
    session = SimpleNamespace(read=lambda _node: drawn)
    target = tmp_path / "view.png"
    list(save_picture(SavePicture(0, target), session))
    with Image.open(target) as saved:
        edited = np.array(saved)
    assert np.array_equal(edited, large)
    edited[300:500, 400:700] = (250, 240, 20)
    Image.fromarray(edited).save(target)
    photo = Photo(small, *SIZE, camera.intrinsics, "waves", picture=large)
    again = _same_size(target, (240, 160), photo)
    assert again.picture is not None
    assert np.array_equal(again.picture, edited)
    region = edited_region(small, again.rgb)
    rows, columns = np.nonzero(region)
    assert 55 <= rows.min() <= 62
    assert 100 <= rows.max() <= 106
    assert 76 <= columns.min() <= 82
    assert 141 <= columns.max() <= 147
