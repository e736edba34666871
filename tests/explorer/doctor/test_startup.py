"""The embedded model starts without any library for others' models, and how long that takes."""

from __future__ import annotations

import pytest

from explorer.doctor import startup
from explorer.doctor.findings import Verdict
from explorer.doctor.startup import StartUp, check_startup


def test_starting_imports_nothing_of_others() -> None:
    finding = check_startup()
    assert finding.verdict is Verdict.GOOD, finding.text
    assert finding.facts["imported"] == []
    assert 0 < finding.facts["command_line_seconds"] < finding.facts["model_seconds"]


def test_what_was_imported_without_need_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = StartUp(0.1, 2.0, ("diffusers",))
    monkeypatch.setattr(startup, "measure_startup", lambda: found)
    finding = check_startup()
    assert finding.verdict is Verdict.NOTE
    assert "diffusers were imported" in finding.text


def test_a_start_that_fails_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "_PROBE", "raise SystemExit(3)")
    assert check_startup().text == "Could not be measured."
