"""The whole app in a real window, with the embedded model at a small size and real key presses."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from engine.geometry.trajectories.detect import read_trajectory
from explorer.app.heartbeat import Heartbeat
from explorer.app.keys import Action
from explorer.app.window import MainWindow
from explorer.app.work.events import Stopped
from explorer.app.work.requests import Export
from explorer.app.world_view.world_view import MAP
from explorer.walk.export.selection import ExportKind
from explorer.walk.motion.nearness import Nearness, nearest
from explorer.walk.session.autosave import AutosaveFolders

LONG = 60_000
SAMPLE = Path(__file__).parents[3] / "assets" / "samples" / "room.png"


def action(name: str) -> Action:
    return Action[name]


def views(window: MainWindow) -> int:
    return len(window.stage.line)


def settled(window: MainWindow, qtbot, count: int) -> None:
    """So many views are on the line, and nothing more is under way."""
    qtbot.waitUntil(lambda: views(window) == count, timeout=LONG)
    qtbot.waitUntil(lambda: not window.flight.flying, timeout=LONG)


def fly(window: MainWindow, qtbot, key: Qt.Key, more: int) -> None:
    """Holds a key until that many views more were drawn, and waits for the last one."""
    before = views(window)
    failures: list[str] = []
    window.conductor.failed.connect(lambda event: failures.append(event.details))
    QTest.keyPress(window.world, key)
    lost = False

    def arrived() -> bool:
        """Another program on the display may take the keyboard, and held keys are let go of: it
        is taken back and the key pressed again, as a person would."""
        nonlocal lost
        if not window.isActiveWindow():
            lost = True
            window.activateWindow()
        elif lost:
            lost = False
            QTest.keyPress(window.world, key)
        return views(window) >= before + more

    try:
        qtbot.waitUntil(arrived, timeout=LONG)
    except qtbot.TimeoutError:
        flight, conductor = window.flight, window.conductor
        pytest.fail(
            f"{views(window) - before} of {more} views were drawn; active: "
            f"{QApplication.activeWindow()}, flying: {flight.flying}, paused: {flight.paused}, "
            f"job: {conductor.busy_with_job}, camera: {flight.camera}, failures: {failures}"
        )
    QTest.keyRelease(window.world, key)
    qtbot.waitUntil(lambda: rests(window), timeout=LONG)


def rests(window: MainWindow) -> bool:
    """The flight stands where a view of the line was drawn, and no other is on its way.

    Most often the newest; but a camera that comes to rest where an older view was drawn, the photo
    for one, sees that again, and nothing is drawn there.
    """
    camera, scale = window.flight.camera, window.stage.scene_scale
    if window.flight.flying or camera is None or window.status.state:
        return False
    return nearest(camera, window.stage.line.cameras, scale, Nearness(0.004, 1.0)) is not None


def test_the_first_look_invites(new_window, qtbot) -> None:
    window = new_window()
    assert window.middle.currentWidget() is window.empty
    assert {b.text() for b in window.empty.samples} == {"Room", "Street"}
    assert not window.conductor.is_open


def test_a_stop_is_told_of_only_where_something_was_drawn(new_window, qtbot) -> None:
    window, sentences = new_window(), []
    window.conductor.told.connect(sentences.append)
    window.worker.told.emit(Stopped())
    assert sentences == []
    window.open_file(SAMPLE)
    qtbot.waitUntil(lambda: views(window) == 1, timeout=LONG)
    assert not any("Stopped" in sentence for sentence in sentences)
    window.worker.told.emit(Stopped())
    assert sentences[-1] == "Stopped; what was drawn is kept."


def test_flying_draws_views_and_the_cloud_grows(opened, qtbot) -> None:
    window = opened
    points = window.world.point_count
    assert points > 5_000
    start = window.flight.camera
    fly(window, qtbot, Qt.Key.Key_W, 2)
    fly(window, qtbot, Qt.Key.Key_D, 1)
    assert window.flight.camera.position[2] > start.position[2] + 0.02
    assert window.flight.camera.position[0] > 0.005
    assert window.world.point_count > points
    assert window.strip.model.rowCount() == 2 * views(window)
    assert window.pictures.rgb_pane._image is not None
    assert "model" in window.meter.verdict
    qtbot.waitUntil(lambda: len(window.why.shown_views) > 0, timeout=LONG)
    qtbot.waitUntil(lambda: window.world.picture_opacity > 0.9, timeout=5000)


def test_undo_redo_and_a_branch(opened, qtbot) -> None:
    window = opened
    fly(window, qtbot, Qt.Key.Key_W, 2)
    count, far = views(window), window.stage.line.head
    window.actions_by_key[action("UNDO")].trigger()
    qtbot.waitUntil(lambda: views(window) == count - 1, timeout=LONG)
    assert window.flight.camera is window.stage.line.head.camera
    window.actions_by_key[action("REDO")].trigger()
    qtbot.waitUntil(lambda: views(window) == count, timeout=LONG)
    window.conductor.go_to(0)
    qtbot.waitUntil(lambda: views(window) == 1, timeout=LONG)
    fly(window, qtbot, Qt.Key.Key_A, 1)
    assert window.stage.line.nodes[1].parent == 0
    assert window.stage.line.nodes[1].id > far.id
    window.conductor.go_to(far.id)
    qtbot.waitUntil(lambda: views(window) == count, timeout=LONG)
    qtbot.waitUntil(lambda: window.strip.model.rowCount() == 2 * count, timeout=LONG)


def test_home_finds_the_photo_again_without_drawing_it(opened, qtbot) -> None:
    window = opened
    fly(window, qtbot, Qt.Key.Key_W, 1)
    window.actions_by_key[action("HOME")].trigger()
    qtbot.waitUntil(lambda: not window.flight.flying, timeout=LONG)
    qtbot.waitUntil(lambda: window.stage.inspected.view_id == 0, timeout=LONG)
    assert np.allclose(window.flight.camera.T_world_camera, np.eye(4))


def test_scrubbing_and_the_map_show_what_was_drawn(opened, qtbot) -> None:
    window = opened
    fly(window, qtbot, Qt.Key.Key_W, 2)
    count = views(window)
    window.strip.list.setCurrentIndex(window.strip.model.index(0))
    assert window.stage.inspected.view_id == 0
    window.actions_by_key[action("MAP")].trigger()
    assert window.world.mode == MAP
    assert window.world.picture_opacity == 0.0
    window.world.camera_picked.emit(1)
    qtbot.waitUntil(lambda: window.stage.inspected.view_id == 1, timeout=LONG)
    qtbot.wait(200)
    assert views(window) >= count


def test_a_path_is_flown_as_a_job_and_can_be_given_up(opened, qtbot) -> None:
    window = opened
    window.conductor.fly_path("orbit", 12)
    qtbot.waitUntil(lambda: views(window) >= 3, timeout=LONG)
    assert window.conductor.busy_with_job
    window.paths.cancel.click()
    qtbot.waitUntil(lambda: not window.conductor.busy_with_job, timeout=LONG)
    drawn = views(window)
    assert 3 <= drawn < 13
    qtbot.wait(300)
    assert views(window) == drawn


def test_geometry_is_drawn_when_it_is_asked_for(opened, qtbot) -> None:
    window = opened
    window.controls.depth_every.setValue(64)
    fly(window, qtbot, Qt.Key.Key_W, 1)
    node = window.stage.line.head
    assert window.stage.line.drawn(node.id).view.depth is None
    window.stage.inspect(node.id)
    window.actions_by_key[action("GEOMETRY")].trigger()
    qtbot.waitUntil(lambda: window.stage.line.drawn(node.id).view.depth is not None, timeout=LONG)
    assert window.pictures.depth_pane._image is not None


def test_saved_and_opened_again_it_is_the_same_walk(opened, new_window, qtbot, tmp_path) -> None:
    window = opened
    fly(window, qtbot, Qt.Key.Key_W, 1)
    before = [window.stage.line.drawn(n.id).view.rgb for n in window.stage.line.nodes]
    target = tmp_path / "mine.photowalk"
    window.conductor.save(target)
    qtbot.waitUntil(target.exists, timeout=LONG)
    window.close()
    again = new_window()
    again.open_file(target)
    qtbot.waitUntil(lambda: views(again) == len(before), timeout=LONG)
    after = [again.stage.line.drawn(n.id).view.rgb for n in again.stage.line.nodes]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    fly(again, qtbot, Qt.Key.Key_S, 1)


def test_an_export_is_read_again(opened, qtbot, tmp_path) -> None:
    window = opened
    fly(window, qtbot, Qt.Key.Key_W, 1)
    kinds = (ExportKind.VIDEO, ExportKind.PLY, ExportKind.REALESTATE10K, ExportKind.IMAGES)
    window.actions_by_key[action("EXPORT")].trigger()
    dialog = window.desk.export
    with qtbot.waitSignal(window.conductor.exported, timeout=LONG) as done:
        window.conductor.export(Export(tmp_path / "out", kinds))
    assert all(c.ok for c in done.args[0].checked)
    assert dialog.state == "All read again, all right."
    dialog.close()
    read = read_trajectory(tmp_path / "out" / "trajectory.txt").cameras
    for camera, node in zip(read, window.stage.line.nodes, strict=True):
        assert np.allclose(camera.T_world_camera, node.camera.T_world_camera, atol=1e-5)


def test_bad_files_are_one_sentence_and_lose_nothing(opened, qtbot, tmp_path) -> None:
    window = opened
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    window.open_file(bad)
    qtbot.waitUntil(lambda: window.desk.error is not None, timeout=LONG)
    assert "bad.jpg" in window.desk.error.label.text()
    window.desk.error.copy.click()
    window.desk.error.close()
    assert views(window) == 1
    fly(window, qtbot, Qt.Key.Key_W, 1)


def test_five_hundred_cameras_in_a_rush_and_the_newest_wins(opened, qtbot) -> None:
    window = opened
    beat = Heartbeat()
    beat.start()
    place = window.flight.camera
    T = np.eye(4)
    for k in range(500):
        T[:3, 3] = (0.0005 * k, 0.0, 0.0)
        window.conductor._want_view(place.moved(T))
        if k % 10 == 0:
            qtbot.wait(2)
    newest = place.moved(T)
    qtbot.waitUntil(
        lambda: np.allclose(window.stage.line.head.camera.position, newest.position), timeout=LONG
    )
    beat.stop()
    assert views(window) < 60
    assert beat.pause(50) < 200  # a frozen window would be far beyond


def test_a_crash_is_offered_at_the_next_start(opened, new_window, qtbot, preferences) -> None:
    window = opened
    fly(window, qtbot, Qt.Key.Key_W, 1)
    folder, count = window.conductor.walk_folder, views(window)
    crashed = AutosaveFolders(preferences.walks_folder).new("crashed")
    for file in [*folder.glob("*.npz"), folder / "journal.jsonl"]:
        (crashed / file.name).write_bytes(file.read_bytes())
    (crashed / "owner.json").write_text('{"pid": 4194305, "started": 1.0}')
    window.close()
    again = new_window()
    qtbot.waitUntil(lambda: again.desk.recovery is not None, timeout=LONG)
    again.desk.recovery.go_on[0].click()
    qtbot.waitUntil(lambda: views(again) == count, timeout=LONG)
    assert again.conductor.walk_folder == crashed


def test_quitting_in_the_middle_of_a_step_is_clean(opened, qtbot) -> None:
    window = opened
    QTest.keyPress(window.world, Qt.Key.Key_W)
    qtbot.wait(300)
    folder = window.conductor.walk_folder
    window.close()
    assert not window.worker.isRunning()
    assert (folder / "journal.jsonl").read_text().splitlines()[-1] == '{"event": "closed"}'


def test_any_aspect_ratio_fits(new_window, qtbot, tmp_path) -> None:
    window = new_window()
    tall = tmp_path / "tall.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (600, 400, 3), np.uint8)).save(tall)
    window.open_file(tall)
    qtbot.waitUntil(lambda: views(window) == 1, timeout=LONG)
    assert window.stage.line.drawn(0).view.height > window.stage.line.drawn(0).view.width


def test_windows_that_come_and_go_leave_nothing_behind(new_window, qapp, qtbot) -> None:
    counts = []
    for _ in range(4):
        window = new_window()
        qtbot.wait(50)
        window.close()
        window.deleteLater()
        del window
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qtbot.wait(50)
        gc.collect()
        counts.append((threading.active_count(), len(qapp.allWidgets())))
    # The first window makes what all of them share.
    assert counts[-1][0] <= counts[0][0]
    assert counts[-1][1] <= counts[1][1]
