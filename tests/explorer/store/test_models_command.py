"""The command line of the store, against the stub hub, as a user would call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import main as command_line
from engine.model.codecs.diffusers_codec import KINDS
from explorer.store import store as store_module
from explorer.store.catalogue import CATALOGUE, Entry, embedded_catalogue, parse_catalogue
from explorer.store.errors import StoreError
from explorer.store.folders import folder_faults
from explorer.store.places import HUB, places

COMMIT = "a" * 40
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def run(hub, entry: Entry, tmp_path: Path, monkeypatch, capsys):
    """Runs `photowalk models ...` and returns (exit code, stdout, stderr)."""
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("PHOTOWALK_MODELS", str(tmp_path / "models"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(store_module, "embedded_catalogue", lambda: (entry,))

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            command_line.main(["models", *arguments])
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return call


def test_get_asks_first_and_shows_what_it_would_fetch(run, hub, monkeypatch) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt: "n")
    code, out, err = run("get", "small-depth")
    assert (code, err.strip().splitlines()[-1]) == (130, "photowalk: stopped")
    for part in ("Apache-2.0", "800 kB", COMMIT[:12], "pinned from now on"):
        assert part in out
    assert hub.paths() == []


def test_a_models_life(run, hub, tmp_path: Path) -> None:
    assert "not fetched" in run("list")[1]
    code, out, _ = run("get", "small-depth", "--yes")
    assert code == 0
    assert f"small-depth is in {tmp_path / 'models' / 'small-depth'}" in out
    assert "here already" in run("get", "small-depth")[1]
    (row,) = json.loads(run("list", "--json")[1])
    assert (row["name"], row["state"], row["licence"]) == ("small-depth", "here", "Apache-2.0")
    assert run("verify")[:2] == (0, "small-depth: whole\n")
    (tmp_path / "models/small-depth/config.json").write_text("{}")
    code, out, err = run("verify", "small-depth")
    assert code == 2
    assert "config.json has 2 bytes" in out
    assert err == "photowalk: 1 of 1 models are not whole; get them again\n"
    assert "Removed small-depth" in run("remove", "small-depth", "--yes")[1]
    code, _, err = run("remove", "small-depth", "--yes")
    assert (code, err) == (2, "photowalk: small-depth is not on this machine\n")


def test_offline_variables_hold(run, monkeypatch, hub) -> None:
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    code, _, err = run("get", "small-depth", "--yes")
    assert code == 2
    assert err.startswith("photowalk: TRANSFORMERS_OFFLINE is set")
    assert hub.asked == []


def test_a_missing_repository_is_one_sentence(run, hub) -> None:
    hub.commits.clear()
    code, _, err = run("get", "small-depth", "--yes")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "does not exist (it answered 404)" in err


def test_a_killed_download_goes_on(hub, tmp_path: Path) -> None:
    """A real process, stopped with Ctrl-C's signal while the hub dawdles."""
    catalogue = tmp_path / "catalogue.json"
    document = json.loads(CATALOGUE.read_text())
    model = document["models"][0] | {"repo": "someone/Small-Depth", "revision": None}
    catalogue.write_text(json.dumps(document | {"models": [model]}))
    script = (
        "import signal, sys, pathlib\n"
        # Whoever starts the tests in the background may have told them to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from explorer.store import catalogue, download\n"
        f"catalogue.CATALOGUE = pathlib.Path({str(catalogue)!r})\n"
        "import main, time\n"
        "slow = len(sys.argv) > 1\n"
        "class Slow(download.DownloadConfig):\n"
        "    def __init__(self): super().__init__(chunk=20_000)\n"
        "if slow:\n"
        "    import explorer.store.store as s\n"
        "    s.DownloadConfig = Slow\n"
        "    real = s.FetchProgress\n"
        "    s.FetchProgress = lambda *a: (time.sleep(0.05), real(*a))[1]\n"
        f"main.main(['models', 'get', {model['name']!r}, '--yes'])\n"
    )
    env = os.environ | {"HF_ENDPOINT": hub.endpoint, "PHOTOWALK_MODELS": str(tmp_path / "m")}
    start = [sys.executable, "-c", script]
    process = subprocess.Popen([*start, "slow"], cwd=ROOT, env=env, stderr=subprocess.PIPE)
    folder = tmp_path / "m" / model["name"]
    deadline = time.monotonic() + 60
    while not any(p.stat().st_size > 50_000 for p in folder.glob(".model*.part")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert "What arrived is kept" in error
    assert "Traceback" not in error
    (part,) = folder.glob(".model*.part")
    arrived = part.stat().st_size
    assert 0 < arrived < len(hub.commits[COMMIT]["model.safetensors"])
    subprocess.run(start, cwd=ROOT, env=env, check=True, capture_output=True, timeout=60)
    assert hub.asked[-1][1] == f"bytes={arrived}-"
    assert (folder / "model.safetensors").read_bytes() == hub.commits[COMMIT]["model.safetensors"]


def test_a_users_own_folder_is_verified(run, hub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, content in hub.model_files().items():
        (folder / name).write_bytes(content)
    assert run("verify", str(folder))[:2] == (0, f"{folder}: whole\n")
    (folder / "model.safetensors").write_bytes(hub.model_files()["model.safetensors"][:-100])
    code, out, _ = run("verify", str(folder))
    assert code == 2
    assert "is damaged" in out


def test_faults_of_folders(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert "is not a folder" in folder_faults(folder)[0]
    folder.mkdir()
    assert "has no config.json" in folder_faults(folder)[0]
    (folder / "config.json").write_text("[")
    assert "is not readable JSON" in folder_faults(folder)[0]
    (folder / "config.json").write_text("[]")
    assert "not a JSON object" in folder_faults(folder)[0]
    (folder / "config.json").write_text("{}")
    assert "holds no weights" in folder_faults(folder)[0]
    (folder / "pytorch_model.bin").write_bytes(b"0")
    assert "only as pytorch_model.bin" in folder_faults(folder)[0]
    part = folder / "model-00001-of-00002.safetensors"
    save_file({"a": np.zeros(3)}, part)
    index = {"weight_map": {"a": part.name, "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "lacks model-00002-of-00002.safetensors" in folder_faults(folder)[0]
    (folder / "model.safetensors.index.json").unlink()
    assert "no index that names its parts" in folder_faults(folder)[0]
    part.rename(folder / "model.safetensors")
    assert folder_faults(folder) == []


def test_faults_of_pipelines(hub, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    assert "holds no weights" in folder_faults(tmp_path)[0]
    for part in ("vae", "transformer"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text("{}")
        (tmp_path / part / "diffusion_pytorch_model.safetensors").write_bytes(
            hub.model_files()["model.safetensors"]
        )
    assert folder_faults(tmp_path) == []
    (tmp_path / "vae" / "config.json").unlink()
    (fault,) = folder_faults(tmp_path)
    assert "has no config.json" in fault


def test_the_catalogue_is_sound() -> None:
    entries = embedded_catalogue()
    assert len({entry.name for entry in entries}) == len(entries) >= 5
    for entry in entries:
        assert entry.revision is None or len(entry.revision) == 40
        assert all(sha is None or len(sha) == 64 for sha in entry.files.values())
        assert entry.licence
        assert entry.about_bytes > 1e6
        assert not entry.wants("pytorch_model.bin")
        assert not entry.wants("evil.py")
        assert any(entry.wants(name) for name in entry.classes)


def test_every_codec_of_others_has_an_entry() -> None:
    named = {c for entry in embedded_catalogue() for c in entry.classes.values()}
    codecs = {e.name for e in embedded_catalogue() if e.purpose.startswith("codec")}
    assert codecs == {"taef1", "flux-vae", "wan2.1-vae"}
    assert set(KINDS) <= named


@pytest.mark.parametrize("document", [{}, {"format": "photowalk catalogue", "version": 2}])
def test_another_catalogue_is_refused(document: dict) -> None:
    with pytest.raises(StoreError):
        parse_catalogue(document)
    with pytest.raises(StoreError, match="not complete"):
        parse_catalogue({"format": "photowalk catalogue", "version": 1, "models": [{}]})


def test_the_users_variables(tmp_path: Path) -> None:
    assert places(None, {"PHOTOWALK_MODELS": str(tmp_path)}).folder == tmp_path
    other = tmp_path / "other"
    assert places(other, {"PHOTOWALK_MODELS": str(tmp_path)}).folder == other
    assert places(None, {}).endpoint == HUB
    assert places(None, {"HF_ENDPOINT": "http://here/"}).endpoint == "http://here"
    assert places(None, {"HF_HUB_OFFLINE": "0"}).offline is None
    assert places(None, {"HF_HUB_OFFLINE": "yes"}).offline == "HF_HUB_OFFLINE"
    assert places(None, {}).folder.parts[-2:] == ("photowalk", "models")
