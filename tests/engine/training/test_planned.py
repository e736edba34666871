"""What a syllabus will ask, as counts, against the lessons that it gives."""

from __future__ import annotations

import pytest

from engine.training.mixture import MixtureConfig
from engine.training.planned import bare_walk_pass, planned_steps, walk_pass
from engine.training.syllabus import LessonKind, SyllabusConfig, lesson_shares


def test_shares_of_planned_steps_are_those_of_the_lessons() -> None:
    config = SyllabusConfig(mixture=MixtureConfig(joint=0.2, bare=0.3, views_only=0.4))
    shares = lesson_shares(config.mixture, lambda _: True)
    steps = planned_steps(config, shares)
    assert sum(step.share for step in steps) == pytest.approx(1.0)
    for kind in LessonKind:
        own = [s.share for s in steps if s.name.rstrip(" 1234") == kind.value]
        assert sum(own) == pytest.approx(shares[kind]), kind


def test_walks_that_ask_for_views_alone_are_planned_so() -> None:
    """They are walks without depth, but for the depth in their context."""
    assert walk_pass(40, 2, 2, False, views_only=True) == bare_walk_pass(40, 2, 2)
    assert walk_pass(40, 2, 2, True, views_only=True) == bare_walk_pass(40, 4, 2)
