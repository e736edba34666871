"""Every format is checked against numbers worked out by hand and by round trips."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories import (
    camera_path_json,
    colmap_text,
    realestate10k,
    transforms_json,
)
from engine.geometry.trajectories.trajectory import TrajectoryError

#: Half a turn to the right: this camera looks along world x, its right is world −z.
LOOKING_ALONG_X = np.array([[0, 0, 1, 2.0], [0, 1, 0, 3.0], [-1, 0, 0, 4.0], [0, 0, 0, 1]])


@st.composite
def paths(draw):
    g = np.random.default_rng(draw(st.integers(0, 2**31)))
    one_lens = draw(st.booleans())
    out = []
    for _ in range(draw(st.integers(1, 5))):
        T = np.eye(4)
        T[:3, :3] = cv2.Rodrigues(g.uniform(-2, 2, 3))[0]
        T[:3, 3] = g.uniform(-100, 100, 3)
        values = (0.8, 1.4, 0.5, 0.5) if one_lens else g.uniform(0.3, 2.0, 4)
        out.append(Camera(T, Intrinsics(*values)))
    return out


def assert_same(found, expected, tolerance=1e-8):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a.T_world_camera, b.T_world_camera, atol=tolerance)
        p, q = a.intrinsics, b.intrinsics
        assert np.allclose([p.fx, p.fy, p.cx, p.cy], [q.fx, q.fy, q.cx, q.cy], atol=1e-9)


@given(cameras=paths())
@settings(max_examples=25)
def test_realestate10k_comes_back(cameras, tmp_path_factory):
    file = tmp_path_factory.mktemp("re") / "t.txt"
    times = [0.04 * i for i in range(len(cameras))]
    realestate10k.write(file, cameras, times, title="a walk\nof two lines")
    again = realestate10k.read(file)
    assert_same(again.cameras, cameras)
    assert again.timestamps == pytest.approx(times)
    assert again.source_format == "realestate10k"


@given(cameras=paths())
@settings(max_examples=25)
def test_transforms_json_comes_back(cameras, tmp_path_factory):
    file = tmp_path_factory.mktemp("tf") / "transforms.json"
    names = [f"views/{i}.png" for i in range(len(cameras))]
    transforms_json.write(file, cameras, names, (640, 360), {"ply_file_path": "points.ply"})
    again = transforms_json.read(file)
    assert_same(again.cameras, cameras)
    assert (again.names, again.width, again.height) == (tuple(names), 640, 360)
    assert json.loads(file.read_text())["ply_file_path"] == "points.ply"


@given(cameras=paths())
@settings(max_examples=25)
def test_colmap_comes_back(cameras, tmp_path_factory):
    folder = tmp_path_factory.mktemp("colmap")
    names = [f"{i:04}.png" for i in range(len(cameras))]
    colmap_text.write(folder, cameras, names, (640, 360))
    again = colmap_text.read(folder)
    assert_same(again.cameras, cameras)
    assert (again.names, again.width, again.height) == (tuple(names), 640, 360)


def test_realestate10k_by_hand(tmp_path):
    file = tmp_path / "t.txt"
    # The point straight ahead of the camera, (2+5, 3, 4), must come to (0, 0, 5): rows are R|t.
    file.write_text(
        "https://example.org/v\r\n1500000 0.6 1.1 0.5 0.4 0 0 0 0 -1 4 0 1 0 -3 1 0 0 -2\r\n"
    )
    read = realestate10k.read(file)
    assert np.allclose(read.cameras[0].T_world_camera, LOOKING_ALONG_X)
    assert read.cameras[0].intrinsics == Intrinsics(0.6, 1.1, 0.5, 0.4)
    assert read.timestamps == (1.5,)


def test_realestate10k_without_its_first_line(tmp_path):
    file = tmp_path / "t.txt"
    file.write_text("7 0.6 1.1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 0\n\n")
    assert len(realestate10k.read(file).cameras) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 0.6 1.1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1", "line 2: expected 19 numbers"),
        ("1 0.6 1.1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 nan", "line 2: expected 19 numbers"),
        ("1 0.6 1.1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 x", "line 2: expected 19 numbers"),
        ("1 0.6 1.1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 -1 0", "no rotation"),
        ("1 0.6 1.1 0.5 0.5 0 0 2 0 0 0 0 2 0 0 0 0 2 0", "no rotation"),
        ("1 500 500 320 240 0 0 1 0 0 0 0 1 0 0 0 0 1 0", "in pixels"),
        ("1 0.0 1.1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 0", "bad lens"),
        ("", "no line with 19"),
    ],
)
def test_broken_realestate10k_is_refused(tmp_path, line, message):
    file = tmp_path / "t.txt"
    file.write_text(f"title\n{line}\n")
    with pytest.raises(TrajectoryError, match=message) as error:
        realestate10k.read(file)
    assert "\n" not in str(error.value)


def opengl(T):
    """x right, y up, z backward."""
    return np.column_stack([T[:, 0], -T[:, 1], -T[:, 2], T[:, 3]])


def test_transforms_json_by_hand(tmp_path):
    file = tmp_path / "transforms.json"
    frame = {"file_path": "a.png", "transform_matrix": opengl(LOOKING_ALONG_X).tolist()}
    lens = {"fl_x": 300, "fl_y": 310.0, "cx": 200.0, "cy": 90.0, "w": 400.0, "h": 200}
    file.write_text(json.dumps({**lens, "frames": [frame]}))
    read = transforms_json.read(file)
    assert np.allclose(read.cameras[0].T_world_camera, LOOKING_ALONG_X)
    assert read.cameras[0].intrinsics == Intrinsics(0.75, 1.55, 0.5, 0.45)
    assert (read.width, read.height, read.notes) == (400, 200, ())


def test_transforms_json_frames_are_sorted_as_people_count(tmp_path):
    frames = []
    for i in (10, 9, 1):
        T = np.eye(4)
        T[0, 3] = i
        frames.append({"file_path": f"f_{i}.png", "transform_matrix": T.tolist()})
    document = {"camera_angle_x": 1.0, "w": 40, "h": 30, "frames": frames}
    read = transforms_json.parse(document, "x")
    assert [c.position[0] for c in read.cameras] == [1, 9, 10]
    assert read.names == ("f_1.png", "f_9.png", "f_10.png")
    lens = read.cameras[0].intrinsics
    assert lens.fx == pytest.approx(0.5 / np.tan(0.5))
    assert lens.fy == pytest.approx(lens.fx * 4 / 3)


def test_what_transforms_json_leaves_open_is_noted():
    frame = {"transform_matrix": np.eye(4).tolist()}
    read = transforms_json.parse({"camera_angle_x": 1.0, "k1": 0.1, "frames": [frame]}, "x")
    assert read.cameras[0].intrinsics.fx == read.cameras[0].intrinsics.fy
    assert any("square" in note for note in read.notes)
    assert any("distortion" in note for note in read.notes)
    both = {"camera_angle_x": 1.0, "camera_angle_y": 0.5, "frames": [frame]}
    assert transforms_json.parse(both, "x").cameras[0].intrinsics.fy == pytest.approx(
        0.5 / np.tan(0.25)
    )


EYE = np.eye(4).tolist()
LENS = {"fl_x": 100, "w": 200, "h": 100}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "no list of frames"),
        ([], "no list of frames"),
        ({"frames": []}, "no frames"),
        ({"frames": [1]}, "no frames"),
        ({**LENS, "frames": [{}]}, "no finite|no matrix"),
        ({**LENS, "frames": [{"transform_matrix": "x"}]}, "no matrix"),
        ({**LENS, "frames": [{"transform_matrix": [[1, 2], [3]]}]}, "no matrix"),
        ({**LENS, "frames": [{"transform_matrix": [[10**400] * 4] * 4}]}, "no matrix"),
        ({**LENS, "frames": [{"transform_matrix": [[float("nan")] * 4] * 4}]}, "finite"),
        ({"frames": [{"transform_matrix": EYE}]}, "no lens"),
        ({"fl_x": 10**400, "w": 1, "h": 1, "frames": [{"transform_matrix": EYE}]}, "no lens"),
        ({**LENS, "fl_x": -1, "frames": [{"transform_matrix": EYE}]}, "bad lens"),
        ({**LENS, "camera_model": "OPENCV_FISHEYE", "frames": [{"transform_matrix": EYE}]}, "fish"),
    ],
)
def test_broken_transforms_json_is_refused(document, message):
    with pytest.raises(TrajectoryError, match=message):
        transforms_json.parse(document, "x")


def camera_path(**changes):
    entry = {"camera_to_world": opengl(LOOKING_ALONG_X).ravel().tolist(), "fov": 60.0, "aspect": 2}
    document = {"camera_path": [entry, entry], "render_width": 1600, "render_height": 800}
    return {**document, "fps": 10, **changes}


def test_camera_path_by_hand():
    read = camera_path_json.parse(camera_path(), "x")
    assert np.allclose(read.cameras[0].T_world_camera, LOOKING_ALONG_X)
    lens = read.cameras[0].intrinsics
    assert lens.fy == pytest.approx(0.5 / np.tan(np.radians(30)))  # fov is the vertical one
    assert lens.fx * 1600 == pytest.approx(lens.fy * 800)  # square pixels
    assert (read.width, read.height, read.timestamps) == (1600, 800, (0.0, 0.1))


def test_camera_path_takes_the_aspect_of_each_camera():
    read = camera_path_json.parse(camera_path(render_width=None, fps=None), "x")
    assert read.cameras[0].intrinsics.fx * 2 == pytest.approx(read.cameras[0].intrinsics.fy)
    assert read.timestamps is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "no list named camera_path"),
        (camera_path(camera_path=[]), "no cameras"),
        (camera_path(camera_path=[3]), "not an object"),
        (camera_path(camera_path=[{"fov": 50}]), "matrix"),
        (camera_path(camera_path=[{"camera_to_world": list(range(16)), "fov": 50}]), "no rotation"),
        (camera_path(camera_path=[{"camera_to_world": EYE, "fov": 180}]), "field of view"),
        (camera_path(camera_type="equirectangular"), "equirectangular"),
        (camera_path(render_width=0, camera_path=[{"camera_to_world": EYE, "fov": 9}]), "aspect"),
    ],
)
def test_broken_camera_paths_are_refused(document, message):
    with pytest.raises(TrajectoryError, match=message):
        camera_path_json.parse(document, "x")


def colmap_model(folder, cameras="1 PINHOLE 400 200 300 310 200 90\n", images=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cameras.txt").write_text("# comment\n" + cameras)
    # −90° about y takes world x to camera z; t = −R C.
    half = np.sqrt(0.5)
    pose = f"{half} 0 {-half} 0 4 -3 -2"
    both = f"# c\n7 {pose} 1 b 10.png\n\n3 {pose} 1 b 9.png\n1.5 2.5 -1 3 4 5\n"
    (folder / "images.txt").write_text(both if images is None else images)
    return folder


def test_colmap_by_hand(tmp_path):
    read = colmap_text.read(colmap_model(tmp_path))
    assert read.names == ("b 9.png", "b 10.png")
    assert np.allclose(read.cameras[0].T_world_camera, LOOKING_ALONG_X)
    assert read.cameras[0].intrinsics == Intrinsics(0.75, 1.55, 0.5, 0.45)
    assert (read.width, read.height) == (400, 200)


def test_colmap_is_found_in_its_usual_folder_and_notes_distortion(tmp_path):
    colmap_model(tmp_path / "sparse" / "0", "1 SIMPLE_RADIAL 400 200 300 200 90 0.01\n")
    read = colmap_text.read(tmp_path)
    assert read.cameras[0].intrinsics == Intrinsics(0.75, 1.5, 0.5, 0.45)
    assert "distortion" in read.notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": "1 FOV 4 2 3 2 1 0\n"}, "camera models"),
        ({"cameras": "1 PINHOLE 4 2 3\n"}, "lens"),
        ({"cameras": "1 PINHOLE 0 2 3 3 2 1\n"}, "positive"),
        ({"images": ""}, "no images"),
        ({"images": "1 1 0 0 0 0 0 0 9 a.png\n\n"}, "expected an image"),
        ({"images": "1 0 0 0 0 0 0 0 1 a.png\n\n"}, "quaternion"),
        ({"images": "1 1 0 0 0 nan 0 0 1 a.png\n\n"}, "finite"),
    ],
)
def test_broken_colmap_models_are_refused(tmp_path, changes, message):
    with pytest.raises(TrajectoryError, match=message):
        colmap_text.read(colmap_model(tmp_path, **changes))


def test_a_binary_colmap_model_is_named_as_such(tmp_path):
    (tmp_path / "images.bin").write_bytes(b"\0")
    with pytest.raises(TrajectoryError, match="model_converter"):
        colmap_text.read(tmp_path)
