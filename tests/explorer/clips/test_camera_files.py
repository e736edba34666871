"""Cameras beside a clip: by name, by place, by time; cropped as the pictures are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.projection import project
from engine.geometry.trajectories import colmap_text, realestate10k, transforms_json
from explorer.clips.frames import ClipError, ClipOptions, Fit
from explorer.clips.video_in import read_clip

SIZE = (64, 48)
LENS = Intrinsics.from_fov(60, 4 / 3)


def camera(x: float, lens: Intrinsics = LENS) -> Camera:
    T = np.eye(4)
    T[0, 3] = x
    return Camera(T, lens)


CAMERAS = [camera(0.5 * i) for i in range(4)]


def places(clip) -> list[float]:
    return [c.position[0] for c in clip.cameras]


@pytest.fixture
def folder(tmp_path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(4):
        Image.fromarray(np.full((48, 64, 3), 50 * index, np.uint8)).save(
            pictures / f"{index + 9}.png"
        )
    return pictures


@pytest.fixture
def video(tmp_path) -> Path:
    """31 frames in three seconds."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(31):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), 8 * index, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = index, Fraction(1, 10)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def test_pictures_find_their_cameras_by_name(folder, tmp_path):
    """The file lists them in another order, and knows more."""
    names = ["images/12.png", "images/9.png", "images/77.png", "images/10.png", "images/11.png"]
    cameras = [camera(1.5), camera(0.0), camera(9.0), camera(0.5), camera(1.0)]
    transforms_json.write(tmp_path / "t.json", cameras, names, SIZE)
    clip = read_clip(folder, ClipOptions(size=SIZE, cameras=tmp_path / "t.json"))
    np.testing.assert_allclose(places(clip), [0, 0.5, 1, 1.5], atol=1e-6)
    assert clip.lens is not None
    assert clip.lens.fx == pytest.approx(LENS.fx, rel=1e-5)
    two = read_clip(folder, ClipOptions(frames=2, size=SIZE, cameras=tmp_path / "t.json"))
    np.testing.assert_allclose(places(two), [0, 1.5], atol=1e-6)


def test_a_colmap_model_has_names(folder, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    colmap_text.write(model, CAMERAS, [f"{i + 9}.png" for i in range(4)], SIZE)
    clip = read_clip(folder, ClipOptions(size=SIZE, cameras=model))
    np.testing.assert_allclose(places(clip), [0, 0.5, 1, 1.5], atol=1e-6)


def test_a_picture_without_a_camera_is_named(folder, tmp_path):
    names = ["9.png", "10.png", "11.png", "x.png"]
    transforms_json.write(tmp_path / "t.json", CAMERAS, names, SIZE)
    with pytest.raises(ClipError, match=r"no camera for 12\.png"):
        read_clip(folder, ClipOptions(size=SIZE, cameras=tmp_path / "t.json"))
    names = ["a/9.png", "b/9.png", "11.png", "12.png"]
    transforms_json.write(tmp_path / "t.json", CAMERAS, names, SIZE)
    with pytest.raises(ClipError, match="two cameras for a picture named 9"):
        read_clip(folder, ClipOptions(size=SIZE, cameras=tmp_path / "t.json"))


def test_cameras_without_names_belong_to_all_pictures_in_order(folder, tmp_path):
    file = tmp_path / "path.txt"
    realestate10k.write(file, CAMERAS, [0.0, 1.0, 2.0, 3.0])
    clip = read_clip(folder, ClipOptions(size=SIZE, cameras=file))
    np.testing.assert_allclose(places(clip), [0, 0.5, 1, 1.5], atol=1e-6)
    with pytest.raises(ClipError, match="as many as the pictures"):
        read_clip(folder, ClipOptions(frames=3, size=SIZE, cameras=file))


def test_frames_of_a_video_find_their_cameras_by_time(video, tmp_path):
    """Cameras at 0, 1, 2 and 3 s; frames at 0, 0.5, ... 3 s lie half-way between."""
    file = tmp_path / "path.txt"
    realestate10k.write(file, CAMERAS, [0.0, 1.0, 2.0, 3.0])
    clip = read_clip(video, ClipOptions(frames=7, size=SIZE, cameras=file))
    np.testing.assert_allclose(places(clip), np.linspace(0, 1.5, 7), atol=1e-5)
    part = read_clip(video, ClipOptions(frames=3, size=SIZE, cameras=file, start=1.0, stop=2.0))
    np.testing.assert_allclose(places(part), [0.5, 0.75, 1.0], atol=1e-5)


def test_times_of_a_longer_video_count_from_the_first_camera(video, tmp_path):
    file = tmp_path / "path.txt"
    realestate10k.write(file, CAMERAS, [100.0, 101.0, 102.0, 103.0])
    clip = read_clip(video, ClipOptions(frames=4, size=SIZE, cameras=file))
    np.testing.assert_allclose(places(clip), [0, 0.5, 1, 1.5], atol=1e-5)
    assert any("counted from its first camera" in note for note in clip.notes)


def test_frames_that_no_camera_covers_are_told(video, tmp_path):
    file = tmp_path / "path.txt"
    realestate10k.write(file, CAMERAS, [0.0, 0.5, 1.0, 1.5])
    with pytest.raises(ClipError, match=r"0\.00 s to 1\.50 s, but a frame is shown at 3\.00 s"):
        read_clip(video, ClipOptions(frames=2, size=SIZE, cameras=file))


def test_cameras_without_times_cover_the_video_evenly(video, tmp_path):
    names = [f"{i}.png" for i in range(4)]
    transforms_json.write(tmp_path / "t.json", CAMERAS, names, SIZE)
    clip = read_clip(video, ClipOptions(frames=7, size=SIZE, cameras=tmp_path / "t.json"))
    np.testing.assert_allclose(places(clip), np.linspace(0, 1.5, 7), atol=1e-5)
    assert any("spread evenly" in note for note in clip.notes)


def test_a_file_without_cameras_is_told(video, tmp_path):
    (tmp_path / "x.txt").write_text("nothing")
    with pytest.raises(ClipError, match="no known camera path"):
        read_clip(video, ClipOptions(size=SIZE, cameras=tmp_path / "x.txt"))


def test_a_cropped_lens_sees_the_same_points_at_the_same_pixels():
    """A picture of 700x50 pixels is cropped; what is cut off only shifts the pixels."""
    original = (700, 50)
    fit = Fit.of(original, (128, 32))
    assert fit.crop[0] < 690
    whole = Camera(np.eye(4), replace(LENS, fx=0.4, fy=5.6, cx=0.47, cy=0.55))
    points = torch.tensor([[0.1, 0.02, 2.0], [-0.3, -0.05, 3.0]], dtype=torch.float64)
    before = project(points, whole, original[1], original[0]).uv.numpy()
    cropped = Camera(np.eye(4), fit.lens(whole.intrinsics, original))
    after = project(points, cropped, fit.size[1], fit.size[0]).uv.numpy()
    corner = (np.array(original) - np.array(fit.crop)) / 2
    expected = (before - corner) * np.array(fit.size) / np.array(fit.crop)
    np.testing.assert_allclose(after, expected, atol=1e-4)


def test_a_stated_field_of_view_is_that_of_the_whole_picture(tmp_path):
    for index in range(2):
        Image.fromarray(np.full((40, 400, 3), 90, np.uint8)).save(tmp_path / f"{index}.png")
    clip = read_clip(tmp_path, ClipOptions(size=(128, 64), fov=80.0))
    assert clip.lens is not None
    kept = Fit.of((400, 40), (128, 64)).crop[0] / 400
    half = np.degrees(np.arctan(kept * np.tan(np.radians(40.0))))
    assert clip.lens.horizontal_fov == pytest.approx(2 * half, abs=1e-3)
    assert read_clip(tmp_path, ClipOptions(size=(128, 64))).lens is None
