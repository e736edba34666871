"""Whole walks from a photo file to the files of a walk; stopped, resumed, refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from explorer.walk.colours import enlarged
from explorer.walk.journal import read_journal
from explorer.walk.results import JOURNAL_FOLDER, MANIFEST
from explorer.walk.run import RunProgress, walk_photo
from explorer.walk.run_options import RunOptions


@pytest.fixture
def engine(fake) -> SimpleNamespace:
    return SimpleNamespace(device=torch.device("cpu"), weights_hash="abc")


@pytest.fixture
def options(tmp_path: Path, room_photo) -> RunOptions:
    photo = tmp_path / "room.png"
    Image.fromarray(room_photo.rgb[:72]).save(photo)
    return RunOptions(
        photo=photo,
        out=tmp_path / "out",
        path="forth-and-back:strafe",
        views=3,
        fov=60.0,
        model_size=(96, 48),
        seed=7,
    )


class StopAfter:
    """Answers "stop" at its n-th question."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def journal_bytes(out: Path) -> list[bytes]:
    """All arrays of all views, and what is said of them, without the seconds."""
    views = read_journal(out / JOURNAL_FOLDER).views
    found = []
    for drawn, entry in zip(views, views.descriptions, strict=True):
        entry.pop("seconds")
        parts = (drawn.view.rgb, drawn.view.depth, drawn.view.confidence)
        arrays = (*parts, drawn.raw_rgb, drawn.coverage_map)
        found.append(json.dumps(entry).encode() + b"".join(a.tobytes() for a in arrays))
    return found


def file_bytes(out: Path) -> dict[str, bytes]:
    """Every exported file except those that tell the time."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "walk.json" and JOURNAL_FOLDER not in path.parts
    }


def assert_same_files(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """Byte for byte; of the videos, which the encoder may pack differently, the pictures."""
    assert set(found) == set(expected)
    videos = {name for name in found if name.endswith(".mp4")}
    assert [name for name in set(found) - videos if found[name] != expected[name]] == []
    for name in videos:
        first, second = (decoded(files[name]) for files in (found, expected))
        assert first.shape == second.shape
        assert np.abs(first - second).mean() < 2.0


def decoded(video: bytes) -> NDArray[np.float32]:
    with av.open(io.BytesIO(video)) as box:
        frames = [frame.to_ndarray(format="rgb24") for frame in box.decode(video=0)]
    return np.stack(frames).astype(np.float32)


def test_a_whole_walk(options: RunOptions, engine) -> None:
    told: list[RunProgress] = []
    result = walk_photo(options, told.append, None, engine)
    assert result.complete
    assert "Drew 3 views" in str(result)
    names = {str(p.relative_to(options.out)) for p in options.out.rglob("*") if p.is_file()}
    assert {f"views/{i:04d}.png" for i in range(4)} <= names
    assert {f"depth/{i:04d}.png" for i in range(4)} <= names
    assert {
        *("video.mp4", "depth.mp4", "points.ply", "transforms.json", "trajectory.txt"),
        *("colmap/images.txt", "contact_sheet.png", "walk.json"),
    } <= names
    about = json.loads((options.out / "walk.json").read_text())
    assert about["complete"] is True
    assert about["drawn_from"]["seed"] == 7
    assert about["drawn_from"]["weights"] == "abc"
    assert len(about["views"]) == 4
    assert about["views"][2]["retrieved"][0]["share"] > 0
    assert about["machine"]["versions"]["torch"]
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1].done == told[-1].total == 3
    assert told[-1].views_per_second > 0


@pytest.mark.parametrize("questions", [0, 2, 13])
def test_stopped_and_resumed_is_the_same_walk(
    options: RunOptions, engine, tmp_path: Path, questions: int
) -> None:
    whole = replace(options, out=tmp_path / "whole")
    walk_photo(whole, engine=engine)
    stopped = walk_photo(options, None, StopAfter(questions), engine)
    assert not stopped.complete
    if stopped.drawn:
        assert (options.out / "video.mp4").stat().st_size > 0
        assert json.loads((options.out / "walk.json").read_text())["complete"] is False
        assert len(list((options.out / "views").glob("*.png"))) == stopped.drawn + 1
        assert "--resume" in str(stopped)
    resumed = walk_photo(replace(options, resume=True), engine=engine)
    assert resumed.complete
    assert journal_bytes(options.out) == journal_bytes(whole.out)
    assert_same_files(file_bytes(options.out), file_bytes(whole.out))


def test_killed_between_files_and_resumed_is_the_same_walk(
    options: RunOptions, engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill leaves it: arrays without their line, a torn line, nothing exported."""
    whole = replace(options, out=tmp_path / "whole")
    walk_photo(whole, engine=engine)

    class Killed(BaseException):
        pass

    def kill(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("explorer.walk.recorder.os.fsync", _fail_after(14, Killed))
        with pytest.raises(Killed):
            walk_photo(options, None, None, engine)
    journal = options.out / JOURNAL_FOLDER / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-5])
    assert 0 < len(read_journal(options.out / JOURNAL_FOLDER).views) < 4
    walk_photo(replace(options, resume=True), engine=engine)
    assert journal_bytes(options.out) == journal_bytes(whole.out)
    assert_same_files(file_bytes(options.out), file_bytes(whole.out))


def _fail_after(calls: int, error: type[BaseException]):
    import os

    real, left = os.fsync, [calls]

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise error
        real(handle)

    return fsync


def test_resuming_a_finished_walk_draws_nothing(options: RunOptions, engine, fake) -> None:
    walk_photo(options, engine=engine)
    before = file_bytes(options.out)
    fake.calls.clear()
    assert walk_photo(replace(options, resume=True), engine=engine).complete
    assert fake.calls == []
    assert_same_files(file_bytes(options.out), before)


def test_raw_shows_the_models_pictures(options: RunOptions, engine, tmp_path: Path) -> None:
    final = replace(options, views=1)
    raw = replace(final, out=tmp_path / "raw", raw=True)
    walk_photo(final, engine=engine)
    walk_photo(raw, engine=engine)
    recorded = read_journal(final.out / JOURNAL_FOLDER).views[1]
    assert recorded.picture is not None
    own = enlarged(recorded.raw_rgb, recorded.picture.size)
    for chosen, expected in ((final, recorded.picture.rgb), (raw, own)):
        shown = np.asarray(Image.open(chosen.out / "views" / "0001.png"))
        assert (shown == expected).all()
    assert journal_bytes(final.out) == journal_bytes(raw.out)
    assert json.loads((raw.out / "walk.json").read_text())["pictures"] == "raw"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"seed": 8}, "seed"),
        ({"depth_every": 2}, "depth every"),
        ({"views": 6}, "path"),
        ({"caption": "a room"}, "caption"),
        ({"steps": 7}, "rgb steps"),
        ({"fov": 70.0}, "field of view"),
        ({"model_size": (48, 32)}, "model size"),
        ({"picture_size": (100, 60)}, "picture size"),
    ],
)
def test_another_walk_is_not_resumed(
    options: RunOptions, engine, change: dict[str, object], part: str
) -> None:
    walk_photo(options, None, StopAfter(4), engine)
    with pytest.raises(ValueError, match=f"another {part}"):
        walk_photo(replace(options, resume=True, **change), engine=engine)


def test_an_unfinished_walk_is_not_lost(options: RunOptions, engine) -> None:
    walk_photo(options, None, StopAfter(4), engine)
    with pytest.raises(ValueError, match="--resume"):
        walk_photo(options, engine=engine)


def test_a_finished_walk_is_replaced(options: RunOptions, engine) -> None:
    once = replace(options, views=2, path="strafe")
    walk_photo(once, engine=engine)
    assert walk_photo(replace(once, views=1), engine=engine).complete
    assert len(read_journal(options.out / JOURNAL_FOLDER).views) == 2
    assert len(list((options.out / "views").glob("*.png"))) == 2


def test_an_unfinished_walk_is_lost_when_that_is_asked(options: RunOptions, engine) -> None:
    walk_photo(options, None, StopAfter(13), engine)
    with pytest.raises(ValueError, match="give one"):
        walk_photo(replace(options, resume=True, overwrite=True), engine=engine)
    assert walk_photo(replace(options, seed=8, overwrite=True), engine=engine).complete
    assert read_journal(options.out / JOURNAL_FOLDER).header["seed"] == 8


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "name",
    ["views/me.png", "video.mp4", "colmap/x/y.bin", "journal/000001.npz", "journal/journal.jsonl"],
)
def test_what_is_the_users_is_refused_before_anything_is_drawn(
    options: RunOptions, engine, fake, name: str, overwrite: bool
) -> None:
    mine = options.out / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ValueError, match=r"no result of Photowalk's, and would be replaced"):
        walk_photo(replace(options, overwrite=overwrite), engine=engine)
    assert fake.calls == []
    assert [p for p in options.out.rglob("*") if p.is_file()] == [mine]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", [JOURNAL_FOLDER, "views", "journal/memory"])
def test_linked_folders_are_not_followed(
    options: RunOptions, engine, tmp_path: Path, name: str
) -> None:
    walk_photo(options, None, StopAfter(13), engine)
    (options.out / name).rename(tmp_path / "elsewhere")
    (options.out / name).symlink_to(tmp_path / "elsewhere")
    before = file_bytes(tmp_path / "elsewhere")
    for change in ({"resume": True}, {"overwrite": True}, {}):
        with pytest.raises(ValueError, match="no result of"):
            walk_photo(replace(options, **change), engine=engine)
    assert file_bytes(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("resume", [False, True])
def test_two_walks_into_one_folder(options: RunOptions, engine, resume: bool) -> None:
    """The second one is told; the first one goes on, and can be resumed."""
    walk_photo(options, None, StopAfter(13), engine)
    told: list[str] = []

    def second(_progress: RunProgress) -> None:
        with pytest.raises(
            ValueError, match=r"another Photowalk \(process \d+, since .*\)"
        ) as error:
            walk_photo(replace(options, resume=resume, overwrite=not resume), engine=engine)
        told.append(str(error.value))

    first = replace(options, resume=resume, overwrite=not resume)
    assert walk_photo(first, second, engine=engine).complete
    assert len(set(told)) == 1
    assert walk_photo(replace(options, resume=True), engine=engine).complete


def test_a_walk_of_an_earlier_version_is_gone_on_with(options: RunOptions, engine) -> None:
    """It left no list of its files."""
    walk_photo(options, None, StopAfter(13), engine)
    (options.out / MANIFEST).unlink()
    assert walk_photo(replace(options, resume=True), engine=engine).complete
    (options.out / MANIFEST).unlink()
    assert walk_photo(replace(options, views=1), engine=engine).complete
    assert len(list((options.out / "views").glob("*.png"))) == 2


def test_bad_input_leaves_nothing_behind(options: RunOptions, engine, tmp_path: Path) -> None:
    for change, message in (
        ({"photo": tmp_path / "none.jpg"}, "no file"),
        ({"path": "sideways"}, "no path"),
        ({"resume": True}, "no walk to go on with"),
        ({"depth_every": 0}, "at least 1"),
        ({"strategy": "guess"}, "no retrieval strategy"),
    ):
        with pytest.raises(ValueError, match=message):
            walk_photo(replace(options, **change), engine=engine)
        assert not options.out.exists()
    options.out.write_text("a file")
    with pytest.raises(ValueError, match="is a file"):
        walk_photo(options, engine=engine)
