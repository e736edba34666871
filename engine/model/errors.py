"""What can be wrong with a model on disk. Needs no torch, so that any program may catch it."""

from __future__ import annotations


class CheckpointError(ValueError):
    """A weights file that cannot be used; the message says what, where and what to do."""
