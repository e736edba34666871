"""What a model tells of a lens: by the whole picture, and the same of its mirror image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.model.encoders.efficientnet_lite import LITE0, EfficientNetLite0
from engine.model.lens.lens_head import LensHead
from engine.queries import Engine
from engine.queries.lens import lens_of_picture
from tests.tiny_model import tiny_model


def seeing(seed: int = 0) -> Engine:
    """The tiny model with sight and an untrained head."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = EfficientNetLite0()
        header = {"class": "LensHead", "encoder": LITE0.name, "skipped": 2, "channels": 472}
        header |= {"grid": 4, "width": 8, "layers": 1, "pixels": 64 * 48, "dropout": 0.0}
        head = LensHead({**header, "bins": [0.4, 2.0, 8]})
    return Engine.of(replace(tiny_model(), encoders={LITE0.name: encoder}, lens=head))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((48, 80, 3)).astype(np.float32)


def test_a_model_without_a_head_tells_nothing() -> None:
    assert lens_of_picture(Engine.of(tiny_model()), picture()) is None


def test_the_answer_is_the_middle_of_the_belief() -> None:
    engine = seeing()
    head = engine.model.lens
    assert head is not None
    with torch.no_grad():
        head.out.weight.zero_()
        head.out.bias.copy_(torch.tensor([-99.0] * 3 + [0.0, 0.0] + [-99.0] * 3))
    found = lens_of_picture(engine, picture())
    assert found is not None
    edges = 0.4 * 5 ** (np.arange(9) / 8)
    assert found.focal == pytest.approx(edges[4], rel=1e-4)
    assert found.shortest == pytest.approx(0.4 * 5 ** ((3 + 0.32) / 8), rel=1e-4)
    assert found.longest == pytest.approx(0.4 * 5 ** ((4 + 0.68) / 8), rel=1e-4)


def test_the_mirror_image_has_the_same_lens() -> None:
    engine = seeing()
    found, mirrored = (lens_of_picture(engine, p) for p in (picture(), picture()[:, ::-1].copy()))
    assert found is not None
    assert mirrored is not None
    assert mirrored.focal == pytest.approx(found.focal, rel=1e-5)
    other = lens_of_picture(engine, picture(1))
    assert other is not None
    assert other.shortest < other.focal < other.longest
