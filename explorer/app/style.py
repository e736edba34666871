"""One dark, quiet look for everything."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtGui import QColor, QImage, QPalette, QPixmap
from PyQt6.QtWidgets import QApplication

GROUND, PANEL, RAISED, LINE = "#141619", "#1b1e22", "#262a30", "#343a42"
TEXT, QUIET, ACCENT, WARNING, GOOD = "#d8dce2", "#8b939e", "#d9a066", "#e07a5f", "#81b29a"
#: One for each context view, apart for most kinds of colour blindness.
SERIES = ("#d9a066", "#6fa8dc", "#81b29a", "#c27ba0", "#e0d36b", "#9b8bd1", "#e07a5f", "#7fd1c7")
SPACE = 8

_SHEET = f"""
QWidget {{ color: {TEXT}; }}
QMainWindow, QDialog {{ background: {GROUND}; }}
QMainWindow::separator {{ background: {GROUND}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {LINE}; }}
QDockWidget {{ color: {QUIET}; }}
QDockWidget::title {{ background: {GROUND}; padding: 5px 8px; }}
QDockWidget > QWidget, QScrollArea > QWidget > QWidget {{ background: {PANEL}; }}
QToolBar {{ background: {GROUND}; border: 0; spacing: 4px; padding: 4px 6px; }}
QToolButton {{ padding: 4px 9px; border-radius: 4px; border: 1px solid transparent; }}
QToolButton:hover, QPushButton:hover {{ background: {LINE}; }}
QToolButton:checked {{ background: {RAISED}; color: {ACCENT}; }}
QToolButton:focus, QPushButton:focus {{ border: 1px solid {ACCENT}; }}
QPushButton {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 4px;
               padding: 5px 10px; }}
QPushButton:default {{ border-color: {ACCENT}; }}
QPushButton:disabled, QLabel:disabled {{ color: #5d646d; }}
QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit, QKeySequenceEdit {{ background: {RAISED};
    border: 1px solid {LINE}; border-radius: 4px; padding: 3px 6px; }}
QComboBox:focus, QSpinBox:focus, QLineEdit:focus {{ border-color: {ACCENT}; }}
QMenuBar, QMenu, QStatusBar {{ background: {GROUND}; }}
QMenu {{ border: 1px solid {LINE}; }}
QMenu::item:selected, QMenuBar::item:selected {{ background: {RAISED}; color: {ACCENT}; }}
QTabBar::tab {{ background: {GROUND}; color: {QUIET}; padding: 5px 10px; border: 0; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom: 2px solid {ACCENT}; }}
QListView, QTableWidget, QPlainTextEdit {{ background: {PANEL}; border: 0; }}
QListView::item:selected {{ background: {RAISED}; color: {ACCENT}; }}
QHeaderView::section {{ background: {GROUND}; border: 0; padding: 4px; }}
QProgressBar {{ background: {RAISED}; border: 0; border-radius: 3px; max-height: 6px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QGroupBox {{ border: 0; margin-top: 18px; font-weight: 600; color: {QUIET}; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; }}
QRadioButton::indicator, QCheckBox::indicator {{ width: 13px; height: 13px;
    border: 1px solid {QUIET}; background: {GROUND}; }}
QRadioButton::indicator {{ border-radius: 7px; }}
QCheckBox::indicator {{ border-radius: 3px; }}
QRadioButton::indicator:checked, QCheckBox::indicator:checked {{ background: {ACCENT};
    border-color: {ACCENT}; }}
QRadioButton::indicator:focus, QCheckBox::indicator:focus {{ border-color: {TEXT}; }}
QScrollBar:vertical {{ background: {PANEL}; width: 9px; margin: 0; }}
QScrollBar:horizontal {{ background: {PANEL}; height: 9px; margin: 0; }}
QScrollBar::handle {{ background: {LINE}; border-radius: 4px; min-height: 24px; min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QSlider::groove:horizontal {{ background: {RAISED}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {QUIET}; width: 12px; margin: -4px 0;
    border-radius: 6px; }}
QLabel[quiet="true"] {{ color: {QUIET}; }}
QLabel[large="true"] {{ font-size: 20pt; }}
"""


def apply_style(app: QApplication) -> None:
    """Dresses the whole application."""
    app.setStyle("Fusion")
    palette = QPalette()
    role = QPalette.ColorRole
    for colour, roles in {
        PANEL: (role.Window, role.Base, role.AlternateBase),
        RAISED: (role.Button, role.ToolTipBase),
        TEXT: (role.WindowText, role.Text, role.ButtonText, role.ToolTipText),
        QUIET: (role.PlaceholderText,),
        ACCENT: (role.Highlight, role.Link),
        GROUND: (role.HighlightedText,),
    }.items():
        for each in roles:
            palette.setColor(each, QColor(colour))
    app.setPalette(palette)
    app.setStyleSheet(_SHEET)
    pg.setConfigOptions(background=PANEL, foreground=QUIET, antialias=True)


def image_of(rgb: NDArray[np.uint8]) -> QImage:
    """A QImage with its own copy of (H, W, 3) uint8."""
    data = np.ascontiguousarray(rgb)
    height, width = data.shape[:2]
    return QImage(data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def pixmap_of(rgb: NDArray[np.uint8]) -> QPixmap:
    """As `image_of`, for widgets."""
    return QPixmap.fromImage(image_of(rgb))
