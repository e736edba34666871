"""Where the panels are: docks around the world view, which the user may move, hide and float."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QWidget

#: Widths and heights that the docks begin with, in pixels at 100 %.
SIDE_WIDTH, CONTROLS_WIDTH, STRIP_HEIGHT = 390, 270, 128


@dataclass(frozen=True)
class Dock:
    """Attributes:
    name: what the user's layout is kept under.
    title: above the panel.
    area: where it begins.
    scrolls: the panel may be taller than its dock.
    """

    name: str
    title: str
    area: Qt.DockWidgetArea
    scrolls: bool = False


CONTROLS = Dock("controls", "How it is drawn", Qt.DockWidgetArea.LeftDockWidgetArea, True)
PICTURES = Dock("pictures", "Picture and depth", Qt.DockWidgetArea.RightDockWidgetArea)
WHY = Dock("why", "Why this view?", Qt.DockWidgetArea.RightDockWidgetArea)
METER = Dock("meter", "Consistency", Qt.DockWidgetArea.RightDockWidgetArea)
STRIP = Dock("strip", "As the model drew it", Qt.DockWidgetArea.BottomDockWidgetArea)


def add_dock(window: QMainWindow, dock: Dock, panel: QWidget) -> QDockWidget:
    """Puts a panel into its place."""
    widget = QDockWidget(dock.title, window)
    widget.setObjectName(dock.name)
    widget.setAccessibleName(dock.title)
    if dock.scrolls:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(panel)
        panel = area
    widget.setWidget(panel)
    window.addDockWidget(dock.area, widget)
    return widget


def arrange(window: QMainWindow, docks: dict[Dock, QDockWidget]) -> None:
    """The layout that a first start shows."""
    for corner, area in (
        (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea),
        (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea),
    ):
        window.setCorner(corner, area)
    window.tabifyDockWidget(docks[WHY], docks[METER])
    docks[WHY].raise_()
    horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    window.resizeDocks([docks[CONTROLS], docks[PICTURES]], [CONTROLS_WIDTH, SIDE_WIDTH], horizontal)
    window.resizeDocks([docks[STRIP]], [STRIP_HEIGHT], vertical)
    window.resizeDocks([docks[PICTURES], docks[WHY]], [300, 270], vertical)
