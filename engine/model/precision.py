"""What matrices are multiplied in, by what the hardware does fast."""

from __future__ import annotations

import torch

#: Names of `torch.cpu.get_capabilities`: of x86, and of ARM since v8.6.
_MULTIPLY_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")


def best_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if _card_multiplies_bfloat16(device) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and _cpu_multiplies_bfloat16() else torch.float32


def _card_multiplies_bfloat16(device: torch.device) -> bool:
    """Cards before Ampere emulate bfloat16, slower than they multiply float32."""
    with torch.cuda.device(device):  # the question is asked of the current card
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _cpu_multiplies_bfloat16() -> bool:
    """Other CPUs emulate bfloat16, several times slower than float32; and so does every CPU in a
    build without oneDNN, which has the kernels."""
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    has_kernels = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return has_kernels and any(map(flags.get, _MULTIPLY_BFLOAT16))
