"""The same queries on a CUDA device: close to the CPU's answers, trained and rendered there too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rendering import render_surfels, surfels_from_view
from engine.queries import Engine, KnownView, SamplerSettings, draw_view, finish, open_context
from tests.tiny_model import tiny_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

LENS = Intrinsics.from_fov(60, 1.5)


def drawn(device: str, precision: torch.dtype) -> np.ndarray:
    engine = Engine.of(tiny_model(), device, precision)
    rng = np.random.default_rng(0)
    rgb = rng.random((32, 48, 3), dtype=np.float32)
    view = KnownView(rgb, np.full((32, 48), 2.0, np.float32), camera=Camera(np.eye(4), LENS))
    context = open_context(engine, [view])
    T = np.eye(4)
    T[0, 3] = 0.2
    noise = torch.Generator().manual_seed(1)
    asked = draw_view(engine, context, Camera(T, LENS), None, SamplerSettings(), noise)
    return finish(asked).cpu().numpy()


@pytest.mark.parametrize(
    ("precision", "limit"), [(torch.float32, 2e-3), (torch.bfloat16, 6e-2)], ids=str
)
def test_views_agree_with_the_cpu(precision: torch.dtype, limit: float) -> None:
    reference = drawn("cpu", torch.float32)
    assert np.abs(drawn("cuda", precision) - reference).mean() < limit


def test_warps_agree_with_the_cpu() -> None:
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(32, 48, 3, generator=generator)
    depth = torch.full((32, 48), 2.0)
    T = np.eye(4)
    T[0, 3] = 0.3
    answers = []
    for device in ("cpu", "cuda"):
        seen = surfels_from_view(rgb.to(device), depth.to(device), Camera(np.eye(4), LENS))
        answers.append(render_surfels(seen.surfels, Camera(T, LENS), 32, 48, seen.sky))
    torch.testing.assert_close(answers[1].rgb.cpu(), answers[0].rgb, atol=1e-2, rtol=0)
    torch.testing.assert_close(answers[1].coverage.cpu(), answers[0].coverage, atol=1e-2, rtol=0)
