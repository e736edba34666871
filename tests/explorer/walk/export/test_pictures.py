"""Depth pictures, colours, videos and the contact sheet, read by other libraries."""

import json
import math

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.walk.export import ExportInput, PointCloud, jobs_of
from explorer.walk.export.contact_sheet import every_nth, write_contact_sheet
from explorer.walk.export.depth_colours import (
    LEGEND_HEIGHT,
    SKY_COLOUR,
    UNKNOWN_COLOUR,
    DepthColours,
    colours_for,
)
from explorer.walk.export.depth_png import (
    DepthUnit,
    unit_for,
    write_depth_png,
    write_side_car,
)
from explorer.walk.export.video import write_depth_video, write_video


@given(far=st.floats(1e-3, 1e6), share=st.floats(0.001, 1.0))
@settings(max_examples=50)
def test_depth_survives_16_bits(far, share):
    depth = np.array([[far, far * share, math.inf, math.nan, 0.0]], dtype=np.float32)
    unit = unit_for([None, depth])
    steps = unit.encode(depth)
    assert steps[0, 2:].tolist() == [65535, 0, 0]
    again = unit.decode(steps)
    assert np.abs(again[0, :2] - depth[0, :2]).max() <= 0.501 * unit.step + 1e-6 * far
    assert np.isposinf(again[0, 2])
    assert np.isnan(again[0, 3:]).all()
    assert 65535 / 5 / 1.01 < steps[0, 0] < 65535  # as fine as round units allow


def test_units_are_round_and_safe_without_depth():
    assert unit_for([np.array([[65.0]], np.float32)]).step == 0.001
    assert unit_for([np.array([[65.6]], np.float32)]).step == 0.002
    assert unit_for([None]).step > 0
    assert unit_for([np.array([[math.inf]], np.float32)]).step > 0


def test_what_is_near_or_far_beyond_the_unit_stays_known():
    assert DepthUnit(0.001).encode(np.array([[1e-5, 1e9]], np.float32)).tolist() == [[1, 65534]]


H = 54  # of the record's pictures


def test_pillow_and_opencv_read_the_depth_png(record, tmp_path):
    unit = unit_for(record.depths, "m")
    write_depth_png(record.depths[0], unit, tmp_path / "d.png")
    write_side_car(unit, 3.0, 0, tmp_path / "scale.json")
    side_car = json.loads((tmp_path / "scale.json").read_text())
    by_opencv = cv2.imread(str(tmp_path / "d.png"), cv2.IMREAD_UNCHANGED)
    with Image.open(tmp_path / "d.png") as picture:
        by_pillow = np.asarray(picture)
        assert picture.mode.startswith("I")
    assert by_opencv.dtype == np.uint16
    assert (by_opencv == by_pillow).all()
    truth = record.depths[0]
    known = np.isfinite(truth)
    assert np.abs(by_opencv[known] * side_car["scale"] - truth[known]).max() < side_car["scale"]
    assert (by_opencv[np.isinf(truth)] == side_car["sky"]).all()
    assert (by_opencv[np.isnan(truth)] == side_car["unknown"]).all()
    assert side_car["units"] == "m"


def test_one_wrong_pixel_leaves_the_others_their_steps(record, tmp_path):
    """It reads as the farthest depth that a picture can say, and as neither sky nor unknown."""
    whole = unit_for(record.depths)
    depths = [None if d is None else d.copy() for d in record.depths]
    depths[1][H - 1, 3] = 1000 * np.nanmax(depths[1], initial=0, where=np.isfinite(depths[1]))
    unit = unit_for(depths, "m")
    assert unit.step <= 10 * whole.step
    export = ExportInput([], record.frames, depths, PointCloud.none(), record.names, units="m")
    jobs_of(export)["depth"](tmp_path / "depth")
    side_car = json.loads((tmp_path / "depth" / "scale.json").read_text())
    assert side_car["pixels_beyond_farthest"] == 1
    with Image.open(tmp_path / "depth" / "0001.png") as picture:
        steps = np.asarray(picture).astype(np.int64)
    assert steps[H - 1, 3] == side_car["farthest"]
    assert side_car["farthest"] not in (side_car["sky"], side_car["unknown"])
    right = np.isfinite(depths[1])
    right[H - 1, 3] = False
    found = steps[right] * side_car["scale"]
    assert np.abs(found - depths[1][right]).max() <= 0.501 * side_car["scale"]


@pytest.mark.parametrize("wrong", [1e6, 3.4e38])
@pytest.mark.parametrize("count", [1, 4, 150])
def test_wrong_pixels_leave_the_surface_its_steps(tmp_path, wrong, count):
    """However far they lie, and also where they are more than a thousandth: told beside it."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(1.0, 3.0, (48, 64)).astype(np.float32)
    depth[0, :5] = np.nan
    depth[1] = np.inf
    depth.flat[3000 : 3000 + min(count, 72)] = wrong
    depth.flat[500 : 500 + max(count - 72, 0)] = wrong
    blank = [np.zeros((48, 64, 3), np.uint8)]
    export = ExportInput([], blank, [depth], PointCloud.none(), ["0000"], units="m")
    jobs_of(export)["depth"](tmp_path / "depth")
    side_car = json.loads((tmp_path / "depth" / "scale.json").read_text())
    with Image.open(tmp_path / "depth" / "0000.png") as picture:
        steps = np.asarray(picture).astype(np.int64)
    right = depth < 10
    found = steps[right] * side_car["scale"]
    assert np.median(steps[np.isfinite(depth)]) >= 200
    assert np.abs(found - depth[right]).max() <= 0.501 * side_car["scale"]
    assert (steps[depth == np.float32(wrong)] == side_car["farthest"]).all()
    assert side_car["pixels_beyond_farthest"] == count
    assert side_car["farthest_depth"] == side_car["farthest"] * side_car["scale"] < wrong
    assert "hold the value farthest" in side_car["beyond_farthest"]


@pytest.mark.parametrize("depth", [1e-45, 1e-30, 1.0, 1e30, 3.4028235e38])
def test_any_depth_that_float32_holds_comes_back(depth):
    pixels = np.full((4, 4), depth, np.float32)
    unit = unit_for([pixels])
    assert unit.clipped(pixels) == 0
    np.testing.assert_allclose(unit.decode(unit.encode(pixels)), pixels, rtol=1e-4, atol=2e-45)


def test_a_long_tail_is_no_mistake():
    """A tenth of a thousandth of the pixels lies three times farther than all others: all held."""
    depth = np.full((100, 100), 10.0, np.float32)
    depth[0, 0] = 30.0
    unit = unit_for([depth])
    assert unit.clipped(depth) == 0
    assert abs(unit.decode(unit.encode(depth))[0, 0] - 30.0) <= 0.501 * unit.step


def test_near_is_red_far_is_blue_sky_is_light():
    colours = DepthColours(1.0, 10.0)
    rgb = colours.picture(np.array([[1.0, 10.0, 0.1, 99.0, math.inf, math.nan]], np.float32))[0]
    assert rgb[0, 0] > rgb[0, 2]
    assert rgb[1, 2] > rgb[1, 0]
    assert (rgb[2] == rgb[0]).all()
    assert (rgb[3] == rgb[1]).all()
    assert tuple(rgb[4]) == SKY_COLOUR
    assert tuple(rgb[5]) == UNKNOWN_COLOUR


def test_the_range_is_that_of_the_walk(record):
    colours = colours_for(record.depths, 3.0, "m")
    known = np.concatenate([d[np.isfinite(d)] for d in record.depths if d is not None])
    assert known.min() <= colours.near < np.quantile(known, 0.05)
    assert np.quantile(known, 0.95) < colours.far <= known.max()
    nothing = colours_for([None, np.full((8, 8), math.inf, np.float32)], 3.0)
    assert nothing.near < 3.0 < nothing.far
    flat = colours_for([np.full((8, 8), 2.0, np.float32)], 3.0)
    assert flat.near < 2.0 < flat.far
    with pytest.raises(ValueError, match="range"):
        DepthColours(2.0, 1.0)


@pytest.mark.parametrize("width", [32, 96, 256, 640])
def test_the_legend_runs_from_near_to_far(width):
    colours = DepthColours(0.5, 20.0, "m")
    legend = colours.legend(width)
    assert legend.shape == (LEGEND_HEIGHT, width, 3)
    ends = colours.picture(np.array([[0.5, 20.0]], np.float32))[0]
    bar = legend[6]
    assert (bar[6] == ends[0]).all()
    assert (bar[max(width - 44, 16) - 1] == ends[1]).all()
    if width >= 96:
        assert (legend[14:] > 128).any()  # numbers


def decoded(path):
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        context = stream.codec_context
        frames = [f.to_ndarray(format="rgb24") for f in box.decode(stream)]
        return frames, context.name, context.pix_fmt, float(stream.average_rate)


def smooth(i, height, width):
    y, x = np.mgrid[:height, :width]
    red, green = 255 * x / width, 255 * y / height
    return np.stack([red, green, np.full_like(red, 60 * i)], -1).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(54, 96), (53, 95), (16, 16)])
def test_av_and_opencv_read_the_video(tmp_path, height, width):
    frames = [smooth(i, height, width) for i in range(4)]
    write_video(frames, tmp_path / "v.mp4", fps=12.5)
    found, codec, pixels, rate = decoded(tmp_path / "v.mp4")
    assert (len(found), codec, pixels, rate) == (4, "h264", "yuv420p", 12.5)
    assert found[0].shape == (height + height % 2, width + width % 2, 3)
    capture = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    for i, frame in enumerate(frames):
        error = found[i][:height, :width].astype(float) - frame
        assert np.abs(error).mean() < 6
        assert np.abs(error.mean(axis=(0, 1))).max() < 3
        done, bgr = capture.read()
        assert done
        assert np.abs(bgr[:height, :width, ::-1].astype(float) - frame).mean() < 6
    capture.release()


def test_videos_say_which_colours_they_hold(tmp_path):
    write_video([smooth(1, 32, 32)], tmp_path / "v.mp4")
    with av.open(str(tmp_path / "v.mp4")) as box:
        context = box.streams.video[0].codec_context
        assert context.colorspace == 1  # BT.709
        assert context.color_range == 1  # limited


def test_videos_that_cannot_be_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_video([], tmp_path / "v.mp4")
    with pytest.raises(ValueError, match="cannot be one video"):
        write_video([smooth(0, 32, 32), smooth(0, 32, 34)], tmp_path / "v.mp4")
    with pytest.raises(ValueError, match="with depth"):
        write_depth_video([None], DepthColours(1, 2), tmp_path / "v.mp4")
    assert not list(tmp_path.iterdir())


def test_one_depth_has_one_colour_through_the_whole_depth_video(tmp_path):
    colours = DepthColours(1.0, 8.0)
    depths = [np.full((40, 64), d, np.float32) for d in (2.0, 6.0, 2.0)]
    write_depth_video([*depths, None], colours, tmp_path / "d.mp4")
    frames = decoded(tmp_path / "d.mp4")[0]
    assert len(frames) == 4
    assert frames[0].shape == (40 + LEGEND_HEIGHT, 64, 3)
    for i, depth in enumerate(depths):
        expected = colours.picture(depth)[0, 0].astype(float)
        assert np.abs(frames[i][4:36, 4:60].mean(axis=(0, 1)) - expected).max() < 6
    assert np.abs(frames[3][4:36, 4:60].mean(axis=(0, 1)) - UNKNOWN_COLOUR).max() < 6


def test_the_sheet_holds_every_view_over_its_depth(record, tmp_path):
    colours = colours_for(record.depths, 3.0)
    write_contact_sheet(
        record.frames, record.depths, record.labels, colours, tmp_path / "sheet.png"
    )
    with Image.open(tmp_path / "sheet.png") as picture:
        sheet = np.asarray(picture)
    for frame, depth in zip(record.frames, record.depths, strict=True):
        height, width = frame.shape[:2]
        below = None if depth is None else colours.picture(depth)
        matches = cv2.matchTemplate(sheet, frame, cv2.TM_SQDIFF)
        _, _, (x, y), _ = cv2.minMaxLoc(matches)
        assert (sheet[y : y + height, x : x + width] == frame).all()
        if below is not None:
            assert (sheet[y + height : y + 2 * height, x : x + width] == below).all()
        assert (sheet[y - 18 : y, x : x + 60] > 128).any()  # its label


def test_a_sheet_takes_views_at_an_even_pace():
    assert every_nth(3) == [0, 1, 2]
    assert every_nth(5, most=3) == [0, 2, 4]
    chosen = every_nth(1000)
    assert (len(chosen), chosen[0], chosen[-1]) == (24, 0, 999)


def test_sheets_need_a_label_for_each_view(record, tmp_path):
    with pytest.raises(ValueError, match="labels"):
        write_contact_sheet(
            record.frames, record.depths, ["one"], DepthColours(1, 2), tmp_path / "s.png"
        )
