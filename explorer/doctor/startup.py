"""How long Photowalk takes to start, and that it imports nothing for it that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from explorer.doctor.findings import Finding, Verdict

#: Libraries of others' models; the embedded model runs without any of them.
OPTIONAL = ("transformers", "diffusers", "huggingface_hub", "tokenizers", "accelerate", "timm")

# In a process of its own: this one has imported everything already.
_PROBE = f"""
import json, sys, time
begin = time.perf_counter()
import main
command_line = time.perf_counter() - begin
from engine.queries.engine import Engine
Engine.load()
loaded = time.perf_counter() - begin
print(json.dumps([command_line, loaded, sorted(set({OPTIONAL!r}) & set(sys.modules))]))
"""


@dataclass(frozen=True)
class StartUp:
    """Attributes:
    command_line: seconds until the commands are known.
    model: seconds until the embedded model is loaded.
    imported: optional libraries that were imported for it.
    """

    command_line: float
    model: float
    imported: tuple[str, ...]


def measure_startup() -> StartUp | None:
    """Starts once in a process of its own; None where that process fails."""
    paths = [p for p in sys.path if p]
    script = f"import sys; sys.path[:0] = {paths!r}\n{_PROBE}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        return None
    command_line, model, imported = json.loads(done.stdout.splitlines()[-1])
    return StartUp(command_line, model, tuple(imported))


def check_startup() -> Finding:
    """The measurement in a sentence; an optional library in it is a fault of ours."""
    found = measure_startup()
    if found is None:
        return Finding("Start-up", Verdict.NOTE, "Could not be measured.")
    facts = {
        "command_line_seconds": round(found.command_line, 3),
        "model_seconds": round(found.model, 3),
        "imported": list(found.imported),
    }
    text = f"The command line is there in {found.command_line:.2f} s, the model in "
    text += f"{found.model:.1f} s"
    if found.imported:
        text += f"; {', '.join(found.imported)} were imported for it without need."
        return Finding("Start-up", Verdict.NOTE, text, facts)
    return Finding(
        "Start-up", Verdict.GOOD, text + ", without any library for others' models.", facts
    )
