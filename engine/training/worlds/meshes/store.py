"""Packed catalogues: one npz each, written once, read thing by thing."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from engine.training.worlds.meshes.catalogue import read_catalogue
from engine.training.worlds.meshes.kinds import sorted_by_kind
from engine.training.worlds.meshes.model import Label, Model
from engine.training.worlds.meshes.packing import PackingConfig, pack_catalogue

_VERSION = 2
_UNSEEN_SHARE = 8
#: Held out as a whole: other makers build other things.
UNSEEN_CATALOGUES = frozenset({"KatorLegaz"})
_ARRAYS = ("vertices", "normals", "uv", "faces", "part", "materials", "textures", "cutout")


def is_unseen(label: Label) -> bool:
    """Whether training never sees a thing: whole catalogues, and an eighth of the others."""
    if label.catalogue in UNSEEN_CATALOGUES:
        return True
    return hashlib.sha256(label.key.encode()).digest()[0] % _UNSEEN_SHARE == 0


@dataclass(frozen=True, eq=False)
class Furniture:
    """Real things by split and kind.

    Attributes:
        train, unseen: kind (`kinds.KINDS`) → labels, disjoint.
    """

    train: dict[str, tuple[Label, ...]]
    unseen: dict[str, tuple[Label, ...]]
    _files: dict[str, tuple[NpzFile, int]] = field(repr=False)

    @staticmethod
    def from_folder(folder: Path | str, cache: Path | str, size: int = 128) -> Furniture:
        """Catalogues (`.sh3f`) in a folder; those not yet packed are, into the folder `cache`.

        Args:
            size: pixels along a side of textures, as the world's bank has.

        Raises ValueError when the folder holds no catalogue, or one that cannot be read.
        """
        paths = sorted(Path(folder).glob("*.sh3f"))
        if not paths:
            raise ValueError(f"no furniture catalogue (.sh3f) in the folder {folder}")
        packs = [_pack(path, Path(cache), size) for path in paths]
        labels: list[Label] = []
        files = {}
        for pack in packs:
            held = np.load(pack, allow_pickle=False)
            mine = _labels(held)
            files.update({label.key: (held, i) for i, label in enumerate(mine)})
            labels += mine
        seen, unseen = (tuple(x for x in labels if is_unseen(x) is u) for u in (False, True))
        return Furniture(sorted_by_kind(seen), sorted_by_kind(unseen), files)

    def of_kind(self, split: str, kind: str) -> tuple[Label, ...]:
        """Labels of a kind in a split; may be empty. Raises KeyError for unknown kinds."""
        return (self.train if split == "train" else self.unseen)[kind]

    def model(self, label: Label) -> Model:
        """The thing itself; the last ones that were asked for are kept."""
        return _model(self, label)


@functools.lru_cache(maxsize=192)
def _model(furniture: Furniture, label: Label) -> Model:
    file, i = furniture._files[label.key]
    arrays = {name: file[f"{i}/{name}"] for name in _ARRAYS}
    arrays["normals"] = arrays["normals"].astype(np.float32) / 127
    return Model(label, **arrays)


def _labels(held: NpzFile) -> list[Label]:
    columns = [held[k].tolist() for k in ("keys", "names", "categories", "sizes", "numbers")]
    home = str(held["catalogue"])
    return [
        Label(key, home, name, category, (w, d, h), elevation, top, int(faces))
        for key, name, category, (w, d, h), (elevation, top, faces) in zip(*columns, strict=True)
    ]


def _pack(path: Path, cache: Path, size: int) -> Path:
    """The packed file of a catalogue, written where it is not there yet."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    target = cache / f"{path.stem}-{digest}-{size}-{_VERSION}.npz"
    if target.exists():
        return target
    models = pack_catalogue(read_catalogue(path), PackingConfig(size))
    arrays = {
        f"{i}/{name}": getattr(model, name) for i, model in enumerate(models) for name in _ARRAYS
    }
    for name in arrays:
        if name.endswith("/normals"):
            arrays[name] = np.round(arrays[name] * 127).astype(np.int8)
    labels = [m.label for m in models]
    cache.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=cache, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(
                stream,
                catalogue=np.array(path.stem),
                keys=np.array([x.key for x in labels]),
                names=np.array([x.name for x in labels]),
                categories=np.array([x.category for x in labels]),
                sizes=np.array([x.size for x in labels]),
                numbers=np.array([(x.elevation, x.top, x.faces) for x in labels]),
                **arrays,
            )
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    return target
