"""walk.json says what was really imported."""

from __future__ import annotations

import cv2
import torch

from explorer.walk import machine as module
from explorer.walk.machine import machine, versions


def test_every_version_is_that_of_the_imported_module(monkeypatch) -> None:
    """OpenCV comes under several names of packages; the module knows its version itself."""
    monkeypatch.setattr(cv2, "__version__", "9.8.7")
    found = versions()
    assert found["opencv"] == "9.8.7"
    assert found["torch"] == torch.__version__
    assert set(found) == {"photowalk", "torch", "numpy", "opencv", "pillow"}
    assert all(found.values())


def test_a_checkout_has_a_version_too(monkeypatch) -> None:
    monkeypatch.setattr(module, "photowalk_version", lambda: "from a checkout")
    about = machine(torch.device("cpu"))
    assert about["versions"]["photowalk"] == "from a checkout"
    assert about["device"] == "cpu"
