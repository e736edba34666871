"""Named arrays in one file that `np.load` reads: a zip of .npy members, without pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Higher ones take several times as long for a few per cent of pictures of the model's size.
_DEFLATE = 1


def save_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], compressed: Collection[str] = ()
) -> None:
    """
    Args:
        compressed: names of arrays that hold the bytes of compressed files already; those are
            stored as they are.

    Raises:
        ValueError: an array holds objects.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            how = zipfile.ZIP_STORED if name in compressed else zipfile.ZIP_DEFLATED
            # Without a time of its own, so that equal arrays make equal files.
            about = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(about, member.getbuffer(), how, _DEFLATE)
