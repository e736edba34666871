"""Colours of frames: matrices, transparency, and high dynamic range against its standards."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from PIL import Image
from skimage.color import rgb2xyz

from explorer.clips.frames import ClipOptions
from explorer.clips.video_colours import (
    HDR_NOTE,
    hlg_scene_light,
    pq_nits,
    rolled_off,
    srgb_code,
    upright,
)
from explorer.clips.video_in import read_clip

COLOUR = (200, 60, 30)


def plane(value: int, size: tuple[int, int], kind: type) -> np.ndarray:
    return np.full((size[1], size[0]), value, kind)


def yuv(colour: tuple[int, int, int], luma: tuple[float, float, float], size=(64, 48)):
    """A frame whose 8-bit limited-range samples follow from BT.601's or BT.709's weights."""
    red, green, blue = (c / 255 for c in colour)
    kr, kg, kb = luma
    y = kr * red + kg * green + kb * blue
    cb, cr = (blue - y) / (2 * (1 - kb)), (red - y) / (2 * (1 - kr))
    samples = [16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr]
    frame = av.VideoFrame(*size, "yuv444p")
    for index, value in enumerate(samples):
        frame.planes[index].update(
            np.full((size[1], frame.planes[index].line_size), round(value), np.uint8).tobytes()
        )
    return frame


BT601, BT709 = (0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize(
    ("luma", "size", "tag"),
    [
        (BT601, (64, 48), Colorspace.ITU601),
        (BT709, (64, 48), Colorspace.ITU709),
        (BT601, (1280, 720), Colorspace.ITU601),
        (BT709, (1280, 720), Colorspace.ITU709),
        (BT601, (64, 48), None),
        (BT709, (1280, 720), None),
    ],
)
def test_a_colour_comes_back_through_its_own_matrix(luma, size, tag):
    frame = yuv(COLOUR, luma, size)
    if tag is not None:
        frame.colorspace = tag
    np.testing.assert_allclose(np.asarray(upright(frame))[10, 10], COLOUR, atol=3)


def test_transparent_parts_are_white():
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[:, :32] = (10, 20, 30, 255)
    picture = np.asarray(upright(av.VideoFrame.from_ndarray(rgba, format="rgba")))
    assert tuple(picture[5, 5]) == (10, 20, 30)
    assert tuple(picture[5, 60]) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_shades():
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
    picture = np.asarray(upright(av.VideoFrame.from_ndarray(ramp, format="gray16le")))
    np.testing.assert_allclose(picture[0, :, 1], ramp[0] / 257, atol=1.5)


def test_curves_pass_the_points_of_their_standards():
    """BT.2408, table 1: signals of diffuse white and of 18 % grey; PQ's ends from ST 2084."""
    np.testing.assert_allclose(pq_nits(np.array([0.0, 1.0])), [0.0, 10_000.0], atol=1e-6)
    assert pq_nits(np.array([0.58]))[0] == pytest.approx(203.0, rel=0.02)
    assert pq_nits(np.array([0.38]))[0] == pytest.approx(26.0, rel=0.03)
    np.testing.assert_allclose(
        hlg_scene_light(np.array([0.0, 0.5, 1.0])), [0, 1 / 12, 1], atol=1e-6
    )


def test_the_roll_off_keeps_what_is_below_it_and_the_order_above():
    light = np.linspace(0.0, 40.0, 400, dtype=np.float32)[:, None].repeat(3, 1)
    bent = rolled_off(light)[:, 0]
    below = light[:, 0] <= 0.8
    np.testing.assert_allclose(bent[below], light[below, 0], atol=1e-6)
    assert (np.diff(bent) > 0).all()
    assert bent.max() < 1.0
    red = rolled_off(np.array([[[8.0, 2.0, 1.0]]], np.float32))[0, 0]
    np.testing.assert_allclose(red / red[0], [1.0, 0.25, 0.125], rtol=1e-5)


def test_srgb_agrees_with_another_library():
    levels = np.arange(256, dtype=np.uint8)
    linear = rgb2xyz(np.repeat(levels[None, :, None] / 255.0, 3, 2))[0, :, 1].astype(np.float32)
    np.testing.assert_allclose(srgb_code(linear) * 255, levels, atol=0.1)


def hdr_video(path: Path, code: int, trc: ColorTrc) -> Path:
    """Grey frames of one 10-bit full-scale code value in limited range."""
    with av.open(str(path), "w") as box:
        stream = box.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_trc = Colorspace.BT2020, trc
        context.color_primaries = ColorPrimaries.BT2020
        for _ in range(3):
            frame = av.VideoFrame(64, 48, "yuv420p10le")
            for index, value in enumerate((code, 512, 512)):
                part = frame.planes[index]
                samples = np.full((part.height, part.line_size // 2), value, "<u2")
                part.update(samples.tobytes())
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("trc", "signal", "light"),
    [
        (ColorTrc.SMPTE2084, 0.38, 26.0 / 203),
        (ColorTrc.SMPTE2084, 0.1, 0.324 / 203),
        (ColorTrc.ARIB_STD_B67, 0.38, 26.0 / 203),
    ],
)
def test_greys_of_high_dynamic_range_have_their_brightness(tmp_path, trc, signal, light):
    """18 % grey is 26 cd/m² in both curves (BT.2408); white is 203."""
    clip = read_clip(
        hdr_video(tmp_path / "a.mkv", round(64 + 876 * signal), trc),
        ClipOptions(frames=1, least=1, size=(64, 48)),
    )
    expected = float(srgb_code(np.array(light, np.float32))) * 255
    assert float(clip.frames[0].mean()) == pytest.approx(expected, abs=3)
    assert HDR_NOTE in clip.notes


def test_highlights_of_high_dynamic_range_are_not_all_white(tmp_path):
    shades = []
    for signal in (0.58, 0.7, 0.9):
        path = hdr_video(tmp_path / f"{signal}.mkv", round(64 + 876 * signal), ColorTrc.SMPTE2084)
        clip = read_clip(path, ClipOptions(frames=1, least=1, size=(64, 48)))
        shades.append(float(clip.frames[0].mean()))
    assert shades[0] < shades[1] < shades[2] < 255.1
    assert shades[0] > 220


def test_usual_video_is_not_touched(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgra"
        rgb = np.full((48, 64, 3), COLOUR, np.uint8)
        for _ in range(2):
            box.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        box.mux(stream.encode(None))
    clip = read_clip(path, ClipOptions(frames=2, size=(64, 48)))
    assert clip.notes == ()
    assert np.array_equal(clip.frames[0], rgb)
    assert Image.fromarray(clip.frames[0]).mode == "RGB"
