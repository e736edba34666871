"""How torch's threads wait: set before torch is imported, and never against the user."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("passive", "1000")),
        ({"OMP_WAIT_POLICY": "active"}, ("active", "None")),
        ({"GOMP_SPINCOUNT": "5"}, ("passive", "5")),
    ],
)
def test_threads_look_a_while_then_sleep(given: dict[str, str], expected: tuple[str, str]) -> None:
    code = "import os, sys, explorer; assert 'torch' not in sys.modules; " + (
        f"print(*(os.environ.get(name) for name in {NAMES}))"
    )
    clean = {k: v for k, v in os.environ.items() if k not in NAMES}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=clean | given, capture_output=True, text=True, check=True
    )
    assert tuple(ran.stdout.split()) == expected
