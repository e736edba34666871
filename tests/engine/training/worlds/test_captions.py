from __future__ import annotations

from engine.training.worlds.captions import listed


def test_things_are_listed_once_with_their_articles() -> None:
    assert listed(["sofa"]) == "a sofa"
    assert listed(["desk", "armchair", "desk", "boxes"]) == "a desk, an armchair and boxes"
    assert listed(["bed", "shelf", "lamp", "table", "chair"]).count(" and ") == 1
    assert "chair" not in listed(["bed", "shelf", "lamp", "table", "chair"])
