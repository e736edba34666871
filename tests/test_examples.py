"""The examples run as a user runs them, and so does the Python of the documentation."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
ROOM = ROOT / "assets" / "samples" / "room.png"
LONGEST = 50
#: All of them in one process, since one exports what another one drew.
pytestmark = pytest.mark.xdist_group("examples")


def python(*arguments: str | Path, cwd: Path = ROOT) -> list[str]:
    """Runs it with every warning an error; what it said, by lines."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def example(name: str, *arguments: str | Path) -> list[str]:
    return python(ROOT / "examples" / f"{name}.py", *arguments)


@pytest.fixture(scope="module")
def a_walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("walk") / "room"
    said = example("walk_from_python", ROOM, out)
    assert said[-1].startswith("Drew 4 views")
    return out


def test_a_walk_from_python(a_walk: Path) -> None:
    assert len(list((a_walk / "views").glob("*.png"))) == 5
    assert (a_walk / "contact_sheet.png").is_file()


def test_export_gives_the_walks_own_cloud_and_cameras(a_walk: Path, tmp_path: Path) -> None:
    (said,) = example("export_a_walk", a_walk, tmp_path / "out")
    points = len(trimesh.load(tmp_path / "out" / "points.ply").vertices)
    assert said.startswith("5 views over ")
    assert f" {points} points " in said
    for name in ("points.ply", "transforms.json"):
        assert (tmp_path / "out" / name).read_bytes() == (a_walk / name).read_bytes(), name
    assert (tmp_path / "out" / "video.mp4").is_file()


def test_own_path(tmp_path: Path) -> None:
    said = example("own_path", ROOM, tmp_path / "out")
    assert [line.split(":")[0] for line in said] == [f"view {i}" for i in (1, 2, 3, 4)]
    first, last = (np.asarray(Image.open(tmp_path / "out" / f"000{i}.png")) for i in (1, 4))
    assert first.shape == (144, 256, 3)
    assert np.abs(first.astype(float) - last).mean() > 5  # the camera went somewhere


def test_own_retrieval_chooses_what_the_model_is_shown(tmp_path: Path) -> None:
    said = example("own_retrieval", ROOM, tmp_path / "out")
    shown = [line.split("was shown ")[1] for line in said[1:]]
    # The photo first, as no strategy of ours has it, then the view that looks most nearly alike.
    assert shown == ["[]", "[0]", "[0, 1]", "[0, 2]", "[0, 3]"]


def test_own_depth_is_what_the_walk_stands_on(tmp_path: Path) -> None:
    said = example("own_depth", ROOM, tmp_path / "out")
    assert said[-1].startswith("Drew 3 views")
    walls = trimesh.load(tmp_path / "out" / "points.ply").vertices
    # In metres: nothing of the photo is behind the end of its box.
    assert 4.5 < np.quantile(walls[:, 2], 0.99) < 5.5


def test_examples_are_short_and_not_installed() -> None:
    lengths = {p.name: len(p.read_text().splitlines()) for p in ROOT.glob("examples/*.py")}
    assert len(lengths) == 5
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert not any(fnmatch("examples", pattern) for pattern in installed)


def test_the_python_of_the_documentation_runs(tmp_path: Path) -> None:
    """Page by page, the blocks of one after another, from the top of a checkout."""
    pages = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        blocks = page.read_text(encoding="utf-8").split("```python\n")[1:]
        if blocks:
            pages[page.stem] = "\n".join(block.split("```")[0] for block in blocks)
    assert "python" in pages
    (tmp_path / "assets").symlink_to(ROOT / "assets")  # it writes beside, not into the checkout
    for name, source in pages.items():
        script = tmp_path / f"{name}.py"
        script.write_text(source)
        python(script, cwd=tmp_path)
