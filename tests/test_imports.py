"""The house stands: who imports whom, and what may be imported at all."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "memory", "explorer", "examples")

#: From the ground up. A module may import its own room and every room listed before it.
LAYERS = (
    "engine.geometry",
    "engine.model",
    "engine.sampling",
    "engine.queries",
    "engine.training",
    "memory",
    "explorer.walk",
    "explorer.clips",
    "explorer.store",
    "explorer.priors",
    "explorer.labels",
    "explorer.terminal",
    "explorer.doctor",
    "explorer.evaluation",
    "explorer.app",
    "explorer.commands",
    "main",
    "examples",
)
#: Rooms that must run on a bare GPU machine, and what else may be imported there.
BARE_ROOMS = (
    "engine.geometry",
    "engine.model",
    "engine.sampling",
    "engine.queries",
    "engine.training",
)
BARE_LIBRARIES = {"torch", "numpy", "einops", "cv2", "safetensors"}
#: May also be imported there, but only inside a function, for those who ask for it.
LAZY_LIBRARIES = {
    "engine.model": {"diffusers", "transformers"},
    "engine.queries": {"psutil"},
    "engine.training": {"matplotlib", "accelerate", "transformers", "trimesh", "embreex"},
}
#: What walks, reads clips and shows the window, and what it must do without, on whatever way.
PRODUCT = ("engine.queries", "memory", "explorer.walk", "explorer.clips", "explorer.app")
WORKSHOP = ("engine.training", "explorer.evaluation", "explorer.labels")
QT_AND_OPENGL = {"PyQt6", "PyQt5", "PySide6", "qtpy", "pyqtgraph", "vispy", "OpenGL"}
LONGEST_FILE = 320


@dataclass(frozen=True)
class Import:
    importer: str
    imported: str
    line: int
    at_import_time: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def sources() -> list[Path]:
    found = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    return sorted([*found, ROOT / "main.py"])


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(source: str, importer: str) -> Iterator[Import]:
    """Every import statement, with whether it runs when the module is imported."""

    def visit(node: ast.AST, at_import_time: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            names: list[str] = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{importer}:{child.lineno} imports relatively"
                assert child.module is not None
                names = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from (Import(importer, name, child.lineno, at_import_time) for name in names)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            yield from visit(child, at_import_time and not inside and not typing_only)

    yield from visit(ast.parse(source), True)


def all_imports() -> list[Import]:
    return [i for p in sources() for i in imports_in(p.read_text(), module_name(p))]


def room(module: str) -> str | None:
    for layer in sorted(LAYERS, key=len, reverse=True):
        if module == layer or module.startswith(layer + "."):
            return layer
    return None


def direction_fault(found: Import) -> str | None:
    """Why this import is against the order of the house, or None."""
    if found.imported.split(".")[0] not in (*PACKAGES, "main"):
        return None
    above, below = room(found.importer), room(found.imported)
    if above is None:
        return None if found.importer in PACKAGES else f"{found.importer} is in no known room"
    if below is None:
        return f"{found} as a whole; name the room"
    if LAYERS.index(below) > LAYERS.index(above):
        return f"{found}, which lies above it"
    return None


def library_fault(found: Import) -> str | None:
    """Why this library may not be imported in a room that runs on a bare machine, or None."""
    above = room(found.importer)
    library = found.imported.split(".")[0]
    if above not in BARE_ROOMS or library in (*PACKAGES, "__future__"):
        return None
    if library in BARE_LIBRARIES or library in sys.stdlib_module_names:
        return None
    if library in LAZY_LIBRARIES.get(above, set()):
        return f"{found} when it is itself imported" if found.at_import_time else None
    return f"{found}, which a bare machine does not have"


def test_every_source_file_is_in_a_room() -> None:
    names = [module_name(p) for p in sources()]
    assert "engine.geometry.cameras" in names
    assert "main" in names
    homeless = [n for n in names if room(n) is None and n not in PACKAGES]
    assert homeless == []


def test_imports_point_down_only() -> None:
    faults = [fault for i in all_imports() if (fault := direction_fault(i))]
    assert faults == []


def circle(found: Iterable[Import], modules: Collection[str]) -> list[str]:
    """Modules that import each other in a loop, wherever the statements stand; or none."""
    graph: dict[str, set[str]] = {}
    for each in found:
        whole = each.imported
        module = whole if whole in modules else whole.rpartition(".")[0]
        if module in modules and module != each.importer:
            graph.setdefault(each.importer, set()).add(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_each_other() -> None:
    assert circle(all_imports(), {module_name(p) for p in sources()}) == []


def test_circles_are_noticed() -> None:
    statements = {"a.x": "from a.y import f", "a.y": "def f():\n    from a import x"}
    found = [i for module, code in statements.items() for i in imports_in(code, module)]
    assert set(circle(found, set(statements))) == {"a.x", "a.y"}
    assert circle(found[:1], set(statements)) == []


def ways_to_the_workshop(found: Iterable[Import], modules: Collection[str]) -> list[str]:
    """Imports, wherever the statements stand, by which the product comes to `WORKSHOP`."""
    graph: dict[str, set[str]] = {}
    for each in found:
        whole = each.imported
        module = whole if whole in modules else whole.rpartition(".")[0]
        graph.setdefault(each.importer, set()).add(module)
    reached = {name for name in graph if room(name) in PRODUCT}
    following = list(reached)
    ways = []
    while following:
        for imported in sorted(graph.get(importer := following.pop(), ())):
            if room(imported) in WORKSHOP:
                ways.append(f"{importer} imports {imported}")
            elif imported not in reached:
                reached.add(imported)
                following.append(imported)
    return ways


def test_the_product_does_without_its_workshop() -> None:
    assert ways_to_the_workshop(all_imports(), {module_name(p) for p in sources()}) == []


def test_ways_to_the_workshop_are_noticed() -> None:
    statements = {
        "explorer.app.desk": "from explorer.doctor.fit import fit",
        "explorer.doctor.fit": "def fit():\n    from explorer.evaluation import speed",
        "explorer.commands.evaluate": "import explorer.evaluation.drift",
    }
    found = [i for module, code in statements.items() for i in imports_in(code, module)]
    modules = {*statements, "explorer.evaluation.speed", "explorer.evaluation.drift"}
    expected = ["explorer.doctor.fit imports explorer.evaluation.speed"]
    assert ways_to_the_workshop(found, modules) == expected
    assert ways_to_the_workshop(found[1:], modules) == []


def test_bare_rooms_import_little() -> None:
    faults = [fault for i in all_imports() if (fault := library_fault(i))]
    assert faults == []


def test_only_the_app_knows_qt() -> None:
    faults = [
        str(i)
        for i in all_imports()
        if i.imported.split(".")[0] in QT_AND_OPENGL
        and room(i.importer) != "explorer.app"
        and not (room(i.importer) == "explorer.doctor" and not i.at_import_time)
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("importer", "statement", "expected"),
    [
        ("engine.model.codec", "import memory.views", True),
        ("engine.geometry.rays", "def f():\n    from engine.model.codec import Codec", True),
        ("engine.model.codec", "from engine.geometry.cameras import Camera", False),
        ("memory.views", "from engine.geometry.cameras import Camera", False),
        ("memory.views", "from explorer.walk.files import atomic_path", True),
        ("engine.attic.thing", "from engine.geometry.cameras import Camera", True),
        ("explorer.walk.run", "import engine", True),
    ],
)
def test_direction_faults_are_noticed(importer: str, statement: str, expected: bool) -> None:
    (found,) = imports_in(statement, importer)
    assert (direction_fault(found) is not None) is expected


@pytest.mark.parametrize(
    ("importer", "statement", "expected"),
    [
        ("engine.model.codec", "import PIL.Image", True),
        ("engine.model.codec", "import torch.nn as nn", False),
        ("engine.training.cli", "import matplotlib", True),
        ("engine.training.cli", "def f():\n    import matplotlib.pyplot", False),
        ("engine.model.codec", "def f():\n    import matplotlib", True),
        ("explorer.walk.photo", "import PIL.Image", False),
    ],
)
def test_library_faults_are_noticed(importer: str, statement: str, expected: bool) -> None:
    (found,) = imports_in(statement, importer)
    assert (library_fault(found) is not None) is expected


def test_files_stay_short() -> None:
    lengths = {
        str(p.relative_to(ROOT)): len(p.read_text().splitlines())
        for p in [*sources(), *(ROOT / "tests").rglob("*.py")]
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_the_project_speaks_of_itself_alone() -> None:
    """No path of somebody's own machine, and no folder beside the project, is mentioned."""
    foreign = ("/" + "work/", ".." + "/shared", "/" + "root/", "/" + "home/")
    suffixes = {".py", ".md", ".toml", ".txt", ".json", ".cfg", ".yml", ""}
    texts = [p for p in _project_files() if p.suffix in suffixes and p.stat().st_size < 1_000_000]
    assert ROOT / "README.md" in texts
    faults = [
        f"{p.relative_to(ROOT)} mentions {path}"
        for p in texts
        for path in foreign
        if re.search(rf"(?<!\w){re.escape(path)}", p.read_text(errors="replace"))
    ]
    assert faults == []


def _project_files() -> list[Path]:
    folders = [ROOT / name for name in (*PACKAGES, "assets", "docs", "tests", ".ci")]
    inside = [p for folder in folders for p in folder.rglob("*") if p.is_file()]
    top = [p for p in ROOT.iterdir() if p.is_file() and p.name != ".git"]
    return [p for p in (*inside, *top) if "__pycache__" not in p.parts]


def test_engine_memory_and_walk_import_without_qt() -> None:
    """In a fresh process, because this one may have a window toolkit loaded already."""
    modules = [
        name
        for p in sources()
        if (name := module_name(p)).startswith(("engine", "memory", "explorer.walk"))
        and p.name != "__main__.py"
    ]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(sorted({QT_AND_OPENGL!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
