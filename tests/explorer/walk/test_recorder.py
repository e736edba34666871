"""The journal: whole after a crash at any byte, and exact."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.geometry.cameras import Camera
from explorer.walk import recorder as recorder_module
from explorer.walk.journal import JOURNAL, JournalError, read_journal
from explorer.walk.recorder import Recorder
from explorer.walk.records import DrawnView, RetrievedView
from memory.pictures.picture import DEPTH, RGB, Picture
from memory.views import View


def picture(seed: int, with_depth: bool = True) -> Picture:
    """At another size than the model's."""
    rng = np.random.default_rng(seed)
    depth = np.exp(rng.standard_normal((70, 106))).astype(np.float32)
    depth[:9], depth[20, 20] = np.inf, np.nan
    rgb = rng.integers(0, 255, (70, 106, 3), np.uint8)
    return Picture(rgb, depth if with_depth else None)


def assert_same_picture(a: Picture | None, b: Picture | None) -> None:
    assert a is not None
    assert b is not None
    np.testing.assert_array_equal(a.rgb, b.rgb)
    assert (a.depth is None) == (b.depth is None)
    if a.depth is not None:
        np.testing.assert_array_equal(a.depth, b.depth)


def drawn(view_id: int, start: Camera, with_depth: bool = True) -> DrawnView:
    rng = np.random.default_rng(view_id)
    depth = np.exp(rng.standard_normal((32, 48))).astype(np.float32)
    depth[:3], depth[5, 5] = np.inf, np.nan
    T = np.eye(4)
    T[:3, 3] = rng.standard_normal(3)
    view = View(
        view_id,
        start.moved(T),
        rng.integers(0, 255, (32, 48, 3), np.uint8),
        depth if with_depth else None,
        rng.random((32, 48)).astype(np.float32) if with_depth else None,
        "ein Zimmer, früh",
    )
    return DrawnView(
        view=view,
        raw_rgb=rng.integers(0, 255, (32, 48, 3), np.uint8),
        coverage_map=rng.integers(0, 255, (32, 48), np.uint8),
        retrieved=tuple(RetrievedView(i, 0.5 / (i + 1)) for i in range(min(view_id, 2))),
        seconds={"steps": 0.25},
        depth_scale=1.25 if with_depth else None,
        depth_spread=0.03125 if with_depth else None,
    )


def assert_same(a: DrawnView, b: DrawnView) -> None:
    assert (a.view.id, a.view.caption) == (b.view.id, b.view.caption)
    np.testing.assert_array_equal(a.view.camera.T_world_camera, b.view.camera.T_world_camera)
    assert a.view.camera.intrinsics == b.view.camera.intrinsics
    for x, y in (
        (a.view.rgb, b.view.rgb),
        (a.view.depth, b.view.depth),
        (a.view.confidence, b.view.confidence),
        (a.raw_rgb, b.raw_rgb),
        (a.coverage_map, b.coverage_map),
    ):
        if x is None:
            assert y is None
        else:
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)
    assert (a.retrieved, a.seconds) == (b.retrieved, b.seconds)
    assert (a.depth_scale, a.depth_spread) == (b.depth_scale, b.depth_spread)


@pytest.fixture
def folder(tmp_path: Path, start: Camera) -> Path:
    recorder = Recorder.create(tmp_path / "journal", {"seed": 3, "path": ["orbit", 8]})
    for i in range(4):
        recorder.record(drawn(i, start, with_depth=i != 2))
    return tmp_path / "journal"


def test_what_is_read_is_what_was_drawn(folder: Path, start: Camera) -> None:
    journal = read_journal(folder)
    assert journal.header["seed"] == 3
    assert len(journal.views) == 4
    for i, view in enumerate(journal.views):
        assert_same(view, drawn(i, start, with_depth=i != 2))
    assert [entry["view"] for entry in journal.views.descriptions] == [0, 1, 2, 3]
    assert [v.view.id for v in journal.views[1:3]] == [1, 2]


def test_a_journal_cut_at_any_byte_loses_at_most_the_torn_line(
    folder: Path, start: Camera, tmp_path: Path
) -> None:
    data = (folder / JOURNAL).read_bytes()
    first_end, ends = data.index(b"\n") + 1, [i + 1 for i, b in enumerate(data) if b == 10]
    for cut in [*range(first_end, len(data), 37), *ends, *(e - 1 for e in ends[1:])]:
        (folder / JOURNAL).write_bytes(data[:cut])
        journal = read_journal(folder)
        whole = sum(end <= cut for end in ends) - 1
        assert len(journal.views) == whole
        recorder = Recorder.resume(folder, journal)
        recorder.record(drawn(whole, start))
        again = read_journal(folder)
        assert len(again.views) == whole + 1
        assert_same(again.views[whole], drawn(whole, start))


def test_rewinding_appends_and_keeps_what_was_drawn(folder: Path, start: Camera) -> None:
    before = (folder / JOURNAL).read_bytes()
    recorder = Recorder.resume(folder, read_journal(folder))
    recorder.rewind(1)
    recorder.record(drawn(2, start))
    assert (folder / JOURNAL).read_bytes().startswith(before)
    journal = read_journal(folder)
    assert [v.view.id for v in journal.views] == [0, 1, 2]
    assert_same(journal.views[2], drawn(2, start))
    assert len(list(folder.glob("*.npz"))) == 5


def test_creating_anew_forgets_the_old_one(folder: Path) -> None:
    Recorder.create(folder, {"seed": 4})
    assert len(read_journal(folder).views) == 0
    assert not list(folder.glob("*.npz"))


def test_a_failed_write_leaves_no_line(
    folder: Path, start: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder.resume(folder, read_journal(folder))

    def full_disk(*_args, **_kwargs):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recorder_module, "save_arrays", full_disk)
        with pytest.raises(OSError, match="no space"):
            recorder.record(drawn(4, start))
    assert len(read_journal(folder).views) == 4
    recorder.record(drawn(4, start))
    assert_same(read_journal(folder).views[4], drawn(4, start))


def test_damage_is_told_in_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="holds no journal"):
        read_journal(tmp_path)
    (folder / "000001.npz").write_bytes(b"nothing")
    with pytest.raises(JournalError, match=r"000001\.npz is damaged"):
        list(read_journal(folder).views)
    (folder / "000001.npz").unlink()
    with pytest.raises(JournalError, match="missing"):
        list(read_journal(folder).views)
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(lines[0] + b"{oops\n" + lines[1])
    with pytest.raises(JournalError, match="damaged"):
        read_journal(folder)
    header = json.loads(lines[0])
    (folder / JOURNAL).write_text(json.dumps({**header, "version": 99}) + "\n")
    with pytest.raises(JournalError, match="another version"):
        read_journal(folder)
    (folder / JOURNAL).write_text("{}\n")
    with pytest.raises(JournalError, match="not the journal"):
        read_journal(folder)


def test_no_pickle_is_read(folder: Path, start: Camera) -> None:
    np.savez(folder / "000001.npz", rgb=np.array([{"a": 1}], dtype=object))
    with pytest.raises(JournalError, match="damaged"):
        read_journal(folder).views[1]


def test_pictures_come_back_bit_for_bit(folder: Path, start: Camera) -> None:
    recorder = Recorder.resume(folder, read_journal(folder))
    recorder.record(replace(drawn(4, start), picture=picture(4)))
    recorder.record(replace(drawn(5, start, False), picture=picture(5, with_depth=False)))
    views = read_journal(folder).views
    assert_same_picture(views[4].picture, picture(4))
    assert_same_picture(views[5].picture, picture(5, with_depth=False))
    assert views[3].picture is None
    frames, depths = views.arrays(RGB), views.arrays(DEPTH)
    assert [f is None for f in frames] == [True] * 4 + [False] * 2
    assert [d is None for d in depths] == [True] * 4 + [False, True]
    np.testing.assert_array_equal(frames[4], picture(4).rgb)
    np.testing.assert_array_equal(depths[4], picture(4).depth)
    png = frames.stored(4)
    assert png is not None
    assert png.tobytes().startswith(b"\x89PNG")
    assert frames.stored(0) is None


def test_a_picture_is_not_compressed_twice_and_numpy_reads_it(folder: Path, start: Camera) -> None:
    recorder = Recorder.create(folder, {})
    name = recorder.record(replace(drawn(0, start), picture=picture(0)))
    with zipfile.ZipFile(folder / name) as archive:
        how = {info.filename: info.compress_type for info in archive.infolist()}
    assert how[f"{RGB}.npy"] == how[f"{DEPTH}.npy"] == zipfile.ZIP_STORED
    assert how["rgb.npy"] == how["depth.npy"] == zipfile.ZIP_DEFLATED
    with np.load(folder / name, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["rgb"], drawn(0, start).view.rgb)


def test_a_later_depth_brings_the_pictures_depth(folder: Path, start: Camera) -> None:
    recorder = Recorder.resume(folder, read_journal(folder))
    recorder.record(replace(drawn(4, start, False), picture=picture(4, with_depth=False)))
    name = recorder.record_depth(4, replace(drawn(4, start), picture=picture(4)))
    with np.load(folder / name, allow_pickle=False) as arrays:
        assert set(arrays.files) == {"depth", "confidence", DEPTH}
    views = read_journal(folder).views
    assert_same_picture(views[4].picture, picture(4))
    assert_same_picture(recorder.picture(4), picture(4))
    np.testing.assert_array_equal(views.arrays(DEPTH)[4], picture(4).depth)


def test_the_recorder_reads_pictures_of_its_line(folder: Path, start: Camera) -> None:
    recorder = Recorder.create(folder, {})
    for i in range(3):
        recorder.record(replace(drawn(i, start), picture=picture(i)))
    recorder.rewind(0)
    recorder.record(replace(drawn(1, start), picture=picture(11)))
    for there in (recorder, Recorder.resume(folder, read_journal(folder))):
        assert_same_picture(there.picture(0), picture(0))
        assert_same_picture(there.picture(1), picture(11))
        with pytest.raises(KeyError):
            there.picture(2)
    recorder.go_to(2)
    assert_same_picture(recorder.picture(1), picture(1))
    assert_same_picture(recorder.picture(2), picture(2))
    recorder.go_to(0)
    recorder.record(drawn(1, start))
    assert recorder.picture(1) is None


def test_a_damaged_picture_is_told(folder: Path, start: Camera) -> None:
    recorder = Recorder.create(folder, {})
    name = recorder.record(replace(drawn(0, start), picture=picture(0)))
    with np.load(folder / name) as arrays:
        kept = {k: arrays[k] for k in arrays.files}
    kept[RGB] = kept[RGB][:100]
    np.savez(folder / name, **kept)
    with pytest.raises(JournalError, match=r"000000\.npz is damaged"):
        recorder.picture(0)
    with pytest.raises(JournalError, match=r"000000\.npz is damaged"):
        read_journal(folder).views[0]
    with pytest.raises(JournalError, match=r"000000\.npz is damaged"):
        read_journal(folder).views.arrays(RGB)[0]
