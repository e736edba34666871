"""What is said about fitting follows from the memory and the speed of the machine."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.model.costs import pass_flops, view_flops
from engine.model.embedded import embedded_weights
from engine.model.storage import read_model
from explorer.doctor.backbones import published_backbones
from explorer.doctor.findings import Verdict
from explorer.doctor.fit import (
    SIZES,
    TRANSFER,
    UTILISATION,
    Machine,
    check_fit,
    describe_fit,
    fit,
    fit_own,
    matmul_flops,
)
from explorer.doctor.speed import Pace

GB = 2**30
SMALL, LARGE = published_backbones()


def gpu(free: float, host: float = 64, tera: float = 100.0) -> Machine:
    return Machine("cuda", int(free * GB), int(host * GB), tera * 1e12)


@pytest.mark.parametrize(
    ("free", "words"),
    [
        (80, "on the GPU, all at once"),
        (14, "text encoder let go once the prompt is encoded"),
        (6, "layers brought in one at a time, words encoded on the CPU"),
    ],
)
def test_the_small_backbone_on_cards_of_three_sizes(free: float, words: str) -> None:
    finding = describe_fit(fit(SMALL, (256, 144), gpu(free)), gpu(free))
    assert finding.verdict is Verdict.GOOD
    assert words in finding.text
    assert finding.facts["need_gb"] <= free


def test_what_does_not_fit_is_told_what_it_lacks() -> None:
    finding = describe_fit(fit(LARGE, (512, 288), gpu(1.0)), gpu(1.0))
    assert finding.verdict is Verdict.NOTE
    assert "Does not fit: it needs" in finding.text
    assert "1.0 GB are free" in finding.text
    assert finding.facts["seconds"] is None


def test_layers_need_somewhere_to_wait() -> None:
    assert fit(LARGE, (256, 144), gpu(14, host=64)).plan is not None
    assert fit(LARGE, (256, 144), gpu(14, host=8)).plan is None


def test_time_is_work_over_throughput_while_everything_is_there() -> None:
    found = fit(SMALL, (256, 144), gpu(80))
    work = SMALL.work((256, 144))
    flops = view_flops(SMALL.shape, work) + SMALL.codec.view_flops((256, 144), work.context)
    assert found.seconds == pytest.approx(flops / (100e12 * UTILISATION))


def test_layers_that_visit_are_waited_for() -> None:
    """On a fast card every pass takes as long as its weights take to come."""
    fast = gpu(8, tera=1e6)
    found = fit(SMALL, (256, 144), fast)
    assert found.plan is not None
    assert found.plan.layers_visit
    moved = len(SMALL.work((256, 144)).passes) * SMALL.transformer.gated.layers / TRANSFER
    assert found.seconds == pytest.approx(moved, rel=1e-3)
    slow = fit(SMALL, (256, 144), gpu(8, tera=1e-3)).seconds
    computing = sum(pass_flops(SMALL.shape, p) for p in SMALL.work((256, 144)).passes)
    assert slow is not None
    assert slow > computing / (1e9 * UTILISATION)


@given(st.floats(0.5, 100), st.floats(0, 60), st.sampled_from(SIZES))
def test_more_memory_is_never_slower(free: float, more: float, size: tuple[int, int]) -> None:
    less, with_more = (fit(LARGE, size, gpu(f)) for f in (free, free + more))
    if less.seconds is not None:
        assert with_more.seconds is not None
        assert with_more.seconds <= less.seconds


def test_the_embedded_model_has_its_measured_time() -> None:
    machine = Machine("cpu", 8 * GB, 8 * GB, 1e11)
    model = read_model(embedded_weights())
    pace = Pace("cpu", 256, 144, start=1.0, view=0.5)
    measured, larger = (fit_own(model, size, machine, pace) for size in SIZES)
    assert (measured.seconds, measured.measured) == (0.5, True)
    assert larger.seconds is not None
    assert not larger.measured
    assert 4 * 0.5 < larger.seconds < 16 * 0.5  # four times the tokens, up to that squared
    assert "0.5 s a view" in describe_fit(measured, machine).text
    assert "about 0.5" not in describe_fit(measured, machine).text
    assert fit_own(model, SIZES[0], machine, None).seconds is None


def test_every_backbone_is_told_at_both_sizes(tmp_path) -> None:
    machine = Machine("cpu", 4 * GB, 4 * GB, None)
    findings = check_fit(machine, None)
    assert [f.topic for f in findings] == [
        f"{name} {w}x{h}"
        for name in ("embedded", "Wan2.1-T2V-1.3B", "Wan2.1-T2V-14B")
        for w, h in SIZES
    ]
    assert [f.facts["fits"] for f in findings] == [True, True, False, False, False, False]
    assert not any("a view" in f.text for f in findings)
    broken = tmp_path / "weights.safetensors"
    broken.write_bytes(b"nothing")
    assert len(check_fit(machine, None, broken)) == 4


def test_throughput_is_that_of_a_matrix_product() -> None:
    measured = matmul_flops(torch.device("cpu"), seconds=0.05)
    assert 1e8 < measured < 1e14
