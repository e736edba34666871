"""One dialog for everything that a walk can be exported as."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer.app.style import GOOD, WARNING
from explorer.app.work.requests import Export
from explorer.walk.export.selection import Checked, ExportKind

WORDS = {
    ExportKind.VIDEO: ("Video", "H.264, plays everywhere"),
    ExportKind.DEPTH_VIDEO: ("Depth video", "one range for all frames, with a legend"),
    ExportKind.IMAGES: ("Pictures", "a PNG for each view"),
    ExportKind.DEPTH_IMAGES: ("Depth pictures", "16-bit PNG, with the scale beside them"),
    ExportKind.PLY: ("Points, PLY", "the cloud, coloured, with normals"),
    ExportKind.GLB: ("Points, GLB", "for viewers in the browser"),
    ExportKind.COLMAP: ("COLMAP model", "text: cameras, images, points"),
    ExportKind.TRANSFORMS: ("transforms.json", "cameras for nerfstudio"),
    ExportKind.REALESTATE10K: ("Path", "RealEstate10K text: the cameras alone"),
    ExportKind.CONTACT_SHEET: ("Contact sheet", "every n-th view over its depth"),
}
_FIRST = (ExportKind.VIDEO, ExportKind.PLY, ExportKind.TRANSFORMS, ExportKind.CONTACT_SHEET)


class ExportDialog(QDialog):
    """See the module.

    Signals:
        export_requested: (explorer.app.work.requests.Export).
        cancel_requested: give up; what is whole stays.
    """

    export_requested = pyqtSignal(object)
    cancel_requested = pyqtSignal()

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.boxes: dict[ExportKind, QCheckBox] = {}
        self._results: dict[ExportKind, QLabel] = {}
        form = QFormLayout()
        for kind, (name, words) in WORDS.items():
            box, label = QCheckBox(name), QLabel(words)
            box.setChecked(kind in _FIRST)
            box.setToolTip(f"{words}; becomes {kind.value}")
            label.setProperty("quiet", True)
            form.addRow(box, label)
            self.boxes[kind], self._results[kind] = box, label
        self.folder = QLineEdit(str(folder))
        self.folder.setMinimumWidth(320)
        self.folder.setAccessibleName("Folder")
        browse = QPushButton("Browse…")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form.addRow("Folder", row)
        self.fps = QDoubleSpinBox()
        self.fps.setRange(1, 120)
        self.fps.setValue(10)
        self.fps.setSuffix(" views a second")
        form.addRow("Speed", self.fps)
        self.raw = QCheckBox("the model's own pictures")
        form.addRow("", self.raw)
        self.dense = QCheckBox("points: one for every pixel")
        self.dense.setToolTip("Instead of the fused cloud, which is thinner and smoother")
        form.addRow("", self.dense)
        self._bar, self._state = QProgressBar(), QLabel("")
        self._bar.setTextVisible(False)
        self._bar.hide()
        self.go, self.stop = QPushButton("Export"), QPushButton("Close")
        self.go.setDefault(True)
        self.go.clicked.connect(self._export)
        self.stop.clicked.connect(self._stop)
        buttons = QHBoxLayout()
        buttons.addWidget(self._state, 1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._bar)
        layout.addLayout(buttons)

    @property
    def running(self) -> bool:
        return not self.go.isEnabled()

    def show_progress(self, message: str, done: int, total: int) -> None:
        """What is being written."""
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._state.setText(message)

    def show_results(self, checked: Sequence[Checked], complete: bool) -> None:
        """Every file that was written, as it was when read again."""
        self._set_running(False)
        for each in checked:
            label = self._results[each.kind]
            colour = GOOD if each.ok else WARNING
            label.setText(f"<span style='color:{colour}'>{each.sentence}</span>")
        wrong = sum(not each.ok for each in checked)
        self._state.setText(
            "Stopped; what was written is whole."
            if not complete
            else f"{wrong} of {len(checked)} are not right."
            if wrong
            else "All read again, all right."
        )

    def failed(self, sentence: str) -> None:
        """Nothing could be written."""
        self._set_running(False)
        self._state.setText(sentence)

    @property
    def state(self) -> str:
        return self._state.text()

    def _export(self) -> None:
        kinds = tuple(kind for kind, box in self.boxes.items() if box.isChecked())
        if not kinds or not self.folder.text().strip():
            self._state.setText("Choose what to write, and where.")
            return
        for kind, (_, words) in WORDS.items():
            self._results[kind].setText(words)
        self._set_running(True)
        folder = Path(self.folder.text()).expanduser()
        wanted = (self.raw.isChecked(), self.fps.value(), self.dense.isChecked())
        self.export_requested.emit(Export(folder, kinds, *wanted))

    def _stop(self) -> None:
        if self.running:
            self.cancel_requested.emit()
        else:
            self.close()

    def _set_running(self, running: bool) -> None:
        self.go.setEnabled(not running)
        self._bar.setVisible(running)
        self.stop.setText("Cancel" if running else "Close")

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Export into", self.folder.text())
        if folder:
            self.folder.setText(folder)
