"""What a run of a walk tells: how far it is, and what it left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes:
        message: what is being done, for the user.
        done, total: views drawn and views asked for, not counting the photo.
        views_per_second: of this run so far; 0 before its first view.
        note: a sentence to be kept in sight; empty for none.
    """

    message: str
    done: int
    total: int
    views_per_second: float
    note: str = ""


@dataclass(frozen=True)
class RunResult:
    """What a run left behind; as text, one sentence for the user."""

    out: Path
    drawn: int
    asked: int
    seconds_per_view: float

    @property
    def complete(self) -> bool:
        return self.drawn == self.asked

    def __str__(self) -> str:
        speed = f" at {self.seconds_per_view:.2f} s a view" if self.seconds_per_view else ""
        if self.complete:
            return f"Drew {self.drawn} views{speed}; they are in {self.out}."
        return (
            f"Stopped after {self.drawn} of {self.asked} views{speed}; what was drawn is in "
            f"{self.out}, and --resume goes on."
        )
