"""Which stored views to look at again: strategies side by side.

A strategy is a function from a `Query` to at most `query.count` views, best first. To add one,
write it in a file of its own and enter it here.
"""

from __future__ import annotations

from collections.abc import Callable

from memory.retrieval.coverage import coverage
from memory.retrieval.fov import fov
from memory.retrieval.pose import pose
from memory.retrieval.query import Query, Retrieved
from memory.retrieval.recent import recent
from memory.retrieval.surfel import surfel

Strategy = Callable[[Query], list[Retrieved]]

STRATEGIES: dict[str, Strategy] = {
    "recent": recent,
    "pose": pose,
    "fov": fov,
    "surfel": surfel,
    "coverage": coverage,
}

__all__ = ["STRATEGIES", "Query", "Retrieved", "Strategy"]
