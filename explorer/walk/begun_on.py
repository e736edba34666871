"""The device of a walk that goes on: the same as before, or another one, which is told.

The same bytes are promised for one machine, thread count and device.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from engine.model.devices import AUTO, CPU, DeviceError
from explorer.walk.journal import Journal, JournalError
from explorer.walk.ready import EngineOptions

Options = TypeVar("Options", bound=EngineOptions)


def device_of(journal: Journal | None) -> str | None:
    """Where a walk was begun; walks that do not say so are of a time when that was the CPU."""
    return None if journal is None else str(journal.header.get("device", CPU))


def settled_for(options: Options, journal: Journal | None) -> Options:
    """The same with the device by its full name; left open, a walk keeps that of its journal.

    Raises:
        DeviceError: the device does not compute.
        JournalError: that of the journal does not.
    """
    begun = device_of(journal) if options.device == AUTO else None
    if begun is None:
        return options.resolved()
    try:
        return replace(options, device=begun).resolved()
    except DeviceError as error:
        raise JournalError(
            f"the walk was begun on {begun}, which does not compute here ({error}); name another "
            "with --device to go on with it"
        ) from error


def change_of_device(begun: str | None, device: str) -> str | None:
    """What the user should know of a walk that goes on elsewhere; None where it stays."""
    if begun in (None, device):
        return None
    return (
        f"This walk was begun on {begun} and goes on on {device}: what follows is close to what it "
        "would have been, and not the same."
    )
