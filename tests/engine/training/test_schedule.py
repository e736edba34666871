from __future__ import annotations

import pytest

from engine.training.schedule import Schedule, ScheduleConfig, Spent

CONFIG = ScheduleConfig(minutes=10.0, steps=200, learning_rate=1e-3, warm_up=50, final_rate=0.1)


def stepped(schedule: Schedule, steps: int) -> Schedule:
    schedule.begin()
    for _ in range(steps):
        schedule.step()
    return schedule


def test_the_learning_rate_warms_up_and_falls() -> None:
    assert stepped(Schedule(CONFIG), 0).rate(0.0) == pytest.approx(1e-3 / 50)
    warm = stepped(Schedule(CONFIG), 50)
    assert warm.rate(0.25) == pytest.approx(1e-3)
    assert warm.rate(0.65) == pytest.approx(0.55e-3)
    assert warm.rate(1.0) == pytest.approx(1e-4)


def test_a_run_ends_by_its_clock_or_by_its_steps() -> None:
    schedule = Schedule(CONFIG)
    schedule.go_on(Spent(seconds=300.0, steps=40), momenta=False)
    assert schedule.gone() == pytest.approx(0.5, abs=0.01)
    schedule.go_on(Spent(seconds=60.0, steps=150), momenta=False)
    assert schedule.gone() == pytest.approx(0.75)
    assert 0 <= Schedule(ScheduleConfig(minutes=1000.0)).gone() < 0.01


def test_a_stopped_run_goes_on_where_it_was_and_warms_up_without_its_momenta() -> None:
    stopped = stepped(Schedule(CONFIG), 120).spent
    later = Schedule(CONFIG)
    later.go_on(stopped, momenta=True)
    assert later.gone() == pytest.approx(0.6)
    assert later.rate(0.3) == pytest.approx(1e-3)
    later.go_on(stopped, momenta=False)
    assert later.rate(0.3) == pytest.approx(1e-3 / 50)
    assert stepped(later, 30).spent.steps == 150
    longer = Schedule(ScheduleConfig(minutes=10.0, steps=400))
    longer.go_on(stopped, momenta=True)
    assert longer.gone() == pytest.approx(0.3)


def test_after_the_end_another_run_begins() -> None:
    ended = stepped(Schedule(CONFIG), 200).spent
    later = Schedule(CONFIG)
    later.go_on(ended, momenta=True)
    assert later.gone() < 0.01
    assert later.rate(0.0) == pytest.approx(1e-3 / 50)
