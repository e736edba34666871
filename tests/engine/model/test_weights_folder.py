"""Folders of weights: which files are the model's, and one sentence about those that are not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.model.errors import CheckpointError
from engine.model.weights_folder import file_hash, open_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text('{"architectures": ["Thing"]}')
    return tmp_path


def stored(path: Path, value: float = 1.0) -> Path:
    save_file({"w": np.full((2, 2), value, np.float32)}, path)
    return path


def sharded(folder: Path, stem: str = "model") -> list[Path]:
    files = [stored(folder / f"{stem}-{i}-of-2.safetensors", i) for i in (1, 2)]
    named = {f"w{i}": file.name for i, file in enumerate(files)}
    (folder / f"{stem}.safetensors.index.json").write_text(json.dumps({"weight_map": named}))
    return files


def refused(folder: Path, *classes: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_folder(folder, classes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_file_is_known_by_its_own_hash(folder: Path) -> None:
    file = stored(folder / "model.safetensors")
    found = open_folder(folder, ("Thing", "Other"))
    assert found.weights == (file,)
    assert found.bytes == file.stat().st_size
    assert found.hash() == hashlib.sha256(file.read_bytes()).hexdigest() == file_hash(file)


def test_shards_are_known_by_all_of_them(folder: Path) -> None:
    files = sharded(folder)
    found = open_folder(folder)
    assert found.weights == tuple(files)
    before = found.hash()
    stored(files[1], 7.0)
    assert open_folder(folder).hash() != before


@pytest.mark.parametrize("stem", ["model", "diffusion_pytorch_model"])
def test_only_what_the_libraries_read_counts(folder: Path, stem: str) -> None:
    """Folders of the hub often hold the same weights in half precision beside them."""
    file = stored(folder / f"{stem}.safetensors")
    before = open_folder(folder).hash()
    stored(folder / f"{stem}.fp16.safetensors", 3.0)
    assert open_folder(folder).weights == (file,)
    assert open_folder(folder).hash() == before


def test_classes_of_both_libraries_are_known(folder: Path) -> None:
    stored(folder / "model.safetensors")
    assert open_folder(folder).class_name == "Thing"
    (folder / "config.json").write_text('{"_class_name": "Other"}')
    assert open_folder(folder, ["Other"]).class_name == "Other"
    assert "holds a Other; Photowalk reads Thing there" in refused(folder, "Thing")
    (folder / "config.json").write_text("{}")
    assert "a model of no known class" in refused(folder, "Thing")


def test_what_is_missing_or_unsafe_is_said(folder: Path) -> None:
    assert "has no folder no" in refused(folder / "no")
    assert "holds no weights (model.safetensors or" in refused(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80")
    assert "only as pytorch_model.bin" in refused(folder)
    first, second = sharded(folder)
    second.unlink()
    assert f"lacks {second.name}" in refused(folder)
    second.write_bytes(first.read_bytes()[:-3])
    assert f"{second} is damaged" in refused(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": []}')
    assert "names no weights" in refused(folder)
    (folder / "config.json").unlink()
    assert "has no config.json" in refused(folder)


def test_listing_models_loads_no_torch() -> None:
    code = (
        "import sys, explorer.store.store, explorer.store.telling\n"
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["../w.safetensors", "{}/w.safetensors", "a/../../w.safetensors"])
def test_shards_outside_the_folder_are_not_read(folder: Path, name: str) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (inside / "config.json").write_text('{"architectures": ["Thing"]}')
    stored(folder / "w.safetensors")
    index = {"weight_map": {"w": name.format(folder)}}
    (inside / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "names a file outside its folder" in refused(inside)
