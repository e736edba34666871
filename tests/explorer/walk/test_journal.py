"""A journal of whatever content: a walk whose lines end, or one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.walk.journal import FORMAT, JOURNAL, VERSION, Journal, JournalError, read_journal

HEADER = {"format": FORMAT, "version": VERSION}
EYE = [[float(i == j) for j in range(4)] for i in range(4)]


def view(number: int, **other: Any) -> dict[str, Any]:
    return {
        "event": "view",
        "file": f"{number:06d}.npz",
        "view": number,
        "T_world_camera": EYE,
        "intrinsics": [1.0, 1.0, 0.5, 0.5],
        "caption": "",
        "coverage": 0.5,
        "retrieved": [],
        "seconds": {"steps": 0.25},
        "has_depth": False,
        "depth_scale": None,
        "depth_spread": None,
        "agreement_db": None,
        **other,
    }


def depth(node: object, **other: Any) -> dict[str, Any]:
    return {"event": "depth", "node": node, "file": "000009.npz", "seconds": {}, **other}


def without(event: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in event.items() if k != key}


def read(folder: Path, *events: object, header: dict[str, Any] | None = None) -> Journal:
    lines = [json.dumps(line) for line in (HEADER | (header or {}), *events)]
    (folder / JOURNAL).write_text("\n".join(lines) + "\n")
    return read_journal(folder)


def check(journal: Journal) -> None:
    """All that is read of nodes makes sense; the parents first, or a line might not end."""
    for number, node in enumerate(journal.nodes):
        assert -1 <= node["parent"] < number
        assert "/" not in node["file"] + node.get("depth_file", "")
    for number in range(-1, len(journal.nodes)):
        line = journal.line(number)
        assert [journal.nodes[n]["view"] for n in line] == list(range(len(line)))
    assert -1 <= journal.head < len(journal.nodes)
    assert all(0 <= node < len(journal.nodes) for _, node in journal.order)
    assert len(journal.views.cameras) == len(journal.line(journal.head))
    json.dumps(journal.views.descriptions, allow_nan=False)


#: Anything, and often what does harm.
ANYTHING = st.one_of(
    st.integers(-2, 5),
    st.sampled_from([1e308, math.nan, math.inf, 10**400, True, None, "..", "a/b.npz", [], {}]),
    st.sampled_from([EYE, [[0.0] * 4] * 4, [{"view": 0, "share": 1.0}], [{"view": -1}], [1] * 4]),
)
KEYS = st.sampled_from(
    [*view(0), "node", "parent", "depth_file", "branch", "settings", "name", "mine"]
)
SENSIBLE = st.one_of(
    st.integers(0, 4).map(view),
    st.integers(-2, 4).map(depth),
    st.builds(lambda n: {"event": "goto", "node": n}, st.integers(-2, 4)),
    st.builds(lambda n: {"event": "rewind", "view": n}, st.integers(-2, 4)),
    st.builds(lambda n: {"event": "branch", "node": n, "name": "left"}, st.integers(-2, 4)),
    st.sampled_from([{"event": "closed"}, {"event": "settings", "settings": {"seed": 3}}]),
)
EVENTS = st.one_of(
    SENSIBLE,
    st.builds(lambda event, other: {**event, **other}, SENSIBLE, st.dictionaries(KEYS, ANYTHING)),
    st.builds(without, SENSIBLE, KEYS),
    ANYTHING,
)


@given(first=st.integers(0, 4), events=st.lists(EVENTS, max_size=8))
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_events_are_a_walk_or_one_sentence(
    tmp_path: Path, first: int, events: list[object]
) -> None:
    told: list[str] = []
    try:
        check(read(tmp_path, *map(view, range(first)), *events))
    except JournalError as error:
        told = str(error).splitlines()
    assert len(told) <= 1


def test_what_else_an_event_says_is_not_taken(tmp_path: Path) -> None:
    more = {"parent": 1, "branch": "x", "depth_file": "../secret.npz", "view": 7, "mine": 1}
    views = [view(0, **(more | {"view": 0})), view(1, **(more | {"view": 1}))]
    journal = read(tmp_path, *views, depth(1, **more))
    check(journal)
    assert journal.line(1) == [0, 1]
    assert "depth_file" not in journal.nodes[0]
    assert journal.nodes[1]["depth_file"] == "000009.npz"
    assert journal.nodes[1]["branch"] == ""
    assert not any("mine" in node for node in journal.nodes)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "goto", "node": -1},
        {"event": "goto", "node": 2},
        {"event": "goto", "node": True},
        {"event": "goto"},
        {"event": "branch", "node": -1, "name": "x"},
        {"event": "branch", "node": 0, "name": 3},
        {"event": "rewind", "view": "0"},
        {"event": "settings", "settings": [1]},
        {"event": "settings", "settings": {"seed": math.inf}},
        {"event": "unheard of"},
        {"event": ["view"]},
        [],
        depth(-1),
        depth(2),
        depth(0.0),
        depth(0, depth_scale=math.nan),
        depth(0, seconds={"steps": "long"}),
        view(1),
        view(2, coverage=math.nan),
        view(2, coverage=10**400),
        view(2, has_depth=1),
        view(2, T_world_camera=[[0.0] * 4] * 4),
        view(2, T_world_camera=[[1e300] * 4] * 4),
        view(2, intrinsics=[0.0, 1.0, 0.5, 0.5]),
        view(2, retrieved=[{"view": 2, "share": 1.0}]),
        view(2, retrieved=[{"view": -1, "share": 1.0}]),
        view(2, caption=None),
        without(view(2), "seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, event: object) -> None:
    check(read(tmp_path, view(0), view(1)))
    with pytest.raises(JournalError, match=r"journal\.jsonl is damaged"):
        read(tmp_path, view(0), view(1), event)


@pytest.mark.parametrize(
    "header",
    [
        {"path": 5},
        {"path": ["orbit", "8"]},
        {"depth prior": "x"},
        {"depth prior": {"model": "x", "kind": 3}},
        {"device": 1},
        {"a": math.inf},
    ],
)
def test_a_header_without_sense_is_refused(tmp_path: Path, header: dict[str, Any]) -> None:
    with pytest.raises(JournalError, match=r"journal\.jsonl is damaged"):
        read(tmp_path, view(0), header=header)


@pytest.mark.parametrize("line", ["1e999", "[" * 100_000, '{"event": "goto", "node": 1e999}'])
def test_lines_that_json_takes_and_nobody_can_use_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / JOURNAL).write_text(f"{json.dumps(HEADER)}\n{line}\n")
    with pytest.raises(JournalError, match=r"journal\.jsonl is damaged"):
        read_journal(tmp_path)


def test_views_that_follow_on_themselves_are_no_walk(tmp_path: Path) -> None:
    for parent in (0, 1, -2):
        with pytest.raises(JournalError, match="without an end"):
            Journal(tmp_path, {}, [{"parent": parent}])
