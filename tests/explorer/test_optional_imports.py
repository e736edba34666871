"""A walk without parts of others imports none of them, whether they are installed or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = {"transformers", "diffusers", "huggingface_hub", "tokenizers", "accelerate", "timm"}


def loaded_after(arguments: list[str]) -> str:
    """The optional libraries that a command imports."""
    script = (
        "import sys, main\n"
        "try: main.main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print('LOADED', sorted({OPTIONAL!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_walk_imports_no_optional_library(tmp_path: Path) -> None:
    walk = ["walk", "assets/samples/room.png", "--out", str(tmp_path), "--views", "1"]
    small = ["--model-size", "96x48", "--steps", "1", "--depth-steps", "1", "--path", "forward"]
    assert loaded_after([*walk, *small]) == "LOADED []"
    assert (tmp_path / "walk.json").is_file()


def test_help_imports_no_optional_library() -> None:
    assert loaded_after(["--help"]) == "LOADED []"


def test_the_doctor_imports_no_optional_library() -> None:
    """Not even to say whether others' backbones fit."""
    script = (
        "import sys\n"
        "from explorer.doctor.examination import examine\n"
        "text = examine(measure=False).as_text()\n"
        "assert 'Wan2.1-T2V-14B 512x288' in text, text\n"
        f"print('LOADED', sorted({OPTIONAL!r} & set(sys.modules)))\n"
    )
    assert _last_line(script) == "LOADED []"


def test_the_window_imports_no_optional_library(tmp_path: Path) -> None:
    """Made and shown, with its settings, and the embedded model loaded on its worker."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        pytest.skip("there is no display (xvfb-run gives one)")
    pytest.importorskip("PyQt6", reason='pip install "photowalk[app]"')
    script = (
        "import sys, torch\n"
        "from pathlib import Path\n"
        "from PyQt6.QtCore import QTimer\n"
        "from PyQt6.QtWidgets import QApplication\n"
        "from explorer.app.preferences import Preferences\n"
        "from explorer.app.window import MainWindow\n"
        "app = QApplication(['photowalk'])\n"
        f"preferences = Preferences(Path({str(tmp_path)!r}) / 'p.ini')\n"
        f"preferences.set_walks_folder(Path({str(tmp_path)!r}) / 'walks')\n"
        "window = MainWindow(preferences)\n"
        "window.conductor.engine_ready.connect(lambda _: QTimer.singleShot(0, window.close))\n"
        "window.conductor.failed.connect(lambda failure: sys.exit(failure.details))\n"
        "window.show()\n"
        "window._settings()\n"
        "window.desk.settings.close()\n"
        "app.exec()\n"
        f"print('LOADED', sorted({OPTIONAL!r} & set(sys.modules)))\n"
    )
    assert _last_line(script, PHOTOWALK_MODELS=str(tmp_path / "models")) == "LOADED []"


def _last_line(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_looking_at_the_store_imports_no_optional_library(tmp_path: Path) -> None:
    assert loaded_after(["models", "--store", str(tmp_path), "list"]) == "LOADED []"


def test_no_module_imports_them_by_itself() -> None:
    script = (
        "import importlib, sys\n"
        "for name in ('choice', 'conversion', 'kinds', 'offered', 'prior'):\n"
        "    importlib.import_module('explorer.priors.' + name)\n"
        "import explorer.store.telling, explorer.store.store, explorer.walk.session.session\n"
        f"print('LOADED', sorted({OPTIONAL!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert done.stdout.splitlines() == ["LOADED []"], done.stderr
