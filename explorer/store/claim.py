"""One process at a time may change a model of the store; a killed one holds nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.store.errors import StoreError


@contextmanager
def claimed(store: Path, name: str) -> Iterator[None]:
    """Holds a model for as long as the block runs; the system lets go of it if we are killed.

    Raises:
        StoreError: another process holds it.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / f".{name}.claim").open("ab") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            raise StoreError(f"another Photowalk is fetching {name} right now") from error
        yield


def _lock(handle: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
