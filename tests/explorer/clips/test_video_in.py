"""Videos made here and read back: frames by time, rotation, and one sentence for each defect."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from explorer.clips.frames import Cancelled, ClipError, ClipOptions
from explorer.clips.video_in import read_clip

SIZE = (64, 48)
SMALL = (64, 48)


def grey(level: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), level, np.uint8)


def write(path: Path, levels: list[int], times: list[int] | None = None, rate: int = 10) -> Path:
    """A video whose frame i is grey of `levels[i]`, at `times[i]` thousandths of a second."""
    times = times or [1000 * i // rate for i in range(len(levels))]
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=rate, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.time_base = Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        for level, time in zip(levels, times, strict=True):
            frame = av.VideoFrame.from_ndarray(grey(level), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def shades(clip) -> list[int]:
    return [round(float(frame.mean())) for frame in clip.frames]


def test_all_frames_of_a_short_video(tmp_path):
    levels = [20, 60, 100, 140, 180]
    clip = read_clip(write(tmp_path / "a.mp4", levels), ClipOptions(frames=5, size=SMALL))
    np.testing.assert_allclose(shades(clip), levels, atol=3)
    np.testing.assert_allclose(clip.times, [0, 0.1, 0.2, 0.3, 0.4], atol=0.01)
    assert clip.size == SIZE
    assert clip.original_size == SIZE
    assert clip.source_name == "a.mp4"


def test_fewer_frames_are_spread_evenly(tmp_path):
    path = write(tmp_path / "a.mp4", [10 * i for i in range(21)])
    clip = read_clip(path, ClipOptions(frames=5, size=SMALL))
    np.testing.assert_allclose(shades(clip), [0, 50, 100, 150, 200], atol=4)


def test_a_variable_rate_is_read_by_time(tmp_path):
    """Ten frames in the first tenth of a second, then one frame a second."""
    times = [10 * i for i in range(10)] + [1000, 2000, 3000]
    levels = [20] * 10 + [80, 140, 200]
    path = write(tmp_path / "a.mkv", levels, times)
    clip = read_clip(path, ClipOptions(frames=4, size=SMALL))
    np.testing.assert_allclose(shades(clip), [20, 80, 140, 200], atol=4)


def test_a_part_of_a_video(tmp_path):
    path = write(tmp_path / "a.mp4", [10 * i for i in range(20)])
    clip = read_clip(path, ClipOptions(frames=3, size=SMALL, start=0.5, stop=1.5))
    np.testing.assert_allclose(shades(clip), [50, 100, 150], atol=6)
    with pytest.raises(ClipError, match="nothing after 9 s"):
        read_clip(path, ClipOptions(start=9.0))


def test_a_long_video_is_sought_through(tmp_path):
    path = write(tmp_path / "a.mp4", [i % 250 for i in range(1000)], rate=25)
    clip = read_clip(path, ClipOptions(frames=4, size=SMALL))
    np.testing.assert_allclose(shades(clip), [0, 333 % 250, 666 % 250, 999 % 250], atol=4)


def test_a_video_with_fewer_frames_than_asked_says_so(tmp_path):
    clip = read_clip(write(tmp_path / "a.mp4", [30, 90, 200]), ClipOptions(frames=9, size=SMALL))
    assert len(clip.frames) == 3
    assert any("only 3 frames" in note for note in clip.notes)


def test_the_working_size_is_near_the_asked_one(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 360, 640, "yuv420p"
        for level in (20, 200):
            frame = av.VideoFrame.from_ndarray(grey(level, (360, 640)), format="rgb24")
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    clip = read_clip(path)
    assert clip.size[0] % 16 == clip.size[1] % 16 == 0
    assert clip.size[1] > clip.size[0]
    assert clip.original_size == (360, 640)


def turned(path: Path) -> None:
    """Writes into an mp4's track header that it is shown a quarter turn clockwise."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = quarter
    path.write_bytes(data)


def test_a_video_that_was_held_upright_is_turned(tmp_path):
    """Stored lying, dark at its left: a clockwise quarter turn brings the left to the top."""
    path = tmp_path / "a.mp4"
    lying = grey(220, (96, 64))
    lying[:, :48] = 20
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=10, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(3):
            box.mux(stream.encode(av.VideoFrame.from_ndarray(lying, format="rgb24")))
        box.mux(stream.encode(None))
    turned(path)
    clip = read_clip(path, ClipOptions(frames=3, size=SMALL))
    assert clip.original_size == (64, 96)
    frame = clip.frames[0]
    assert frame.shape[0] > frame.shape[1]
    assert frame[: frame.shape[0] // 3].mean() < 60
    assert frame[-frame.shape[0] // 3 :].mean() > 180


def test_animations_are_videos(tmp_path):
    pictures = [Image.fromarray(grey(level)) for level in (10, 120, 240)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    clip = read_clip(path, ClipOptions(frames=3, size=SMALL))
    assert len(clip.frames) >= 2


def test_one_frame_is_too_few(tmp_path):
    with pytest.raises(ClipError, match=r"has 1 frame in this part; at least 2"):
        read_clip(write(tmp_path / "a.mp4", [80]))
    one = read_clip(write(tmp_path / "b.mp4", [80]), ClipOptions(frames=1, size=SMALL, least=1))
    assert len(one.frames) == 1


def test_a_video_that_was_cut_off_shows_its_beginning(tmp_path):
    whole = write(tmp_path / "a.mkv", [5 * i for i in range(40)])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    clip = read_clip(cut, ClipOptions(frames=40, size=SMALL))
    assert 2 <= len(clip.frames) < 40
    assert shades(clip)[1] == pytest.approx(5, abs=3)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"this is no video at all" * 20, "no video"),
        ("cut.mp4", None, "no video|damaged|no frame"),
    ],
)
def test_what_is_no_video_gets_one_sentence(tmp_path, name, content, says):
    path = tmp_path / name
    if content is None:
        content = write(tmp_path / "whole.mp4", [10, 60, 90]).read_bytes()[:400]
    path.write_bytes(content)
    with pytest.raises(ClipError, match=says) as raised:
        read_clip(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        frame.rate = 8000
        box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    with pytest.raises(ClipError, match="only audio"):
        read_clip(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ClipError, match="does not exist"):
        read_clip(tmp_path / "nowhere.mp4")


def save(folder: Path, name: str, level: int, size: tuple[int, int] = SIZE) -> None:
    Image.fromarray(grey(level, size)).save(folder / name)


def test_a_folder_is_read_in_natural_order(tmp_path):
    for number, level in ((10, 200), (2, 90), (1, 30)):
        save(tmp_path, f"frame_{number}.png", level)
    (tmp_path / "notes.txt").write_text("no picture")
    clip = read_clip(tmp_path, ClipOptions(size=SMALL))
    assert shades(clip) == [30, 90, 200]


def test_a_folder_with_many_pictures_is_thinned(tmp_path):
    for number in range(9):
        save(tmp_path, f"{number}.png", 20 * number)
    assert shades(read_clip(tmp_path, ClipOptions(frames=3, size=SMALL))) == [0, 80, 160]


def test_pictures_of_different_sizes_are_refused(tmp_path):
    save(tmp_path, "a.png", 10)
    save(tmp_path, "b.png", 20, (80, 48))
    with pytest.raises(ClipError, match="must have one size"):
        read_clip(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ClipError, match="holds 0 pictures"):
        read_clip(tmp_path)


def test_a_broken_picture_is_named(tmp_path):
    save(tmp_path, "a.png", 10)
    (tmp_path / "b.png").write_bytes(b"broken")
    with pytest.raises(ClipError, match=r"b\.png"):
        read_clip(tmp_path)


def test_reading_tells_its_progress_and_can_be_stopped(tmp_path):
    path = write(tmp_path / "a.mp4", [10, 60, 90])
    told: list[tuple[int, int]] = []
    read_clip(path, ClipOptions(frames=3, size=SMALL), lambda *n: told.append(n))
    assert told == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(Cancelled):
        read_clip(path, ClipOptions(frames=3, size=SMALL), stopped=lambda: True)


def test_impossible_options_are_refused():
    with pytest.raises(ClipError, match="at least 2 frames"):
        ClipOptions(frames=1)
    with pytest.raises(ClipError, match="is not before"):
        ClipOptions(start=3.0, stop=1.0)
