"""How views are drawn, and paths that are flown by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QLineEdit,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.walk.records import WalkSettings
from explorer.walk.session.presets import PRESETS, Preset

SIZES = ((192, 112), (256, 144), (384, 216), (512, 288))


@dataclass(frozen=True)
class ControlValues:
    """Attributes:
    settings: of the walk; the strategy is chosen elsewhere.
    size: (width, height) whose pixel count the model's size comes near.
    device: a torch device.
    speed: factor of the flight's pace.
    point_size: factor.
    raw: the model's own pictures are shown.
    picture: (width, height) whose pixel count the pictures may have; None for what the device
        carries. The command line says it, not the panel.
    """

    settings: WalkSettings = field(default_factory=WalkSettings)
    size: tuple[int, int] = (256, 144)
    device: str = "cpu"
    speed: float = 1.0
    point_size: float = 1.0
    raw: bool = False
    picture: tuple[int, int] | None = None


class ControlsPanel(QWidget):
    """See the module.

    Signals:
        changed: (ControlValues) by the user.
    """

    changed = pyqtSignal(object)

    def __init__(self, devices: Sequence[str] = ("cpu",), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = WalkSettings()
        self._picture: tuple[int, int] | None = None
        self._sizes = list(SIZES)
        self._quiet = False
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(10, 4, 10, 10)
        self._make_presets()
        self._make_drawing(devices)
        self._make_flying()
        self._layout.addStretch(1)
        self.set_values(ControlValues(settings=PRESETS[1].applied(WalkSettings())))

    def values(self) -> ControlValues:
        """What is chosen."""
        sampler = replace(
            self._base.sampler,
            rgb_steps=self.steps.value(),
            depth_steps=self.depth_steps.value(),
            caption=self.caption.text(),
        )
        settings = replace(
            self._base,
            sampler=sampler,
            depth_every=self.depth_every.value(),
            context_views=self.context_views.value(),
            seed=self.seed.value(),
            raw=self.raw.isChecked(),
        )
        return ControlValues(
            settings,
            self._sizes[self.size_box.currentIndex()],
            self.device.currentText(),
            self.speed.value(),
            self.point_size.value(),
            self.raw.isChecked(),
            self._picture,
        )

    def set_values(self, values: ControlValues) -> None:
        """Shows these; nothing is told of it."""
        self._quiet = True
        self._base = values.settings
        sampler = values.settings.sampler
        self.steps.setValue(sampler.rgb_steps)
        self.depth_steps.setValue(sampler.depth_steps)
        self.depth_every.setValue(values.settings.depth_every)
        self.context_views.setValue(values.settings.context_views)
        self.seed.setValue(values.settings.seed)
        self.caption.setText(sampler.caption)
        self._picture = values.picture
        if values.size not in self._sizes:
            self._sizes.append(values.size)
            self.size_box.addItem(_words(values.size))
        self.size_box.setCurrentIndex(self._sizes.index(values.size))
        self.device.setCurrentText(values.device)
        self.speed.setValue(values.speed)
        self.point_size.setValue(values.point_size)
        self.raw.setChecked(values.raw)
        self._quiet = False
        self._mark_preset()

    def set_strategy(self, name: str) -> None:
        """Another panel chose it."""
        self._base = replace(self._base, strategy=name)

    def set_estimates(self, seconds: Mapping[str, float]) -> None:
        """Seconds per view by preset name, on this machine."""
        for preset, button in zip(PRESETS, self._presets, strict=True):
            if preset.name in seconds:
                button.setText(
                    f"{preset.name.capitalize()}   ≈ {seconds[preset.name]:.2g} s a view"
                )

    def _make_presets(self) -> None:
        box, column = QGroupBox("Quality"), QVBoxLayout()
        group = QButtonGroup(self)
        self._presets: list[QRadioButton] = []
        for preset in PRESETS:
            button = QRadioButton(preset.name.capitalize())
            width, height = preset.size
            button.setToolTip(
                f"{preset.rgb_steps} + {preset.depth_steps} steps, depth every "
                f"{preset.depth_every}, {preset.context_views} context views; about "
                f"{width}x{height}, for which the open photo is opened anew"
            )
            button.clicked.connect(lambda _on, p=preset: self._choose(p))
            group.addButton(button)
            column.addWidget(button)
            self._presets.append(button)
        # None is marked where the user's own choices match none.
        group.setExclusive(False)
        box.setLayout(column)
        self._layout.addWidget(box)

    def _make_drawing(self, devices: Sequence[str]) -> None:
        box, form = QGroupBox("Drawing"), _form()
        self.steps = _spin(1, 64, "Sampling steps of a view: more bring detail, and take time")
        self.depth_steps = _spin(1, 64, "Sampling steps of a depth")
        self.depth_every = _spin(1, 64, "Every n-th view gets its depth, and so adds points")
        self.context_views = _spin(1, 16, "Remembered views that the model is shown")
        self.seed = _spin(0, 2**31 - 1, "All noise follows from it: the same seed, the same walk")
        self.caption = QLineEdit()
        self.caption.setPlaceholderText("a kitchen with a window")
        self.caption.setToolTip("What the photo shows, in a few plain words")
        self.caption.editingFinished.connect(self._tell)
        self.size_box, self.device = QComboBox(), QComboBox()
        for size in self._sizes:
            self.size_box.addItem(_words(size))
        self.size_box.setToolTip("What the model draws; the open photo is opened anew")
        self.device.addItems(list(devices))
        self.device.setToolTip("Where the model runs")
        self.raw = QCheckBox("Show the model's own picture")
        self.raw.setToolTip("Without the detail that the memory keeps (X)")
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Steps", self.steps),
            ("Depth steps", self.depth_steps),
            ("Depth every", self.depth_every),
            ("Context views", self.context_views),
            ("Seed", self.seed),
            ("Caption", self.caption),
            ("Model size", self.size_box),
            ("Device", self.device),
        )
        for name, widget in rows:
            widget.setAccessibleName(name)
            form.addRow(name, widget)
        form.addRow(self.raw)
        for spin in (self.steps, self.depth_steps, self.depth_every, self.context_views, self.seed):
            spin.valueChanged.connect(self._tell)
        self.size_box.activated.connect(self._tell)
        self.device.activated.connect(self._tell)
        self.raw.toggled.connect(self._tell)
        box.setLayout(form)
        self._layout.addWidget(box)

    def _make_flying(self) -> None:
        box, form = QGroupBox("Flying"), _form()
        self.speed, self.point_size = QDoubleSpinBox(), QDoubleSpinBox()
        for name, spin, words in (
            ("Speed", self.speed, "Pace of the flight; Shift is faster, C slower"),
            ("Point size", self.point_size, "Size of the points"),
        ):
            spin.setRange(0.1, 10.0)
            spin.setSingleStep(0.1)
            spin.setToolTip(words)
            spin.setAccessibleName(name)
            spin.valueChanged.connect(self._tell)
            form.addRow(name, spin)
        box.setLayout(form)
        self._layout.addWidget(box)

    def _choose(self, preset: Preset) -> None:
        values = self.values()
        settings = preset.applied(values.settings)
        self.set_values(replace(values, settings=settings, size=preset.size))
        self._tell()

    def _tell(self) -> None:
        if not self._quiet:
            self._mark_preset()
            self.changed.emit(self.values())

    def _mark_preset(self) -> None:
        settings = self.values().settings
        for preset, button in zip(PRESETS, self._presets, strict=True):
            button.setChecked(preset.applied(settings) == settings)


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _spin(low: int, high: int, words: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setToolTip(words)
    return spin


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
