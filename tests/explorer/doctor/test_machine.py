"""What is said about a machine follows from what the machine has."""

from __future__ import annotations

import pytest
import torch

from engine.model import devices
from explorer.doctor import machine
from explorer.doctor.findings import Verdict


def test_too_little_memory_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda device: 2**30)
    finding = machine.check_memory()
    assert finding.verdict is Verdict.NOTE
    assert "close other programs" in finding.text


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_decides_what_the_processor_is_told_to_use(
    monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    capabilities = {"avx512_f": True, "avx512_bf16": has, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    finding = machine.check_processor()
    assert finding.facts["bfloat16"] is has
    assert ("computes in float32" in finding.text) is not has
    assert finding.facts["threads"] == torch.get_num_threads()


def test_an_unused_nvidia_card_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.version, "cuda", None)
    finding = machine.check_cuda()
    assert "CPU build" in finding.text
    assert "https://pytorch.org" in finding.text
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert "driver is older" in machine.check_cuda().text


def test_a_broken_opengl_driver_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_EGL_PROBE", "import os; os._exit(11)")
    finding = machine.check_opengl(vispy_installed=True)
    assert finding.verdict is Verdict.NOTE
    assert finding.facts["renderer"] is None


def test_opengl_is_not_asked_for_without_vispy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_probe_opengl", lambda: pytest.fail("it was asked"))
    assert "[app]" in machine.check_opengl(vispy_installed=False).text


def test_a_card_that_computes_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _index: "Old card")
    for place in (machine, devices):
        monkeypatch.setattr(place, "kernel_fault", lambda _card: "there is no kernel for it")
    finding = machine.check_cuda()
    assert finding.verdict is Verdict.NOTE
    assert finding.text == "Old card is there, but there is no kernel for it; walks use the CPU."
