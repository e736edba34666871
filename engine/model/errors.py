"""What can be wrong with a model on disk. Needs no torch, so that any program may catch it."""

from __future__ import annotations


class CheckpointError(ValueError):
    """A weights file that cannot be used; the message says what, where and what to do."""


def first_line(error: Exception) -> str:
    """Enough of a library's explanation to go on with."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0].rstrip(".:") if lines else type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
