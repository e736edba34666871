"""The parts that a walk leans on: embedded weights, photo readers, the video encoder."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

import assets
from engine.model.weights_folder import file_hash
from explorer.doctor.findings import Finding, Verdict

#: In sha256sum's own format, so that `sha256sum -c SHA256SUMS` checks the same.
HASH_LIST = "SHA256SUMS"
_WEIGHTS = "*.safetensors"


class HashListError(ValueError):
    """A list of hashes that cannot be read."""


def assets_folder() -> Path:
    """Where the embedded weights and sample pictures were installed."""
    return Path(assets.__file__).parent


def read_hash_list(path: Path) -> dict[str, str]:
    """File name to SHA-256 in hex, from lines of `HASH  NAME`.

    Raises:
        HashListError: a line that is none of that, or a name outside the folder.
    """
    hashes: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        digest, _, name = line.partition(" ")
        name = name.lstrip(" *")
        if len(digest) != 64 or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise HashListError(f"{path}, line {number}, is not a SHA-256 and a file name")
        hashes[name] = digest.lower()
    return hashes


def weights_faults(folder: Path) -> list[str]:
    """What is wrong with the embedded weights, one phrase each; empty when all is well."""
    present = {p.relative_to(folder).as_posix() for p in folder.rglob(_WEIGHTS)}
    if not present:
        return [f"there are no weights in {folder}"]
    try:
        hashes = read_hash_list(folder / HASH_LIST)
    except FileNotFoundError:
        return [f"{folder / HASH_LIST} is missing"]
    except HashListError as error:
        return [str(error)]
    faults = [f"{name} is not listed in {HASH_LIST}" for name in sorted(present - set(hashes))]
    for name, expected in sorted(hashes.items()):
        if not (folder / name).is_file():
            faults.append(f"{name} is missing")
        elif file_hash(folder / name) != expected:
            faults.append(f"{name} differs from what was published")
    return faults


def check_weights(folder: Path) -> Finding:
    faults = weights_faults(folder)
    files = sorted(folder.rglob(_WEIGHTS))
    megabytes = sum(p.stat().st_size for p in files) / 1e6
    facts = {"files": [p.name for p in files], "megabytes": round(megabytes, 1), "faults": faults}
    if faults:
        text = f"{'; '.join(faults)}. Install Photowalk again."
        return Finding("Weights", Verdict.PROBLEM, text, facts)
    text = f"{len(files)} files, {megabytes:.1f} MB, every hash as published."
    return Finding("Weights", Verdict.GOOD, text, facts)


def check_video() -> Finding:
    """H.264 comes with PyAV's own FFmpeg; a build without it cannot write video.mp4."""
    import av
    from av.codec.codec import UnknownCodecError

    facts = {"pyav": av.__version__, "encoder": "libx264"}
    try:
        av.Codec("libx264", "w")
    except UnknownCodecError:
        text = f"PyAV {av.__version__} has no H.264 encoder; pip install --force-reinstall av."
        return Finding("Video", Verdict.PROBLEM, text, {**facts, "encoder": None})
    return Finding("Video", Verdict.GOOD, f"H.264 encoder of PyAV {av.__version__}.", facts)


def check_heic() -> Finding:
    if importlib.util.find_spec("pillow_heif") is None:
        text = "No reader for HEIC; other photos open. To mend: pip install pillow-heif."
        return Finding("HEIC", Verdict.NOTE, text, {"pillow_heif": None})
    version = importlib.metadata.version("pillow-heif")
    return Finding("HEIC", Verdict.GOOD, f"pillow-heif {version}.", {"pillow_heif": version})


def is_installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
