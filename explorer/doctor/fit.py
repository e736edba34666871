"""Which backbone fits this machine at which size, how, and about how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.model.backbones.registry import family_of
from engine.model.costs import ViewWork, pass_flops, tokens_of, view_flops
from engine.model.devices import best_device
from engine.model.embedded import embedded_weights
from engine.model.errors import CheckpointError
from engine.model.memory_plan import MemoryNeeds, MemoryPlan, choose_plan, least_need
from engine.model.model import Model
from engine.model.precision import best_precision
from engine.model.storage import read_model
from engine.queries.fitting import needs_of
from engine.queries.free_memory import free_memory
from explorer.doctor.backbones import Backbone, published_backbones
from explorer.doctor.findings import Finding, Verdict
from explorer.doctor.speed import Pace

SIZES = ((256, 144), (512, 288))
#: Share of the throughput of large matrix products that whole passes reach with one picture at a
#: time; what normalising, rotating and launching small kernels cost is in it. An assumption.
UTILISATION = 0.4
#: Bytes a second from pinned memory to a GPU: PCIe 4.0 x16 moves 32 GB/s one way at best.
TRANSFER = 20e9


@dataclass(frozen=True)
class Machine:
    """What a backbone is fitted to.

    Attributes:
        device: a torch device.
        free, free_host: bytes on it, and in the computer's memory.
        flops: measured operations a second of large matrix products; None where not measured.
    """

    device: str
    free: int
    free_host: int
    flops: float | None

    @property
    def is_cpu(self) -> bool:
        return self.device == "cpu"

    @property
    def where(self) -> str:
        return "CPU" if self.is_cpu else "GPU"


@dataclass(frozen=True)
class Fit:
    """A backbone at a size; `plan` is None where it does not fit, `seconds` where unknown."""

    name: str
    size: tuple[int, int]
    plan: MemoryPlan | None
    least: int
    seconds: float | None
    measured: bool = False


def this_machine(measure: bool = True) -> Machine:
    """Its GPU where PyTorch can use one, else its processor; measuring takes a moment."""
    device = best_device()
    flops = matmul_flops(torch.device(device)) if measure else None
    return Machine(device, free_memory(device), free_memory("cpu"), flops)


def matmul_flops(device: torch.device, seconds: float = 0.3) -> float:
    """Operations a second of square matrix products in the device's best precision."""
    side = 4096 if device.type == "cuda" else 1024
    a = torch.randn(side, side, device=device).to(best_precision(device))
    a @ a  # the first one loads kernels
    _wait(device)
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        a @ a
        _wait(device)
        done += 1
    return done * 2.0 * side**3 / (time.perf_counter() - begin)


def fit(backbone: Backbone, size: tuple[int, int], machine: Machine) -> Fit:
    """A published backbone on a machine."""
    needs = backbone.needs(size)
    plan = choose_plan(needs, machine.free, machine.free_host, machine.is_cpu)
    work = backbone.work(size)
    seconds = None
    if plan is not None and machine.flops is not None:
        rate = machine.flops * UTILISATION
        seconds = backbone.codec.view_flops(size, work.context) / rate
        for each in work.passes:
            computing = pass_flops(backbone.shape, each) / rate
            moving = needs.transformer.layers / TRANSFER if plan.layers_visit else 0.0
            seconds += max(computing, moving)
    return Fit(backbone.name, size, plan, least_need(needs, machine.is_cpu), seconds)


def fit_own(model: Model, size: tuple[int, int], machine: Machine, pace: Pace | None) -> Fit:
    """Our own model; its time is the measured one, at another size by its share of the work."""
    needs: MemoryNeeds = needs_of(model, size)
    plan = choose_plan(needs, machine.free, machine.free_host, machine.is_cpu)
    seconds = None
    if pace is not None:
        shape = family_of(model.transformer).shape(model.transformer)
        asked, timed = (view_flops(shape, ViewWork(tokens_of(s))) for s in (size, _size_of(pace)))
        seconds = pace.view * asked / timed
    exact = pace is not None and _size_of(pace) == size
    return Fit("embedded", size, plan, least_need(needs, machine.is_cpu), seconds, exact)


def check_fit(machine: Machine, pace: Pace | None, weights: Path | None = None) -> list[Finding]:
    """A line for each backbone and size.

    Args:
        pace: of our own model, where it was measured.
        weights: of our own model; None for the embedded ones.
    """
    fits = []
    try:
        own = read_model(weights or embedded_weights())
        fits = [fit_own(own, size, machine, pace) for size in SIZES]
    except CheckpointError:
        pass  # what is wrong with the weights is a finding of its own
    fits += [fit(backbone, size, machine) for backbone in published_backbones() for size in SIZES]
    return [describe_fit(each, machine) for each in fits]


def describe_fit(found: Fit, machine: Machine) -> Finding:
    """In one line, for people and programs."""
    topic = f"{found.name} {found.size[0]}x{found.size[1]}"
    facts = {
        "device": machine.device,
        "free_gb": round(machine.free / 2**30, 2),
        "fits": found.plan is not None,
        "seconds": None if found.seconds is None else round(found.seconds, 3),
        "measured": found.measured,
    }
    if found.plan is None:
        text = (
            f"Does not fit: it needs {_gb(found.least)} on the {machine.where} at least, and "
            f"{_gb(machine.free)} are free{_waiting(machine)}."
        )
        return Finding(topic, Verdict.NOTE, text, {**facts, "least_gb": _gb_value(found.least)})
    plan = found.plan
    text = f"Fits {plan.words(machine.where)}: {_gb(plan.need)}"
    text += f", {_gb(plan.host_need)} of the computer's memory" if plan.host_need else ""
    if found.seconds is not None:
        about = "" if found.measured else "about "
        text += f"; {about}{_seconds(found.seconds)} a view"
    facts |= {
        "need_gb": _gb_value(plan.need),
        "host_gb": _gb_value(plan.host_need),
        "text_leaves": plan.text_leaves,
        "codec_tiled": plan.codec_tiled,
        "layers_visit": plan.layers_visit,
    }
    return Finding(topic, Verdict.GOOD, text + ".", facts)


def _waiting(machine: Machine) -> str:
    return "" if machine.is_cpu else f", beside {_gb(machine.free_host)} of the computer's memory"


def _size_of(pace: Pace) -> tuple[int, int]:
    return pace.width, pace.height


def _gb_value(size: int) -> float:
    return round(size / 2**30, 2)


def _gb(size: int) -> str:
    return f"{size / 2**30:.1f} GB"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
