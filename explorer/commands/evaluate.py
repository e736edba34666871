"""`photowalk evaluate`: the figures of assets/figures.md, measured on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from explorer.commands.options import DEVICE, FILE, RESULTS, engine_options, picture_size


@click.group(no_args_is_help=False)
def evaluate() -> None:
    """Measure the published figures (assets/figures.md)."""


def unless_empty(
    _ctx: click.Context, _param: click.Parameter, value: tuple[int, ...]
) -> tuple[int, ...] | None:
    """None where no argument was given, so that the default holds."""
    return value or None


#: The picture's size and the model's, of measurements of walks.
SIZES = (
    click.option("--size", callback=picture_size, metavar="WxH", help="Of the pictures."),
    click.option(
        "--model-size", callback=picture_size, metavar="WxH", help="Of what the network draws."
    ),
)


def measurement(
    name: str, *options: Callable[[Any], Any], engine: bool = True
) -> Callable[[Any], click.Command]:
    """A subcommand of `evaluate` with the options that all of them share.

    Options that are not given are left out, so that each part's own defaults hold.
    """
    shared = [
        click.option(
            "--out", type=FILE, default=f"out/evaluate-{name}", show_default=True, help=RESULTS
        ),
        engine_options if engine else DEVICE,
    ]

    def decorate(run: Callable[..., None]) -> click.Command:
        def given_only(**given: Any) -> None:
            from engine.model.devices import require_device
            from explorer.walk.results import results_in

            require_device(given["device"])  # each of them takes the name as it was given
            with results_in(given["out"], (f"{name}.json",)):
                run(**{option: value for option, value in given.items() if value is not None})

        given_only.__doc__ = run.__doc__
        command: Any = given_only
        for option in reversed((*options, *shared)):
            command = option(command)
        return evaluate.command(name=name)(command)

    return decorate


@measurement(
    "worlds",
    click.option("--views", type=int, help="Views drawn in each world."),
    click.option("--count", type=int, help="How many unseen worlds."),
    click.option(
        "--switches",
        type=int,
        help="Worlds that also run every inference switch (else 6; 0: none).",
    ),
    click.option("--seeds", type=int, help="Worlds with a second seed (else 6; 0: none)."),
    click.option("--steps", type=int, help="Worlds with 1 to 8 sampling steps (else 3; 0: none)."),
    click.option("--sheets", type=int, help="Worlds that get a comparison sheet (else 8)."),
    *SIZES,
    click.option("--textures", type=FILE, help="A folder of texture pictures."),
    click.option(
        "--true-depth", is_flag=True, default=None, help="With --size: the photo's depth is given."
    ),
)
def evaluate_worlds(**given: Any) -> None:
    """Walks through rendered worlds that training never saw.

    With --size larger than the model's: pictures of that size, beside the model's enlarged.
    """
    from explorer.evaluation import worlds
    from explorer.evaluation.sharp.sizes import rendered_sizes
    from explorer.evaluation.sharp.worlds import SharpWorldsOptions, evaluate_sharp_worlds
    from explorer.evaluation.worlds_report import WorldsOptions
    from explorer.walk.sizes import MODEL_SIZE

    size = given.pop("size", None)
    if rendered_sizes(size, given.get("model_size", MODEL_SIZE)) is None:
        if given.pop("true_depth", False):
            raise click.UsageError("--true-depth is for pictures larger than the model's: --size")
        worlds.evaluate_worlds(WorldsOptions(**given))
        return
    for table in ("switches", "seeds", "steps"):
        if given.pop(table, 0):
            raise click.UsageError(
                f"--{table} is a table of what the model draws; measure it without --size"
            )
    evaluate_sharp_worlds(SharpWorldsOptions(size=size, **given))


@measurement(
    "drift",
    click.option("--views", type=click.IntRange(1), help="Views on the way out of a lap."),
    click.option("--laps", type=click.IntRange(1), help="How often the walk goes out and back."),
    click.option("--count", type=click.IntRange(1), help="How many unseen worlds."),
    *SIZES,
)
def evaluate_drift(**given: Any) -> None:
    """The same cameras over and over: does a walk darken, sharpen or melt?"""
    from explorer.evaluation import drift

    drift.evaluate_drift(drift.DriftOptions(**given))


@measurement(
    "clip",
    click.argument("folder", type=FILE),
    click.option("--frames", type=int, help="At most so many frames."),
    click.option("--stride", type=int, help="Every n-th frame."),
    click.option("--switches", is_flag=True, default=None, help="Run every inference switch."),
    click.option("--caption", help="What the clip shows."),
    *SIZES,
)
def evaluate_clip(**given: Any) -> None:
    """A walk along the cameras of a real posed clip (FOLDER with cameras.json)."""
    from explorer.evaluation import clips

    clips.evaluate_clip(clips.ClipOptions(**given))


@measurement(
    "photos",
    click.argument("folders", type=FILE, nargs=-1, required=True),
    click.option("--frames", type=click.IntRange(1), help="Photos of each folder."),
    click.option("--size", callback=picture_size, metavar="WxH"),
)
def evaluate_photos(**given: Any) -> None:
    """Depth of single photos: frames of FOLDERS, clips with depth or rendered worlds."""
    from explorer.evaluation import photos

    photos.evaluate_photos(photos.PhotosOptions(**given))


@measurement(
    "lens",
    click.argument("folders", type=FILE, nargs=-1, required=True),
    click.option("--frames", type=click.IntRange(1), help="Frames of each clip."),
    click.option("--size", callback=picture_size, metavar="WxH"),
)
def evaluate_lens(**given: Any) -> None:
    """Focal length estimated from single frames of FOLDERS, posed clips."""
    from explorer.evaluation import lenses

    lenses.evaluate_lens(lenses.LensOptions(**given))


@measurement(
    "speed",
    click.option("--views", type=int, help="Timed views."),
    click.option("--threads", type=int, help="CPU threads."),
    *SIZES,
)
def evaluate_speed(**given: Any) -> None:
    """Seconds per view with its depth, where they go, and peak memory."""
    from explorer.evaluation import speed

    speed.evaluate_speed(speed.SpeedOptions(**given))


@measurement(
    "memory",
    click.argument("counts", nargs=-1, type=click.IntRange(1), callback=unless_empty),
    click.option("--size", callback=picture_size, metavar="WxH"),
    engine=False,
)
def evaluate_memory(**given: Any) -> None:
    """Milliseconds of retrieval and warp with COUNTS stored views (10 100 1000)."""
    from explorer.evaluation import memory

    memory.evaluate_memory(memory.MemoryOptions(**given))


@measurement(
    "seeds",
    click.option("--full", is_flag=True, default=None, help="Many worlds instead of a few."),
    click.option("--only", type=click.IntRange(0, 4), multiple=True, help="One document alone."),
    click.option("--count", type=click.IntRange(1), help="Worlds a table."),
    click.option("--size", callback=picture_size, metavar="WxH"),
    click.option("--seed", type=int, help="Of all noise."),
)
def evaluate_seeds(**given: Any) -> None:
    """The five systems as queries of the one model: a table for each, beside its own."""
    from explorer.evaluation.systems import run

    run.evaluate_seeds(run.SeedsOptions(**given))
