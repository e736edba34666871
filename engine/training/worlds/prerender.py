"""Renders walks through worlds to disk: `python -m engine.training.worlds.prerender OUT --count N`.

One uncompressed npz a sequence, named by its seed: rgb uint8 (V, H, W, 3), depth float16 (V, H, W)
in metres (inf = sky), T_world_camera float64 (V, 4, 4), intrinsics float64 (V, 4), caption, family,
seed. Sequences already there are kept, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.training.worlds.families import FAMILIES, REAL_FAMILIES
from engine.training.worlds.meshes.store import Furniture
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import Sequence, sample_sequence

#: Largest finite depth that survives float16.
_FARTHEST = 60000.0


@dataclass(frozen=True)
class Job:
    """What to render.

    Attributes:
        out: folder of the npz files.
        count: sequences, with seeds `start_seed`, `start_seed` + 1, …
        textures: folder of photographs, or None for procedural textures only.
        moving: share of the sequences in which things move, by seed.
        family: of worlds; None draws one for each sequence.
        furniture: folder of catalogues (`.sh3f`), or None for primitive things only.
    """

    out: Path
    count: int
    views: int = 6
    width: int = 256
    height: int = 144
    textures: Path | None = None
    split: str = "train"
    start_seed: int = 0
    workers: int = 1
    device: str = "cpu"
    moving: float = 0.0
    family: str | None = None
    furniture: Path | None = None


def is_moving(seed: int, share: float) -> bool:
    """Whether things move in the sequence of a seed: always the same answer."""
    return (seed * 2654435761 % 2**32) / 2**32 < share


def sequence_path(folder: Path, seed: int) -> Path:
    """Where the sequence of a seed lies."""
    return folder / f"{seed:08d}.npz"


def save_sequence(path: Path, sequence: Sequence) -> None:
    """Writes beside the target, then renames, so that no reader meets half a file."""
    depth = np.where(np.isfinite(sequence.depth), sequence.depth.clip(max=_FARTHEST), np.inf)
    lenses = [c.intrinsics for c in sequence.cameras]
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            np.savez(
                stream,
                rgb=sequence.rgb,
                depth=depth.astype(np.float16),
                T_world_camera=np.stack([c.T_world_camera for c in sequence.cameras]),
                intrinsics=np.array([(k.fx, k.fy, k.cx, k.cy) for k in lenses]),
                caption=np.array(sequence.caption),
                family=np.array(sequence.family),
                seed=np.array(sequence.seed),
            )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_sequence(path: Path) -> Sequence:
    """A file written by `save_sequence`; raises ValueError when it is none."""
    try:
        # numpy leaves a damaged archive's file open when it is given the path.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            cameras = tuple(
                Camera(T, Intrinsics(*(float(v) for v in k)))
                for T, k in zip(data["T_world_camera"], data["intrinsics"], strict=True)
            )
            return Sequence(
                rgb=data["rgb"],
                depth=data["depth"].astype(np.float32),
                cameras=cameras,
                caption=str(data["caption"]),
                family=str(data["family"]),
                seed=int(data["seed"]),
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no rendered sequence ({error}); render it again") from error


def _work(job: Job, worker: int) -> None:
    torch.set_num_threads(1)
    cache = job.out / ".textures.cache" if job.textures is not None else None
    bank = TextureBank.from_folder(job.textures, cache=cache)
    furniture = _furniture(job, bank)
    began, done = time.monotonic(), 0
    for seed in range(job.start_seed + worker, job.start_seed + job.count, job.workers):
        path = sequence_path(job.out, seed)
        if path.exists():
            continue
        sequence = sample_sequence(
            seed,
            job.views,
            job.height,
            job.width,
            job.split,
            bank,
            job.device,
            family=job.family,
            moving=is_moving(seed, job.moving),
            furniture=furniture,
        )
        save_sequence(path, sequence)
        done += 1
        if done % 50 == 0:
            rate = done * job.views / (time.monotonic() - began)
            print(f"worker {worker}: {done} sequences, {rate:.1f} views/s", flush=True)


def _furniture(job: Job, bank: TextureBank) -> Furniture | None:
    """The job's real things, packed beside the pictures where they are not yet."""
    if job.furniture is None:
        return None
    return Furniture.from_folder(job.furniture, job.out / ".furniture.cache", bank.size)


def prerender(job: Job) -> None:
    """Renders what is missing of a job, on `workers` processes of one thread each."""
    job.out.mkdir(parents=True, exist_ok=True)
    if job.workers <= 1:
        _work(job, 0)
        return
    if job.textures is not None:  # once, before the workers read it
        TextureBank.from_folder(job.textures, cache=job.out / ".textures.cache")
    if job.furniture is not None:
        _furniture(job, TextureBank.from_folder(None))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_work, args=(job, i)) for i in range(job.workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    failed = [p.exitcode for p in processes if p.exitcode]
    if failed:
        raise RuntimeError(f"{len(failed)} of {job.workers} workers failed; run again to go on")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 256x144") from None
    if min(size) <= 0 or size[0] % 8 or size[1] % 8:
        raise argparse.ArgumentTypeError(f"{text}: width and height must be multiples of 8")
    return size


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="prerender", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder for the npz files")
    parser.add_argument("--count", type=int, required=True, help="sequences to render")
    parser.add_argument("--views", type=int, default=6, help="views of each walk")
    parser.add_argument("--size", type=_size, default=(256, 144), help="WIDTHxHEIGHT")
    parser.add_argument("--textures", type=Path, help="folder of photographs")
    parser.add_argument("--split", choices=("train", "unseen"), default="train")
    parser.add_argument("--start-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--moving", type=float, default=0.0, help="share with moving things")
    parser.add_argument(
        "--family",
        choices=sorted({**FAMILIES, **REAL_FAMILIES}),
        help="of worlds; else all of them",
    )
    parser.add_argument("--furniture", type=Path, help="folder of furniture catalogues (.sh3f)")
    a = parser.parse_args(arguments)
    if a.family in REAL_FAMILIES and a.furniture is None:
        parser.error(f"--family {a.family} needs real things: state their folder by --furniture")
    if a.furniture is not None and not all(map(importlib.util.find_spec, ("trimesh", "embreex"))):
        parser.error('--furniture needs trimesh and embreex: pip install ".[worlds]"')
    if a.furniture is not None and not sorted(a.furniture.glob("*.sh3f")):
        parser.error(f"no furniture catalogue (.sh3f) in the folder {a.furniture}")
    job = Job(
        out=a.out,
        count=a.count,
        views=a.views,
        width=a.size[0],
        height=a.size[1],
        textures=a.textures,
        split=a.split,
        start_seed=a.start_seed,
        workers=a.workers,
        device=a.device,
        moving=a.moving,
        family=a.family,
        furniture=a.furniture,
    )
    try:
        prerender(job)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"prerender: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
