"""Models are fetched whole or not at all, gone on with after a stop, and checked byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.store.errors import DownloadError, NotFetchedError, OfflineError, StoreError
from explorer.store.lock_file import read_pins
from explorer.store.store import FetchProgress, ModelStore, State

COMMIT = "a" * 40
LATER = "b" * 40
WANTED = ["config.json", "model.safetensors", "preprocessor_config.json"]


def fetch(store: ModelStore, **options) -> Path:
    return store.fetch(store.plan("small-depth", **options))


def with_entry(store: ModelStore, **changes) -> ModelStore:
    return ModelStore(store.where, [replace(store.entries[0], **changes)], store._config)


def test_a_model_arrives_whole(store: ModelStore, hub) -> None:
    told: list[FetchProgress] = []
    plan = store.plan("someone/small-depth")  # by its repository, in any case
    size = sum(len(hub.commits[COMMIT][name]) for name in WANTED)
    assert (plan.missing, plan.pin.listing.size, plan.newly_pinned) == (size, size, True)
    assert hub.paths() == []  # nothing is fetched by looking
    folder = store.fetch(plan, told.append)
    assert sorted(p.name for p in folder.iterdir()) == WANTED
    for name in WANTED:
        assert (folder / name).read_bytes() == hub.commits[COMMIT][name]
    assert hub.paths()[-1] == "model.safetensors"
    done = [p.done for p in told]
    assert done == sorted(done)
    assert (told[-1].done, told[-1].total) == (size, size)
    pin = read_pins(store.where.folder)["small-depth"]
    assert pin.listing.revision == COMMIT
    hashes = {f.path: f.sha256 for f in pin.listing.files}
    assert hashes == {n: hashlib.sha256(hub.commits[COMMIT][n]).hexdigest() for n in WANTED}
    assert store.state(store.entries[0]) is State.HERE
    assert store.folder("small-depth") == folder
    assert store.faults("small-depth") == []


def test_what_is_here_is_not_asked_for_again(store: ModelStore, hub) -> None:
    fetch(store)
    hub.asked.clear()
    assert store.plan("small-depth").missing == 0
    fetch(store)
    assert hub.asked == []


def test_a_cut_connection_goes_on_where_it_was(store: ModelStore, hub) -> None:
    hub.cuts = [300_000, 200_000]
    folder = fetch(store)
    assert (folder / "model.safetensors").read_bytes() == hub.commits[COMMIT]["model.safetensors"]
    ranges = [r for path, r in hub.asked if path.endswith("model.safetensors")]
    assert ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_a_stopped_download_goes_on_with_the_same_commit(store: ModelStore, hub) -> None:
    """Ctrl-C in the middle; meanwhile the hub has a newer commit."""

    def stop(progress: FetchProgress) -> None:
        if progress.done > 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch(store.plan("small-depth"), stop)
    assert store.state(store.entries[0]) is State.PARTIAL
    (part,) = (store.where.folder / "small-depth").glob(".*.part")
    arrived = part.stat().st_size
    assert 300_000 < arrived < 800_000
    with pytest.raises(NotFetchedError):
        store.folder("small-depth")
    hub.commits[LATER], hub.newest = hub.model_files(seed=1), LATER
    hub.asked.clear()
    plan = store.plan("small-depth")
    assert plan.pin.listing.revision == COMMIT
    assert plan.missing == len(hub.commits[COMMIT]["model.safetensors"]) - arrived
    folder = store.fetch(plan)
    assert hub.asked == [
        (f"/{plan.entry.repo}/resolve/{COMMIT}/model.safetensors", f"bytes={arrived}-")
    ]
    assert (folder / "model.safetensors").read_bytes() == hub.commits[COMMIT]["model.safetensors"]
    assert list(folder.glob(".*")) == []


def test_a_server_without_ranges_begins_anew(store: ModelStore, hub) -> None:
    hub.cuts, hub.ignores_ranges = [500_000], True
    folder = fetch(store)
    assert (folder / "model.safetensors").read_bytes() == hub.commits[COMMIT]["model.safetensors"]


def test_a_connection_that_brings_nothing_is_given_up(store: ModelStore, hub) -> None:
    hub.cuts = [100_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="what arrived is kept, ask again"):
        fetch(store)
    assert store.plan("small-depth").missing < 750_000


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_file_is_not_kept(store: ModelStore, hub, name: str) -> None:
    good = hub.commits[COMMIT][name]
    hub.sends[name] = good[:-2] + b"xx"
    with pytest.raises(DownloadError, match=f"{name} arrived damaged"):
        fetch(store)
    folder = store.where.folder / "small-depth"
    assert not (folder / name).exists()
    assert list(folder.glob(".*")) == []
    hub.sends.clear()
    assert (fetch(store) / name).read_bytes() == good


def test_a_file_that_is_too_long_is_not_kept(store: ModelStore, hub) -> None:
    hub.sends["model.safetensors"] = hub.commits[COMMIT]["model.safetensors"] + b"more"
    with pytest.raises(DownloadError, match=r"larger than the 8.* bytes that the hub states"):
        fetch(store)


def test_a_part_longer_than_the_file_begins_anew(store: ModelStore, hub) -> None:
    plan = store.plan("small-depth")
    hub.cuts = [10, 0, 0, 0]
    with pytest.raises(DownloadError):
        store.fetch(plan)
    (part,) = (store.where.folder / "small-depth").glob(".*.part")
    part.write_bytes(b"x" * 2_000_000)
    assert store.faults("small-depth")
    fetch(store)
    assert store.faults("small-depth") == []


def test_a_known_revision_and_known_hashes_hold(store: ModelStore, hub) -> None:
    hub.commits[LATER], hub.newest = hub.model_files(seed=1), LATER
    pinned = with_entry(store, revision=COMMIT)
    plan = pinned.plan("small-depth")
    assert (plan.pin.listing.revision, plan.newly_pinned) == (COMMIT, False)
    other = hashlib.sha256(hub.weights(5)).hexdigest()
    wrong = with_entry(store, files={"config.json": None, "model.safetensors": other})
    with pytest.raises(StoreError, match=r"another model\.safetensors than the one that is known"):
        wrong.plan("small-depth")


def test_an_update_takes_the_newest_commit(store: ModelStore, hub) -> None:
    fetch(store)
    hub.commits[LATER], hub.newest = hub.model_files(seed=1), LATER
    assert store.plan("small-depth").missing == 0
    folder = fetch(store, update=True)
    assert (folder / "model.safetensors").read_bytes() == hub.commits[LATER]["model.safetensors"]
    assert (folder / "config.json").read_bytes() == hub.commits[LATER]["config.json"]
    assert store.faults("small-depth") == []


def test_offline_fetches_nothing_but_uses_what_is_here(store: ModelStore, hub) -> None:
    offline = ModelStore(replace(store.where, offline="HF_HUB_OFFLINE"), store.entries)
    with pytest.raises(OfflineError, match="HF_HUB_OFFLINE is set, so small-depth is not fetched"):
        offline.plan("small-depth")
    fetch(store)
    hub.asked.clear()
    assert offline.folder("small-depth").is_dir()
    assert offline.plan("small-depth").missing == 0
    assert offline.faults("small-depth") == []
    (offline.folder("small-depth") / "config.json").unlink()
    with pytest.raises(OfflineError):
        offline.fetch(offline.plan("small-depth"))
    assert hub.asked == []


def test_faults_are_named(store: ModelStore) -> None:
    folder = fetch(store)
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    (folder / "config.json").write_text("{}")
    (folder / "preprocessor_config.json").unlink()
    faults = " ".join(store.faults("small-depth"))
    assert "model.safetensors differs" in faults
    assert "config.json has 2 bytes instead of" in faults
    assert "preprocessor_config.json is missing" in faults


def test_a_removed_model_comes_back_as_it_was(store: ModelStore, hub) -> None:
    folder = fetch(store)
    assert store.remove("small-depth") == store.plan("small-depth").pin.listing.size
    assert not folder.exists()
    with pytest.raises(NotFetchedError, match="photowalk models get small-depth"):
        store.folder("small-depth")
    with pytest.raises(NotFetchedError):
        store.remove("small-depth")
    hub.commits[LATER], hub.newest = hub.model_files(seed=1), LATER
    assert store.plan("small-depth").pin.listing.revision == COMMIT


def test_two_processes_do_not_fetch_the_same_model(store: ModelStore) -> None:
    def second(_progress: FetchProgress) -> None:
        who = r"another Photowalk \(process \d+, since .*\)"
        with pytest.raises(StoreError, match=f"{who} is fetching small-depth"):
            store.fetch(store.plan("small-depth"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch(store.plan("small-depth"), second)
    assert fetch(store).is_dir()
