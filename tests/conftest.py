"""What every test may count on: seeded randomness, no surprise deadlines, no network."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before torch reads it, here and in the processes that share the work (they inherit it): threads
# that spin while they wait slow a machine with more processes than cores down many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

# Timing on a busy machine is no property of the code; the cases are the same on every run.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

_LOCAL_FAMILIES = {getattr(socket, "AF_UNIX", None)}
_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")

#: Small enough for any test; latents are 8 times smaller than pictures, as those of the real ones.
_AUTOENCODERS: dict[str, dict[str, Any]] = {
    "AutoencoderKL": {
        "block_out_channels": (4, 4, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "latent_channels": 16,
        "norm_num_groups": 2,
        "sample_size": 256,
        "scaling_factor": 0.3611,
        "shift_factor": 0.1159,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
    },
    "AutoencoderTiny": {
        "encoder_block_out_channels": (8,) * 4,
        "decoder_block_out_channels": (8,) * 4,
        "num_encoder_blocks": (1,) * 4,
        "num_decoder_blocks": (1,) * 4,
        "latent_channels": 16,
    },
    "AutoencoderKLWan": {
        "base_dim": 4,
        "z_dim": 16,
        "dim_mult": [1, 2, 2, 2],
        "num_res_blocks": 1,
    },
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests share the work (`-n 2 --dist loadgroup`), one process has all the windows: two at
    once would take the keyboard from each other."""
    for item in items:
        if "app" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("windows"))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that we test may need a network; sockets on this machine stay allowed."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family in _LOCAL_FAMILIES or address[0] in _LOCAL_HOSTS:
            return connect(self, address)
        raise RuntimeError(f"a test tried to reach {address[0]} over the network")

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(scope="session")
def tiny_codecs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random autoencoders of diffusers as a user's folders would be; nobody may write there."""
    diffusers = pytest.importorskip("diffusers")
    folders = {}
    for name, settings_of_class in _AUTOENCODERS.items():
        folders[name] = tmp_path_factory.mktemp("codecs") / f"tiny-{name}"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(len(folders))
            getattr(diffusers, name)(**settings_of_class).save_pretrained(folders[name])
    return folders


@pytest.fixture
def copied_codec(tiny_codecs: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a class's folder, to be damaged or moved."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(tiny_codecs[name], tmp_path / tiny_codecs[name].name))

    return copy


@pytest.fixture
def foreign_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Callable[[], bool]]:
    """Puts code beside a model's configs that name it for everything, with a user who says yes to
    all that is asked; the answer says whether that code ran."""
    trace = tmp_path / "foreign code ran"
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 100))

    def plant(folder: Path) -> Callable[[], bool]:
        autos = ("Config", "Model", "ModelForDepthEstimation", "ImageProcessor", "Processor")
        named = {f"Auto{auto}": "foreign.Foreign" for auto in autos}
        named["AutoTokenizer"] = ["foreign.Foreign", "foreign.Foreign"]
        for path in folder.rglob("*.json"):
            config = json.loads(path.read_text())
            if path.name.endswith("config.json") and isinstance(config, dict):
                path.write_text(json.dumps({**config, "auto_map": named}))
        code = f"open({str(trace)!r}, 'w')\nclass Foreign: pass\n"
        for place in {folder, *(p for p in folder.rglob("*") if p.is_dir())}:
            (place / "foreign.py").write_text(code)
        return trace.exists

    return plant


class _Alive(TorchDispatchMode):
    """Counts the bytes of every tensor that is made while it is on, until it is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._storages: dict[int, Any] = {}
        self.now = self.most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {id(t.untyped_storage()) for t in _tensors((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            storage = tensor.untyped_storage()
            if id(storage) not in self._storages and id(storage) not in given:
                self._count(storage)
        return made

    def _count(self, storage: Any) -> None:
        key, size = id(storage), storage.nbytes()

        def gone(_reference: Any) -> None:
            self._storages.pop(key, None)
            self.now -= size

        self._storages[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_iter(tree) if isinstance(leaf, torch.Tensor)]


@pytest.fixture
def peak_bytes() -> Callable[[Callable[[], Any]], int]:
    """The most bytes that are alive at once of what a function makes; its result counts."""

    def measure(run: Callable[[], Any]) -> int:
        with torch.no_grad(), _Alive() as alive:
            result = run()
        del result
        return alive.most

    return measure
