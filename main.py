"""The command line: walk into a photo headless, evaluate, train, or look at the machine.

Only click is imported here; every command imports its own part when it runs, so that `--help`
answers at once. Groups of commands live in `explorer/commands`. Bad input ends with exit code 2 and
one sentence on stderr.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import click

from explorer.commands.clips import COMMANDS as CLIP_COMMANDS
from explorer.commands.evaluate import evaluate
from explorer.commands.label import label, taught
from explorer.commands.models import models
from explorer.commands.options import FILE, RESULTS, engine_options, size_options

BAD_INPUT = 2
INTERRUPTED = 130
STRATEGIES = "How views are retrieved: coverage, surfel, fov, pose, recent or none."
DEPTH_KINDS = ["inverse", "relative", "metric", "canonical"]
PASS_THROUGH = {"ignore_unknown_options": True, "help_option_names": []}


class Commands(click.Group):
    """Anything that is no command's name is taken for a photo, and opens the window."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["open", *args]
        return super().resolve_command(ctx, args)


def print_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from explorer.walk.version import photowalk_version

    click.echo(f"photowalk {photowalk_version()}")
    ctx.exit()


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Open one photo and walk into it.

    `photowalk PHOTO` opens the window; `photowalk walk PHOTO` draws a walk without one.
    """
    ctx.meta["debug"] = debug
    if ctx.invoked_subcommand is None:
        ctx.invoke(open_window)


@cli.command(name="open")
@click.argument("photo", required=False, type=FILE)
@size_options
@engine_options
def open_window(
    photo: Path | None = None,
    picture_size: tuple[int, int] | None = None,
    model_size: tuple[int, int] = (256, 144),
    **given: Any,
) -> None:
    """Open the window, with a photo where one is named."""
    if photo is not None and not photo.exists():
        raise click.UsageError(f"{photo} is neither a command nor a photo that exists")
    from explorer.walk.sizes import Sizes

    sizes = Sizes(model_size, picture_size)
    try:
        from explorer.app.start import run_app
    except ModuleNotFoundError as error:
        raise click.UsageError(_why_no_window(error.name or "")) from error
    from explorer.walk.ready import EngineOptions

    sys.exit(run_app(photo, EngineOptions(**given), sizes))


def _why_no_window(missing: str) -> str:
    return f'the window needs {missing}; install it with: pip install "photowalk[app]"'


@cli.command()
@click.argument("photo", type=FILE)
@click.option(
    "--path",
    default="forth-and-back",
    show_default=True,
    help="forward, strafe, orbit, look-around, spiral, forth-and-back[:NAME], or a camera file: "
    "RealEstate10K text, transforms.json, camera_path.json.",
)
@click.option("--views", type=click.IntRange(1, 100_000), help="How many views to draw.")
@click.option("--out", type=FILE, required=True, help=RESULTS)
@click.option("--resume", is_flag=True, help="Go on with the walk that --out holds.")
@click.option("--overwrite", is_flag=True, help="Lose the walk of ours that --out holds.")
@click.option("--caption", default="", help="What the photo shows, in a few plain words.")
@click.option("--fov", type=float, help="Horizontal degrees, for photos without a focal length.")
@size_options
@click.option("--raw", is_flag=True, help="Show the model's picture alone.")
@click.option(
    "--points",
    type=click.Choice(["normal", "dense"]),
    default="normal",
    show_default=True,
    help="The exported cloud: fused, or a point a pixel.",
)
@click.option("--depth-every", type=click.IntRange(1), default=1, show_default=True, metavar="N")
@click.option("--steps", type=click.IntRange(1, 1000), help="Sampling steps of a view.")
@click.option("--depth-steps", type=click.IntRange(1, 1000), help="Sampling steps of a depth.")
@click.option("--strategy", default="coverage", show_default=True, help=STRATEGIES)
@click.option("--context-views", type=click.IntRange(1, 64), help="Views the model is shown.")
@click.option("--seed", type=int, default=0, show_default=True)
@engine_options
@click.option("--depth-prior", metavar="MODEL", help="The photo's depth from a model or folder.")
@click.option("--depth-kind", type=click.Choice(DEPTH_KINDS), help="What that model's output is.")
@click.option("--prior-every-view", is_flag=True, help="That model gives every view's depth.")
def walk(**given: Any) -> None:
    """Draw a walk into PHOTO and export it."""
    from explorer.priors.choice import prior_for
    from explorer.terminal import progress_bar, stop_requests
    from explorer.walk.run import settled, walk_photo
    from explorer.walk.run_options import RunOptions

    options = settled(RunOptions(**given))
    prior = prior_for(options, lambda note: click.echo(note, err=True))
    with stop_requests() as stop, progress_bar() as show:
        done = walk_photo(options, show, stop.is_set, depth_source=prior)
    click.echo(done)
    if not done.complete:
        sys.exit(INTERRUPTED)


for command in (*CLIP_COMMANDS, evaluate, label, models):
    cli.add_command(command)


@cli.command(context_settings=PASS_THROUGH, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> None:
    """Train the codec or the transformer (see: photowalk train --help)."""
    from engine.training.cli import main as training

    sys.exit(training(taught(arguments)))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--fast", is_flag=True, help="Skip the measurement of seconds per view.")
def doctor(as_json: bool, fast: bool) -> None:
    """Say in plain words what this machine can do."""
    from explorer.doctor.examination import examine

    report = examine(measure=not fast)
    click.echo(report.as_json() if as_json else report.as_text())
    if not report.healthy:
        sys.exit(1)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and ends the process with its exit code."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        sys.exit(cli.main(arguments, prog_name="photowalk", standalone_mode=False) or 0)
    except click.exceptions.Abort:
        _fail("stopped", INTERRUPTED)
    except KeyboardInterrupt:
        _fail("stopped", INTERRUPTED)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (ValueError, OSError) as error:
        if debug:
            traceback.print_exc()
        _fail(_sentence(error), BAD_INPUT)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":
            raise
        _fail("the GPU's memory is full; use a smaller --model-size or --device cpu", BAD_INPUT)


def _fail(sentence: str, code: int) -> None:
    click.echo(f"photowalk: {sentence}", err=True)
    sys.exit(code)


def _sentence(error: Exception) -> str:
    """One line for the user; a file's own error names the file first."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    main()
