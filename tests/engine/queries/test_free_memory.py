"""What is free is what the driver, the system and the container leave."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from engine.queries import free_memory as module
from engine.queries.free_memory import free_memory

GB = 2**30


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A container's files in a folder of the test's own, on a machine with 64 GB free."""
    files = tuple(tmp_path / name for name in ("max", "current", "stat"))
    monkeypatch.setattr(module, "CGROUPS", (files,))
    plenty = SimpleNamespace(available=64 * GB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: plenty)
    return tmp_path


def test_a_containers_limit_counts(container: Path) -> None:
    (container / "max").write_text(f"{4 * GB}\n")
    (container / "current").write_text(f"{3 * GB}\n")
    assert free_memory("cpu") == GB
    (container / "max").write_text("max\n")
    assert free_memory("cpu") == 64 * GB


def test_cached_files_give_way(container: Path) -> None:
    """A container that read large files has used its limit up, and still has memory for us."""
    (container / "max").write_text(f"{4 * GB}\n")
    (container / "current").write_text(f"{4 * GB}\n")
    (container / "stat").write_text(f"anon 5\nfile 7\ninactive_file {3 * GB}\n")
    assert free_memory("cpu") == 3 * GB


def test_never_less_than_nothing(container: Path) -> None:
    (container / "max").write_text("5\n")
    (container / "current").write_text("9\n")
    assert free_memory("cpu") == 0


def test_on_a_gpu_unused_blocks_of_our_own_count(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def info(device: torch.device) -> tuple[int, int]:
        asked.append(device)
        return 5 * GB, 8 * GB

    monkeypatch.setattr(torch.cuda, "mem_get_info", info)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2 * GB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: GB)
    assert free_memory("cuda:1") == 6 * GB
    assert asked == [torch.device("cuda:1")]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_on_the_gpu_is_felt() -> None:
    before = free_memory("cuda")
    held = torch.zeros(2**28, device="cuda")
    assert before - free_memory("cuda") >= held.numel() * 4
