"""What the store refuses, each in one sentence: servers, files, disks, names."""

from __future__ import annotations

import errno
import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.store import download as download_module
from explorer.store.catalogue import CATALOGUE, Entry, parse_catalogue
from explorer.store.errors import DownloadError, StoreError
from explorer.store.lock_file import FORMAT, LOCK_FILE, VERSION
from explorer.store.store import ModelStore

COMMIT = "a" * 40
WANTED = ["config.json", "model.safetensors", "preprocessor_config.json"]


def fetch(store: ModelStore, **options) -> Path:
    return store.fetch(store.plan("small-depth", **options))


def with_entry(store: ModelStore, **changes) -> ModelStore:
    return ModelStore(store.where, [replace(store.entries[0], **changes)], store._config)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (404, "does not exist"),
        (401, "accepted its terms"),
        (403, "accepted its terms"),
        (418, "was refused"),
        (503, "is busy"),
    ],
)
def test_refusals_are_sentences(store: ModelStore, hub, status: int, sentence: str) -> None:
    hub.status = status
    with pytest.raises(DownloadError, match=sentence):
        store.plan("small-depth")
    hub.status = None
    plan = store.plan("small-depth")
    hub.status = status
    with pytest.raises(DownloadError, match=sentence):
        store.fetch(plan)


def test_no_hub_at_all(store: ModelStore) -> None:
    nowhere = ModelStore(replace(store.where, endpoint="http://127.0.0.1:9"), store.entries)
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9 cannot be reached"):
        nowhere.plan("small-depth")


def test_unsafe_redirects_are_not_followed(store: ModelStore, hub) -> None:
    hub.redirects_to = "ftp://127.0.0.1/model.safetensors"
    with pytest.raises(DownloadError, match="not safe to follow"):
        fetch(store)


def test_something_that_is_no_hub(store: ModelStore, hub, monkeypatch) -> None:
    for answer in (b"<html>", b"[]", b'{"sha": "main", "siblings": []}', b'{"siblings": 3}'):
        monkeypatch.setattr(hub, "listing", lambda _commit, answer=answer: answer)
        with pytest.raises(DownloadError, match=r"did not answer with a list|names no commit"):
            store.plan("small-depth")


def test_pickles_are_refused(store: ModelStore, hub) -> None:
    del hub.commits[COMMIT]["model.safetensors"]
    with pytest.raises(StoreError, match=r"only as pytorch_model.bin.* safetensors only") as told:
        store.plan("small-depth")
    assert "\n" not in str(told.value)
    greedy = with_entry(store, files={"*": None})
    with pytest.raises(StoreError, match=r"pytorch_model\.bin"):
        greedy.plan("small-depth")


def test_only_safe_files_belong_to_a_model(store: ModelStore, hub) -> None:
    greedy = with_entry(store, files={"*": None})
    folder = greedy.fetch(greedy.plan("small-depth"))
    assert sorted(p.name for p in folder.iterdir()) == WANTED
    assert not {"pytorch_model.bin", "README.md"} & set(hub.paths())


def test_a_repository_without_weights_or_with_a_file_missing(store: ModelStore, hub) -> None:
    del hub.commits[COMMIT]["preprocessor_config.json"]
    with pytest.raises(StoreError, match=r"has no preprocessor_config\.json"):
        store.plan("small-depth")
    hub.commits[COMMIT] = {"config.json": b"{}"}
    with pytest.raises(StoreError, match="holds no weights"):
        store.plan("small-depth")


@pytest.mark.parametrize("name", ["../out.json", "/etc/out.json", "a/../../out.json", "c:\\o.json"])
def test_no_file_leaves_its_folder(store: ModelStore, hub, name: str) -> None:
    hub.commits[COMMIT][name] = b"{}"
    greedy = with_entry(store, files={"*": None})
    with pytest.raises(StoreError, match="outside its folder"):
        greedy.plan("small-depth")


def test_another_class_is_noticed_before_its_weights_come(store: ModelStore, hub) -> None:
    hub.commits[COMMIT] = hub.model_files(class_name="BertModel")
    with pytest.raises(StoreError, match="holds a BertModel where small-depth should be a Depth"):
        fetch(store)
    assert "model.safetensors" not in hub.paths()


def test_a_full_disk_is_noticed_before_and_while(
    store: ModelStore, hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = store.plan("small-depth")
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10**6)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _path: usage)
        with pytest.raises(StoreError, match=r"needs 8\d\d kB more, and only 1 MB are free"):
            store.fetch(plan)
    assert hub.paths() == []
    real = download_module._copy

    def full(answer, file, *rest):
        file.write(answer.read(1000))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(download_module, "_copy", full)
        with pytest.raises(DownloadError, match="is full; make room and ask again"):
            store.fetch(plan)
    assert download_module._copy is real
    assert store.fetch(plan).is_dir()


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "x"}', '{"format": "photowalk models"}'])
def test_a_damaged_lock_file_is_a_sentence(store: ModelStore, text: str) -> None:
    store.where.folder.mkdir(parents=True)
    (store.where.folder / LOCK_FILE).write_text(text)
    with pytest.raises(StoreError, match=r"models\.lock\.json (is damaged|was written by)"):
        store.plan("small-depth")


@pytest.mark.parametrize(
    ("name", "path"),
    [("small-depth", "../x.json"), ("small-depth", "/x.json"), ("../up", "a.json")],
)
def test_a_lock_file_names_files_of_the_store_alone(
    store: ModelStore, name: str, path: str
) -> None:
    """They are read, hashed and removed by these names."""
    store.where.folder.mkdir(parents=True)
    file = {"size": 1, "sha256": None, "git_blob": None}
    pins = {name: {"repo": "a/b", "revision": "c", "files": {path: file}}}
    document = {"format": FORMAT, "version": VERSION, "models": pins}
    (store.where.folder / LOCK_FILE).write_text(json.dumps(document))
    with pytest.raises(StoreError, match="names a file outside the store"):
        store.plan("small-depth")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../up"},
        {"files": [{"path": "../x.json", "sha256": None}]},
        {"classes": {"/x": "A"}},
    ],
)
def test_a_catalogue_names_files_of_its_models_alone(change: dict) -> None:
    document = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    document["models"][0] |= change
    with pytest.raises(StoreError, match="names what is no file"):
        parse_catalogue(document)


def test_a_folder_of_the_users_in_the_store_is_not_touched(store: ModelStore, hub, entry) -> None:
    """Not even where it has a model's name, and not what lies beside a model's own files."""
    mine = store.where.folder / entry.name / "model.safetensors"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(StoreError, match="was not fetched by Photowalk"):
        store.fetch(store.plan(entry.name))
    with pytest.raises(StoreError, match="was not fetched by Photowalk"):
        store.remove(entry.name)
    assert mine.read_bytes() == b"mine"
    mine.unlink()
    store.fetch(store.plan(entry.name))
    note = mine.with_name("note.txt")
    note.write_text("mine")
    store.fetch(store.plan(entry.name, update=True))
    store.remove(entry.name)
    assert [p.name for p in mine.parent.iterdir()] == ["note.txt"]
    mine.parent.rename(store.where.folder / "moved")
    mine.parent.symlink_to(store.where.folder / "moved")
    with pytest.raises(StoreError, match="was not fetched by Photowalk"):
        store.fetch(store.plan(entry.name))


def test_unknown_names_are_told_the_known_ones(store: ModelStore, entry: Entry) -> None:
    with pytest.raises(StoreError, match=f"no model and no folder called 'what'.*{entry.name}"):
        store.entry("what")
