"""What we write as a COLMAP model is what COLMAP itself reads."""

import cv2
import numpy as np
import pycolmap
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.projection import project
from engine.geometry.trajectories import colmap_text
from engine.geometry.trajectories.colmap_text import SparsePoints

W, H = 320, 180


@pytest.fixture
def cameras():
    out = []
    for i in range(3):
        T = np.eye(4)
        T[:3, :3] = cv2.Rodrigues(np.array([0.1 * i, 0.2 - 0.2 * i, 0.05]))[0]
        T[:3, 3] = [0.4 * i, 0.1, -0.2 * i]
        out.append(Camera(T, Intrinsics(0.7 + 0.1 * (i == 2), 1.3, 0.48, 0.52)))
    return out


@pytest.fixture
def points(cameras, rng):
    positions = rng.uniform([-1, -0.5, 3], [1, 0.5, 5], (20, 3))
    image, point, at = [], [], []
    for i, camera in enumerate(cameras):
        seen = project(torch.tensor(positions), camera, H, W)
        for p in np.flatnonzero(seen.inside(H, W).numpy())[i::2]:
            image.append(i)
            point.append(p)
            at.append(seen.uv[p].tolist())
    shuffled = rng.permutation(len(image))
    return SparsePoints(
        positions,
        rng.integers(0, 256, (20, 3)).astype(np.uint8),
        np.array(image)[shuffled],
        np.array(point)[shuffled],
        np.array(at)[shuffled],
    )


def test_pycolmap_projects_our_points_onto_their_pixels(tmp_path, cameras, points):
    colmap_text.write(tmp_path, cameras, ["a.png", "b.png", "c.png"], (W, H), points)
    model = pycolmap.Reconstruction(str(tmp_path))
    assert len(model.cameras) == 2  # two lenses
    assert len(model.points3D) == 20
    by_name = {image.name: image for image in model.images.values()}
    checked = 0
    for i, name in enumerate(["a.png", "b.png", "c.png"]):
        image = by_name[name]
        assert (image.camera.width, image.camera.height) == (W, H)
        ours = project(torch.tensor(points.positions), cameras[i], H, W).uv.numpy()
        for spot in image.points2D:
            point = model.points3D[spot.point3D_id]
            theirs = image.project_point(point.xyz)
            index = spot.point3D_id - 1
            assert np.allclose(theirs, ours[index], atol=1e-3)
            assert np.allclose(spot.xy, theirs, atol=1e-3)
            assert (point.color == points.colours[index]).all()
            checked += 1
    assert checked == len(points.seen_image)
    tracks = sum(len(p.track.elements) for p in model.points3D.values())
    assert tracks == checked


def test_what_pycolmap_writes_is_what_we_read(tmp_path, cameras, points):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    colmap_text.write(ours, cameras, ["a.png", "b.png", "c.png"], (W, H), points)
    pycolmap.Reconstruction(str(ours)).write_text(str(theirs))
    again = colmap_text.read(theirs)
    assert again.names == ("a.png", "b.png", "c.png")
    for a, b in zip(again.cameras, cameras, strict=True):
        assert np.allclose(a.T_world_camera, b.T_world_camera, atol=1e-9)
        assert a.intrinsics.fx == pytest.approx(b.intrinsics.fx)
