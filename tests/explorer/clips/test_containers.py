"""Containers that cannot be believed: late seeks, no times, wrong lengths, damage, one keyframe."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from explorer.clips import video_file
from explorer.clips.frames import Cancelled, ClipError, ClipOptions
from explorer.clips.video_in import read_clip
from explorer.walk.photo import working_size

SIZE = (64, 48)


def grey(level: int) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), level, np.uint8)


def rising(count: int) -> list[np.ndarray]:
    """Frames that grow brighter from 10 to 240, so that each one is known by its shade."""
    return [grey(round(10 + 230 * i / (count - 1))) for i in range(count)]


def write(path: Path, frames: list[np.ndarray], codec: str = "libx264", **more) -> Path:
    options = {"rate": 25, "options": {}, "format": None, "aspect": None} | more
    fast = {"preset": "ultrafast", "bf": "2", "threads": "1"} if codec == "libx264" else {}
    more_options = fast | options["options"]
    with av.open(str(path), "w", format=options["format"]) as box:
        stream = box.add_stream(codec, rate=options["rate"], options=more_options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        if options["aspect"]:
            stream.codec_context.sample_aspect_ratio = options["aspect"]
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, options["rate"])
            box.mux(stream.encode(picture))
        box.mux(stream.encode(None))
    return path


def read(path: Path, frames: int = 4, **more):
    return read_clip(path, ClipOptions(frames=frames, size=SIZE, **more))


def shades(clip) -> list[float]:
    return [float(frame.mean()) for frame in clip.frames]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.mp4", {}),
        ("a.mov", {}),
        ("a.mkv", {}),
        ("a.webm", {"codec": "libvpx", "options": {"deadline": "realtime", "cpu-used": "16"}}),
        ("a.ts", {}),
        ("a.avi", {"codec": "mpeg4"}),
        ("with_b_frames.avi", {}),
        ("a.mpg", {"codec": "mpeg2video"}),
        ("without_times.h264", {"format": "h264"}),
        ("one_keyframe.mp4", {"options": {"g": "9999", "sc_threshold": "0"}}),
    ],
)
@pytest.mark.parametrize("count", [10, 240])
def test_frames_of_every_container_are_even_in_time(tmp_path, name, more, count):
    """Of the long ones, frames lie far enough apart to be sought."""
    clip = read(write(tmp_path / name, rising(count), **more))
    np.testing.assert_allclose(shades(clip), [10, 86.7, 163.3, 240], atol=27 if count == 10 else 5)
    steps = np.diff(clip.times) * 25
    np.testing.assert_allclose(steps, (count - 1) / 3, atol=1.01)


def test_what_we_read_is_what_another_library_reads(tmp_path):
    path = write(tmp_path / "a.mp4", rising(10))
    theirs = imageio.imread(path, plugin="pyav")
    ours = read(path, 10)
    np.testing.assert_allclose(np.stack(ours.frames), theirs, atol=2)


def test_a_long_video_is_hardly_decoded(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", rising(600), options={"g": "25"})
    decoded = []
    upstream = video_file.VideoFile._decoded

    def counted(self):
        for timed in upstream(self):
            decoded.append(timed.time)
            yield timed

    monkeypatch.setattr(video_file.VideoFile, "_decoded", counted)
    assert len(read(path, 6).frames) == 6
    assert len(decoded) < 6 * 60
    decoded.clear()
    late = read(path, 2, start=22.0, stop=22.2)
    np.testing.assert_allclose(shades(late), [10 + 230 * t * 25 / 599 for t in (22, 22.2)], atol=3)
    assert len(decoded) < 60


def noisy(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [
        np.clip(f + rng.integers(-9, 10, f.shape), 0, 255).astype(np.uint8) for f in rising(count)
    ]


def with_index_in_front(path: Path, target: Path) -> Path:
    with (
        av.open(str(path)) as box,
        av.open(str(target), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(box.streams.video[0])
        for packet in box.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return target


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_what_is_left_of_a_cut_file_is_taken_evenly(tmp_path, name):
    """The index in front of an mp4 still speaks of frames that are gone."""
    whole = write(tmp_path / f"whole_{name}", noisy(300), options={"g": "50"})
    if name == "a.mp4":
        whole = with_index_in_front(whole, tmp_path / "front.mp4")
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    found = shades(read(cut))
    assert len(found) == 4
    assert 100 < found[-1] < 150
    np.testing.assert_allclose(np.diff(found), (found[-1] - found[0]) / 3, atol=4)


def test_damage_in_the_middle_costs_no_more_than_that(tmp_path):
    path = write(tmp_path / "a.mp4", noisy(300), options={"g": "25"})
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 2000] = b"\x55" * 2000
    path.write_bytes(data)
    clip = read(path, 300)
    assert 200 < len(clip.frames) < 300
    assert shades(clip)[-1] == pytest.approx(240, abs=4)
    assert any("damaged" in note for note in clip.notes)


def test_sound_that_goes_on_does_not_thin_the_frames(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as box:
        video = box.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        sound = box.add_stream("pcm_s16le", rate=8000)
        sound.layout = "mono"
        for index, frame in enumerate(rising(10)):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            box.mux(video.encode(picture))
        box.mux(video.encode(None))
        for index in range(30):
            silence = np.zeros((1, 8000), np.int16)
            part = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
            part.rate, part.pts, part.time_base = 8000, 8000 * index, Fraction(1, 8000)
            box.mux(sound.encode(part))
        box.mux(sound.encode(None))
    np.testing.assert_allclose(shades(read(path)), [10, 86.7, 163.3, 240], atol=4)


def test_the_cover_of_a_song_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as box:
        sound = box.add_stream("aac", rate=8000)
        sound.layout = "mono"
        cover = box.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = *SIZE, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.rate = 8000
        box.mux(sound.encode(silence))
        box.mux(cover.encode(av.VideoFrame.from_ndarray(grey(90), format="rgb24")))
        box.mux(cover.encode(None))
        box.mux(sound.encode(None))
    with pytest.raises(ClipError, match="no moving pictures, only audio and a cover"):
        read(path)


def test_pixels_that_are_no_squares_are_stretched(tmp_path):
    path = write(tmp_path / "a.mp4", rising(4), aspect=Fraction(3, 2))
    clip = read(path)
    assert clip.original_size == (96, 48)
    assert clip.size == working_size(96, 48, SIZE)


@pytest.mark.parametrize(
    ("name", "more"),
    [("a.gif", {}), ("a.webp", {"lossless": True}), ("a.png", {})],
)
def test_animations_are_videos(tmp_path, name, more):
    """Their frames last 0.1, 0.1, 1 and 0.1 seconds; what is transparent is white."""
    pictures = []
    for level in (10, 120, 240, 60):
        rgba = np.zeros((48, 64, 4), np.uint8)
        rgba[:, :32] = (level, level, level, 255)
        pictures.append(Image.fromarray(rgba))
    lasting = [100, 100, 1000, 100]
    path = tmp_path / name
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=lasting, disposal=1, **more
    )
    clip = read(path, 13)
    np.testing.assert_allclose(clip.times, [0, 0.1, 0.2, 1.2], atol=1e-6)
    np.testing.assert_allclose([f[20, 10, 0] for f in clip.frames], [10, 120, 240, 60], atol=2)
    if name == "a.png":
        assert (clip.frames[0][:, 40:] == 255).all()


def test_a_still_picture_is_one_frame(tmp_path):
    Image.fromarray(grey(90)).save(tmp_path / "a.png")
    with pytest.raises(ClipError, match="has 1 frame"):
        read(tmp_path / "a.png")


def test_reading_stops_in_the_middle_of_decoding(tmp_path):
    path = write(tmp_path / "a.mp4", rising(200), options={"g": "9999"})
    asked = []

    def stopped() -> bool:
        asked.append(None)
        return len(asked) > 30

    with pytest.raises(Cancelled):
        read_clip(path, ClipOptions(frames=4, size=SIZE), stopped=stopped)
    assert len(asked) == 31


def test_a_name_is_never_taken_for_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.mp4", rising(4)).rename(tmp_path / "concat:a.mp4")
    assert len(read(Path("concat:a.mp4")).frames) == 4


def test_what_is_no_file_is_told(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(ClipError, match="is no file"):
        read(tmp_path / "pipe.mp4")
