"""The model's picture beside its depth, with one cursor for both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from explorer.app.panels.depth_colouring import MAPS, DepthRange, coloured
from explorer.app.panels.picture_label import PictureLabel
from explorer.app.style import ACCENT
from explorer.walk.records import DrawnView

FINAL, RAW, COVERAGE = "Final", "Model's own", "Coverage"


@dataclass(frozen=True)
class Hovered:
    """What is known of the pixel under the pointer.

    Attributes:
        column, row: the pixel.
        depth: scene units; inf for sky, nan where unknown or not drawn.
        point: in the world; None where the depth is not finite.
        source: the view that it was known from; None where the model drew it anew.
    """

    column: int
    row: int
    depth: float
    point: tuple[float, float, float] | None
    source: int | None

    def __str__(self) -> str:
        if np.isposinf(self.depth):
            words = "sky"
        elif self.point is None:
            words = "no depth here"
        else:
            x, y, z = self.point
            words = f"depth {self.depth:.2f} · point {x:.2f} {y:.2f} {z:.2f}"
        came = "drawn new" if self.source is None else f"from view {self.source}"
        return f"{words} · {came}"


def hover(drawn: DrawnView, column: int, row: int) -> Hovered:
    """What is known of one pixel of a view."""
    view = drawn.view
    depth = float("nan") if view.depth is None else float(view.depth[row, column])
    point = None
    if np.isfinite(depth):
        k = view.camera.intrinsics
        x = ((column + 0.5) / view.width - k.cx) / k.fx * depth
        y = ((row + 0.5) / view.height - k.cy) / k.fy * depth
        world = view.camera.T_world_camera @ np.array([x, y, depth, 1.0])
        point = (float(world[0]), float(world[1]), float(world[2]))
    source = None
    if drawn.source_ids is not None and drawn.source_ids[row, column] >= 0:
        source = int(drawn.source_ids[row, column])
    return Hovered(column, row, depth, point, source)


class PicturePanes(QWidget):
    """See the module.

    Signals:
        hovered: (Hovered or None) under the pointer.
    """

    hovered = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: DrawnView | None = None
        self._range: DepthRange | None = None
        self.rgb_pane = PictureLabel("Open a photo to see its picture here")
        self.depth_pane = PictureLabel("Depth appears here as it is drawn")
        for pane in (self.rgb_pane, self.depth_pane):
            pane.pointed.connect(self._point)
        self._title, self._line = QLabel(""), QLabel("Point at a picture to read its depth")
        self._line.setProperty("quiet", True)
        self._line.setWordWrap(True)
        # Its text may be wider than the dock; the dock does not grow with it.
        self._line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._line.setFixedHeight(2 * self._line.fontMetrics().height() + 4)
        self._make_choices()
        self._make_profile()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self._title)
        self._pair = QGridLayout()
        self._pair.setSpacing(4)
        layout.addLayout(self._pair, 1)
        layout.addLayout(self._choices)
        layout.addWidget(self._line)
        layout.addWidget(self._plot)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(360, 420)

    def show_view(self, drawn: DrawnView, title: str) -> None:
        """A view and, where it has one, its depth."""
        self._drawn = drawn
        self._title.setText(title)
        self.depth_pane.set_empty("This view has no depth yet: press G to have it drawn")
        self._redraw()

    def set_busy(self, words: str) -> None:
        """What is being done, above the pictures."""
        self._title.setText(words)

    def clear(self) -> None:
        self._drawn = None
        self._title.clear()
        self.rgb_pane.show_rgb(None)
        self.depth_pane.show_rgb(None)
        self._point(-1, -1)

    @property
    def readout(self) -> str:
        """The line under the pictures."""
        return self._line.text()

    def resizeEvent(self, event: object) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Side by side or stacked, whichever leaves the pictures larger."""
        others = self._line.height() + self._plot.height() + 2 * self._what.height() + 60
        width, height = self.width() - 20, max(self.height() - others, 1)
        beside = min(width / 2, height * 16 / 9) >= min(width, height / 2 * 16 / 9)
        self._pair.addWidget(self.rgb_pane, 0, 0)
        self._pair.addWidget(self.depth_pane, 0 if beside else 1, 1 if beside else 0)

    def _make_choices(self) -> None:
        self._what, self._map = QComboBox(), QComboBox()
        self._what.addItems([FINAL, RAW, COVERAGE])
        self._what.setToolTip("The final picture, the model's own, or what the memory knew of it")
        self._map.addItems(list(MAPS))
        self._map.setToolTip("Colours of the depth")
        self._over = QSlider(Qt.Orientation.Horizontal)
        self._over.setRange(0, 100)
        self._over.setToolTip("Lay the depth over the picture")
        self._over.setAccessibleName("Opacity of the depth over the picture")
        self._auto = QCheckBox("auto")
        self._auto.setChecked(True)
        self._auto.setToolTip("The range of each picture; otherwise the one you set")
        self._near, self._far = QDoubleSpinBox(), QDoubleSpinBox()
        for box, words, value in ((self._near, "Nearest", 0.3), (self._far, "Farthest", 5.0)):
            box.setRange(0.01, 10_000.0)
            box.setValue(value)
            box.setToolTip(f"{words} depth that has a colour of its own, scene units")
            box.setEnabled(False)
            box.valueChanged.connect(self._redraw)
        self._choices = QVBoxLayout()
        for widgets in ((self._what, self._map, self._over), (self._auto, self._near, self._far)):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget)
            self._choices.addLayout(row)
        self._what.currentIndexChanged.connect(self._redraw)
        self._map.currentIndexChanged.connect(self._redraw)
        self._over.valueChanged.connect(self._redraw)
        self._auto.toggled.connect(self._set_auto)

    def _make_profile(self) -> None:
        self._plot = pg.PlotWidget()
        self._plot.setToolTip("Depth along the row under the pointer")
        self._plot.setFixedHeight(64)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(False, False)
        self._plot.invertY(True)
        self._plot.getAxis("bottom").setStyle(showValues=False)
        self._plot.getAxis("left").setWidth(34)
        self._profile = self._plot.plot(pen=pg.mkPen(ACCENT, width=1.5), connect="finite")

    def _set_auto(self, auto: bool) -> None:
        self._near.setEnabled(not auto)
        self._far.setEnabled(not auto)
        self._redraw()

    def _redraw(self) -> None:
        drawn = self._drawn
        if drawn is None:
            return
        rgb = self._picture(drawn)
        depth = drawn.view.depth
        colours = None
        if depth is not None:
            limits = DepthRange.of(depth)
            if not self._auto.isChecked():
                near = self._near.value()
                limits = DepthRange(near, max(self._far.value(), near * 1.01))
            colours = coloured(depth, limits, self._map.currentText())
            share = self._over.value() / 100.0
            if share:
                mixed = (1.0 - share) * rgb + share * colours
                rgb = np.round(mixed).astype(np.uint8)
        self.rgb_pane.show_rgb(rgb)
        self.depth_pane.show_rgb(colours)

    def _picture(self, drawn: DrawnView) -> NDArray[np.uint8]:
        what = self._what.currentText()
        if what == COVERAGE:
            return np.repeat(drawn.coverage_map[..., None], 3, axis=2)
        return drawn.raw_rgb if what == RAW else drawn.view.rgb

    def _point(self, column: int, row: int) -> None:
        drawn = self._drawn
        if drawn is None or column < 0:
            self.rgb_pane.set_cursor(None)
            self.depth_pane.set_cursor(None)
            self._line.setText("Point at a picture to read its depth")
            self._profile.setData([], [])
            self.hovered.emit(None)
            return
        self.rgb_pane.set_cursor((column, row))
        self.depth_pane.set_cursor((column, row))
        found = hover(drawn, column, row)
        self._line.setText(str(found))
        if drawn.view.depth is not None:
            values = np.where(np.isfinite(drawn.view.depth[row]), drawn.view.depth[row], np.nan)
            self._profile.setData(np.arange(len(values)) + 0.5, values)
        self.hovered.emit(found)
