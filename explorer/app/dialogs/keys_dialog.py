"""All keys: to read (F1), and to bind anew."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.app.dialogs.depth_settings import DepthSettings
from explorer.app.keys import MODIFIERS, MOVES, Action, Bound, KeyBindings, text_of
from explorer.app.preferences import Preferences
from explorer.app.style import ACCENT, GROUND, LINE, SPACE, TEXT
from explorer.app.work.requests import Wishes
from explorer.store.store import ModelStore

#: When the model is compiled, from the next start on.
COMPILING = (("on a GPU, where a compiler works", None), ("always", True), ("never", False))


def grouped(bindings: KeyBindings) -> dict[str, list[Bound]]:
    """All that has a key, by group."""
    groups: dict[str, list[Bound]] = {"Move": list(MOVES)}
    for action in Action:
        groups.setdefault(action.group, []).append(action)
    return groups


class HelpOverlay(QWidget):
    """All keys, over the window; any key or click takes it away."""

    def __init__(self, bindings: KeyBindings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(f"HelpOverlay {{ background: {GROUND}; }}")
        self.setAccessibleName("All keys")
        grid = QGridLayout(self)
        grid.setContentsMargins(40, 30, 40, 30)
        for column, (group, all_) in enumerate(grouped(bindings).items()):
            label = QLabel(self._group(group, all_, bindings))
            label.setTextFormat(Qt.TextFormat.RichText)
            grid.addWidget(label, column // 3, column % 3, Qt.AlignmentFlag.AlignTop)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def appear(self) -> None:
        """Over all of the window."""
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        self.hide()

    def mousePressEvent(self, event: object) -> None:
        self.hide()

    @staticmethod
    def _group(group: str, all_: list[Bound], bindings: KeyBindings) -> str:
        rows = "".join(
            f"<tr><td style='color:{ACCENT}; padding-right:18px'>{bindings.key(b)}</td>"
            f"<td style='color:{TEXT}'>{text_of(b)}</td></tr>"
            for b in all_
        )
        return f"<h3 style='color:{LINE}'>{group}</h3><table cellpadding='2'>{rows}</table>"


class KeyButton(QPushButton):
    """Shows a key; a click waits for another one.

    Signals:
        chosen: (str) the key that was pressed.
    """

    chosen = pyqtSignal(str)

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(key, parent)
        self._key = key
        self.setCheckable(True)
        self.setToolTip("Click, then press another key; Esc keeps this one")
        self.installEventFilter(self)
        self.clicked.connect(lambda: self.setText("press a key…"))

    def show_key(self, key: str) -> None:
        self._key = key
        self.setText(key or "none")
        self.setChecked(False)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if not self.isChecked() or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        event.accept()
        modifier = MODIFIERS.get(Qt.Key(event.key()))
        # One that is let go of with nothing pressed beside it is meant itself.
        if modifier is not None and event.type() == QEvent.Type.KeyRelease:
            self.chosen.emit(modifier)
        elif modifier is None and event.type() == QEvent.Type.KeyPress:
            self._take(event)
        return True

    def _take(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.show_key(self._key)
        else:
            sequence = QKeySequence(event.keyCombination())
            self.chosen.emit(sequence.toString(QKeySequence.SequenceFormat.PortableText))


class SettingsDialog(QDialog):
    """Keys, mouse, where walks are kept, and which models are used.

    Args:
        store: models of others; None for the user's.

    Signals:
        changed: something was.
        wishes_changed: (Wishes) which models are used, and how.
    """

    changed = pyqtSignal()
    wishes_changed = pyqtSignal(object)

    def __init__(
        self,
        bindings: KeyBindings,
        preferences: Preferences,
        parent: QWidget | None = None,
        store: ModelStore | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._bindings, self._preferences = bindings, preferences
        self.buttons: dict[Bound, KeyButton] = {}
        self.words = QLabel("")
        self.words.setWordWrap(True)
        columns = QHBoxLayout()
        column = QFormLayout()
        bounds: list[Bound] = [*MOVES, *Action]
        for number, bound in enumerate(bounds):
            if number % 15 == 0:
                column = QFormLayout()
                # Not the spacing of the layout, which its columns would take on for their rows.
                columns.addSpacing(2 * SPACE if number else 0)
                columns.addLayout(column)
            button = KeyButton(bindings.key(bound))
            button.chosen.connect(lambda key, b=bound: self._bind(b, key))
            button.setAccessibleName(text_of(bound))
            self.buttons[bound] = button
            column.addRow(text_of(bound), button)
        self.mouse = QDoubleSpinBox()
        self.mouse.setRange(0.1, 5.0)
        self.mouse.setSingleStep(0.1)
        self.mouse.setValue(preferences.mouse_speed)
        self.mouse.setToolTip("1: the scene follows the pointer")
        self.mouse.valueChanged.connect(self._set_mouse)
        folder = QPushButton(str(preferences.walks_folder))
        folder.setToolTip("Where walks are kept while they are flown, from the next start on")
        folder.clicked.connect(lambda: self._choose_folder(folder))
        more = QFormLayout()
        more.addRow("Mouse", self.mouse)
        more.addRow("Walks are kept in", folder)
        reset, close = QPushButton("First keys again"), QPushButton("Close")
        reset.clicked.connect(self._reset)
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addWidget(reset)
        row.addWidget(self.words, 1)
        keys = QWidget()
        page = QVBoxLayout(keys)
        for part in (columns, more, row):
            page.addLayout(part)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        bar = self.tabs.tabBar()
        assert bar is not None
        bar.setDrawBase(False)
        self.tabs.addTab(keys, "Keys, mouse, folders")
        self.tabs.addTab(self._models_page(store or ModelStore()), "Models")
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)

    def _models_page(self, store: ModelStore) -> QWidget:
        wishes = self._preferences.wishes
        self.depth_prior = DepthSettings(store, wishes.prior)
        self.compiled = QComboBox()
        for words, value in COMPILING:
            self.compiled.addItem(words, value)
        self.compiled.setCurrentIndex([v for _, v in COMPILING].index(wishes.compiled))
        self.compiled.setToolTip("Views are quicker then, and the first one waits for it")
        self.depth_prior.chosen.connect(lambda _wish: self._tell_wishes())
        self.compiled.activated.connect(lambda _index: self._tell_wishes())
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(self.depth_prior, 1)
        form = QFormLayout()
        form.addRow("Compile our own model", self.compiled)
        column.addLayout(form)
        return page

    def _tell_wishes(self) -> None:
        wishes = Wishes(self.depth_prior.wish, COMPILING[self.compiled.currentIndex()][1])
        self._preferences.set_wishes(wishes)
        self.wishes_changed.emit(wishes)

    def _bind(self, bound: Bound, key: str) -> None:
        try:
            self._bindings.bind(bound, key)
        except ValueError as error:
            self.words.setText(str(error))
        else:
            self.words.setText(f"{text_of(bound)}: {key}")
            self.changed.emit()
        self.buttons[bound].show_key(self._bindings.key(bound))

    def _reset(self) -> None:
        self._bindings.reset()
        for bound, button in self.buttons.items():
            button.show_key(self._bindings.key(bound))
        self.changed.emit()

    def _set_mouse(self, factor: float) -> None:
        self._preferences.set_mouse_speed(factor)
        self.changed.emit()

    def _choose_folder(self, button: QPushButton) -> None:
        name = QFileDialog.getExistingDirectory(self, "Keep walks in", button.text())
        if name:
            self._preferences.set_walks_folder(Path(name))
            button.setText(name)
