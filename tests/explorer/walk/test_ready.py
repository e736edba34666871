"""What a walk draws with, and what the user is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.model.codec import Codec
from engine.model.memory_plan import MemoryPlan
from engine.model.model import new_model
from engine.model.storage import save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.queries import Engine, fitting
from engine.queries.compiling import Compiled, WarmUp
from engine.queries.fitting import Fitted
from explorer.app.work.requests import LoadEngine
from explorer.clips.reconstructing import ReconstructOptions
from explorer.evaluation.worlds_report import WorldsOptions
from explorer.walk import ready as module
from explorer.walk.journal import JournalError
from explorer.walk.ready import EngineOptions, compiling_words, open_engine
from explorer.walk.run import walk_photo
from explorer.walk.run_options import RunOptions
from explorer.walk.telling import RunProgress

ROOT = Path(__file__).resolve().parents[3]
SMALL = {"size": (48, 32), "context_views": 1}


@pytest.fixture(autouse=True)
def _without_code_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced for real, run as it is: see the tests of `engine.queries.compiling`."""
    torch._dynamo.reset()
    monkeypatch.setattr(module, "compiler_fault", lambda _device: None)
    monkeypatch.setattr(module, "Compiled", lambda network: Compiled(network, "eager"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of random numbers."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    config = TransformerConfig(width=32, layers=1, heads=2, words=64)
    save_model(new_model(Codec(), Tokenizer(["room"]), config), path, eight_bit=False)
    return path


@pytest.fixture
def options(tmp_path: Path, weights: Path) -> RunOptions:
    return RunOptions(
        photo=ROOT / "assets" / "samples" / "room.png",
        out=tmp_path / "out",
        path="forward",
        views=1,
        model_size=(48, 32),
        steps=1,
        depth_steps=1,
        context_views=1,
        weights=weights,
    )


def test_on_a_cpu_nothing_is_compiled_unless_it_is_asked_for(weights: Path) -> None:
    assert open_engine(EngineOptions(weights=weights, device="cpu"), **SMALL).compiled is None
    assert (
        open_engine(EngineOptions(weights=weights, device="cpu", compile=False), **SMALL).compiled
        is None
    )
    assert open_engine(
        EngineOptions(weights=weights, device="cpu", compile=True), **SMALL
    ).runs_compiled


def test_a_warm_up_is_told_while_it_lasts_and_when_it_is_done(weights: Path) -> None:
    ready = open_engine(EngineOptions(weights=weights, device="cpu", compile=True), **SMALL)
    ended: list[str] = []
    words = list(ready.warming(ended.append))
    assert words[0] == "compiling the model, before the first view"
    assert words[1].startswith("compiling the model, part 1 of 2, about ")
    assert len(ended) == 1
    assert ended[0].startswith("The model is compiled, in ")
    assert compiling_words(WarmUp(1, 3, 4.0)).endswith("part 1 of 3, about 8 s more")


def test_without_a_compiler_the_walk_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    monkeypatch.setattr(module, "compiler_fault", lambda _device: "no compiler works here")
    ready = open_engine(EngineOptions(weights=weights, device="cpu", compile=True), **SMALL)
    assert ready.notes == ["The model goes on uncompiled: no compiler works here."]
    assert not ready.runs_compiled
    assert list(ready.warming(ready.notes.append)) == []


def test_a_compiler_that_fails_later_is_told_once(
    monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    def broken(_graph: object, _inputs: object) -> object:
        raise RuntimeError("no more registers")

    monkeypatch.setattr(module, "Compiled", lambda network: Compiled(network, broken))
    ready = open_engine(EngineOptions(weights=weights, device="cpu", compile=True), **SMALL)
    ended: list[str] = []
    list(ready.warming(ended.append))
    assert len(ended) == 1
    assert ended[0].startswith("The model goes on uncompiled: it could not be compiled")
    assert not ready.runs_compiled


def test_layers_that_take_turns_are_not_compiled(
    monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    plan = MemoryPlan(text_leaves=True, layers_visit=True)
    monkeypatch.setattr(fitting, "plan_for", lambda *_args: plan)
    ready = open_engine(EngineOptions(weights=weights, device="cpu", compile=True), **SMALL)
    assert ready.compiled is None
    assert "layers brought in one at a time" in ready.notes[0]
    assert "layers take turns" in ready.notes[1]


def test_a_compiled_walk_says_so_in_its_record(options: RunOptions) -> None:
    told: list[RunProgress] = []
    done = walk_photo(replace(options, compile=True), told.append)
    assert done.complete
    assert any(p.message.startswith("compiling the model") for p in told)
    assert next(p.note for p in told if p.note).startswith("The model is compiled")
    about = json.loads((options.out / "walk.json").read_text())
    assert about["drawn_from"]["compiling"] is True
    with pytest.raises(JournalError, match="another compiling"):
        walk_photo(replace(options, resume=True))


def test_a_stop_ends_the_warm_up_too(options: RunOptions) -> None:
    told: list[RunProgress] = []
    done = walk_photo(replace(options, compile=True), told.append, lambda: True)
    assert done.drawn == 0
    assert sum(p.message.startswith("compiling") for p in told) == 1


def test_nobody_above_the_engine_loads_one_otherwise() -> None:
    """Fitting, compiling, codec and device are of one function; the start-up test times imports."""
    loaders = ("Engine.load", "load_fitted", "apply_plan")
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "explorer").rglob("*.py")
        if any(name in path.read_text() for name in loaders)
    }
    assert found == {"explorer/walk/ready.py", "explorer/doctor/startup.py"}


def test_what_is_asked_for_reaches_the_engine(
    monkeypatch: pytest.MonkeyPatch, weights: Path, tmp_path: Path
) -> None:
    """Every class of options gives the opener all four."""
    asked: list[object] = []

    def fitted(*given: object) -> Fitted:
        asked.extend(given)
        return Fitted(Engine.load(weights), MemoryPlan())

    monkeypatch.setattr(module, "load_fitted", fitted)
    given = {"weights": weights, "codec": tmp_path, "device": "cpu", "compile": False}
    for options in (
        RunOptions(tmp_path, tmp_path, **given),
        ReconstructOptions(tmp_path, **given),
        WorldsOptions(tmp_path, **given),
        LoadEngine(EngineOptions(**given)).options,
    ):
        assert open_engine(options, (48, 32), 1).compiled is None
        assert options.engine_options == EngineOptions(**given)
        assert asked == [weights, "cpu", (48, 32), 1, tmp_path]
        asked.clear()
