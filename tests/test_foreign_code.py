"""No file of somebody else's is ever run: no pickles, and no code that lies beside a model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_PICKLES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}


def sources() -> list[Path]:
    found = [
        p for package in ("engine", "memory", "explorer") for p in (ROOT / package).rglob("*.py")
    ]
    return [*found, ROOT / "main.py"]


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""


def pickle_faults(source: str, importer: str) -> list[str]:
    """Calls that would run code hidden in a file: pickle, torch.load, loose np.load."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        faults += [f"{importer} imports {m}" for m in imported(node) if m.split(".")[0] in _PICKLES]
        if (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and ast.unparse(node.value) != "False"
        ):
            faults.append(f"{importer}:{node.value.lineno} allows pickles")
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in {"torch.load", "torch.save"}:
            faults.append(f"{importer}:{node.lineno} calls {called}; use safetensors")
        if called in {"np.load", "numpy.load"} and "allow_pickle" not in {
            k.arg for k in node.keywords
        }:
            faults.append(f"{importer}:{node.lineno} calls {called} without allow_pickle=False")
    return faults


#: What opens a folder or a repository of a model, and could run the code that lies in it.
_LOADERS = ("from_pretrained", "from_config", "from_single_file", "pipeline")


def foreign_code_faults(source: str, importer: str) -> list[str]:
    """Loaders that are not told, in so many words, to run no code of a model's folder."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value == "trust_remote_code":
            faults.append(f"{importer}:{node.lineno} hides trust_remote_code in a dictionary")
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        given = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if called.startswith("torch.hub."):
            faults.append(f"{importer}:{node.lineno} calls {called}, which runs what it fetches")
        untold = "nothing" if called.split(".")[-1] in _LOADERS else "False"
        if (trust := given.get("trust_remote_code", untold)) != "False":
            faults.append(f"{importer}:{node.lineno} calls {called}, trust_remote_code: {trust}")
    return faults


#: Brings published weights into safetensors once, by hand; nothing that runs later imports it.
CONVERTER = ROOT / "engine" / "model" / "encoders" / "convert.py"


def test_no_file_is_read_or_written_as_a_pickle() -> None:
    rest = [p for p in sources() if p != CONVERTER]
    faults = [f for p in rest for f in pickle_faults(p.read_text(), p.name)]
    assert faults == []


#: Brings others of the same family, by hand as well, for measuring alone.
SECOND = ROOT / "explorer" / "evaluation" / "yardstick" / "convert.py"


def test_the_converter_reads_weights_alone_and_nobody_imports_it() -> None:
    assert CONVERTER.read_text().count("torch.load(io.BytesIO(data), weights_only=True)") == 1
    assert len(pickle_faults(CONVERTER.read_text(), "convert")) == 1
    assert [p for p in sources() if "encoders.convert import" in p.read_text()] == [SECOND]
    assert [p for p in sources() if "yardstick.convert import" in p.read_text()] == []


@pytest.mark.parametrize(
    "statement",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load(p, weights_only=True)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "np.savez(p, allow_pickle=flag)",
    ],
)
def test_pickles_are_noticed(statement: str) -> None:
    assert pickle_faults(statement, "m") != []


def test_safe_loading_is_no_fault() -> None:
    assert pickle_faults("np.load(p, allow_pickle=False)", "m") == []


def test_no_code_of_a_models_folder_is_run() -> None:
    faults = [f for p in sources() for f in foreign_code_faults(p.read_text(), p.name)]
    assert faults == []


@pytest.mark.parametrize(
    "statement",
    [
        "AutoTokenizer.from_pretrained(p)",
        "wanted.from_pretrained(p, trust_remote_code=True)",
        "AutoModel.from_config(c, trust_remote_code=flag)",
        "transformers.pipeline('depth-estimation', p)",
        "load(p, trust_remote_code=True)",
        "AutoModel.from_pretrained(p, **{'trust_remote_code': True})",
        "torch.hub.load(r, m)",
    ],
)
def test_loaders_that_trust_are_noticed(statement: str) -> None:
    assert foreign_code_faults(statement, "m") != []


def test_a_loader_that_trusts_nobody_is_no_fault() -> None:
    assert foreign_code_faults("A.from_pretrained(p, trust_remote_code=False)", "m") == []
