"""Files of a clip, read back by other libraries; nothing of an earlier clip stays behind."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import imageio.v3 as imageio
import numpy as np
import pytest
import trimesh
from PIL import Image
from plyfile import PlyData

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories.detect import read_trajectory
from explorer.clips.output import ClipRecord, as_plain, write_clip
from explorer.walk.results import Results

HEIGHT, WIDTH = 64, 96
GEOMETRY = {
    "depth", "depth.mp4", "points.ply", "points.glb", "transforms.json", "trajectory.txt", "colmap",
}  # fmt: skip
ALWAYS = {"views", "video.mp4", "contact_sheet.png", "clip.json"}


def frames(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 255, (count, 8, 12, 3)).astype(np.uint8)
    return [cv2.resize(r, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for r in rough]


def cameras(count: int) -> list[Camera]:
    out = []
    for index in range(count):
        T = np.eye(4)
        T[0, 3] = 0.1 * index
        out.append(Camera(T, Intrinsics.from_fov(60, WIDTH / HEIGHT)))
    return out


def whole(count: int, **more) -> ClipRecord:
    depth = np.full((HEIGHT, WIDTH), 2.0, np.float32)
    depth[:8] = np.inf
    fields = {
        "frames": frames(count),
        "depths": [depth] * count,
        "cameras": cameras(count),
        "times": [0.0, 0.4, 0.5, 2.0][:count],
        "seconds": 3.25,
        "about": {"command": "test", "options": {"size": (96, 64), "nothing": float("nan")}},
    }
    return ClipRecord(**(fields | more))


@pytest.fixture(scope="module")
def written(small_engine, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("clip") / "out"
    write_clip(whole(4), Results(out), small_engine)
    return out


def test_everything_is_there(written):
    assert {p.name for p in written.glob("[!.]*")} == GEOMETRY | ALWAYS


def test_other_libraries_read_the_pictures(written):
    video = imageio.imread(written / "video.mp4", plugin="pyav")
    assert video.shape == (4, HEIGHT, WIDTH, 3)
    views = [np.asarray(Image.open(p)) for p in sorted((written / "views").glob("*.png"))]
    assert np.array_equal(np.stack(views), np.stack(frames(4)))
    assert np.abs(video.astype(int) - views).mean() < 8
    scale = json.loads((written / "depth" / "scale.json").read_text())
    steps = cv2.imread(str(written / "depth" / "0001.png"), cv2.IMREAD_UNCHANGED)
    assert steps.dtype == np.uint16
    assert (steps[:8] == scale["sky"]).all()
    np.testing.assert_allclose(steps[8:] * scale["scale"], 2.0, rtol=1e-3)


def test_other_libraries_read_the_points(written):
    points = PlyData.read(str(written / "points.ply"))["vertex"]
    np.testing.assert_allclose(np.asarray(points["z"]), 2.0, atol=1e-3)
    assert points["x"].min() < -0.5
    (mesh,) = trimesh.load(written / "points.glb").geometry.values()
    assert len(mesh.vertices) == len(points["z"])
    np.testing.assert_allclose(mesh.vertices[:, 2], -2.0, atol=1e-3)  # glTF looks along -z


@pytest.mark.parametrize("name", ["transforms.json", "trajectory.txt", "colmap"])
def test_cameras_are_those_of_the_clip(written, name):
    found = read_trajectory(written / name)
    for camera, wanted in zip(found.cameras, cameras(4), strict=True):
        np.testing.assert_allclose(camera.T_world_camera, wanted.T_world_camera, atol=1e-6)
    if name == "trajectory.txt":
        np.testing.assert_allclose(found.timestamps, [0.0, 0.4, 0.5, 2.0], atol=1e-6)


def test_what_was_asked_is_told(written, small_engine):
    about = json.loads((written / "clip.json").read_text())
    assert about["command"] == "test"
    assert about["options"] == {"size": [96, 64], "nothing": None}
    assert about["seconds"] == 3.25
    assert about["times"] == [0.0, 0.4, 0.5, 2.0]
    assert about["weights"] == small_engine.weights_hash


def test_nothing_of_an_earlier_clip_stays_behind(small_engine, tmp_path):
    write_clip(whole(4), Results(tmp_path), small_engine)
    (tmp_path / "mine.txt").write_text("kept")
    write_clip(whole(2, depths=(), cameras=(), times=()), Results(tmp_path), small_engine)
    assert {p.name for p in tmp_path.glob("[!.]*")} == ALWAYS | {"mine.txt"}
    assert sorted(p.name for p in (tmp_path / "views").iterdir()) == ["0000.png", "0001.png"]


def test_depth_without_cameras_is_written_too(small_engine, tmp_path):
    write_clip(whole(2, cameras=(), times=()), Results(tmp_path), small_engine)
    assert {p.name for p in tmp_path.glob("[!.]*")} == ALWAYS | {"depth", "depth.mp4"}


def test_a_sheet_without_depth_has_no_empty_half(small_engine, tmp_path):
    write_clip(whole(1, times=()), Results(tmp_path / "a"), small_engine)
    write_clip(whole(1, depths=(), cameras=(), times=()), Results(tmp_path / "b"), small_engine)
    sheets = [imageio.imread(tmp_path / name / "contact_sheet.png") for name in ("a", "b")]
    assert sheets[0].shape[0] - sheets[1].shape[0] > HEIGHT


def test_a_record_that_does_not_fit_is_refused(small_engine, tmp_path):
    with pytest.raises(ValueError, match="as much of everything"):
        write_clip(whole(3, times=(0.0, 1.0)), Results(tmp_path), small_engine)


def test_values_become_plain():
    assert as_plain({"a": np.float32(0.5), "b": (1, Path("x")), 3: float("inf")}) == {
        "a": 0.5, "b": [1, "x"], "3": None,
    }  # fmt: skip
