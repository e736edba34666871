"""`train ablations`: encodes worlds once, runs the studies, writes `ablations.json`."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import read_codec
from engine.training.ablations.study import (
    StudyConfig,
    StudyData,
    StudyResult,
    run_study,
)
from engine.training.ablations.variants import STUDIES, study_named
from engine.training.buffer import SequenceSource
from engine.training.entries import EntryConfig
from engine.training.joint.entries import JointEntry, joint_entry
from engine.training.sequences import SequenceFolder

_MEASURES = (("psnr", "PSNR, dB"), ("camera_error", "camera, °"), ("step_seconds", "s a step"))


def add_options(command: argparse.ArgumentParser) -> None:
    """What `train ablations` takes."""
    command.add_argument(
        "--codec", type=Path, required=True, help="a codec, a whole model, or a folder of diffusers"
    )
    command.add_argument("--worlds", type=Path, action="append", required=True)
    command.add_argument("--held-out", type=Path, required=True, help="worlds of the unseen split")
    command.add_argument("--study", action="append", default=[], help="one alone, by name")
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
    studies = [study_named(name) for name in options.study] or list(STUDIES)
    config = StudyConfig(
        steps=options.steps,
        seeds=options.seeds,
        batch=options.batch,
        width=options.width,
        layers=options.layers,
        learning_rate=options.learning_rate,
    )
    device = torch.device(options.device)
    codec = read_codec(options.codec).to(device).eval().requires_grad_(False)
    entries = EntryConfig(size=size, depth_error=0.05)
    learned = _encoded(SequenceFolder(options.worlds), options.entries, codec, entries, device, 0)
    tests = _encoded(SequenceFolder([options.held_out]), options.tests, codec, entries, device, 1)
    print(f"{len(learned)} runs to learn from, {len(tests)} held out", flush=True)
    data = StudyData(codec, learned, tests, device)
    results = []
    for study in studies:
        results.append(run_study(study, data, config, lambda line: print(line, flush=True)))
        _write(options.out, results, config)
    for result in results:
        print(as_table(result))


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


def as_table(result: StudyResult) -> str:
    """Mean and spread of every variant, as text."""
    lines = [f"{result.study} ({result.source}; found there: {result.expected})"]
    lines.append("  " + " ".join([f"{'':26}", *(f"{title:>18}" for _, title in _MEASURES)]))
    for variant in result.variants:
        cells = [
            f"{variant.mean(measure):9.3f} ± {variant.spread(measure):6.3f}"
            for measure, _ in _MEASURES
        ]
        lines.append("  " + " ".join([f"{variant.name:26}", *cells]))
    return "\n".join(lines)


def _write(out: Path, results: Sequence[StudyResult], config: StudyConfig) -> None:
    out.mkdir(parents=True, exist_ok=True)
    document = {
        "config": asdict(config),
        "studies": [
            asdict(result)
            | {
                "rows": [
                    {
                        "name": v.name,
                        **{m: _finite(v.mean(m)) for m, _ in _MEASURES},
                        **{f"{m}_spread": _finite(v.spread(m)) for m, _ in _MEASURES},
                    }
                    for v in result.variants
                ]
            }
            for result in results
        ],
    }
    temporary = out / "ablations.json.part"
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, out / "ablations.json")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
