"""From the command line: a prior is asked for, preferred, missing, kept; and walks two views."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import main as command_line
from engine.model.weights_folder import file_hash
from engine.queries import Engine
from explorer.priors.choice import PREFERRED_VARIABLE, prior_for
from explorer.priors.kinds import DepthKind
from explorer.store.catalogue import embedded_catalogue
from explorer.store.errors import NotFetchedError, StoreError
from explorer.store.hub import HubFile, Listing
from explorer.store.lock_file import Pin, write_pin
from explorer.store.places import Places
from explorer.store.store import ModelStore
from explorer.walk.journal import read_journal
from explorer.walk.run import JOURNAL_FOLDER, walk_photo
from explorer.walk.run_options import RunOptions

ROOT = Path(__file__).resolve().parents[3]
PHOTO = ROOT / "assets" / "samples" / "room.png"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load()


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(
        photo=PHOTO,
        out=tmp_path / "out",
        path="forward",
        views=2,
        model_size=(96, 48),
        steps=1,
        depth_steps=1,
    )


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(Places(tmp_path / "store", "http://127.0.0.1:9"))


def silent(_note: str) -> None:
    raise AssertionError("nothing was to be told")


@pytest.mark.parametrize("name", ["depth-anything", "dpt", "zoedepth"])
def test_a_users_folder_walks_two_views(
    saved_models: Path, options: RunOptions, engine: Engine, name: str
) -> None:
    options = replace(options, depth_prior=str(saved_models / name))
    prior = prior_for(options, silent)
    assert walk_photo(options, None, None, engine, prior).complete
    about = json.loads((options.out / "walk.json").read_text())
    assert about["drawn_from"]["depth prior"] == prior.identity
    assert len(about["views"]) == 3
    assert about["views"][0]["seconds"]["depth prior"] > 0
    if prior.kind is DepthKind.METRIC:
        assert about["scene_scale"] == pytest.approx(_median(options.out), rel=1e-5)
    else:
        assert about["scene_scale"] == pytest.approx(1.0, rel=1e-3)
    assert prior._model is None


def _median(out: Path) -> float:
    depth = read_journal(out / JOURNAL_FOLDER).views[0].view.depth
    return float(np.median(depth[np.isfinite(depth)]))


def test_resuming_needs_no_prior_once_the_photo_has_its_depth(
    folder, options: RunOptions, engine: Engine
) -> None:
    path = folder("dpt")
    asked = replace(options, depth_prior=str(path))
    prior = prior_for(asked, silent)
    stop = iter([False] * 3 + [True] * 99)
    assert not walk_photo(asked, None, lambda: next(stop), engine, prior).complete
    shutil.rmtree(path)
    resumed = replace(options, resume=True)
    assert prior_for(resumed, silent, None, {PREFERRED_VARIABLE: "dpt-large"}) is None
    assert walk_photo(resumed, engine=engine).complete
    about = json.loads((options.out / "walk.json").read_text())
    assert about["drawn_from"]["depth prior"] == prior.identity


def test_a_walk_that_stopped_before_its_first_depth_needs_it_again(
    folder, options: RunOptions, engine: Engine, store: ModelStore
) -> None:
    asked = replace(options, depth_prior=str(folder("dpt")), depth_kind="relative")
    walk_photo(asked, None, lambda: True, engine, prior_for(asked, silent))
    resumed = replace(options, resume=True)
    found = prior_for(resumed, silent, store)
    assert found is not None
    assert found.identity["kind"] == "relative"
    (options.out.parent / "elsewhere").mkdir()
    moved = Path(asked.depth_prior or "").rename(options.out.parent / "elsewhere" / "dpt")
    with pytest.raises(StoreError, match="begun with the depth prior 'dpt'; name it again"):
        prior_for(resumed, silent, store)
    asked = replace(asked, depth_prior=str(moved))
    again = replace(asked, resume=True)
    assert walk_photo(again, None, None, engine, prior_for(again, silent)).complete


def test_a_model_of_the_store(folder, options: RunOptions, store: ModelStore) -> None:
    asked = replace(options, depth_prior="dpt-large")
    with pytest.raises(NotFetchedError, match=r"1\.37 GB, Apache-2\.0.*models get dpt-large"):
        prior_for(asked, silent, store)
    target = store.where.folder / "dpt-large"
    shutil.copytree(folder("dpt"), target)
    names = ("config.json", "preprocessor_config.json", "model.safetensors")
    files = (HubFile(n, (target / n).stat().st_size, file_hash(target / n)) for n in names)
    write_pin(store.where.folder, "dpt-large", Pin("Intel/dpt-large", Listing("0", tuple(files))))
    for name in ("dpt-large", "Intel/dpt-large"):
        prior = prior_for(replace(asked, depth_prior=name), silent, store)
        assert prior.identity["model"] == "dpt-large"


def test_nothing_asked_and_nothing_preferred(options: RunOptions, store: ModelStore) -> None:
    assert prior_for(options, silent, store, {}) is None


def test_a_preferred_prior_may_be_missing(folder, options: RunOptions, store: ModelStore) -> None:
    told: list[str] = []
    assert prior_for(options, told.append, store, {PREFERRED_VARIABLE: "dpt-large"}) is None
    (note,) = told
    assert "models get dpt-large" in note
    assert "drawn by our own model" in note
    env = {PREFERRED_VARIABLE: str(folder("dpt"))}
    assert prior_for(options, silent, store, env).identity["model"] == "dpt"


def test_an_unknown_prior_names_the_known(options: RunOptions, store: ModelStore) -> None:
    with pytest.raises(StoreError, match="no model and no folder called 'nothing'") as told:
        prior_for(replace(options, depth_prior="nothing"), silent, store)
    assert all(entry.name in str(told.value) for entry in embedded_catalogue())


def test_the_command_line_knows_every_kind() -> None:
    assert [kind.value for kind in DepthKind] == command_line.DEPTH_KINDS


def test_the_command_line(folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    walk = ["walk", str(PHOTO), "--views", "1", "--model-size", "96x48", "--steps", "1"]
    walk += ["--depth-steps", "1", "--path", "forward", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as end:
        command_line.main([*walk, "--depth-prior", str(tmp_path / "none")])
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    path = folder("dpt")
    with pytest.raises(SystemExit) as end:
        command_line.main([*walk, "--depth-prior", str(path), "--depth-kind", "metric"])
    assert not end.value.code
    about = json.loads((tmp_path / "out" / "walk.json").read_text())
    assert about["drawn_from"]["depth prior"]["kind"] == "metric"
