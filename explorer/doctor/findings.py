"""What an examination finds, and how it is told: as plain words or as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """How much a finding matters to somebody who wants to walk into a photo."""

    GOOD = "good"
    NOTE = "note"
    PROBLEM = "problem"


_MARKS = {Verdict.GOOD: "ok", Verdict.NOTE: "--", Verdict.PROBLEM: "!!"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: a word or two, the left column.
        verdict: PROBLEM means that a walk does not work before this is mended.
        text: one or two plain sentences, with what to do where something can be done.
        facts: the same as values for programs; JSON types only.
    """

    topic: str
    verdict: Verdict
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All findings, in the order in which they are told."""

    version: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """True where nothing stands in the way of a walk."""
        return all(f.verdict is not Verdict.PROBLEM for f in self.findings)

    def as_text(self) -> str:
        """Aligned lines: mark, topic, sentence."""
        width = max((len(f.topic) for f in self.findings), default=0)
        lines = [f"Photowalk {self.version} on this machine", ""]
        lines += [f" {_MARKS[f.verdict]}  {f.topic:<{width}}  {f.text}" for f in self.findings]
        problems = [f.topic for f in self.findings if f.verdict is Verdict.PROBLEM]
        lines += ["", _closing(problems)]
        return "\n".join(lines)

    def as_json(self) -> str:
        """An object with `version`, `healthy` and one entry per topic."""
        content = {
            "version": self.version,
            "healthy": self.healthy,
            "findings": {
                f.topic: {"verdict": f.verdict.value, "text": f.text, **f.facts}
                for f in self.findings
            },
        }
        return json.dumps(content, indent=2)


def _closing(problems: list[str]) -> str:
    if not problems:
        return "This machine can walk into photos."
    return f"Before a walk works, mend: {', '.join(problems)}."
