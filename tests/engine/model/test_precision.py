"""bfloat16 only where the hardware multiplies it."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from engine.model.precision import best_precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False, "amx_fp16": True}, torch.float32),
        ({"architecture": "aarch64", "neon": True, "fp16_arith": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_a_processor_is_asked_for_its_instructions(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, object], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert best_precision(torch.device("cpu")) is expected
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert best_precision(torch.device("cpu")) is torch.float32


@pytest.mark.parametrize("multiplies", [True, False])
def test_a_card_that_only_emulates_it_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch, multiplies: bool
) -> None:
    asked_of: list[torch.device] = []

    def current(device: torch.device) -> nullcontext[None]:
        asked_of.append(device)
        return nullcontext()

    monkeypatch.setattr(torch.cuda, "device", current)
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or multiplies,
    )
    found = best_precision(torch.device("cuda:1"))
    assert found is (torch.bfloat16 if multiplies else torch.float32)
    assert asked_of == [torch.device("cuda:1")]
