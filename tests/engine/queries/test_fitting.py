"""Models brought into little memory draw the same pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.embedded import embedded_weights
from engine.model.errors import CheckpointError
from engine.model.memory_plan import MemoryPlan
from engine.model.model import Model
from engine.model.storage import read_model
from engine.queries import SamplerSettings, draw_depth_of_photo, finish, fitting
from engine.queries.engine import Engine
from engine.queries.fitting import TooLargeError, apply_plan, load_fitted, needs_of, plan_for

SIZE = (64, 48)


@pytest.fixture
def model() -> Model:
    return read_model(embedded_weights())


def depth(engine: Engine) -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    rgb = np.stack([x / 64, y / 48, (x + y) / 112], axis=-1)
    camera = Camera(np.eye(4), Intrinsics.from_fov(60, SIZE[0] / SIZE[1]))
    noise = torch.Generator().manual_seed(0)
    return finish(draw_depth_of_photo(engine, rgb, camera, SamplerSettings(), noise))


def test_a_model_whose_layers_visit_draws_the_same(model: Model) -> None:
    expected = depth(Engine.of(model))
    engine = apply_plan(model, MemoryPlan(layers_visit=True), "cpu", "abc")
    np.testing.assert_array_equal(depth(engine), expected)
    assert engine.weights_hash == "abc"
    hooks = [m for m in model.transformer.modules() if m._forward_pre_hooks]
    assert len(hooks) >= 4 * model.transformer.config.layers


def test_real_modules_are_weighed(model: Model) -> None:
    needs = needs_of(model, SIZE)
    assert needs.transformer.weights == sum(4 * p.numel() for p in model.transformer.parameters())
    assert needs.codec.weights == sum(4 * p.numel() for p in model.codec.parameters())
    assert needs_of(model, (128, 96)).drawing > 3 * needs.drawing


def test_our_codec_is_estimated_as_it_is(model: Model, peak_bytes) -> None:
    latent = torch.zeros(1, 32, SIZE[1] // 8, SIZE[0] // 8)
    measured = peak_bytes(lambda: model.codec.decode(latent))
    assert needs_of(model, SIZE, context_views=1).coding == pytest.approx(measured, rel=0.25)


def test_the_codec_is_told_to_tile_where_it_can(model: Model) -> None:
    asked = []
    model.codec.enable_tiling = lambda: asked.append(True)  # type: ignore[method-assign]
    apply_plan(model, MemoryPlan(text_leaves=True, codec_tiled=True), "cpu")
    assert asked == [True]


def test_the_free_memory_decides(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda device: 2**34)
    assert plan_for(model, "cuda", SIZE).rank == 0
    weights = needs_of(model, SIZE).transformer.weights
    monkeypatch.setattr(fitting, "free_memory", lambda device: weights)
    assert plan_for(model, "cuda", SIZE).layers_visit
    monkeypatch.setattr(fitting, "free_memory", lambda device: weights // 100)
    with pytest.raises(TooLargeError, match=r"at least 0\.0 GB on cuda at 64x48.*smaller size"):
        plan_for(model, "cuda", SIZE)


def test_weights_that_are_loaded_already_need_no_more_memory(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU the model lies where it computes: only what drawing takes must be free."""
    needs = needs_of(model, SIZE)
    drawing = 2 * max(needs.drawing, needs.coding) + needs.transformer.weights // 5
    monkeypatch.setattr(fitting, "free_memory", lambda device: drawing)
    assert drawing < needs.transformer.weights
    assert plan_for(model, "cpu", SIZE).rank == 0


def test_loading_gives_the_engine_and_the_plan() -> None:
    fitted = load_fitted(None, "cpu", SIZE)
    assert fitted.plan.rank == 0
    assert fitted.engine.weights_hash == Engine.load().weights_hash
    assert replace(fitted.plan, need=0) == MemoryPlan()


def test_a_pipeline_too_large_to_be_read_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("transformer", "vae"):
        (tmp_path / part).mkdir()
        values = {"a": torch.zeros(256, 1024), "b": torch.zeros(1024, dtype=torch.int8)}
        save_file(values, tmp_path / part / "model.safetensors")
    (tmp_path / "vae" / "torn.safetensors").write_bytes(b"no weights")
    monkeypatch.setattr(fitting, "free_memory", lambda _device: 1_000_000)
    monkeypatch.setattr(fitting, "best_precision", lambda _device: torch.bfloat16)
    with pytest.raises(TooLargeError, match=r"takes 0\.0 GB of this computer's memory"):
        load_fitted(tmp_path, "cpu", SIZE)
    monkeypatch.setattr(fitting, "free_memory", lambda _device: 1_100_000)
    with pytest.raises(CheckpointError):  # it is read, and found to be no pipeline
        load_fitted(tmp_path, "cpu", SIZE)
