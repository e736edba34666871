"""A small random model in place of the embedded one, and pictures of a textured wall."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from engine.model.codec import Codec, CodecConfig
from engine.model.memory_plan import MemoryPlan
from engine.model.model import new_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.queries import Engine
from explorer.walk.ready import ReadyEngine

SIZE = (96, 64)


@pytest.fixture(scope="session")
def small_engine() -> Engine:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    generator = torch.Generator().manual_seed(0)
    codec.start_from_components(torch.randn(400, 3, 8, 8, generator=generator) * 0.3)
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    return Engine.of(new_model(codec, Tokenizer(["room", "wall"]), shape))


@pytest.fixture(autouse=True)
def _with_small_engine(small_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def ready(_options: object, size: tuple[int, int], views: int) -> ReadyEngine:
        return ReadyEngine(small_engine, MemoryPlan(), size, views)

    monkeypatch.setattr("explorer.clips.work.open_engine", ready)


def wall(shift: float) -> np.ndarray:
    """A picture (64, 96, 3) of a wall, the camera `shift` pixels further to the right."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 255, (20, 40, 3)).astype(np.uint8)
    large = cv2.resize(small, (320, 160), interpolation=cv2.INTER_CUBIC)
    M = np.float32([[1, 0, 40 + shift], [0, 1, 40]])
    return cv2.warpAffine(large, M, SIZE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures of the wall, a step to the right each."""
    out = tmp_path / "pictures"
    out.mkdir()
    for index in range(5):
        Image.fromarray(wall(3.0 * index)).save(out / f"{index}.png")
    return out
