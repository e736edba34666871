"""Real pictures as lessons: posed clips in RealEstate10K's layout, photos, videos, labels."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.geometry.cameras import Intrinsics
from engine.model.codec import Codec, CodecConfig
from engine.model.kinds import Kind
from engine.model.pictures import PictureMaker
from engine.training.buffer import Offer, SourceShares
from engine.training.clip_frames import clip_files, read_posed_clip
from engine.training.entries import EntryConfig
from engine.training.labels import Label, label_path, read_label, without_gaps, write_label
from engine.training.making import EntryMaker, MakingConfig, wanted
from engine.training.mixture import Lesson, MixtureConfig
from engine.training.real_pictures import photo_sources, posed_sources, video_sources
from engine.training.syllabus import Draws, LessonKind, Syllabus, SyllabusConfig, lesson_shares

CPU = torch.device("cpu")
SIZE = EntryConfig(size=(32, 48), targets=1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def codec() -> Codec:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator()) * 0.4)
    return codec


def label(picture: Path, depth: np.ndarray) -> None:
    write_label(label_path(picture), Label(depth, Intrinsics.from_fov(60, 256 / 144)))


def test_frames_are_found_by_their_timestamps(wall, tmp_path: Path) -> None:
    clip = read_posed_clip(wall.write(tmp_path))
    assert [int(p.stem) for p in clip.pictures] == wall.microseconds
    np.testing.assert_allclose(clip.cameras[3].position, wall.cameras[3].position, atol=1e-9)
    np.testing.assert_array_equal(clip.frames([2], None)[0], wall.pictures[2])
    assert clip.frames([2], 64)[0].shape == (36, 64, 3)


def test_numbered_frames_are_the_lines_in_order(wall, tmp_path: Path) -> None:
    text = wall.write(tmp_path)
    for index, path in enumerate(sorted(text.with_suffix("").iterdir())):
        path.rename(path.with_name(f"frame_{index}.png"))
    clip = read_posed_clip(text)
    np.testing.assert_array_equal(clip.frames([7], None)[0], wall.pictures[7])
    (text.with_suffix("") / "frame_3.png").unlink()
    with pytest.raises(ValueError, match="7 pictures, none named by a timestamp, for 8 cameras"):
        read_posed_clip(text)


def test_a_missing_timestamp_is_named(wall, tmp_path: Path) -> None:
    text = wall.write(tmp_path)
    (text.with_suffix("") / f"{wall.microseconds[5]}.png").unlink()
    with pytest.raises(ValueError, match=f"no picture of the timestamp {wall.microseconds[5]}"):
        read_posed_clip(text)


@pytest.mark.parametrize("before", [0, 125], ids=["the clip", "the whole video"])
def test_a_video_beside_is_the_clip_or_the_whole(wall, tmp_path: Path, before: int) -> None:
    """At 25 frames a second the clip starts at frame 125 of the video that it was cut from."""
    text = wall.write(tmp_path)
    for path in (tmp_path / "clip").iterdir():
        path.unlink()
    (tmp_path / "clip").rmdir()
    out = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (256, 144)
    )
    assert out.isOpened()
    for _ in range(before):
        out.write(np.zeros((144, 256, 3), np.uint8))
    for picture in (*wall.pictures, *wall.pictures[: 5 if before else 0]):
        out.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    out.release()
    clip = read_posed_clip(text)
    for index, found in zip((6, 1), clip.frames([6, 1], None), strict=True):
        off = [np.abs(found.astype(int) - p.astype(int)).mean() for p in wall.pictures]
        assert int(np.argmin(off)) == index
        assert min(off) < 12


def test_a_video_that_is_too_short_is_refused(wall, tmp_path: Path) -> None:
    text = wall.write(tmp_path)
    (tmp_path / "clip").rename(tmp_path / "elsewhere")
    out = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (256, 144)
    )
    for picture in wall.pictures[:3]:
        out.write(picture)
    out.release()
    with pytest.raises(ValueError, match="3 frames at 25 a second, too few"):
        read_posed_clip(text)


def test_without_depth_the_unit_is_triangulated(wall, tmp_path: Path) -> None:
    wall.write(tmp_path)
    (source,) = posed_sources(tmp_path)
    assert source.offer == Offer(depth=False, cameras=True)
    sequence = source.draw(generator())
    assert sequence.rgb.shape == (6, 3, 144, 256)
    assert bool(sequence.depth.isnan().all())
    truth = float(np.median(wall.depth(3)))
    for scale in sequence.scales:
        assert scale == pytest.approx(truth, rel=0.1)


def test_a_clip_that_stands_still_is_no_lesson(wall, tmp_path: Path) -> None:
    still = type(wall)(wall.pictures[:1] * 8, wall.cameras, wall.unit)
    still.write(tmp_path)
    (source,) = posed_sources(tmp_path)
    source.tries = 2
    with pytest.raises(ValueError, match=r"2 posed clips in turn.*does not show how far"):
        source.draw(generator())


def test_labelled_frames_have_their_depth(wall, tmp_path: Path) -> None:
    text = wall.write(tmp_path)
    clip = read_posed_clip(text)
    for index in range(1, 8):
        label(clip.pictures[index], wall.depth(index))
    (source,) = posed_sources(tmp_path)
    assert source.offer == Offer()
    sequence = source.draw(generator())
    assert sequence.rgb.shape == (6, 3, 144, 256)
    x = sequence.cameras[0].position[0] / wall.unit
    first = round(x / 0.06)
    np.testing.assert_allclose(sequence.depth[0, 0], wall.depth(first), rtol=1e-3)
    (tmp_path / "other").mkdir()
    wall.write(tmp_path / "other", "bare")
    assert [s.offer.depth for s in posed_sources(tmp_path)] == [True, False]


def test_folders_without_clips_and_photos_are_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert clip_files(tmp_path) == []
    with pytest.raises(ValueError, match="no posed clip"):
        posed_sources(tmp_path)
    with pytest.raises(ValueError, match="no photo below"):
        photo_sources(tmp_path)
    with pytest.raises(ValueError, match="no video"):
        video_sources(tmp_path)


@settings(max_examples=25, deadline=None)
@given(
    depth=arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
        elements=st.one_of(
            st.floats(2.0**-10, 2.0**15, width=16), st.sampled_from([math.inf, math.nan])
        ),
    )
)
def test_labels_come_back(depth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("labels") / "x.depth.npz"
    write_label(path, Label(depth, Intrinsics(0.7, 1.1, 0.4, 0.6)))
    found = read_label(path)
    np.testing.assert_array_equal(found.depth, depth)
    assert found.intrinsics == Intrinsics(0.7, 1.1, 0.4, 0.6)
    filled = without_gaps(depth)
    assert np.isnan(filled).all() == np.isnan(depth).all()
    if not np.isnan(depth).all():
        assert not np.isnan(filled).any()
        known = ~np.isnan(depth)
        np.testing.assert_array_equal(filled[known], depth[known])


def test_a_gap_is_filled_from_its_nearest_side() -> None:
    depth = np.full((3, 9), np.nan, np.float32)
    depth[:, 0], depth[:, 8] = 1.0, np.inf
    filled = without_gaps(depth)
    assert (filled[:, :4] == 1.0).all()
    assert np.isinf(filled[:, 5:]).all()


def test_a_damaged_label_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.depth.npz"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(ValueError, match=r"x\.depth\.npz is no depth of a picture"):
        read_label(path)
    with pytest.raises(ValueError, match="label it again"):
        read_label(tmp_path / "missing.depth.npz")


@pytest.fixture
def pictures(wall, tmp_path: Path) -> Path:
    """`photos` has one with depth and one without, `posed` a clip, `videos` a video."""
    (tmp_path / "photos").mkdir()
    for name in ("with", "without"):
        cv2.imwrite(str(tmp_path / "photos" / f"{name}.png"), wall.pictures[0])
    label(tmp_path / "photos" / "with.png", wall.depth(0))
    wall.write(tmp_path / "posed")
    (tmp_path / "videos").mkdir()
    video = str(tmp_path / "videos" / "v.avi")
    out = cv2.VideoWriter(video, cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (256, 144))
    for picture in wall.pictures:
        out.write(picture)
    out.release()
    return tmp_path


def all_sources(pictures: Path) -> SourceShares:
    found = [
        *photo_sources(pictures / "photos"),
        *posed_sources(pictures / "posed"),
        *video_sources(pictures / "videos"),
    ]
    return SourceShares(tuple(found), (1.0,) * len(found))


def test_lessons_are_those_that_the_pictures_can_serve(pictures: Path) -> None:
    sources = all_sources(pictures)
    shares = lesson_shares(MixtureConfig(photo=0.4, joint=0.3, bare=0.5), sources.can)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) == {
        LessonKind.PHOTO,
        LessonKind.BARE_WALK,
        LessonKind.BARE_JOINT,
        LessonKind.BARE_PHOTO,
    }
    photos = SourceShares((photo_sources(pictures / "photos")[1],), (1.0,))
    assert set(lesson_shares(MixtureConfig(bare=0.1), photos.can)) == {LessonKind.BARE_PHOTO}
    with pytest.raises(ValueError, match="none of the lessons"):
        lesson_shares(MixtureConfig(), photos.can)


def test_sources_give_only_what_is_asked(pictures: Path) -> None:
    sources = all_sources(pictures)
    for seed in range(2):
        photo = sources.draw(generator(seed), wanted("photo"))
        assert bool(photo.depth.isfinite().all())
        assert len(sources.draw(generator(seed), wanted("bare joint")).cameras) == 6
        assert bool(sources.draw(generator(seed), wanted("bare photo")).depth.isnan().all())
    with pytest.raises(ValueError, match="no source has depth and cameras"):
        sources.draw(generator())


def lessons(pictures: Path, codec: Codec, count: int) -> dict[str, Lesson]:
    from engine.model.text import Tokenizer

    config = SyllabusConfig(
        photo_batch=2,
        walk_batch=2,
        joint_batch=2,
        context_shares=(1.0,),
        buffer=2,
        uses=20.0,
        entries=SIZE,
        joint=SIZE,
        mixture=MixtureConfig(photo=0.4, bare=0.8),
    )
    draws = Draws(generator(1), generator(2), 0)
    syllabus = Syllabus(
        config, all_sources(pictures), PictureMaker(codec), Tokenizer([]), draws, CPU
    )
    asked = [syllabus.next() for _ in range(count)]
    return {one.name: one.lesson for one in asked}


def test_without_depth_only_colours_and_cameras_are_asked(pictures: Path, codec: Codec) -> None:
    found = lessons(pictures, codec, 60)
    assert {"photo", "bare walk", "bare photo", "bare video"} <= set(found)
    asked = set()
    for name, lesson in found.items():
        shown = [p for group in lesson.groups for p in group.pictures]
        assert all(bool(p.content.isfinite().all()) for p in shown)
        if name.startswith("bare"):
            assert {p.kind for p in shown} <= {Kind.RGB, Kind.RAYS}
            assert all(p.hint is None for p in shown)
            asked |= {p.kind for g in lesson.groups if g.asked for p in g.pictures}
    assert asked == {Kind.RGB, Kind.RAYS}


def test_bare_rays_are_in_units_of_the_scene(pictures: Path, codec: Codec, wall) -> None:
    maker = EntryMaker(
        all_sources(pictures), codec, MakingConfig(SIZE, SIZE, 3, 1), generator(), CPU
    )
    entry = maker.make("bare walk 1")
    assert entry.rgb.shape == (2, 8, 4, 6)
    assert entry.rays[0, :3].abs().max() < 1e-6
    # Cameras are at most 0.42 units apart and the wall some 2 units away, whatever a unit is.
    assert 0.01 < float(entry.rays[1, :3].abs().max()) < 0.5
