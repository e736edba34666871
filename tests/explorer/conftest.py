"""Depth models that a user may bring: a tiny one in a folder; a hub on the loopback interface that
serves a small one, and misbehaves when told to."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from explorer.store.catalogue import Entry
from explorer.store.download import DownloadConfig
from explorer.store.places import Places
from explorer.store.store import ModelStore

REPO = "someone/Small-Depth"
COMMIT = "a" * 40
LATER = "b" * 40


def weights(seed: int, floats: int = 200_000) -> bytes:
    values = np.random.default_rng(seed).standard_normal(floats).astype(np.float32)
    return save({"layer.weight": values})


def model_files(seed: int = 0, class_name: str = "DepthAnythingForDepthEstimation") -> dict:
    return {
        "config.json": json.dumps({"architectures": [class_name], "seed": seed}).encode(),
        "preprocessor_config.json": b"{}",
        "model.safetensors": weights(seed),
        "README.md": b"# not wanted",
        "pytorch_model.bin": b"never to be fetched",
    }


@dataclass
class StubHub:
    """What it serves, how it fails, and what was asked of it."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {COMMIT: model_files()})
    newest: str = COMMIT
    endpoint: str = ""
    #: Bytes after which the connection is cut, one for each answer with a body that long.
    cuts: list[int] = field(default_factory=list)
    ignores_ranges: bool = False
    status: int | None = None
    #: What is sent instead of a file's content.
    sends: dict[str, bytes] = field(default_factory=dict)
    redirects_to: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    model_files = staticmethod(model_files)
    weights = staticmethod(weights)

    def listing(self, commit: str) -> bytes:
        siblings = []
        for path, content in self.commits[commit].items():
            entry = {
                "rfilename": path,
                "size": len(content),
                "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
            }
            if path.endswith((".safetensors", ".bin")):
                sha256 = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
            siblings.append(entry)
        return json.dumps({"sha": commit, "siblings": siblings}).encode()

    def paths(self) -> list[str]:
        """The files that were asked for."""
        return [
            path.partition("/resolve/")[2][41:] for path, _ in self.asked if "/resolve/" in path
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        hub: StubHub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        hub.asked.append((path, self.headers.get("Range")))
        assert self.headers["Accept-Encoding"] == "identity"
        if hub.status is not None:
            return self._answer(hub.status, b"no")
        if path.startswith(f"/api/models/{REPO}/revision/"):
            asked = path.partition("/revision/")[2]
            commit = hub.newest if asked in ("main", "refs/pr/5") else asked
            if commit in hub.commits:
                return self._answer(200, hub.listing(commit))
        elif path.startswith(f"/{REPO}/resolve/"):
            if hub.redirects_to:
                return self._answer(302, b"", {"Location": hub.redirects_to})
            commit, _, name = path.removeprefix(f"/{REPO}/resolve/").partition("/")
            content = hub.sends.get(name, hub.commits.get(commit, {}).get(name))
            if content is not None:
                return self._file(hub, content)
        return self._answer(404, b"none")

    def _file(self, hub: StubHub, content: bytes) -> None:
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if hub.ignores_ranges or start == 0:
            return self._answer(200, content)
        if start >= len(content):
            return self._answer(416, b"")
        whole = len(content)
        headers = {"Content-Range": f"bytes {start}-{whole - 1}/{whole}"}
        return self._answer(206, content[start:], headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        hub: StubHub = self.server.hub
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if hub.cuts and len(body) > hub.cuts[0]:
            body = body[: hub.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[StubHub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = StubHub(endpoint=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.hub
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def entry() -> Entry:
    names = ("config.json", "preprocessor_config.json", "model.safetensors")
    return Entry(
        name="small-depth",
        repo=REPO,
        revision=None,
        files=dict.fromkeys(names),
        about_bytes=800_000,
        licence="Apache-2.0",
        purpose="for tests",
        classes={"config.json": "DepthAnythingForDepthEstimation"},
    )


@pytest.fixture
def store(hub: StubHub, entry: Entry, tmp_path: Path) -> ModelStore:
    where = Places(tmp_path / "models", hub.endpoint)
    return ModelStore(where, [entry], DownloadConfig(timeout=10, chunk=2**14, tries=3, pause=0.0))


@pytest.fixture(scope="session")
def tiny_dpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DPT of random weights, saved as a user's folder is; nobody may write there."""
    transformers = pytest.importorskip("transformers", reason='pip install "photowalk[models]"')
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    transformers.utils.logging.disable_progress_bar()
    config = transformers.DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        is_hybrid=False,
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2)
        network = transformers.DPTForDepthEstimation(config)
        for name, weight in network.named_parameters():
            if weight.ndim > 1 and ("head" in name or "fusion" in name):
                weight.mul_(3.0)  # so that its output is no constant
        last = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)][-1]
        last.bias.fill_(0.3)  # so that its last ReLU stays open
    folder = tmp_path_factory.mktemp("models") / "tiny-dpt"
    network.save_pretrained(folder)
    DPTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder
