"""The machine itself: processor, threads, memory, graphics card, OpenGL."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import torch

from engine.model.devices import CPU, best_device, kernel_fault
from engine.model.precision import best_precision
from engine.queries.free_memory import free_memory
from explorer.doctor.findings import Finding, Verdict

#: What a walk at the default size asks for at most; assets/figures.md has the measurement.
MEMORY_NEEDED_GB = 3.0

# Run in a process of its own: a broken graphics driver may end the process that asks.
_EGL_PROBE = """
import vispy
vispy.use("egl")
from vispy import app, gloo
canvas = app.Canvas(size=(64, 64), show=False)
canvas.set_current()
print(gloo.gl.glGetParameter(gloo.gl.GL_RENDERER))
print(gloo.gl.glGetParameter(gloo.gl.GL_VERSION))
"""


def check_python() -> Finding:
    version = platform.python_version()
    facts = {"python": version, "system": platform.platform()}
    return Finding("Python", Verdict.GOOD, f"{version} on {platform.platform()}.", facts)


def check_torch() -> Finding:
    build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "a CPU build"
    facts = {"torch": torch.__version__, "cuda_build": torch.version.cuda}
    return Finding("PyTorch", Verdict.GOOD, f"{torch.__version__}, {build}.", facts)


def processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()


def check_processor() -> Finding:
    threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()
    bf16 = best_precision(torch.device("cpu")) is torch.bfloat16
    number = (
        "it has bfloat16 in hardware, which is about twice as fast as float32"
        if bf16
        else "it has no bfloat16 in hardware, so the CPU computes in float32"
    )
    text = f"{processor_name()}, {threads} threads, {instructions}; {number}."
    facts = {"threads": threads, "instructions": instructions, "bfloat16": bf16}
    return Finding("Processor", Verdict.GOOD if bf16 else Verdict.NOTE, text, facts)


def free_memory_gb() -> float:
    """GiB that this process may still take: the system's, or its container's where smaller."""
    return free_memory("cpu") / 2**30


def check_memory() -> Finding:
    free = free_memory_gb()
    facts = {"free_gb": round(free, 2), "needed_gb": MEMORY_NEEDED_GB}
    if free < MEMORY_NEEDED_GB:
        text = (
            f"{free:.1f} GB free, and a walk at the default size may take "
            f"{MEMORY_NEEDED_GB:.0f} GB; close other programs first."
        )
        return Finding("Memory", Verdict.NOTE, text, facts)
    return Finding("Memory", Verdict.GOOD, f"{free:.1f} GB free; enough.", facts)


def check_cuda() -> Finding:
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        if best_device() == CPU:
            fault = kernel_fault("cuda:0")
            text = f"{names[0]} is there, but {fault}; walks use the CPU."
            return Finding("CUDA", Verdict.NOTE, text, {"cards": names, "fault": fault})
        free, total = torch.cuda.mem_get_info()
        text = f"{names[0]}, {free / 2**30:.1f} of {total / 2**30:.1f} GB free; walks use it."
        facts = {"cards": names, "free_gb": free / 2**30, "total_gb": total / 2**30}
        return Finding("CUDA", Verdict.GOOD, text, facts)
    card = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
    facts = {"cards": [], "driver_found": card}
    if not card:
        return Finding("CUDA", Verdict.NOTE, "No NVIDIA driver found; walks use the CPU.", facts)
    reason = (
        "PyTorch cannot use it, most often because the driver is older than this CUDA"
        if torch.version.cuda
        else "this PyTorch is a CPU build"
    )
    text = (
        f"An NVIDIA driver is here, but {reason}. Install a build with CUDA: "
        "https://pytorch.org/get-started/locally has the command for your system."
    )
    return Finding("CUDA", Verdict.NOTE, text, facts)


def _probe_opengl(timeout: float = 60.0) -> list[str] | None:
    """Renderer and version of an off-screen OpenGL context, or None where there is none."""
    environment = {**os.environ, "EGL_PLATFORM": "surfaceless"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _EGL_PROBE],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines[-2:] if done.returncode == 0 and len(lines) >= 2 else None


def check_opengl(vispy_installed: bool) -> Finding:
    """OpenGL serves the window alone, so nothing here stands in the way of a walk."""
    if not vispy_installed:
        text = 'Not looked at; only the window needs it: pip install ".[app]".'
        return Finding("OpenGL", Verdict.NOTE, text, {"renderer": None})
    found = _probe_opengl()
    if found is None:
        text = (
            "No off-screen OpenGL found. A window may still work on a desktop; "
            "on Debian: apt install libegl1 libgl1 libgl1-mesa-dri."
        )
        return Finding("OpenGL", Verdict.NOTE, text, {"renderer": None})
    renderer, version = found
    software = any(name in renderer.lower() for name in ("llvmpipe", "softpipe", "swrast"))
    speed = "; drawn by the processor, which works but slowly" if software else ""
    facts = {"renderer": renderer, "version": version, "software": software}
    return Finding("OpenGL", Verdict.GOOD, f"{version}, {renderer}{speed}.", facts)
