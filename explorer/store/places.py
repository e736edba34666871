"""Where models lie on this machine, where they come from, and whether they may be fetched."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Names the store's folder.
FOLDER_VARIABLE = "PHOTOWALK_MODELS"
#: The hub's own variables, which its users have set already.
ENDPOINT_VARIABLE = "HF_ENDPOINT"
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
HUB = "https://huggingface.co"
_TRUE = {"1", "on", "yes", "true"}


@dataclass(frozen=True)
class Places:
    """Attributes:
    folder: the store.
    endpoint: the hub's address, without a slash at its end.
    offline: the variable that forbids fetching; None where fetching is allowed.
    """

    folder: Path
    endpoint: str = HUB
    offline: str | None = None


def places(folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Places:
    """From the user's variables; `folder` goes before `PHOTOWALK_MODELS`."""
    env = os.environ if environment is None else environment
    named = folder or env.get(FOLDER_VARIABLE)
    return Places(
        Path(named).expanduser() if named else _data_folder(env) / "photowalk" / "models",
        (env.get(ENDPOINT_VARIABLE) or HUB).rstrip("/"),
        next((name for name in OFFLINE_VARIABLES if env.get(name, "").lower() in _TRUE), None),
    )


def _data_folder(env: Mapping[str, str]) -> Path:
    """The folder that the system has for a user's data, as Qt's GenericDataLocation."""
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
