"""`train ablations`: encodes worlds once, runs the studies, writes `ablations.json`."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from engine.model.checkpoints import read_checkpoint
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import read_codec
from engine.model.storage import read_model
from engine.training.ablations import couplings
from engine.training.ablations.record import as_table, read_record, write_json, write_record
from engine.training.ablations.study import (
    StudyConfig,
    StudyData,
    StudyProgress,
    StudyResult,
    repeated,
    run_study,
)
from engine.training.ablations.variants import STUDIES, Study, study_named
from engine.training.buffer import SequenceSource, SourceShares
from engine.training.entries import EntryConfig
from engine.training.joint.entries import JointEntry, joint_entry
from engine.training.sequences import SequenceFolder

_STUDY_HELP = f"one alone, by name; {couplings.NAME} trains adapters and runs by itself"


def add_options(command: argparse.ArgumentParser) -> None:
    """What `train ablations` takes."""
    command.add_argument(
        "--codec", type=Path, required=True, help="a codec, a whole model, or a folder of diffusers"
    )
    command.add_argument(
        "--init", type=Path, help="weights that every model starts from; without, from nothing"
    )
    command.add_argument("--worlds", type=Path, action="append", required=True)
    command.add_argument("--held-out", type=Path, required=True, help="worlds of the unseen split")
    command.add_argument("--study", action="append", default=[], help=_STUDY_HELP)
    command.add_argument("--steps", type=int, default=StudyConfig.steps)
    command.add_argument("--seeds", type=int, default=StudyConfig.seeds)
    command.add_argument("--width", type=int, default=StudyConfig.width)
    command.add_argument("--layers", type=int, default=StudyConfig.layers)
    command.add_argument("--batch", type=int, default=StudyConfig.batch)
    command.add_argument("--entries", type=int, default=400, help="encoded runs to learn from")
    command.add_argument("--tests", type=int, default=32, help="encoded runs held out")
    command.add_argument("--size", default="112x64")


def run_ablations(options: argparse.Namespace, size: tuple[int, int]) -> None:
    """`size` (H, W) of the pictures.

    Raises:
        ValueError: an unknown study, or no worlds.
    """
    if options.study == [couplings.NAME]:
        _run_couplings(options, size)
        return
    studies = [study_named(name) for name in options.study] or _all_studies(options.init)
    config = StudyConfig(
        steps=options.steps,
        seeds=options.seeds,
        batch=options.batch,
        width=options.width,
        layers=options.layers,
        learning_rate=options.learning_rate,
    )
    setting = _setting(options, config)
    known = read_record(options.out, setting)
    if known:
        print(f"{len(known)} models of an earlier run in {options.out} are kept", flush=True)
    device = torch.device(options.device)
    codec = read_codec(options.codec).to(device).eval().requires_grad_(False)
    entries = EntryConfig(size=size, depth_error=0.05)
    learned = _encoded(SequenceFolder(options.worlds), options.entries, codec, entries, device, 0)
    tests = _encoded(SequenceFolder([options.held_out]), options.tests, codec, entries, device, 1)
    print(f"{len(learned)} runs to learn from, {len(tests)} held out", flush=True)
    start = None if options.init is None else read_model(options.init)
    data = StudyData(codec, learned, tests, device, start)
    last = repeated(data)
    print(f"repeating the last view: {last.psnr:.2f} dB, {last.camera_error:.2f}°", flush=True)
    results: list[StudyResult] = []
    keep = partial(write_record, options.out, setting, known, results, last)
    progress = StudyProgress(partial(print, flush=True), keep)
    for study in studies:
        results.append(run_study(study, data, config, progress, known))
        keep()
    for result in results:
        print(as_table(result))


def _all_studies(start: Path | None) -> list[Study]:
    """Those that `start` fits: all without it, else those that change no part of the network."""
    gated = [all(variant.camera_gate for variant in study.variants) for study in STUDIES]
    return [s for s, fits in zip(STUDIES, gated, strict=True) if fits or start is None]


def _setting(options: argparse.Namespace, config: StudyConfig) -> dict[str, object]:
    """All that two models must share to be compared; the count of seeds may grow later."""
    given = (options.codec, options.init, *options.worlds, options.held_out)
    folders = [str(path) for path in given if path is not None]
    data = {"files": folders, "entries": options.entries, "tests": options.tests}
    return {k: v for k, v in asdict(config).items() if k != "seeds"} | data | {"size": options.size}


def _run_couplings(options: argparse.Namespace, size: tuple[int, int]) -> None:
    whole = options.codec.is_file() and "transformer" in read_checkpoint(options.codec).config
    if not whole:
        raise ValueError(
            f"{options.codec} holds a codec alone; adapters need the whole model that they are "
            "trained beside"
        )
    config = couplings.CouplingConfig(
        steps=options.steps,
        seeds=options.seeds,
        batch=options.batch,
        learning_rate=options.learning_rate,
        size=size,
    )
    data = couplings.CouplingData(
        SourceShares((SequenceFolder(options.worlds),), (1.0,)),
        SourceShares((SequenceFolder([options.held_out]),), (1.0,)),
        torch.device(options.device),
    )
    model = read_model(options.codec)
    rows = couplings.run_couplings(model, data, config, partial(print, flush=True))
    document = {"config": asdict(config), "rows": [asdict(row) for row in rows]}
    write_json(options.out / "couplings.json", document)
    print(couplings.couplings_table(rows))


def _encoded(
    source: SequenceSource,
    count: int,
    codec: PictureCodec,
    config: EntryConfig,
    device: torch.device,
    seed: int,
) -> list[JointEntry]:
    generator = torch.Generator().manual_seed(seed)
    return [
        joint_entry(source.draw(generator), 3, codec, config, generator, device)
        for _ in range(count)
    ]
