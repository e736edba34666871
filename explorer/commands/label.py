"""`photowalk label`: depth for training, from a depth model of others."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explorer.commands.options import DEVICE, FILE, picture_size

if TYPE_CHECKING:
    from explorer.labels.work import Labelled

TEACHER = "--depth-teacher"
#: Options of `train model` whose folders a teacher labels.
_FOLDERS = ("--photos", "--videos", "--posed")
_INTERRUPTED = 130


@click.command()
@click.argument("folder", type=FILE)
@click.option("--depth-prior", required=True, metavar="MODEL", help="A depth model, or its folder.")
@click.option(
    "--depth-kind",
    type=click.Choice(["inverse", "relative", "metric", "canonical"]),
    help="What that model's output is.",
)
@click.option("--out", type=FILE, required=True, help="Folder for the labelled pictures.")
@click.option("--size", callback=picture_size, default="512x288", show_default=True, metavar="WxH")
@click.option(
    "--every",
    type=click.FloatRange(0.01),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two frames of a video that has no cameras.",
)
@DEVICE
def label(**given: Any) -> None:
    """Label the photos, videos and posed clips of FOLDER with depth, to train on.

    Stopped, the same command goes on. `photowalk train model` takes the result as --photos,
    --videos or --posed.
    """
    done = _labelled(**given)
    click.echo(done)
    if not done.complete:
        sys.exit(_INTERRUPTED)


def _labelled(
    folder: Path,
    depth_prior: str,
    out: Path,
    depth_kind: str | None = None,
    size: tuple[int, int] = (512, 288),
    every: float = 1.0,
    device: str = "auto",
) -> Labelled:
    from engine.model.devices import require_device
    from explorer.labels.work import LabelOptions, label_folder
    from explorer.priors.choice import open_prior
    from explorer.priors.prior import DepthPrior
    from explorer.terminal import progress_bar, stop_requests
    from explorer.walk.run_options import RunOptions

    options = RunOptions(folder, out, device=require_device(device), depth_kind=depth_kind)
    prior = open_prior(depth_prior, options)
    assert isinstance(prior, DepthPrior)
    with stop_requests() as stop, progress_bar() as show:
        return label_folder(LabelOptions(folder, out, size, every), prior, show, stop.is_set)


def taught(arguments: Sequence[str]) -> list[str]:
    """The arguments of `train` with a `--depth-teacher` carried out: its folders are labelled.

    The labels go to `OUT/labels/…` and take the places of the folders that were named. The engine
    cannot do it, since models of others are above it; so it is done before the engine is called.

    Raises:
        ValueError: no folder or no --out is named, or several processes were started.
    """
    given = _apart(arguments)
    teacher = _taken(given, TEACHER)
    if teacher is None:
        return given
    out, device = _value(given, "--out"), _value(given, "--device")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError(f"label with `photowalk label` first: {TEACHER} works in one process only")
    places = [i for i, word in enumerate(given[:-1]) if word in _FOLDERS]
    if out is None or not places:
        raise ValueError(
            f"{TEACHER} labels the folders of {', '.join(_FOLDERS)}; give one and --out"
        )
    for place in places:
        folder = Path(given[place + 1])
        target = Path(out) / "labels" / f"{given[place].strip('-')}-{folder.resolve().name}"
        done = _labelled(folder, teacher, target, device=device or "auto")
        click.echo(done)
        if not done.complete:
            raise click.Abort
        given[place + 1] = str(target)
    return given


def _apart(words: Sequence[str]) -> list[str]:
    """`--photos=DIR` as two words, as the others are written."""
    found: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        found += [name, value] if equals and name in _FOLDERS else [word]
    return found


def _value(words: Sequence[str], name: str) -> str | None:
    """Of an option written `--name value` or `--name=value`."""
    for i, word in enumerate(words):
        if word == name and i + 1 < len(words):
            return words[i + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _taken(words: list[str], name: str) -> str | None:
    """As `_value`, and the option is gone."""
    value = _value(words, name)
    for i, word in enumerate(words):
        if word == name:
            del words[i : i + 2]
            break
        if word.startswith(f"{name}="):
            del words[i]
            break
    return value
