"""A report reads well and says the same to programs."""

from __future__ import annotations

import json

from explorer.doctor.findings import Finding, Report, Verdict

GOOD = Finding("Python", Verdict.GOOD, "3.11.", {"python": "3.11"})
NOTE = Finding("CUDA", Verdict.NOTE, "No driver.")
PROBLEM = Finding("Weights", Verdict.PROBLEM, "One is missing.", {"faults": ["one"]})


def test_notes_do_not_stand_in_the_way() -> None:
    report = Report("1.0", (GOOD, NOTE))
    assert report.healthy
    assert report.as_text().endswith("This machine can walk into photos.")


def test_problems_are_named_again_at_the_end() -> None:
    report = Report("1.0", (GOOD, PROBLEM))
    assert not report.healthy
    assert report.as_text().splitlines()[-1] == "Before a walk works, mend: Weights."


def test_columns_are_aligned() -> None:
    lines = Report("1.0", (GOOD, PROBLEM)).as_text().splitlines()[2:4]
    assert lines[0].index("3.11.") == lines[1].index("One is missing.")


def test_json_has_the_same_content() -> None:
    content = json.loads(Report("1.0", (GOOD, PROBLEM)).as_json())
    assert content["healthy"] is False
    assert content["findings"]["Python"] == {"verdict": "good", "text": "3.11.", "python": "3.11"}
    assert content["findings"]["Weights"]["faults"] == ["one"]
