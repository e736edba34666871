"""What the main view shows while flying: pictures, at once, in a real window with real keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from explorer.app.heartbeat import Heartbeat
from explorer.app.keys import Action
from explorer.app.window import MainWindow
from explorer.app.world_view.shader import ShaderFrame
from explorer.app.world_view.world_view import WorldView

LONG = 60_000
SAMPLE = Path(__file__).parents[3] / "assets" / "samples" / "room.png"


def screen(window: MainWindow) -> np.ndarray:
    """(H, W, 3) what OpenGL shows in the middle of the view, where the picture is."""
    shown = np.ascontiguousarray(window.world.canvas.render(alpha=False)[..., :3]).astype(int)
    return shown[shown.shape[0] // 3 : -shown.shape[0] // 3, 8:-8]


def frame_there(window: MainWindow) -> bool:
    """The last camera's frame is on the screen."""
    frame, camera = window.world.picture.frame, window.flight.camera
    return frame is not None and frame.camera is camera


def shown_at_rest(window: MainWindow, qtbot) -> np.ndarray:
    qtbot.waitUntil(lambda: frame_there(window), timeout=LONG)
    qtbot.wait(400)  # a fade is over
    return screen(window)


def test_a_held_key_moves_the_picture_before_the_model_has_drawn(opened, qtbot) -> None:
    window = opened
    before, frames = shown_at_rest(window, qtbot), window.world.picture.frames
    assert np.percentile(before, 1) > 3
    QTest.keyPress(window.world, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: window.world.picture.frames >= frames + 3, timeout=LONG)
    views = len(window.stage.line)
    moved = screen(window)
    QTest.keyRelease(window.world, Qt.Key.Key_W)
    assert views == 1  # nothing was drawn yet
    assert np.abs(moved - before).mean() > 0.5
    # As bright and as rich as the picture: not black, and no points with gaps between them.
    assert abs(moved.mean() - before.mean()) < 0.1 * before.mean()
    assert (moved.max(axis=-1) < 12).mean() < (before.max(axis=-1) < 12).mean() + 0.01
    assert not any(node.visible for node in window.world._cloud._nodes.values())


def test_dragging_turns_the_picture(opened, qtbot) -> None:
    window = opened
    before = shown_at_rest(window, qtbot)
    window.world.looked.emit(0.15, 0.0)
    qtbot.waitUntil(lambda: frame_there(window), timeout=LONG)
    turned = screen(window)
    shift = int(0.15 * window.flight.camera.intrinsics.fx * before.shape[1])
    rows = slice(before.shape[0] // 3, -before.shape[0] // 3)
    inner = slice(before.shape[1] // 4, -before.shape[1] // 4)
    left = np.roll(before, -shift, axis=1)
    assert np.abs(turned - left)[rows, inner].mean() < np.abs(turned - before)[rows, inner].mean()


def test_the_models_view_is_what_is_seen_where_it_was_drawn(opened, qtbot) -> None:
    window = opened
    QTest.keyPress(window.world, Qt.Key.Key_W)
    qtbot.wait(300)
    QTest.keyRelease(window.world, Qt.Key.Key_W)

    def drawn_where_it_rests() -> bool:
        head, camera = window.stage.line.head, window.flight.camera
        return head.view_id > 0 and np.allclose(head.camera.position, camera.position)

    qtbot.waitUntil(drawn_where_it_rests, timeout=LONG)
    head = window.stage.line.head
    key = window.world.picture.shelf.wanted(head.camera, None)[0]
    assert key[0] == head.id
    own = window.world.picture.shelf.source(key).rgba
    qtbot.waitUntil(lambda: np.array_equal(window.world.picture.frame.rgba, own), timeout=LONG)
    assert window.world.picture.frame.holes == 0.0


def test_playback_shows_pictures_without_holes(opened, qtbot) -> None:
    window = opened
    QTest.keyPress(window.world, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: len(window.stage.line) >= 4, timeout=LONG)
    QTest.keyRelease(window.world, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: not window.flight.flying and not window.status.state, timeout=LONG)
    qtbot.wait(300)
    seen: list[tuple[float, float, int]] = []

    def note() -> None:
        frame = window.world.picture.frame
        dark = float((frame.rgba[..., :3].max(axis=-1) < 8).mean())
        seen.append((frame.holes, dark, int(frame.rgba[..., 3].min())))

    dark_at_rest = float((window.world.picture.frame.rgba[..., :3].max(axis=-1) < 8).mean())
    window.world.picture.changed.connect(note)
    count = len(window.stage.line)
    nodes: list[int] = []
    window.conductor.playback.shown.connect(lambda node: nodes.append(node.view_id))
    window.actions_by_key[Action.PLAY].trigger()
    assert window.conductor.playback.playing
    qtbot.waitUntil(lambda: not window.conductor.playback.playing, timeout=LONG)
    qtbot.waitUntil(lambda: frame_there(window), timeout=LONG)
    assert nodes[0] == 0
    assert nodes[-1] == count - 1
    assert len(seen) >= 3
    # Filled from around; of points, 42 % was black.
    assert max(holes for holes, _, _ in seen) < 0.15
    assert max(dark for _, dark, _ in seen) < dark_at_rest + 0.02
    assert all(opaque == 255 for _, _, opaque in seen)
    assert len(window.stage.line) == count  # nothing was drawn for it


def test_the_window_is_not_deaf_while_pictures_are_carried(opened, qtbot) -> None:
    """They are made in a thread of their own: the pauses of the window are far shorter."""
    window = opened
    shown_at_rest(window, qtbot)
    window.flight.set_paused(True)  # the model does not compete
    beat = Heartbeat()
    beat.start()
    frames = window.world.picture.frames
    QTest.keyPress(window.world, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: window.world.picture.frames > frames + 8, timeout=LONG)
    QTest.keyRelease(window.world, Qt.Key.Key_Left)
    beat.stop()
    assert beat.pause(50) < 200


def test_closing_ends_the_thread(opened, qtbot) -> None:
    window = opened
    carrier = window.world.picture._carrier
    assert carrier.isRunning()
    QTest.keyPress(window.world, Qt.Key.Key_W)
    qtbot.wait(100)
    window.close()
    assert not carrier.isRunning()


def test_the_gpus_way_flies_too(monkeypatch, new_window, qtbot) -> None:
    """On this OpenGL, whichever it is."""
    monkeypatch.setenv("PHOTOWALK_PICTURES", "gpu")
    window = new_window()
    window.open_file(SAMPLE)
    qtbot.waitUntil(lambda: len(window.stage.line) == 1, timeout=LONG)
    before, frames = shown_at_rest(window, qtbot), window.world.picture.frames
    assert isinstance(window.world.picture.frame, ShaderFrame)
    QTest.keyPress(window.world, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: window.world.picture.frames >= frames + 3, timeout=LONG)
    moved = screen(window)
    QTest.keyRelease(window.world, Qt.Key.Key_D)
    assert np.abs(moved - before).mean() > 0.5
    assert abs(moved.mean() - before.mean()) < 0.1 * before.mean()


def test_a_wrong_word_for_who_carries_is_said_at_once(monkeypatch, opengl, preferences) -> None:
    monkeypatch.setenv("PHOTOWALK_PICTURES", "both")
    with pytest.raises(ValueError, match="may be 'processor' or 'gpu'"):
        WorldView()
