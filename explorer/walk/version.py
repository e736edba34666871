"""Which Photowalk this is."""

from __future__ import annotations

from importlib import metadata


def photowalk_version() -> str:
    """The installed version; a checkout that was never installed says so."""
    try:
        return metadata.version("photowalk")
    except metadata.PackageNotFoundError:
        return "from a checkout"
