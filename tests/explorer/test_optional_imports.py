"""A walk without parts of others imports none of them, whether they are installed or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
    small = ["--size", "96x48", "--steps", "1", "--depth-steps", "1", "--path", "forward"]
    assert loaded_after([*walk, *small]) == "LOADED []"
    assert (tmp_path / "walk.json").is_file()


def test_looking_at_the_store_imports_no_optional_library(tmp_path: Path) -> None:
    assert loaded_after(["models", "--store", str(tmp_path), "list"]) == "LOADED []"


def test_no_module_imports_them_by_itself() -> None:
    script = (
        "import importlib, sys\n"
        "for name in ('choice', 'conversion', 'kinds', 'prior'):\n"
        "    importlib.import_module('explorer.priors.' + name)\n"
        "import explorer.store.telling, explorer.store.store, explorer.walk.session.session\n"
        f"print('LOADED', sorted({OPTIONAL!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert done.stdout.splitlines() == ["LOADED []"], done.stderr
