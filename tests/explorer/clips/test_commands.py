"""The clip commands from files to files, read back by other libraries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from plyfile import PlyData

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories.detect import read_trajectory
from engine.queries import finish
from engine.queries.query import QueryError
from engine.queries.scenes import SceneView
from explorer.clips import geometry, interpolating
from explorer.clips.editing import EditOptions, edit_clip
from explorer.clips.frames import ClipError
from explorer.clips.generating import FIRST_VIEW, GenerateOptions, generate_walk
from explorer.clips.geometry import (
    DRAWN,
    MATCHED,
    Geometry,
    GeometryOptions,
    recover_geometry,
)
from explorer.clips.interpolating import InterpolateOptions, interpolate_photos
from explorer.clips.reconstructing import ReconstructOptions, reconstruct_clip
from explorer.clips.work import StoppedError
from explorer.walk.colours import to_floats
from explorer.walk.journal import JOURNAL
from explorer.walk.results import JOURNAL_FOLDER

SIZE = (96, 64)
LENS = Intrinsics.from_fov(60, 96 / 64)
#: Shift in pixels of a wall at depth 1 for a step of one unit.
FOCAL = LENS.fx * 96


def about(out: Path) -> dict:
    return json.loads((out / "clip.json").read_text())


def frames_of(path: Path) -> int:
    with av.open(str(path)) as box:
        return sum(1 for _ in box.decode(video=0))


def true_views(folder: Path) -> list[SceneView]:
    """The wall's pictures with their true depth, 1, and cameras."""
    views = []
    for index, file in enumerate(sorted(folder.glob("*.png"))):
        T = np.eye(4)
        T[0, 3] = 3.0 * index / FOCAL
        rgb = to_floats(np.asarray(Image.open(file)))
        views.append(SceneView(rgb, np.ones((64, 96), np.float32), Camera(T, LENS)))
    return views


def answered(answer):
    """A drawing that is over at once."""

    def drawing(*_):
        yield from ()
        return answer

    return drawing


def drawing_of(views):
    """A reconstruction that answers with `views`, whatever it is shown."""

    def reconstruct(_engine, pictures, _config, _noise):
        yield from ()
        return [views[i] for i in range(len(pictures))]

    return reconstruct


# -- reconstruct -------------------------------------------------------------------------------


def test_a_folder_becomes_depth_cameras_and_points(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(geometry, "reconstruct", drawing_of(true_views(folder)))
    out = tmp_path / "out"
    done = reconstruct_clip(ReconstructOptions(out=out, video=folder, size=SIZE, fov=60))
    assert "5 frames" in str(done)
    assert frames_of(out / "video.mp4") == frames_of(out / "depth.mp4") == 5
    found = read_trajectory(out / "transforms.json").cameras
    steps = [c.position[0] for c in found]
    np.testing.assert_allclose(steps, [3.0 * i / FOCAL for i in range(5)], atol=0.01)
    points = PlyData.read(str(out / "points.ply"))["vertex"]
    np.testing.assert_allclose(np.median(points["z"]), 1.0, atol=0.05)
    assert about(out)["command"] == "reconstruct"


def test_the_untrained_model_reconstructs_without_failing(folder, tmp_path):
    out = tmp_path / "out"
    done = reconstruct_clip(ReconstructOptions(out=out, video=folder, size=SIZE, samples=2))
    assert len(about(out)["scores"]) == 2
    assert "best of 2 samples" in str(done)
    assert len(list((out / "views").glob("*.png"))) == 5


def test_matches_correct_wrong_cameras(folder, small_engine, monkeypatch):
    """Drawn cameras that stand still are replaced by those of matches."""
    still = [SceneView(v.rgb, v.depth, Camera(np.eye(4), LENS)) for v in true_views(folder)]
    monkeypatch.setattr(geometry, "reconstruct", drawing_of(still))
    frames = [np.asarray(Image.open(f)) for f in sorted(folder.glob("*.png"))]
    found = finish(recover_geometry(small_engine, frames, GeometryOptions(), LENS))
    assert found.cameras_from == MATCHED
    assert found.views[-1].camera.position[0] == pytest.approx(12 / FOCAL, rel=0.1)
    alone = GeometryOptions(match=False)
    drawn = finish(recover_geometry(small_engine, frames, alone, LENS))
    assert drawn.cameras_from == DRAWN
    assert found.score > drawn.score


def test_the_most_consistent_sample_is_kept(folder, small_engine, monkeypatch):
    true = true_views(folder)
    wrong = [SceneView(v.rgb, v.depth * 3, v.camera) for v in true]
    answers = iter([wrong, true, wrong])

    def reconstruct(_engine, _pictures, _config, _noise):
        yield from ()
        return next(answers)

    monkeypatch.setattr(geometry, "reconstruct", reconstruct)
    frames = [np.asarray(Image.open(f)) for f in sorted(folder.glob("*.png"))]
    options = GeometryOptions(samples=3, match=False)
    found = finish(recover_geometry(small_engine, frames, options, LENS))
    assert int(np.argmax(found.scores)) == 1
    assert found.views[0].depth[0, 0] == 1.0


def test_what_cannot_be_read_is_told_before_the_model_loads(tmp_path):
    with pytest.raises(ClipError, match="does not exist"):
        reconstruct_clip(ReconstructOptions(out=tmp_path / "o", video=tmp_path / "no.mp4"))
    assert not (tmp_path / "o").exists()


def test_a_stopped_reconstruction_writes_nothing(folder, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(StoppedError):
        reconstruct_clip(ReconstructOptions(out=out, video=folder), stop=lambda: True)
    assert not out.exists()


# -- interpolate -------------------------------------------------------------------------------


def pair(folder: Path, tmp_path: Path, **changes) -> InterpolateOptions:
    files = {"first": folder / "0.png", "last": folder / "4.png"}
    return InterpolateOptions(out=tmp_path / "out", size=SIZE, views=3, **(files | changes))


def test_views_between_two_pictures_follow_the_wall(folder, tmp_path, monkeypatch):
    true = true_views(folder)
    monkeypatch.setattr(geometry, "reconstruct", drawing_of([true[0], true[4]]))
    done = interpolate_photos(pair(folder, tmp_path))
    assert "along the path" in str(done)
    files = sorted((tmp_path / "out" / "views").glob("*.png"))
    assert len(files) == 5
    for index in (1, 2, 3):
        found = np.asarray(Image.open(files[index])).astype(float)
        truth = np.asarray(Image.open(folder / f"{index}.png")).astype(float)
        shown = np.abs(found - truth)[8:-8, 16:-16].mean()
        faded = np.abs(true[0].rgb + true[4].rgb - 2 * truth / 255)[8:-8, 16:-16].mean() / 2 * 255
        assert shown < 0.4 * faded
    assert read_trajectory(tmp_path / "out" / "transforms.json").cameras


def test_pictures_that_share_nothing_are_told_to_be_joined_without_geometry(
    folder, tmp_path, monkeypatch
):
    away = Geometry(tuple(true_views(folder)[:2]), -0.9, (-0.9,), DRAWN)
    monkeypatch.setattr(interpolating, "recover_geometry", answered(away))
    done = interpolate_photos(pair(folder, tmp_path))
    assert "without geometry" in str(done)
    assert about(tmp_path / "out")["geometry"] is False
    assert frames_of(tmp_path / "out" / "video.mp4") == 5
    assert not (tmp_path / "out" / "transforms.json").exists()


def test_pictures_of_different_shapes_are_refused(folder, tmp_path):
    Image.fromarray(np.zeros((96, 64, 3), np.uint8)).save(folder / "tall.png")
    with pytest.raises(ClipError, match="of one shape"):
        interpolate_photos(pair(folder, tmp_path, last=folder / "tall.png"))


# -- edit --------------------------------------------------------------------------------------


def edited(folder: Path) -> Path:
    picture = np.array(Image.open(folder / "0.png"))
    picture[20:44, 40:70] = (250, 20, 20)
    target = folder.parent / "edited.png"
    Image.fromarray(picture).save(target)
    return target


def test_an_edit_moves_with_the_wall(folder, tmp_path):
    out = tmp_path / "out"
    options = EditOptions(out=out, video=folder, first_frame=edited(folder), size=SIZE)
    done = edit_clip(options)
    assert "5 frames" in str(done)
    for index, file in enumerate(sorted((out / "views").glob("*.png"))):
        picture = np.asarray(Image.open(file)).astype(int)
        red = (picture[..., 0] > 150) & (picture[..., 1] < 100) & (picture[..., 2] < 100)
        columns = np.nonzero(red[32])[0]
        assert np.median(columns) == pytest.approx(54.5 - 3 * index, abs=3)
        original = np.asarray(Image.open(folder / f"{index}.png")).astype(int)
        assert np.array_equal(picture[:, 80:], original[:, 80:])
    assert frames_of(out / "video.mp4") == 5
    assert len(list((out / "regions").glob("*.png"))) == 5


def test_a_region_can_be_painted(folder, tmp_path):
    mask = np.zeros((64, 96, 3), np.uint8)
    mask[20:44, 40:70] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    options = EditOptions(
        out=tmp_path / "out",
        video=folder,
        first_frame=edited(folder),
        region=tmp_path / "mask.png",
        size=SIZE,
    )
    edit_clip(options)
    assert about(tmp_path / "out")["region_share"][0] == pytest.approx(24 * 30 / (64 * 96))
    Image.fromarray(mask * 0).save(tmp_path / "mask.png")
    with pytest.raises(ClipError, match="dark everywhere"):
        edit_clip(options)


def test_an_unedited_frame_is_no_edit(folder, tmp_path):
    options = EditOptions(out=tmp_path / "o", video=folder, first_frame=folder / "0.png", size=SIZE)
    with pytest.raises(ClipError, match="does not differ"):
        edit_clip(options)


def test_an_edited_frame_of_another_shape_is_refused(folder, tmp_path):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "square.png")
    options = EditOptions(out=tmp_path / "o", video=folder, first_frame=tmp_path / "square.png")
    with pytest.raises(ClipError, match="edit a whole frame"):
        edit_clip(options)


# -- generate ----------------------------------------------------------------------------------


def test_words_become_a_walk(tmp_path):
    options = GenerateOptions(
        out=tmp_path / "out", caption="a room", views=2, size=SIZE, steps=2, samples=2
    )
    done = generate_walk(options)
    assert "2 views from there" in str(done)
    with Image.open(tmp_path / "out" / FIRST_VIEW) as first:
        assert first.size == SIZE
    assert frames_of(tmp_path / "out" / "video.mp4") == 3


def test_an_unfinished_walk_is_not_lost_nor_its_picture(tmp_path):
    """Everything that the walk would refuse is refused before the first view is written."""
    options = GenerateOptions(out=tmp_path / "out", caption="a room", views=2, size=SIZE, steps=1)
    generate_walk(options)
    journal = tmp_path / "out" / JOURNAL_FOLDER / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    (tmp_path / "out" / FIRST_VIEW).write_bytes(b"the earlier picture")
    before = {p: p.read_bytes() for p in sorted((tmp_path / "out").rglob("*")) if p.is_file()}
    again = replace(options, seed=8)
    ways = "unfinished walk; add --overwrite to lose it, or choose another --out"
    for wrong, sentence in (
        (again, ways),
        (replace(again, overwrite=True, path="up the wall"), "up the wall"),
        (replace(again, overwrite=True, fov=175.0), "field of view of 175"),
    ):
        with pytest.raises(ValueError, match=sentence):
            generate_walk(wrong)
        after = {p: p.read_bytes() for p in sorted((tmp_path / "out").rglob("*")) if p.is_file()}
        assert after == before
    assert "2 views" in str(generate_walk(replace(again, overwrite=True)))
    assert (tmp_path / "out" / FIRST_VIEW).read_bytes() != b"the earlier picture"


def test_unknown_words_are_told(tmp_path):
    options = GenerateOptions(
        out=tmp_path / "out", caption="a room with a zebra", views=1, size=SIZE, steps=1
    )
    assert "zebra" in str(generate_walk(options))
    nothing = GenerateOptions(out=tmp_path / "o2", caption="zebra quagga", size=SIZE)
    with pytest.raises(QueryError, match="knows no word"):
        generate_walk(nothing)
