"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from explorer.doctor.findings import Report
from explorer.doctor.fit import check_fit, this_machine
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
from explorer.doctor.speed import Timed, time_views
from explorer.doctor.startup import check_startup
from explorer.walk.version import photowalk_version


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
    timed: Timed | None = None
    if measure:
        timed = time_views(folder)
        findings += [check_startup(), timed.finding]
    findings += check_fit(this_machine(measure), None if timed is None else timed.pace)
    return Report(photowalk_version(), tuple(findings))
