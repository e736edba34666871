"""Videos, second photos and edits in the real window, with the embedded model at a small size."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from explorer.app.window import MainWindow
from explorer.app.work import requests
from explorer.clips.into_walk import is_video

SAMPLE = Path(__file__).parents[3] / "assets" / "samples" / "room.png"
LONG = 90_000


def part(shift: int) -> np.ndarray:
    """A part of the sample room, further to the right by `shift` of 40 pixels."""
    with Image.open(SAMPLE) as room:
        wide = room.convert("RGB").resize((424, 216))
    return np.asarray(wide)[:, shift : shift + 384]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "room.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=5, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 384, 216, "yuv420p"
        for index in range(4):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(part(12 * index)), "rgb24")
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def idle(window: MainWindow) -> bool:
    return not window.conductor.busy_with_job


def test_videos_are_known_by_their_names() -> None:
    assert is_video(Path("a.MP4"))
    assert not is_video(Path("a.jpg"))


def test_a_video_is_flown_away_from(new_window, qtbot, video) -> None:
    window = new_window()
    window.open_file(video)
    qtbot.waitUntil(lambda: len(window.stage.line) == 4 and idle(window), timeout=LONG)
    assert window.world.point_count > 5_000
    assert window.windowTitle().startswith("room.mp4")
    assert all(
        window.stage.line.drawn(n.id).view.depth is not None for n in window.stage.line.nodes
    )
    pictures = [window.stage.line.drawn(node.id).picture for node in window.stage.line.nodes]
    own = pictures[0].size
    assert own[1] == 216  # the video's
    assert [p is not None and p.size for p in pictures] == [own] * 4
    assert all(p is not None and p.depth is not None for p in pictures)
    QTest.keyPress(window.world, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: len(window.stage.line) >= 5, timeout=LONG)
    QTest.keyRelease(window.world, Qt.Key.Key_W)
    drawn = window.stage.line.drawn(window.stage.line.nodes[4].id).picture
    assert drawn is not None
    assert drawn.size == own


def test_a_second_photo_is_placed_and_reached(opened, qtbot, tmp_path) -> None:
    """The room again, from a little to the side: its own picture, shifted."""
    window = opened
    with Image.open(SAMPLE) as room:
        picture = np.asarray(room.convert("RGB"))
    shift = picture.shape[1] // 20
    second = np.concatenate([picture[:, shift:], picture[:, -shift:]], axis=1)
    Image.fromarray(second).save(tmp_path / "second.png")
    window.conductor.begin(requests.AddPhoto(tmp_path / "second.png"))
    qtbot.waitUntil(lambda: len(window.stage.line) >= 8 and idle(window), timeout=LONG)
    placed = window.stage.line.nodes[1].camera
    assert np.linalg.norm(placed.position) + 1 - placed.forward[2] > 1e-4
    taken = window.stage.line.drawn(window.stage.line.nodes[1].id).picture
    assert taken is not None
    left = (second.shape[1] - taken.size[0]) // 2  # the middle of it, in its own pixels
    own = second[:, left : left + taken.size[0]].astype(int)
    assert np.abs(taken.rgb.astype(int) - own).mean() < 2.0


def test_another_place_is_refused_and_loses_nothing(opened, qtbot, tmp_path) -> None:
    window = opened
    noise = np.random.default_rng(0).integers(0, 255, (216, 384, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    window.conductor.begin(requests.AddPhoto(tmp_path / "noise.png"))
    qtbot.waitUntil(lambda: window.desk.error is not None, timeout=LONG)
    assert "noise.png" in window.desk.error.label.text()
    window.desk.error.close()
    assert len(window.stage.line) == 1


def test_an_edited_view_changes_the_whole_walk(opened, qtbot, tmp_path) -> None:
    window = opened
    window.conductor.fly_path("strafe", 2)
    qtbot.waitUntil(lambda: len(window.stage.line) == 3 and idle(window), timeout=LONG)
    node = window.stage.line.nodes[0]
    target = tmp_path / "view.png"
    window.conductor.ask_open(requests.SavePicture(node.id, target))
    qtbot.waitUntil(target.exists, timeout=LONG)
    with Image.open(target) as saved:
        picture = np.array(saved)
    height, width = picture.shape[:2]
    picture[height // 3 : height // 2, width // 3 : width // 2] = (250, 20, 20)
    Image.fromarray(picture).save(tmp_path / "edited.png")
    before = window.conductor.walk_folder
    window.conductor.begin(requests.EditView(node.id, tmp_path / "edited.png"))
    qtbot.waitUntil(lambda: window.conductor.walk_folder != before, timeout=LONG)
    qtbot.waitUntil(lambda: len(window.stage.line) == 3 and idle(window), timeout=LONG)
    for shown in window.stage.line.nodes:
        rgb = window.stage.line.drawn(shown.id).view.rgb.astype(int)
        red = (rgb[..., 0] > 150) & (rgb[..., 1] < 90) & (rgb[..., 2] < 90)
        assert red.mean() > 0.005, shown.view_id
        large = window.stage.line.drawn(shown.id).picture
        assert large is not None
        assert large.size == (width, height)
        rgb = large.rgb.astype(int)
        red = (rgb[..., 0] > 150) & (rgb[..., 1] < 90) & (rgb[..., 2] < 90)
        assert red.mean() > 0.005, shown.view_id
    first = window.stage.line.drawn(window.stage.line.nodes[0].id).picture
    assert first is not None
    assert np.array_equal(first.rgb, picture)
    assert before is not None
    assert before.is_dir()


def test_the_menus_name_what_can_be_done(new_window, qtbot) -> None:
    window = new_window()
    texts = {a.text() for menu in window.actions_by_key.menus.values() for a in menu.actions()}
    assert {"Add a second photo…", "Edit this view…", "Save this view's picture…"} <= texts
