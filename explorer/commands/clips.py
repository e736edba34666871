"""`photowalk interpolate`, `reconstruct`, `generate`, `edit`: queries of several pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from explorer.commands.options import FILE, RESULTS, engine_options, picture_size

if TYPE_CHECKING:
    from explorer.clips.work import Common


def _shared(run: Callable[..., None]) -> Callable[..., None]:
    """The options of all of them."""
    options: list[Callable[..., Any]] = [
        click.option("--out", type=FILE, required=True, help=RESULTS),
        click.option("--size", callback=picture_size, default="256x144", metavar="WxH"),
        click.option("--steps", type=click.IntRange(1, 64), help="Sampling steps."),
        click.option("--seed", type=int, default=0, show_default=True),
        engine_options,
    ]
    for option in reversed(options):
        run = option(run)
    return run


_caption = click.option("--caption", default="", help="What is to be seen, in a few plain words.")
_samples = click.option(
    "--samples",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Answers drawn, of which the most consistent one is kept.",
)
_fov = click.option("--fov", type=float, help="Horizontal degrees of the lens, if it is known.")
_part = (
    click.option("--frames", type=click.IntRange(2, 1000), default=16, show_default=True),
    click.option("--start", type=click.FloatRange(0), help="Seconds."),
    click.option("--end", type=click.FloatRange(0), help="Seconds."),
)


def _run(work: Callable[..., Any], options: Common) -> None:
    """With a progress bar and Ctrl-C; what is stopped leaves nothing half written."""
    from explorer.clips.work import StoppedError
    from explorer.terminal import progress_bar, stop_requests

    options = options.resolved()
    try:
        with stop_requests() as stop, progress_bar() as show:
            done = work(options, show, stop.is_set)
    except StoppedError as stopped:
        raise click.Abort from stopped
    click.echo(done)


@click.command()
@click.argument("first", type=FILE)
@click.argument("last", type=FILE)
@click.option("--views", type=click.IntRange(1, 500), default=7, show_default=True)
@click.option("--raw", is_flag=True, help="The model's pictures alone.")
@_fov
@_samples
@_caption
@_shared
def interpolate(**given: Any) -> None:
    """Draw the views between two pictures of one place."""
    from explorer.clips.interpolating import InterpolateOptions, interpolate_photos

    _run(interpolate_photos, InterpolateOptions(**given))


@click.command()
@click.argument("video", type=FILE)
@_part[0]
@_part[1]
@_part[2]
@click.option("--no-match", "match", flag_value=False, default=True, help="Only drawn cameras.")
@_fov
@_samples
@_caption
@_shared
def reconstruct(**given: Any) -> None:
    """Recover depth, cameras and points of a video, or of a folder of pictures."""
    from explorer.clips.reconstructing import ReconstructOptions, reconstruct_clip

    _run(reconstruct_clip, ReconstructOptions(**given))


@click.command()
@click.option("--text", "caption", required=True, help="What is to be seen.")
@click.option("--path", default="forward", show_default=True, help="Of the walk that follows.")
@click.option("--views", type=click.IntRange(1, 100_000), help="Of that walk.")
@click.option("--fov", type=click.FloatRange(20, 140), default=65.0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Lose the walk of ours that --out holds.")
@_samples
@_shared
def generate(**given: Any) -> None:
    """Draw a first view from words, and walk into it."""
    from explorer.clips.generating import GenerateOptions, generate_walk

    _run(generate_walk, GenerateOptions(**given))


@click.command()
@click.argument("video", type=FILE)
@click.option("--first-frame", type=FILE, required=True, help="The video's first frame, edited.")
@click.option("--region", type=FILE, help="A picture that is white where the edit is.")
@_part[0]
@_part[1]
@_part[2]
@click.option("--raw", is_flag=True, help="The model's picture in the whole region.")
@_caption
@_shared
def edit(**given: Any) -> None:
    """Carry an edit of a video's first frame through its other frames."""
    from explorer.clips.editing import EditOptions, edit_clip

    _run(edit_clip, EditOptions(**given))


COMMANDS = (interpolate, reconstruct, generate, edit)
