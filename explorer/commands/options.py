"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)
RESULTS = "Folder for results."

DEVICE = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, cuda, cuda:1, ...; auto is CUDA where it works, else cpu.",
)


def size_options(run: Callable[..., Any]) -> Callable[..., Any]:
    """The two sizes of a walk; see `explorer.walk.sizes.Sizes`."""
    options = (
        click.option(
            "--size",
            "picture_size",
            callback=picture_size,
            metavar="WxH",
            help="Of the pictures, as a number of pixels; by default the photo's own, up to "
            "1280x720 on a CPU and 1920x1080 on a GPU.",
        ),
        click.option(
            "--model-size",
            callback=picture_size,
            default="256x144",
            show_default=True,
            metavar="WxH",
            help="What the model draws.",
        ),
    )
    for option in reversed(options):
        run = option(run)
    return run


def engine_options(run: Callable[..., Any]) -> Callable[..., Any]:
    """What is drawn with, of every command that draws; see `explorer.walk.ready.EngineOptions`."""
    options = (
        click.option("--weights", type=FILE, help="Other weights than our own."),
        click.option("--codec", type=FILE, help="Folder of the codec that those weights name."),
        DEVICE,
        click.option(
            "--compile/--no-compile",
            default=None,
            help="Compile the network; by default on a GPU where a compiler works.",
        ),
    )
    for option in reversed(options):
        run = option(run)
    return run


def picture_size(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """From `WIDTHxHEIGHT` in pixels; None where no size was given."""
    if value is None:
        return None
    width, _, height = value.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise click.BadParameter(f"{value!r} is not a size; write it as 256x144")
    return int(width), int(height)
