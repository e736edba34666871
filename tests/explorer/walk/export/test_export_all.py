"""A whole export, re-read by other libraries: every camera file puts the points where they are."""

import json
from dataclasses import replace

import numpy as np
import pycolmap
import pytest
from PIL import Image
from plyfile import PlyData

from engine.geometry.trajectories.detect import read_trajectory
from explorer.walk.export import ExportInput, PointCloud, export_all
from explorer.walk.results import Results

FILES = [
    "colmap",
    "contact_sheet.png",
    "depth",
    "depth.mp4",
    "points.glb",
    "points.ply",
    "trajectory.txt",
    "transforms.json",
    "video.mp4",
    "views",
]


@pytest.fixture(scope="module")
def exported(record, tmp_path_factory):
    out = tmp_path_factory.mktemp("walk") / "out"
    steps = []
    export_all(record, Results(out), lambda *step: steps.append(step))
    assert [s[1] for s in steps] == list(range(10))
    assert all(s[2] == 10 for s in steps)
    assert sorted(s[0] for s in steps) == FILES
    return out


def points_of(out):
    vertex = PlyData.read(out / "points.ply")["vertex"]
    places = np.stack([vertex[a] for a in "xyz"], -1).astype(np.float64)
    return places, np.stack([vertex[c] for c in ("red", "green", "blue")], -1)


def picture(out, name):
    with Image.open(out / "views" / name) as opened:
        return np.asarray(opened)


def check_colours(out, name, uv, ahead):
    """The points that fall into the picture must find their own colours at those pixels.

    Those that were unprojected from the first view must fall back onto its pixels' centres.
    """
    frame = picture(out, name)
    if name == "0000.png":
        with Image.open(out / "depth" / name) as opened:
            own = np.asarray(opened)
        known = (own > 0) & (own < 65535)
        row, column = np.nonzero(known)
        assert np.abs(uv[: known.sum()] - np.stack([column, row], -1) - 0.5).max() < 1e-3
    height, width = frame.shape[:2]
    _, colours = points_of(out)
    inside = (uv > 1).all(1) & (uv[:, 0] < width - 1) & (uv[:, 1] < height - 1) & ahead
    assert inside.sum() > 2000
    column, row = uv[inside].astype(int).T  # pixel (0, 0) covers [0, 1)
    found, expected = frame[row, column].astype(int), colours[inside].astype(int)
    near_sky = (np.abs(found - expected) > 20).any(axis=1)
    assert near_sky.mean() < 0.02
    assert np.abs(found - expected)[~near_sky].max() <= 6


def test_only_whole_files_are_there(exported):
    assert sorted(p.name for p in exported.glob("[!.]*")) == FILES
    assert sorted(p.name for p in (exported / "views").iterdir()) == [
        f"{i:04d}.png" for i in range(4)
    ]
    assert sorted(p.name for p in (exported / "depth").iterdir()) == [
        "0000.png",
        "0001.png",
        "0002.png",
        "scale.json",
    ]


def test_pictures_are_the_frames(record, exported):
    for name, frame in zip(record.names, record.frames, strict=True):
        assert (picture(exported, f"{name}.png") == frame).all()


def test_transforms_json_puts_points_on_their_pixels(exported):
    document = json.loads((exported / "transforms.json").read_text())
    assert document["ply_file_path"] == "points.ply"
    places, _ = points_of(exported)
    for frame in document["frames"]:
        # As an OpenGL program would: x right, y up, looking along −z.
        world_to_camera = np.linalg.inv(np.array(frame["transform_matrix"]))
        x, y, z = (places @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]).T
        u = frame["fl_x"] * x / -z + frame["cx"]
        v = frame["fl_y"] * -y / -z + frame["cy"]
        folder, name = frame["file_path"].split("/")
        assert folder == "views"
        check_colours(exported, name, np.stack([u, v], -1), z < 0)


def test_realestate10k_puts_points_on_their_pixels(record, exported):
    places, _ = points_of(exported)
    lines = (exported / "trajectory.txt").read_text().splitlines()[1:]
    width, height = record.size
    for name, line in zip(record.names, lines, strict=True):
        values = np.array(line.split(), dtype=float)
        x, y, z = (np.column_stack([places, np.ones(len(places))]) @ values[7:].reshape(3, 4).T).T
        fx, fy, cx, cy = values[1:5]
        uv = np.stack([(fx * x / z + cx) * width, (fy * y / z + cy) * height], -1)
        check_colours(exported, f"{name}.png", uv, z > 0)


def test_pycolmap_puts_points_on_their_pixels(record, exported):
    model = pycolmap.Reconstruction(str(exported / "colmap"))
    places, _ = points_of(exported)
    assert len(model.points3D) == len(places)
    images = {image.name: image for image in model.images.values()}
    assert sorted(images) == [f"{n}.png" for n in record.names]
    for name, image in images.items():
        in_camera = (image.cam_from_world() * places)[:, 2] > 0
        uv = image.camera.img_from_cam(image.cam_from_world() * places)
        check_colours(exported, name, np.asarray(uv), in_camera)


def test_pycolmap_finds_every_observation_where_the_point_projects(record, exported):
    model = pycolmap.Reconstruction(str(exported / "colmap"))
    counts = {}
    for image in model.images.values():
        counts[image.name] = len(image.points2D)
        for spot in image.points2D[::50]:
            point = model.points3D[spot.point3D_id]
            assert np.allclose(image.project_point(point.xyz), spot.xy, atol=2e-3)
            frame = picture(exported, image.name)
            column, row = spot.xy.astype(int)
            assert np.abs(frame[row, column].astype(int) - point.color).max() <= 6
    assert counts["0000.png"] == 2000
    assert counts["0003.png"] == 0  # no depth to test against
    lengths = [p.track.length() for p in model.points3D.values() if p.track.length()]
    assert np.mean(lengths) > 1.5


def test_every_camera_file_tells_one_path(record, exported):
    for name in ("transforms.json", "trajectory.txt", "colmap"):
        read = read_trajectory(exported / name)
        assert len(read.cameras) == 4
        for a, b in zip(read.cameras, record.cameras, strict=True):
            assert np.allclose(a.T_world_camera, b.T_world_camera, atol=1e-9)
            assert a.intrinsics.fy == pytest.approx(b.intrinsics.fy)


def test_a_shorter_export_leaves_nothing_of_the_longer_one(record, tmp_path):
    export_all(record, Results(tmp_path))
    nothing = PointCloud(
        np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.float32)
    )
    shorter = replace(
        record,
        cameras=record.cameras[:1],
        frames=record.frames[:1],
        depths=[None],
        names=record.names[:1],
        labels=(),
        points=nothing,
    )
    export_all(shorter, Results(tmp_path))
    left = sorted(p.name for p in tmp_path.glob("[!.]*"))
    assert left == [f for f in FILES if f not in ("depth", "depth.mp4", "points.glb")]
    assert [p.name for p in (tmp_path / "views").iterdir()] == ["0000.png"]
    assert len(pycolmap.Reconstruction(str(tmp_path / "colmap")).images) == 1


def test_exports_of_unequal_parts_are_refused(record):
    with pytest.raises(ValueError, match="as much of everything"):
        replace(record, names=["one"])
    with pytest.raises(ValueError, match="at least one"):
        ExportInput((), (), (), record.points, ())
