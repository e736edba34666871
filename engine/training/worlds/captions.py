"""Words for what is in a world."""

from __future__ import annotations

#: Furniture that is named for all of it.
_SEVERAL = frozenset({"boxes"})


def article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def listed(names: list[str]) -> str:
    """The first four different names, with their articles: "a desk, an armchair and boxes"."""
    unique = list(dict.fromkeys(names))[:4]
    parts = [n if n in _SEVERAL else article(n) for n in unique]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"
