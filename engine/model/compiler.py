"""Whether torch can compile anything here."""

from __future__ import annotations

import torch

from engine.model.errors import first_line


def compiler_fault(device: torch.device) -> str | None:
    """Why nothing can be compiled for a device, in a few words; None where a compiler works.

    Compiles and runs a function of one line, which takes some seconds the first time.
    """
    try:
        ones = torch.ones(64, device=device)
        doubled = torch.compile(lambda x: x.sin() * 2.0 + 1.0)(ones)
        torch.testing.assert_close(doubled, ones.sin() * 2.0 + 1.0)
    except Exception as error:  # every compiler has errors of its own
        return f"no compiler works here ({first_line(error)})"
    return None
