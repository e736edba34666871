"""Depth models of `transformers`, as small as they can be, saved as a user's folders would be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Intrinsics
from explorer.walk.photo import Photo

NECK = {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 16}
SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2}


def depth_anything(**options: Any) -> Any:
    import transformers

    backbone = transformers.Dinov2Config(
        **SMALL,
        mlp_ratio=2,
        image_size=56,
        patch_size=14,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        head_hidden_size=8,
        patch_size=14,
        **NECK,
        **options,
    )
    return transformers.DepthAnythingForDepthEstimation(config)


def zoedepth() -> Any:
    import transformers

    backbone = transformers.BeitConfig(
        **SMALL,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
        use_relative_position_bias=True,
    )
    config = transformers.ZoeDepthConfig(
        backbone_config=backbone,
        backbone_hidden_size=32,
        bottleneck_features=16,
        num_relative_features=8,
        bin_embedding_dim=16,
        num_attractors=[4, 2, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 1e-3, "max_depth": 10.0, "name": "nyu"}],
        num_patch_transformer_layers=1,
        patch_transformer_hidden_size=16,
        patch_transformer_intermediate_size=16,
        patch_transformer_num_attention_heads=2,
        **NECK,
    )
    return transformers.ZoeDepthForDepthEstimation(config)


def glpn() -> Any:
    import transformers

    config = transformers.GLPNConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8,
        max_depth=10,
    )
    return transformers.GLPNForDepthEstimation(config)


def lively(model: Any) -> Any:
    """Random numbers, large enough that the output is no constant; ReLUs at the end stay open."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "head" in name or "fusion" in name:
                weight.mul_(3.0 if weight.ndim > 1 else 1.0)
        last = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)][-1]
        if last.out_channels == 1 and last.bias is not None:
            last.bias.fill_(0.3)
    return model


def _dpt_processor(**options: Any) -> Any:
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    return DPTImageProcessorPil(**options)


def _zoe_processor() -> Any:
    from transformers.models.zoedepth.image_processing_pil_zoedepth import ZoeDepthImageProcessorPil

    return ZoeDepthImageProcessorPil(size={"height": 64, "width": 96}, ensure_multiple_of=32)


def _glpn_processor() -> Any:
    from transformers.models.glpn.image_processing_pil_glpn import GLPNImageProcessorPil

    return GLPNImageProcessorPil()


def _any_size() -> Any:
    size = {"height": 56, "width": 56}
    return _dpt_processor(size=size, keep_aspect_ratio=True, ensure_multiple_of=14)


MODELS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "depth-anything": (depth_anything, _any_size),
    "depth-anything-metric": (
        lambda: depth_anything(depth_estimation_type="metric", max_depth=20),
        _any_size,
    ),
    "zoedepth": (zoedepth, _zoe_processor),
    "glpn": (glpn, _glpn_processor),
}


@pytest.fixture(scope="session")
def saved_models(tiny_dpt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder for each of `MODELS`, and "dpt"."""
    root = tmp_path_factory.mktemp("models")
    shutil.copytree(tiny_dpt, root / "dpt")
    torch.set_num_threads(1)
    for seed, (name, (model, processor)) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        lively(model()).save_pretrained(root / name)
        processor().save_pretrained(root / name)
    return root


@pytest.fixture
def folder(saved_models: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a model's folder that a test may spoil."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(saved_models / name, tmp_path / name))

    return copy


@pytest.fixture
def photo() -> Photo:
    """Smooth in every direction, so that sizes and rims can be told by what is left of it."""
    y, x = np.mgrid[0:64, 0:112].astype(np.float64)
    red = 0.2 + 0.6 * x / 112
    green = 0.2 + 0.6 * y / 64
    blue = 0.5 + 0.3 * np.sin(x / 20) * np.cos(y / 15)
    rgb = np.round(np.stack([red, green, blue], -1) * 255).astype(np.uint8)
    return Photo(rgb, 1120, 640, Intrinsics.from_fov(60, 112 / 64), "ramp.png")
