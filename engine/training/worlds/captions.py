"""Words for what is in a world."""

from __future__ import annotations


def article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def listed(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))[:4]
    parts = [f"a {n}" for n in unique]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"
