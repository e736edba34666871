"""Work can be stopped between steps, and says how far it is."""

from __future__ import annotations

import signal

import pytest

from explorer.terminal import progress_bar, stop_requests
from explorer.walk.telling import RunProgress


def test_the_first_signal_asks_and_the_second_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_requests() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_kill_asks_as_well() -> None:
    with stop_requests() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()


def test_the_bar_tells_views_and_speed(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as show:
        show(RunProgress("view 3", done=2, total=8, views_per_second=1.25))
    told = capsys.readouterr()
    assert told.out == ""
    assert "view 3" in told.err
    assert "2/8" in told.err
    assert "1.25 views/s" in told.err


def test_before_the_first_view_no_speed_is_claimed(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as show:
        show(RunProgress("loading the model", done=0, total=8, views_per_second=0.0))
    assert "views/s" not in capsys.readouterr().err


def test_a_bar_that_was_told_nothing_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="bad photo"), progress_bar():
        raise ValueError("bad photo")
    assert capsys.readouterr().err == ""
