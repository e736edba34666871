from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.panels.controls import ControlsPanel
from explorer.app.panels.depth_colouring import SKY, DepthRange, coloured
from explorer.app.panels.meter import ConsistencyMeter
from explorer.app.panels.path_job import PathPanel
from explorer.app.panels.pictures import PicturePanes, hover
from explorer.app.panels.strip import DEPTH, InterleaveStrip
from explorer.app.panels.why import WhyPanel, tinted
from explorer.walk.records import DrawnView, RetrievedView
from explorer.walk.session.presets import PRESETS
from explorer.walk.session.records import ContextPart, Node
from memory.views import View

CAMERA = Camera(np.eye(4), Intrinsics(1.0, 16 / 9))


def drawn(view_id: int, with_depth: bool = True) -> DrawnView:
    rng = np.random.default_rng(view_id)
    rgb = rng.integers(0, 255, (36, 64, 3), np.uint8)
    depth = np.full((36, 64), 2.0, np.float32)
    depth[:6] = np.inf
    sources = np.full((36, 64), 3, np.int32)
    sources[:, 32:] = -1
    return DrawnView(
        view=View(view_id, CAMERA, rgb, depth if with_depth else None),
        raw_rgb=rgb,
        coverage_map=np.full((36, 64), 128, np.uint8),
        retrieved=(RetrievedView(0, 0.5),) if view_id else (),
        seconds={"steps": 0.4, "decode": 0.1},
        source_ids=sources,
    )


def node(view_id: int) -> Node:
    return Node(view_id, view_id - 1 if view_id else None, view_id, CAMERA)


def test_hover_tells_depth_point_and_source() -> None:
    found = hover(drawn(5), 16, 27)
    assert found.depth == 2.0
    assert found.point == pytest.approx(((16.5 / 64 - 0.5) * 2, (27.5 / 36 - 0.5) * 18 / 16, 2.0))
    assert "from view 3" in str(found)
    assert "drawn new" in str(hover(drawn(5), 40, 27))
    assert str(hover(drawn(5), 40, 2)).startswith("sky")
    assert "no depth" in str(hover(drawn(5, with_depth=False), 40, 20))


def test_the_two_panes_share_one_cursor(qtbot) -> None:
    panes = PicturePanes()
    qtbot.addWidget(panes)
    panes.show_view(drawn(5), "view 5")
    with qtbot.waitSignal(panes.hovered) as told:
        panes.depth_pane.pointed.emit(16, 27)
    assert told.args[0].depth == 2.0
    assert panes.rgb_pane._cursor == (16, 27)
    assert "depth 2.00" in panes.readout
    panes.depth_pane.pointed.emit(-1, -1)
    assert panes.rgb_pane._cursor is None


def test_depth_colours_are_warm_when_near_and_leave_the_sky_alone() -> None:
    depth = np.array([[1.0, 5.0, np.inf, np.nan]], np.float32)
    rgb = coloured(depth, DepthRange(1.0, 5.0)).astype(int)
    assert rgb[0, 0, 0] > rgb[0, 0, 2]
    assert rgb[0, 1, 0] < 100
    assert tuple(rgb[0, 2]) == SKY
    assert tuple(rgb[0, 3]) == (0, 0, 0)


def test_the_strip_interleaves_and_a_later_depth_finds_its_place(qtbot) -> None:
    strip = InterleaveStrip()
    qtbot.addWidget(strip)
    strip.add(node(0), drawn(0))
    strip.add(node(1), drawn(1, with_depth=False))
    strip.add(node(2), drawn(2))
    strip.add(node(1), drawn(1))
    kinds = [(i.view_id, i.kind) for i in strip.model.items]
    assert kinds == [(v, k) for v in range(3) for k in ("rgb", DEPTH)]
    with qtbot.assertNotEmitted(strip.scrubbed):
        strip.set_head(2)
    with qtbot.waitSignal(strip.scrubbed) as told:
        strip.list.setCurrentIndex(strip.model.index(0))
    assert told.args == [0]
    strip.keep({0})
    assert strip.model.rowCount() == 2


def test_a_thousand_views_stay_quick(qtbot) -> None:
    strip = InterleaveStrip()
    qtbot.addWidget(strip)
    view = drawn(1)
    for k in range(1000):
        strip.add(node(k), view)
    begin = time.perf_counter()
    strip.set_head(999)
    strip.grab()
    assert strip.model.rowCount() == 2000
    assert time.perf_counter() - begin < 5  # it hangs, or it does not


def test_each_context_view_has_its_part_in_its_colour(qtbot) -> None:
    panel = WhyPanel()
    qtbot.addWidget(panel)
    left = np.zeros((36, 64), bool)
    left[:, :20] = True
    parts = [
        ContextPart(7, 0.4, drawn(7).view.rgb, left),
        ContextPart(2, 0.1, drawn(2).view.rgb, ~left),
    ]
    panel.show_why(drawn(9), parts)
    assert panel.shown_views == [7, 2]
    with qtbot.waitSignal(panel.view_picked) as told:
        panel._buttons[1].click()
    assert told.args == [2]
    grey = tinted(drawn(9).view.rgb, [left])[:, 30:]
    assert (grey[..., 0] == grey[..., 2]).all()


def test_the_meter_says_in_words_how_it_is(qtbot) -> None:
    meter = ConsistencyMeter()
    qtbot.addWidget(meter)
    for k in range(8):
        meter.add(k + 1, 25.0, 1.0, 0.9)
    assert "agrees with" in meter.verdict
    for k in range(8, 16):
        meter.add(k + 1, 12.0, 1.0, 0.9)
    assert "strays from" in meter.verdict
    meter.keep_until(8)
    assert "agrees with" in meter.verdict
    meter.show_test([20.0, None, 24.0])
    assert "22.0 dB" in meter.test_result
    meter.show_test([None])
    assert "nothing" in meter.test_result


def test_a_preset_is_chosen_and_told_once(qtbot) -> None:
    panel = ControlsPanel()
    qtbot.addWidget(panel)
    told = []
    panel.changed.connect(told.append)
    panel._presets[2].click()
    assert len(told) == 1
    assert told[0].settings.context_views == PRESETS[2].context_views
    assert told[0].size == PRESETS[2].size
    panel.steps.setValue(7)
    assert told[-1].settings.sampler.rgb_steps == 7
    assert not any(b.isChecked() for b in panel._presets)
    panel.set_estimates({"draft": 0.25})
    assert "0.25 s" in panel._presets[0].text()


def test_the_sizes_of_the_command_line_stay_until_another_is_chosen(qtbot) -> None:
    panel = ControlsPanel()
    qtbot.addWidget(panel)
    panel.set_values(replace(panel.values(), size=(320, 192), picture=(1024, 576)))
    assert panel.size_box.currentText() == "320 x 192"
    assert (panel.values().size, panel.values().picture) == ((320, 192), (1024, 576))
    panel._presets[2].click()
    assert (panel.values().size, panel.values().picture) == (PRESETS[2].size, (1024, 576))
    panel.set_values(replace(panel.values(), size=(320, 192)))
    assert panel.size_box.count() == 5


def test_a_path_is_asked_for_and_its_bar_can_be_cancelled(qtbot) -> None:
    panel = PathPanel()
    qtbot.addWidget(panel)
    panel.path.setCurrentText("orbit")
    panel.views.setValue(5)
    with qtbot.waitSignal(panel.path_requested) as told:
        panel.fly.click()
    assert told.args == ["orbit", 5]
    panel.show_progress("flying", 2, 5)
    with qtbot.waitSignal(panel.cancel_requested):
        panel.cancel.click()
