"""What the events of a journal say, one after the other: only what is known, and makes sense.

A walk file comes from anybody. Of each event the keys that `explorer.walk.recorder` writes are
taken, each of its type, and nothing else; whoever reads the journal's nodes need not ask again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.inner_files import plain_name

Check = Callable[[Any], bool]
#: The largest whole number that a journal holds, and the longest caption or name.
_LARGEST, _LONGEST = 1 << 53, 100_000
#: A whole number of 64 bits has no more.
_DIGITS = 20


def parsed(line: bytes) -> Any:
    """A line of a journal.

    Raises:
        ValueError: it is no JSON, or holds a number that is not finite or far too large.
    """
    try:
        return json.loads(line, parse_float=_finite, parse_int=_whole, parse_constant=_finite)
    except RecursionError as error:
        raise ValueError("values inside of values without end") from error


def check_header(header: Mapping[str, Any]) -> None:
    """Of what is being walked, what is read and not only compared makes sense.

    Raises:
        ValueError: it does not.
    """
    _known(header, _HEADER, _HEADER)


def camera_of(entry: Mapping[str, Any]) -> Camera:
    """Of a node's entry.

    Raises:
        ValueError: there is no such camera.
    """
    with np.errstate(all="ignore"):  # of numbers without sense, which it then refuses
        return Camera(np.array(entry["T_world_camera"]), Intrinsics(*entry["intrinsics"]))


class EventTree:
    """Nodes with their head; see `explorer.walk.journal.Journal` for what they hold."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.head = -1
        self.order: list[tuple[Literal["view", "depth"], int]] = []
        self.settings: dict[str, Any] | None = None
        self.closed = False

    def take(self, event: object) -> None:
        """The next event.

        Raises:
            OutsideError: it names a file that is none of the walk's.
            ValueError: it makes no sense.
        """
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise ValueError("an event says what it is")
        self.closed = event["event"] == "closed"
        match event["event"]:
            case "view":
                self._view(event)
            case "depth":
                self._depth(event)
            case "rewind":
                self._rewind(_known(event, {"view": _is_count})["view"])
            case "goto":
                self.head = self._node(event)
            case "settings":
                self.settings = _known(event, {"settings": _is_object})["settings"]
            case "branch":
                name = _known(event, {"name": _is_text})["name"]
                self.nodes[self._node(event)]["branch"] = name
            case "closed":
                pass
            case unknown:
                raise ValueError(f"there is no event {unknown[:40]!r}")

    def _view(self, event: Mapping[str, Any]) -> None:
        file = plain_name(event.get("file"))
        told = _known(event, _VIEW, _MAY_LACK)
        if told["view"] != (self.nodes[self.head]["view"] + 1 if self.head >= 0 else 0):
            raise ValueError(f"view {told['view']} does not follow on its parent")
        if any(seen["view"] >= told["view"] for seen in told["retrieved"]):
            raise ValueError(f"view {told['view']} was drawn from views that came after it")
        camera_of(told)
        entry = {"event": "view", "file": file, **told, "parent": self.head, "branch": ""}
        self.nodes.append(entry)
        self.head = len(self.nodes) - 1
        self.order.append(("view", self.head))

    def _depth(self, event: Mapping[str, Any]) -> None:
        file = plain_name(event.get("file"))
        node = self._node(event)
        told = _known(event, _DEPTH, _DEPTH)
        if self.nodes[node]["has_depth"]:
            raise ValueError(f"node {node} has its depth already")
        self.nodes[node].update(told, depth_file=file, has_depth=True)
        self.order.append(("depth", node))

    def _rewind(self, view: int) -> None:
        while self.head >= 0 and self.nodes[self.head]["view"] > view:
            self.head = self.nodes[self.head]["parent"]

    def _node(self, event: Mapping[str, Any]) -> int:
        """A node that was drawn before."""
        node = int(_known(event, {"node": _is_count})["node"])
        if node >= len(self.nodes):
            raise ValueError(f"there is no node {node}")
        return node


def _known(
    event: Mapping[str, Any],
    checks: Mapping[str, Check],
    may_lack: Collection[str] = (),
) -> dict[str, Any]:
    """The keys of an event that are asked for, in the order in which it has them."""
    told = {key: value for key, value in event.items() if key in checks}
    missing = checks.keys() - told.keys() - set(may_lack)
    wrong = [key for key, value in told.items() if not checks[key](value)]
    if missing or wrong:
        raise ValueError(f"an event without sense in {sorted(missing)} or {wrong}")
    return told


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _is_number(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= _LARGEST
    return type(value) is float and math.isfinite(value)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_prior(value: object) -> bool:
    """The identity of a depth source, or None: whatever it says of itself, but for what is read."""
    return value is None or (
        isinstance(value, dict)
        and all(_is_text(value.get(key, "")) for key in ("model", "kind", "folder"))
    )


def _is_path(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    name, views = value
    return _is_text(name) and _is_count(views)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is not finite")
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"{text[:40]}... is too large")
    return int(text)


def _are_numbers(count: int) -> Check:
    return lambda value: (
        isinstance(value, list) and len(value) == count and all(map(_is_number, value))
    )


def _is_pose(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_are_numbers(4), value))


def _are_retrieved(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(seen, dict)
        and seen.keys() == {"view", "share"}
        and _is_count(seen["view"])
        and _is_number(seen["share"])
        for seen in value
    )


def _are_seconds(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


#: What a "depth" event may bring beside its node and its file.
_DEPTH: dict[str, Check] = {
    "depth_scale": _is_number_or_none,
    "depth_spread": _is_number_or_none,
    "seconds": _are_seconds,
}
#: What `explorer.walk.recorder.describe` says of a view.
_VIEW: dict[str, Check] = {
    **_DEPTH,
    "view": _is_count,
    "T_world_camera": _is_pose,
    "intrinsics": _are_numbers(4),
    "caption": _is_text,
    "coverage": _is_number,
    "retrieved": _are_retrieved,
    "has_depth": _is_flag,
    "agreement_db": _is_number_or_none,
}
#: What of a header is read; the rest of it is only compared.
_HEADER: dict[str, Check] = {
    "path": _is_path,
    "photo": _is_text,
    "device": _is_text,
    "depth prior": _is_prior,
}
#: Not said by earlier versions.
_MAY_LACK = ("agreement_db",)
