"""Real things: sizes of packed models, closed forms of casts, splits, unchanged worlds without."""

import io
import zipfile

import cv2
import numpy as np
import pytest
import torch

from engine.training.worlds import prerender
from engine.training.worlds.casting import Projector, cast
from engine.training.worlds.families import REAL_FAMILIES
from engine.training.worlds.lighting import Lamp, _parallel, lamp_map, plan_maps
from engine.training.worlds.meshes.casting import assembled, positions
from engine.training.worlds.meshes.catalogue import read_catalogue
from engine.training.worlds.meshes.model import Label
from engine.training.worlds.meshes.store import Furniture, is_unseen
from engine.training.worlds.shapes import Builder, Material
from engine.training.worlds.world import sample_sequence, sample_world

SIZE = (0.8, 0.5, 1.2)
CORNERS = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
NAMES = {
    "chair": "Living room", "sofa": "Living room", "table": "Living room", "plant": "Living room",
    "car seat": "Exterior", "bench": "Exterior", "rock": "Exterior", "bed": "Bedroom",
    "book": "Office", "male": "Characters", "smart car": "Vehicles",
}  # fmt: skip


def cube() -> str:
    """A unit cube with a textured side, y up, as exporters write them."""
    lines = ["mtllib cube.mtl", *(f"v {x} {y} {z}" for x, y, z in CORNERS)]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    for i, quad in enumerate(QUADS):
        lines += [f"usemtl {'pictured' if i == 1 else 'plain'}"]
        lines += ["f " + " ".join(f"{v + 1}/{k + 1}" for k, v in enumerate(quad))]
    return "\n".join(lines)


def write_catalogue(path, names: dict[str, str]) -> None:
    """One cube of `SIZE` for each name and each of eight copies."""
    done, png = cv2.imencode(".png", np.full((8, 8, 3), (0, 0, 255), np.uint8))
    assert done
    mtl = "newmtl plain\nKd 0.5 0.5 0.5\nnewmtl pictured\nKd 1 1 1\nmap_Kd red.png\n"
    lines = ["name=Test", "license=CC0"]
    with zipfile.ZipFile(path, "w") as archive:
        for i, (name, category) in enumerate(list(names.items()) * 8, start=1):
            w, d, h = (round(100 * s, 3) for s in SIZE)
            fields = {
                "id": f"{path.stem}#{name}{i}", "name": name.capitalize(), "category": category,
                "model": f"/t/{i}/cube.obj", "width": w, "depth": d, "height": h,
                "doorOrWindow": "false",
            }  # fmt: skip
            lines += [f"{k}#{i}={v}" for k, v in fields.items()]
            for file, data in (("cube.obj", cube()), ("cube.mtl", mtl), ("red.png", png.tobytes())):
                archive.writestr(f"t/{i}/{file}", data)
        archive.writestr("PluginFurnitureCatalog.properties", "\n".join(lines))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("catalogues")
    write_catalogue(path / "Ours.sh3f", NAMES)
    return path


@pytest.fixture(scope="module")
def furniture(folder, tmp_path_factory):
    return Furniture.from_folder(folder, tmp_path_factory.mktemp("cache"), 32)


def a_model(furniture):
    return furniture.model(furniture.of_kind("train", "any")[0])


def test_a_catalogue_is_read(folder):
    catalogue = read_catalogue(folder / "Ours.sh3f")
    assert catalogue.entries[0].name == "chair"
    assert catalogue.entries[0].size == pytest.approx(SIZE)


def test_a_packed_thing_has_its_size_and_its_picture(furniture):
    model = a_model(furniture)
    w, d, h = SIZE
    assert np.allclose(model.vertices.min(0), (-w / 2, 0, 0), atol=1e-5)
    assert np.allclose(model.vertices.max(0), (w / 2, d, h), atol=1e-5)
    assert model.label.faces == len(model.faces) == 12
    assert np.allclose(np.abs(model.normals).max(1), 1, atol=0.01), "a cube's edges are sharp"
    pictured = model.materials[:, 0] >= 0
    assert pictured.sum() == 1
    assert (model.textures[0][:, 0] > 250).all()
    assert (model.textures[0][:, 1:] < 5).all()


def test_packing_is_done_once(folder, tmp_path):
    Furniture.from_folder(folder, tmp_path, 32)
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    Furniture.from_folder(folder, tmp_path, 32)
    assert before == {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert len(before) == 1


@pytest.mark.parametrize("parallel", [False, True])
def test_a_mesh_is_met_where_the_same_solid_is(furniture, parallel):
    """The box by its planes in closed form, and its triangles by Embree."""
    solid, mesh = Builder(), Builder()
    material = Material(0)
    for b in (solid, mesh):
        b.box((0, 0, -0.1), (50, 50, 0.2), material)
    w, d, h = SIZE
    with solid.placed(0.3, 2.0, 0.0, 0.4):
        solid.box((0, d, h), (2 * w, 2 * d, 2 * h), material)
    with mesh.placed(0.3, 2.0, 0.0, 0.4):
        mesh.mesh(a_model(furniture), (2.0, 2.0, 2.0))
    if parallel:
        projector = _parallel(torch.tensor([0.3, 0.5, -0.81]), torch.tensor([0.0, -4, 8]), 6.0)
    else:
        R = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        projector = Projector(R, torch.tensor([0.0, -3.0, 1.3]), (0.8, 1.0, 0.5, 0.5))
    meshes, _ = assembled(mesh.things, 1)
    shapes = mesh.build()
    hits = meshes.over(cast(shapes, projector, 96, 128), projector, len(shapes))
    expected = cast(solid.build(), projector, 96, 128).depth
    assert int((hits.shape > len(shapes)).sum()) > 300
    same = torch.isclose(hits.depth, expected, atol=1e-4, rtol=0)
    assert float(same.float().mean()) > 0.998, "but for single pixels on silhouettes"
    assert not meshes.encloses(np.array([0.0, -3.0, 1.3]))


def test_the_inside_of_a_thing_is_no_place_for_a_camera(furniture):
    b = Builder()
    b.mesh(a_model(furniture), (4.0, 4.0, 2.0))
    meshes, _ = assembled(b.things, 0)
    assert meshes.encloses(np.array([0.0, 1.0, 1.0]))
    assert not meshes.encloses(np.array([0.0, -1.0, 1.0]))


def test_things_shut_out_light_as_solids_do(furniture):
    solid, mesh = Builder(), Builder()
    for b in (solid, mesh):
        b.box((0, 0, -0.1), (10, 10, 0.2), Material(0))
    _, d, h = SIZE
    solid.box((0, d / 2, h / 2), SIZE, Material(0))
    mesh.mesh(a_model(furniture), (1.0, 1.0, 1.0))
    meshes, _ = assembled(mesh.things, 0)
    centre = torch.zeros(3)
    theirs = plan_maps(mesh.build(), centre, 3.0, 2.2, 64, meshes)
    lamp = Lamp((1.0, 0.8, 2.4), (1.0, 1.0, 1.0))
    shadow = lamp_map(mesh.build(), lamp, 3.0, 64, meshes).depth
    assert torch.allclose(shadow, lamp_map(solid.build(), lamp, 3.0, 64).depth, atol=1e-3)
    for mine, other in zip(plan_maps(solid.build(), centre, 3.0, 2.2, 64), theirs, strict=True):
        assert float(mine.depth.max()) > 0.1
        assert torch.allclose(mine.depth, other.depth, atol=1e-3)


def test_rays_pass_through_holes_of_textures(furniture):
    """The side with the picture, at +x, is cut out; what lies behind it is met instead."""
    b = Builder()
    b.mesh(a_model(furniture), (1.0, 1.0, 1.0))
    meshes, _ = assembled(b.things, 0)
    side = int(np.nonzero(meshes.materials[:, 5].numpy())[0][0])
    triangle = int(np.nonzero(meshes.part == side)[0][0])
    inward = np.array([[0.0, 0.25, 0.6]]) - meshes.vertices[meshes.faces[triangle]].mean(0)
    way = np.sign((inward * meshes.flat[triangle]).sum()) * meshes.flat[triangle][None]
    middle = meshes.vertices[meshes.faces[triangle]].mean(0)[None]
    start, way = (middle - 2 * way).astype(np.float32), way.astype(np.float32)
    before = float(meshes.first(start, way).depth[0])
    meshes.cutout[:] = True
    meshes.cut[side] = 0
    assert float(meshes.first(start, way).depth[0]) > before + 0.3


def test_splits_share_no_thing(furniture):
    train = {x.key for xs in furniture.train.values() for x in xs}
    unseen = {x.key for xs in furniture.unseen.values() for x in xs}
    assert train
    assert unseen
    assert not train & unseen
    theirs = Label("a#b", "KatorLegaz", "chair", "office", SIZE, 0.0, 0.0, 1)
    assert is_unseen(theirs)


@pytest.mark.parametrize("family", ["room", *REAL_FAMILIES])
def test_worlds_show_things_and_repeat(bank, furniture, family):
    a, b = (sample_sequence(4, 1, 48, 64, "train", bank, family=family, furniture=furniture)
            for _ in range(2))  # fmt: skip
    assert np.array_equal(a.rgb, b.rgb)
    assert np.array_equal(a.depth, b.depth)
    assert a.rgb.std() > 5
    worlds = [sample_world(seed, family, bank, furniture=furniture) for seed in range(4, 9)]
    assert any(world.scene.meshes is not None for world in worlds)


def test_without_furniture_nothing_is_drawn(bank):
    assert sample_world(4, "room", bank).scene.meshes is None
    with pytest.raises(ValueError, match="need real things"):
        sample_world(4, "yard", bank)


def test_pixels_of_positions_lie_at_half():
    u, v = positions(2, 4, torch.device("cpu"))
    assert u[:4].tolist() == [0.125, 0.375, 0.625, 0.875]
    assert v[[0, 4]].tolist() == [0.25, 0.75]


def test_a_strange_catalogue_is_refused(tmp_path):
    (tmp_path / "bad.sh3f").write_bytes(io.BytesIO(b"nothing").getvalue())
    with pytest.raises(ValueError, match="no furniture catalogue"):
        read_catalogue(tmp_path / "bad.sh3f")


@pytest.mark.parametrize("words", [["--furniture", "."], ["--family", "yard"]])
def test_bad_orders_exit_with_two(tmp_path, monkeypatch, words, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        prerender.main([str(tmp_path), "--count", "1", *words])
    assert stopped.value.code == 2
    assert "furniture" in capsys.readouterr().err
