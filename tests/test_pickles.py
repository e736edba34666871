"""No file can bring code with it: nothing is read or written as a pickle."""

from __future__ import annotations

import ast

import pytest

from tests.test_imports import imports_in, module_name, sources


def pickle_faults(source: str, importer: str) -> list[str]:
    """Calls that would run code hidden in a file: pickle, torch.load, loose np.load."""
    faults = [
        str(i)
        for i in imports_in(source, importer)
        if i.imported.split(".")[0] in {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
    ]
    for node in ast.walk(ast.parse(source)):
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


def test_no_file_is_read_or_written_as_a_pickle() -> None:
    faults = [f for p in sources() for f in pickle_faults(p.read_text(), module_name(p))]
    assert faults == []


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
