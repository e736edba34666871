"""The point files, read by other libraries."""

import json
import struct

import numpy as np
import pytest
import torch
import trimesh
from plyfile import PlyData

from engine.geometry.surfels import surfels_from_view
from explorer.walk.export import PointCloud
from explorer.walk.export.points_glb import write_glb
from explorer.walk.export.points_ply import write_ply

EMPTY = PointCloud(
    np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.float32)
)


def test_plyfile_reads_what_was_written(record, tmp_path):
    write_ply(record.points, tmp_path / "p.ply", "metres\nand more")
    ply = PlyData.read(tmp_path / "p.ply")
    vertex = ply["vertex"]
    assert (ply.text, ply.byte_order) == (False, "<")
    assert ply.comments == ["x right, y down, z forward; metres and more"]
    names = [p.name for p in vertex.properties]
    assert names == ["x", "y", "z", "red", "green", "blue", "nx", "ny", "nz"]
    assert (np.stack([vertex[n] for n in names[:3]], -1) == record.points.positions).all()
    assert (np.stack([vertex[n] for n in names[3:6]], -1) == record.points.colours).all()
    assert (np.stack([vertex[n] for n in names[6:]], -1) == record.points.normals).all()


def test_trimesh_reads_the_ply_too(record, tmp_path):
    write_ply(record.points, tmp_path / "p.ply")
    cloud = trimesh.load(tmp_path / "p.ply")
    assert np.allclose(cloud.vertices, record.points.positions)
    assert (cloud.colors[:, :3] == record.points.colours).all()


def test_an_empty_ply_is_a_ply(tmp_path):
    write_ply(EMPTY, tmp_path / "p.ply")
    assert PlyData.read(tmp_path / "p.ply")["vertex"].count == 0


def test_trimesh_reads_the_glb_upright(record, tmp_path):
    write_glb(record.points, tmp_path / "p.glb")
    scene = trimesh.load(tmp_path / "p.glb")
    (cloud,) = scene.geometry.values()
    x, y, z = record.points.positions.T
    assert np.allclose(cloud.vertices, np.stack([x, -y, -z], -1))


def test_the_glb_keeps_its_specification(record, tmp_path):
    write_glb(record.points, tmp_path / "p.glb")
    data = (tmp_path / "p.glb").read_bytes()
    magic, version, total, size, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, total, kind) == (b"glTF", 2, len(data), b"JSON")
    assert size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    binary = data[28 + size :]
    assert struct.unpack_from("<I4s", data, 20 + size) == (len(binary), b"BIN\0")
    assert document["buffers"][0]["byteLength"] == len(binary)
    for view, accessor in zip(document["bufferViews"], document["accessors"], strict=True):
        component = {5126: 4, 5123: 2}[accessor["componentType"]]
        assert view["byteOffset"] % 4 == 0
        parts = int(accessor["type"][-1])
        assert view["byteLength"] == accessor["count"] * component * parts
    primitive = document["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    color = document["accessors"][primitive["attributes"]["COLOR_0"]]
    view = document["bufferViews"][color["bufferView"]]
    rgba = np.frombuffer(binary, "<u2", color["count"] * 4, view["byteOffset"]).reshape(-1, 4)
    linear = rgba[:, :3] / 65535
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert (np.round(255 * srgb).astype(np.uint8) == record.points.colours).all()
    assert (rgba[:, 3] == 65535).all()


def test_a_glb_needs_points(tmp_path):
    with pytest.raises(ValueError, match="at least one point"):
        write_glb(EMPTY, tmp_path / "p.glb")
    assert not list(tmp_path.iterdir())


def test_surfels_become_points(record):
    rgb = torch.from_numpy(record.frames[0] / np.float32(255))
    depth = torch.from_numpy(record.depths[0])
    surfels = surfels_from_view(rgb, depth, record.cameras[0], 0).surfels
    cloud = PointCloud.from_surfels(surfels)
    assert len(cloud) == len(surfels) > 1000
    assert np.allclose(cloud.positions[:, 0] * 0.2 + cloud.positions[:, 2], 3.0, atol=1e-4)
    assert (cloud.colours == np.round(surfels.colours.numpy() * 255)).all()


def test_clouds_of_unequal_parts_are_refused():
    with pytest.raises(ValueError, match="colours"):
        PointCloud(
            np.zeros((2, 3), np.float32), np.zeros((1, 3), np.uint8), np.zeros((2, 3), np.float32)
        )
