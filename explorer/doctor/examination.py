"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from explorer.doctor.findings import Report
from explorer.doctor.machine import (
    check_cuda,
    check_memory,
    check_opengl,
    check_processor,
    check_python,
    check_torch,
)
from explorer.doctor.parts import (
    assets_folder,
    check_heic,
    check_video,
    check_weights,
    is_installed,
)
from explorer.doctor.speed import check_speed
from explorer.doctor.version import photowalk_version


def examine(measure: bool = True) -> Report:
    """Looks at everything; `measure` draws a few views to time them (some seconds)."""
    folder = assets_folder()
    findings = [
        check_python(),
        check_torch(),
        check_processor(),
        check_memory(),
        check_cuda(),
        check_opengl(is_installed("vispy")),
        check_video(),
        check_heic(),
        check_weights(folder),
    ]
    if measure:
        findings.append(check_speed(folder))
    return Report(photowalk_version(), tuple(findings))
