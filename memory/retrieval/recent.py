"""The latest views: the baseline that forgets."""

from __future__ import annotations

from memory.retrieval.query import Query, Retrieved


def recent(query: Query) -> list[Retrieved]:
    """The `count` latest views, latest first; their share is not known and given as 0."""
    return [Retrieved(int(i), 0.0) for i in query.poses.ids[::-1][: query.count]]
