import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from explorer.evaluation.clip_files import (
    ClipError,
    read_clip,
    read_clip_pictures,
    resized_nearest,
    working_crop,
)
from explorer.evaluation.visibility import MEASURED_TOLERANCE
from explorer.walk.sizes import Sizes


def write_clip(folder: Path, frames: int = 5, size: tuple[int, int] = (320, 180)) -> list[Any]:
    """A clip in the file format: pixels, integer pixel centres, depth in millimetres."""
    width, height = size
    entries = []
    for k in range(frames):
        T = np.eye(4)
        T[0, 3] = 0.1 * k
        rgb = np.zeros((height, width, 3), np.uint8)
        rgb[:, : width // 2] = (200, 20 * k, 0)
        Image.fromarray(rgb).save(folder / f"{k}.png")
        depth = np.full((height, width), 2500, np.uint16)
        depth[0] = 0
        cv2.imwrite(str(folder / f"d{k}.png"), depth)
        entries.append(
            {
                "file": f"{k}.png",
                "depth": f"d{k}.png",
                "width": width,
                "height": height,
                "fx": 200.0,
                "fy": 210.0,
                "cx": (width - 1) / 2,
                "cy": (height - 1) / 2,
                "c2w": T.tolist(),
            }
        )
    (folder / "cameras.json").write_text(json.dumps(entries))
    return entries


def test_a_clip_becomes_a_walk_out_and_back(tmp_path: Path) -> None:
    write_clip(tmp_path)
    scene = read_clip(tmp_path, (256, 144), frames=32, stride=1)
    assert scene.photo.rgb.shape == (144, 256, 3)
    assert [view.camera.position[0] for view in scene.views] == pytest.approx([0.2, 0.4, 0.3, 0.1])
    assert scene.depth_tolerance == MEASURED_TOLERANCE
    lens = scene.photo.camera.intrinsics
    assert (lens.cx, lens.cy) == pytest.approx((0.5, 0.5))  # integer centres: 159.5 is the middle
    assert lens.fx == pytest.approx(200 / 320)
    assert scene.views[1].rgb[70, 10].tolist() == [200, 80, 0]
    assert scene.photo.depth is not None
    assert np.isnan(scene.photo.depth[0]).all()
    assert scene.photo.depth[5, 5] == pytest.approx(2.5)


def test_stride_and_frames_choose_frames(tmp_path: Path) -> None:
    write_clip(tmp_path, frames=12)
    scene = read_clip(tmp_path, (256, 144), frames=4, stride=2)
    assert [view.camera.position[0] for view in scene.views] == pytest.approx([0.4, 0.6, 0.2])
    with pytest.raises(ClipError, match="smaller"):
        read_clip(tmp_path, (256, 144), frames=4, stride=6)


def test_the_crop_keeps_a_point_on_its_pixel() -> None:
    crop = working_crop(384, 288, (256, 144))
    assert crop.to_width % 16 == 0
    assert crop.to_height % 16 == 0
    assert crop.width / crop.height == pytest.approx(crop.to_width / crop.to_height, rel=0.01)
    K = np.array([[350.0, 0, 200.0], [0, 350.0, 150.0], [0, 0, 1]])
    lens = crop.intrinsics(K)
    point = K @ np.array([0.2, 0.1, 1.0])
    assert (lens.fx * 0.2 + lens.cx) * crop.width + crop.left == pytest.approx(point[0])
    assert (lens.fy * 0.1 + lens.cy) * crop.height + crop.top == pytest.approx(point[1])


def test_depth_is_never_averaged() -> None:
    depth = np.array([[1.0, 9.0], [1.0, 9.0]], np.float32)
    assert set(np.unique(resized_nearest(depth, 5, 5))) == {1.0, 9.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fx": "wide"}, "frame 2"),
        ({"fx": -1.0}, "positive"),
        ({"file": "../0.png"}, "leads out of its folder"),
        ({"depth": "/0.png"}, "leads out of its folder"),
        ({"c2w": [[1, 0], [0, 1]]}, "4x4"),
        ({"c2w": (np.eye(4) * 2).tolist()}, "rotation"),
        ({"file": "nowhere.png"}, "not a readable picture"),
        ({"depth": "0.png"}, "16-bit depth PNG"),
        ({"width": 300}, "differs in size"),
    ],
)
def test_broken_entries_get_one_sentence(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    entries = write_clip(tmp_path)
    entries[2].update(change)
    (tmp_path / "cameras.json").write_text(json.dumps(entries))
    with pytest.raises(ClipError, match=message) as caught:
        read_clip(tmp_path, (256, 144), frames=32, stride=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", "[1, 2, 3]", "[]", "\u00ff[["])
def test_broken_files_get_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(ClipError, match=r"cameras\.json"):
        read_clip(tmp_path, (256, 144), frames=32, stride=1)
    (tmp_path / "cameras.json").write_text(text)
    with pytest.raises(ClipError, match=r"cameras\.json"):
        read_clip(tmp_path, (256, 144), frames=32, stride=1)


def test_a_clip_at_its_own_size_is_the_same_part_of_it(tmp_path: Path) -> None:
    write_clip(tmp_path, size=(330, 180))
    small = read_clip(tmp_path, (160, 96), 32, 1)
    large = read_clip_pictures(tmp_path, Sizes(model=(160, 96)), 32, 1)
    assert large is not None
    assert large.photo.camera.intrinsics == small.photo.camera.intrinsics
    height, width = large.photo.rgb.shape[:2]
    assert (width % 2, height % 2) == (0, 0)
    assert 160 < width <= 330
    assert 96 < height <= 180
    shape = small.photo.rgb.shape
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.02)
    assert len(large.views) == len(small.views)
    for one, other in zip(large.views, small.views, strict=True):
        np.testing.assert_array_equal(one.camera.T_world_camera, other.camera.T_world_camera)
    # Where the picture is not reduced its pixels are the file's own.
    assert large.views[1].rgb[70, 10].tolist() == [200, 80, 0]


def test_pictures_are_never_larger_than_asked_or_than_the_clip(tmp_path: Path) -> None:
    write_clip(tmp_path)
    asked = Sizes(model=(160, 96), picture=(240, 136))
    large = read_clip_pictures(tmp_path, asked, 32, 1)
    assert large is not None
    assert large.photo.rgb.shape[0] * large.photo.rgb.shape[1] <= 240 * 136
    assert read_clip_pictures(tmp_path, Sizes(model=(336, 192)), 32, 1) is None
    assert read_clip_pictures(tmp_path, asked.without_picture(), 32, 1) is None
