"""The sequence as the model drew it: picture, depth, picture, depth ..."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
from PyQt6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QPixmap
from PyQt6.QtWidgets import QLabel, QListView, QVBoxLayout, QWidget

from explorer.app.panels.depth_colouring import DepthRange, coloured
from explorer.app.style import pixmap_of
from explorer.walk.records import DrawnView
from explorer.walk.session.records import Node

RGB, DEPTH = "rgb", "depth"
THUMBNAIL_HEIGHT = 45
_PROMPTS = {RGB: "<Image>", DEPTH: "<Geometry>"}


@dataclass(frozen=True, eq=False)
class StripItem:
    """One picture of the sequence."""

    node_id: int
    view_id: int
    kind: str
    thumbnail: QPixmap
    words: str


class StripModel(QAbstractListModel):
    """Items in the order in which they were drawn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.items: list[StripItem] = []

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.items)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.DecorationRole:
            return item.thumbnail
        if role == Qt.ItemDataRole.DisplayRole:
            if item.view_id == 0:
                return "photo" if item.kind == RGB else "depth"
            return str(item.view_id) if item.kind == RGB else f"{item.view_id} depth"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return item.words
        return None

    def insert(self, row: int, item: StripItem) -> None:
        self.beginInsertRows(QModelIndex(), row, row)
        self.items.insert(row, item)
        self.endInsertRows()

    def replace(self, items: list[StripItem]) -> None:
        self.beginResetModel()
        self.items = items
        self.endResetModel()


class InterleaveStrip(QWidget):
    """See the module.

    Signals:
        inspected: (node id, "rgb" or "depth") was chosen.
        scrubbed: (node id) is passed while dragging or with the arrow keys.
    """

    inspected = pyqtSignal(int, str)
    scrubbed = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = StripModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setFlow(QListView.Flow.LeftToRight)
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setWrapping(False)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setUniformItemSizes(True)
        self.list.setLayoutMode(QListView.LayoutMode.Batched)
        self.list.setSpacing(2)
        self.list.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Pictures in the order of drawing")
        self.list.setToolTip("Click to inspect a picture, drag or use the arrow keys to scrub")
        line = self.fontMetrics().height()
        self.list.setIconSize(QSize(THUMBNAIL_HEIGHT * 16 // 9, THUMBNAIL_HEIGHT))
        self.list.setGridSize(QSize(THUMBNAIL_HEIGHT * 16 // 9 + 8, THUMBNAIL_HEIGHT + line + 10))
        self.list.setMinimumHeight(THUMBNAIL_HEIGHT + line + 22)
        self._words = QLabel("Pictures line up here in the order in which the model draws them")
        self._words.setProperty("quiet", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 4)
        layout.setSpacing(2)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._words)
        self.list.clicked.connect(self._clicked)
        selection = self.list.selectionModel()
        assert selection is not None
        selection.currentChanged.connect(self._passed)

    def add(self, node: Node, drawn: DrawnView) -> None:
        """A view at the end; or the depth of one that is there, after its picture."""
        rows = [k for k, item in enumerate(self.model.items) if item.node_id == node.id]
        if not rows:
            picture = _scaled(drawn.view.rgb if drawn.picture is None else drawn.picture.rgb)
            self.model.insert(
                len(self.model.items), StripItem(node.id, node.view_id, RGB, picture, _words(drawn))
            )
            rows = [len(self.model.items) - 1]
        if drawn.view.depth is not None and len(rows) == 1:
            depth = coloured(drawn.view.depth, DepthRange.of(drawn.view.depth))
            item = StripItem(node.id, node.view_id, DEPTH, _scaled(depth), _words(drawn, DEPTH))
            self.model.insert(rows[0] + 1, item)

    def keep(self, node_ids: set[int]) -> None:
        """Other nodes vanish."""
        self.model.replace([i for i in self.model.items if i.node_id in node_ids])

    def clear(self) -> None:
        self.keep(set())
        self._words.clear()

    def set_head(self, node_id: int) -> None:
        """Marks a node, and scrolls to it; nothing is told of that."""
        for row, item in enumerate(self.model.items):
            if item.node_id == node_id:
                selection = self.list.selectionModel()
                assert selection is not None
                index = self.model.index(row)
                selection.blockSignals(True)
                selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
                selection.blockSignals(False)
                self.list.scrollTo(index)
                viewport = self.list.viewport()
                assert viewport is not None
                viewport.update()
                self._words.setText(item.words)
                return

    def _clicked(self, index: QModelIndex) -> None:
        item = self.model.items[index.row()]
        self._words.setText(item.words)
        self.inspected.emit(item.node_id, item.kind)

    def _passed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            item = self.model.items[index.row()]
            self._words.setText(item.words)
            self.scrubbed.emit(item.node_id)


def _scaled(rgb: object) -> QPixmap:
    picture = cv2.resize(
        rgb,  # type: ignore[call-overload]
        None,
        fx=2 * THUMBNAIL_HEIGHT / rgb.shape[0],  # type: ignore[attr-defined]
        fy=2 * THUMBNAIL_HEIGHT / rgb.shape[0],  # type: ignore[attr-defined]
        interpolation=cv2.INTER_AREA,
    )
    pixmap = pixmap_of(picture)
    pixmap.setDevicePixelRatio(2.0)
    return pixmap


def _words(drawn: DrawnView, kind: str = RGB) -> str:
    """Prompt, time and coverage of a picture, in one line."""
    view = drawn.view
    if view.id == 0 and kind == RGB:
        return "the photo"
    prompt = f"{_PROMPTS[kind]} {view.caption}".strip()
    parts = [prompt, f"{sum(drawn.seconds.values()):.2f} s"]
    if view.id:
        parts.append(f"{drawn.coverage:.0%} known")
    if kind == DEPTH and drawn.depth_scale is not None:
        parts.append(f"scaled by {drawn.depth_scale:.2f}")
    return " · ".join(parts)
