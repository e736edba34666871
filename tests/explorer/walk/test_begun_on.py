"""A walk that goes on keeps its device, or says that it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.model import devices
from engine.queries import Engine
from explorer.walk.begun_on import change_of_device, device_of
from explorer.walk.journal import JOURNAL, JournalError, read_journal
from explorer.walk.run import JOURNAL_FOLDER, settled, walk_photo
from explorer.walk.run_options import RunOptions
from explorer.walk.telling import RunProgress
from tests.tiny_model import tiny_model


@pytest.fixture
def engine() -> Engine:
    return Engine.of(tiny_model(), precision=torch.float32)


@pytest.fixture
def options(tmp_path: Path, engine: Engine) -> RunOptions:
    """Of a walk that was stopped before its first view."""
    rgb = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    given = RunOptions(tmp_path / "photo.png", tmp_path / "out", "strafe", 1, model_size=(48, 32))
    drawn: list[int] = []

    def stop() -> bool:
        return (given.out / JOURNAL_FOLDER / "000000.npz").is_file() and not drawn

    assert not walk_photo(given, None, stop, engine).complete
    return replace(given, resume=True)


def begun_on(options: RunOptions, device: str | None) -> None:
    path = options.out / JOURNAL_FOLDER / JOURNAL
    first, *rest = path.read_text().splitlines(True)
    header = json.loads(first)
    header.pop("device")
    if device is not None:
        header["device"] = device
    path.write_text(json.dumps(header) + "\n" + "".join(rest))


def test_the_journal_and_walk_json_record_the_device(options: RunOptions, engine: Engine) -> None:
    assert read_journal(options.out / JOURNAL_FOLDER).header["device"] == "cpu"
    told: list[RunProgress] = []
    assert walk_photo(options, told.append, None, engine).complete
    assert not [p.note for p in told if p.note]
    about = json.loads((options.out / "walk.json").read_text())
    assert about["drawn_from"]["device"] == about["machine"]["device"] == "cpu"


def test_left_open_it_is_that_of_the_journal(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(devices, "kernel_fault", lambda _card: None)
    assert settled(replace(options, resume=False)).device == "cuda:0"
    assert settled(options).device == "cpu"
    begun_on(options, "cuda:1")
    assert settled(options).device == "cuda:1"
    begun_on(options, None)
    assert settled(options).device == "cpu"  # what commands took when journals did not say


def test_one_that_is_not_here_any_more_is_named(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    begun_on(options, "cuda:3")
    with pytest.raises(JournalError, match=r"begun on cuda:3.*there is only 1.*with --device"):
        settled(options)
    assert settled(replace(options, device="cpu")).device == "cpu"


def test_another_one_is_told_and_the_walk_goes_on(options: RunOptions, engine: Engine) -> None:
    begun_on(options, "cuda:0")
    told: list[RunProgress] = []
    assert walk_photo(replace(options, device="cpu"), told.append, None, engine).complete
    notes = [p.note for p in told if p.note]
    assert notes == [change_of_device("cuda:0", "cpu")]
    about = json.loads((options.out / "walk.json").read_text())
    assert about["drawn_from"]["device"] == "cuda:0"
    assert about["machine"]["device"] == "cpu"


def test_a_walk_that_begins_has_no_device_before(options: RunOptions) -> None:
    assert device_of(None) is None
    assert change_of_device(None, "cpu") is None
