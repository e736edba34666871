"""The folders that a user names, as sources of sequences with their shares."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from engine.model.text import Tokenizer
from engine.training.buffer import Offer, SequenceSource, SourceShares
from engine.training.real_pictures import photo_sources, posed_sources, video_sources
from engine.training.sequences import RgbdFolder, SequenceFolder

#: Share of the draws that real pictures get beside rendered worlds, where nothing else is said.
REAL_SHARE = 0.1


def add_real_pictures(command: argparse.ArgumentParser) -> None:
    """Options that name real pictures, beside `--worlds` and `--rgbd`."""
    posed = (
        "videos with cameras as RealEstate10K has them: NAME.txt beside a folder NAME of frames "
        "or a video NAME.mp4; with depth where `photowalk label` left it"
    )
    kinds = {
        "--posed": posed,
        "--photos": "photos, with depth where they are labelled",
        "--videos": "videos without cameras, or their labels",
    }
    for name, told in kinds.items():
        command.add_argument(name, type=Path, action="append", default=[], help=told)
    command.add_argument(
        "--real-share", type=float, default=REAL_SHARE, help="of real pictures beside --worlds"
    )


def scene_sources(options: argparse.Namespace) -> SourceShares:
    """Rendered worlds get most of the draws, real pictures the rest.

    Raises:
        ValueError: no folder is named, or one holds nothing.
    """
    real: list[SequenceSource] = [RgbdFolder(folder, views=6) for folder in options.rgbd]
    kinds: list[tuple[str, Callable[[Path], list[SequenceSource]]]] = [
        ("posed", posed_sources),
        ("photos", photo_sources),
        ("videos", video_sources),
    ]
    for name, find in kinds:
        for folder in getattr(options, name, []):
            real += find(folder)
    worlds: list[SequenceSource] = [SequenceFolder(options.worlds)] if options.worlds else []
    if not worlds and not real:
        raise ValueError("the model needs scenes: give --worlds, --rgbd, --posed or --photos")
    part = getattr(options, "real_share", REAL_SHARE)
    if not 0.0 < part < 1.0:
        raise ValueError(f"--real-share must lie between 0 and 1, not {part}")
    shares = [1.0 - part] * len(worlds) + [part / max(1, len(real))] * len(real)
    return SourceShares((*worlds, *real), tuple(shares))


def have_pictures_without_depth(sources: SourceShares) -> bool:
    return sources.can(Offer(depth=False, cameras=False))


def new_words(folders: Sequence[Path], known: Tokenizer) -> Tokenizer:
    """The tokenizer with the words of a sample of captions appended, so that old ids stay."""
    generator = torch.Generator().manual_seed(0)
    folder = SequenceFolder(folders) if folders else None
    captions = [folder.draw(generator).caption for _ in range(300)] if folder else []
    found = Tokenizer.from_captions(captions).vocabulary
    return Tokenizer([*known.vocabulary, *(w for w in found if w not in known.vocabulary)])
