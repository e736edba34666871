"""The photo of a session, kept beside its journal so that the walk needs no other file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.geometry.cameras import Intrinsics
from engine.model.inner_files import OutsideError, own_file
from explorer.walk.arrays_file import save_arrays
from explorer.walk.files import atomic_path
from explorer.walk.journal import JournalError
from explorer.walk.photo import Photo
from memory.pictures.picture import RGB, Picture

PHOTO = "photo.npz"


def write_photo(folder: Path, photo: Photo) -> None:
    """Writes the photo at both sizes, with its lens and its story."""
    k = photo.intrinsics
    about = {
        "original": [photo.original_width, photo.original_height],
        "intrinsics": [k.fx, k.fy, k.cx, k.cy],
        "source_name": photo.source_name,
        "lens_source": photo.lens_source,
        "notes": list(photo.notes),
    }
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / PHOTO) as path:
        arrays = {"rgb": photo.rgb, "about": text}
        if photo.picture is not None:
            arrays |= Picture(photo.picture).stored()
        save_arrays(path, arrays, (RGB,))


def read_photo(folder: Path) -> Photo:
    """Reads what `write_photo` wrote.

    Raises:
        JournalError: there is none, or it is damaged.
    """
    try:
        path = own_file(folder, PHOTO)
    except OutsideError as error:
        raise JournalError(f"{error}; it is not read as the photo of a walk") from error
    if not path.exists():
        raise JournalError(f"{folder} holds no photo of a walk to go on with")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            rgb, about = arrays["rgb"], json.loads(arrays["about"].tobytes())
            picture = Picture.read({name: arrays[name] for name in arrays.files if name == RGB})
        width, height = about["original"]
        return Photo(
            rgb,
            width,
            height,
            Intrinsics(*about["intrinsics"]),
            str(about["source_name"]),
            str(about["lens_source"]),
            tuple(about["notes"]),
            picture=None if picture is None else picture.rgb,
        )
    except Exception as error:  # zip, numpy and JSON each have their own errors for damage
        raise JournalError(f"{path} is damaged") from error
