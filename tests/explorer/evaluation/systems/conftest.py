"""A small random model, and samples whose truth is known without rendering a world."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec, CodecConfig
from engine.model.model import new_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.queries import Engine
from engine.queries.scenes import SceneView
from explorer.evaluation.systems.samples import Sample

SIZE = (32, 48)
LENS = Intrinsics.from_fov(60, 48 / 32)


@pytest.fixture(scope="session")
def engine() -> Engine:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    generator = torch.Generator().manual_seed(0)
    codec.start_from_components(torch.randn(400, 3, 8, 8, generator=generator) * 0.3)
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    model = new_model(codec, Tokenizer(["room"]), shape)
    with torch.no_grad():
        for parameter in model.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return Engine.of(model)


def view(x: float, yaw: float = 0.0) -> SceneView:
    """A pattern on a wall that leans back, 2 to 3 m ahead."""
    T = np.eye(4)
    T[:3, :3] = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    T[0, 3] = x
    v, u = np.meshgrid((np.arange(32) + 0.5) / 32, (np.arange(48) + 0.5) / 48, indexing="ij")
    depth = 2.5 - (v - 0.5)
    X = (u - 0.5) / LENS.fx * depth + x
    rgb = np.stack([np.sin(9 * X), np.cos(12 * v), np.sin(7 * X + 9 * v)], -1) * 0.4 + 0.5
    return SceneView(rgb.astype(np.float32), depth.astype(np.float32), Camera(T, LENS))


@pytest.fixture
def samples() -> list[Sample]:
    return [
        Sample((view(0.0), view(0.1, 0.02), view(0.25, 0.05)), "wall", 1),
        Sample((view(0.3), view(0.2, 0.04), view(0.0, 0.1)), "wall", 2),
    ]


@pytest.fixture
def straight() -> Sample:
    """A path without turns, so that the pictures are those that its cameras see."""
    return Sample((view(0.0), view(0.1), view(0.25)), "wall", 1)
