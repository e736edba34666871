"""Whole walks at two sizes: what leaves has the picture's, and earlier versions' walks go on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pycolmap
import pytest
import torch
from PIL import Image

from explorer.walk.journal import JOURNAL, read_journal
from explorer.walk.photo import open_photo
from explorer.walk.results import JOURNAL_FOLDER
from explorer.walk.run import walk_photo
from explorer.walk.run_options import RunOptions


@pytest.fixture
def engine(fake) -> SimpleNamespace:
    return SimpleNamespace(device=torch.device("cpu"), weights_hash="abc")


@pytest.fixture
def options(tmp_path: Path, room_photo) -> RunOptions:
    """The photo has 144x72 pixels, and the model 96x48."""
    photo, out = tmp_path / "room.png", tmp_path / "out"
    Image.fromarray(room_photo.rgb[:72]).save(photo)
    return RunOptions(photo, out, "strafe", 2, fov=60.0, model_size=(96, 48), seed=7)


def test_everything_leaves_at_the_pictures_size(options: RunOptions, engine) -> None:
    walk_photo(options, engine=engine)
    about = json.loads((options.out / "walk.json").read_text())
    assert about["photo"]["model_size"] == about["photo"]["working_size"] == [96, 48]
    assert about["photo"]["picture_size"] == about["drawn_from"]["picture size"] == [144, 72]
    for name in ("views/0001.png", "depth/0001.png"):
        with Image.open(options.out / name) as picture:
            assert picture.size == (144, 72)
    with av.open(str(options.out / "video.mp4")) as video:
        shown = video.streams.video[0].codec_context
        assert (shown.width, shown.height) == (144, 72)
    transforms = json.loads((options.out / "transforms.json").read_text())
    assert (transforms["w"], transforms["h"]) == (144, 72)
    cameras = (options.out / "colmap" / "cameras.txt").read_text().splitlines()
    assert cameras[-1].split()[2:4] == ["144", "72"]
    model = pycolmap.Reconstruction(str(options.out / "colmap"))
    farthest = np.zeros(2)
    for image in model.images.values():
        for spot in image.points2D[::20]:
            point = model.points3D[spot.point3D_id]
            assert np.allclose(image.project_point(point.xyz), spot.xy, atol=2e-3)
            farthest = np.maximum(farthest, spot.xy)
    assert 130 < farthest[0] <= 144
    assert 60 < farthest[1] <= 72
    with Image.open(options.photo) as photo, Image.open(options.out / "views/0000.png") as view:
        assert (np.asarray(photo) == np.asarray(view)).all()


def test_a_smaller_picture_may_be_asked_for(options: RunOptions, engine) -> None:
    walk_photo(replace(options, views=1, picture_size=(120, 60)), engine=engine)
    with Image.open(options.out / "views/0001.png") as picture:
        assert picture.size == (120, 60)
    with pytest.raises(ValueError, match="--size 48x24 is less than --model-size 96x48"):
        walk_photo(replace(options, picture_size=(48, 24), overwrite=True), engine=engine)


def points_in(out: Path) -> int:
    header = (out / "points.ply").read_bytes().split(b"end_header")[0].decode()
    return int(header.split("element vertex ")[1].split()[0])


def test_a_dense_cloud_has_a_point_a_pixel(options: RunOptions, engine, tmp_path: Path) -> None:
    normal = replace(options, views=1)
    dense = replace(normal, out=tmp_path / "dense", points="dense")
    walk_photo(normal, engine=engine)
    walk_photo(dense, engine=engine)
    depth = read_journal(dense.out / JOURNAL_FOLDER).views[0].picture.depth
    finite = int(np.isfinite(depth).sum())
    assert points_in(dense.out) > 0.85 * finite > points_in(normal.out)
    assert json.loads((dense.out / "walk.json").read_text())["points"] == "dense"


def as_of_an_earlier_version(options: RunOptions) -> None:
    """Its journal: the header without a picture's size and with the hash of the small photo, the
    views without pictures."""
    folder = options.out / JOURNAL_FOLDER
    first, *rest = (folder / JOURNAL).read_text().splitlines(True)
    header = json.loads(first)
    del header["picture size"]
    small = open_photo(options.photo, options.fov, options.sizes.without_picture())
    header["photo"] = hashlib.sha256(small.rgb.tobytes()).hexdigest()
    (folder / JOURNAL).write_text(json.dumps(header) + "\n" + "".join(rest))
    for path in folder.glob("[0-9]*.npz"):
        with np.load(path) as arrays:
            kept = {k: arrays[k] for k in arrays.files if not k.startswith("picture")}
        np.savez_compressed(path, **kept)


def test_a_walk_without_pictures_goes_on_without(options: RunOptions, engine) -> None:
    left = iter(range(13))
    walk_photo(options, None, lambda: next(left, None) is None, engine)
    assert 0 < len(read_journal(options.out / JOURNAL_FOLDER).views) < 3
    as_of_an_earlier_version(options)
    with pytest.raises(ValueError, match=r"begun by an earlier version.*leave out --size"):
        walk_photo(replace(options, resume=True, picture_size=(144, 72)), engine=engine)
    assert walk_photo(replace(options, resume=True), engine=engine).complete
    assert all(view.picture is None for view in read_journal(options.out / JOURNAL_FOLDER).views)
    with Image.open(options.out / "views/0002.png") as picture:
        assert picture.size == (96, 48)
    about = json.loads((options.out / "walk.json").read_text())
    assert about["photo"]["picture_size"] == [96, 48]


def test_depth_every_leaves_gaps_in_the_depth_folder(options: RunOptions, engine) -> None:
    walk_photo(replace(options, depth_every=2, views=4), engine=engine)
    depths = sorted(p.name for p in (options.out / "depth").glob("*.png"))
    assert depths == ["0000.png", "0002.png", "0004.png"]
