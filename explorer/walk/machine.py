"""What the bytes of a walk depend on besides its settings: device, threads, and versions."""

from __future__ import annotations

import platform
from typing import Any

import cv2
import numpy as np
import PIL
import torch

from explorer.walk.version import photowalk_version


def machine(device: torch.device) -> dict[str, Any]:
    """In values that JSON can hold."""
    return {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of what was really imported, as it says itself: a package may come under several names."""
    return {
        "photowalk": photowalk_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
    }
