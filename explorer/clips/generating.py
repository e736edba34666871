"""`generate --text …`: a first view from words, and a walk from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.geometry.alignment import align_log_scale
from engine.queries import Drawing, Engine, SamplerSettings, draw_depth_of_photo
from engine.queries.generate import GenerationConfig, generate
from engine.queries.scenes import SceneView
from engine.sampling.joint import JointSampling
from engine.sampling.keys import Noise, noise_of
from engine.sampling.search import best_of
from explorer.clips.output import CLIP_JSON, ClipRecord, write_about
from explorer.clips.work import ClipDone, Common, Show, Work
from explorer.walk.colours import to_bytes
from explorer.walk.output import WALK_RESULTS
from explorer.walk.photo import working_size
from explorer.walk.photo_lens import lens_of
from explorer.walk.plan import plan_path
from explorer.walk.results import Results, results_in
from explorer.walk.run import refuse_loss, walk_photo
from explorer.walk.run_options import RunOptions

FIRST_VIEW = "first_view.png"


@dataclass(frozen=True)
class GenerateOptions(Common):
    """`caption` says what is to be seen.

    Attributes:
        path, views: of the walk that follows; see `RunOptions`.
        fov: horizontal degrees of the lens.
        overwrite: begin anew also where `out` holds an unfinished walk.
    """

    path: str = "forward"
    views: int | None = None
    fov: float = 65.0
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class _Checked:
    """A generated view, and how far its depth differs from what its picture alone suggests."""

    view: SceneView
    spread: float


def generate_walk(
    options: GenerateOptions,
    show: Show | None = None,
    stop: Callable[[], bool] | None = None,
) -> ClipDone:
    """Draws the first view, keeps the most consistent sample, and walks into it.

    Raises:
        QueryError: the model knows no word of the caption.
        JournalError: `out` holds an unfinished walk.
        PathError, TrajectoryError: the path cannot be walked.
        ValueError: there is no such lens.
        ResultsError, TakenError: the folder of results cannot be used.
        StoppedError: the user stopped it before there was a first view.
    """
    with results_in(options.out, (*WALK_RESULTS, CLIP_JSON, FIRST_VIEW)) as results:
        return _generated(options, results, show, stop)


def _generated(
    options: GenerateOptions,
    results: Results,
    show: Show | None,
    stop: Callable[[], bool] | None,
) -> ClipDone:
    # Before anything is drawn or written: the walk that follows would refuse too late.
    plan_path(options.path, options.views)
    lens_of(Image.Exif(), *options.size, options.fov)
    if not options.overwrite:
        refuse_loss(options.out, "add --overwrite to lose it")
    work = Work(1, show, stop)
    engine = work.engine(options)
    found = work.finish(first_view(engine, options), "first view")
    work.advance()
    picture = Image.fromarray(to_bytes(found.rgb))
    results.write(FIRST_VIEW, lambda path: picture.save(path, format="PNG"))
    unknown = engine.tokenizer.encode((), options.caption).unknown_words
    notes = (f"words that the model does not know: {', '.join(unknown)}",) if unknown else ()
    run = RunOptions(
        photo=options.out / FIRST_VIEW,
        out=options.out,
        path=options.path,
        views=options.views,
        overwrite=options.overwrite,
        caption=options.caption,
        fov=options.fov,
        model_size=(found.rgb.shape[1], found.rgb.shape[0]),
        seed=options.seed,
        **vars(options.engine_options),
    )
    done = walk_photo(run, show, stop, engine, results=results)
    about = {"command": "generate", "options": options, "unknown_words": unknown}
    write_about(ClipRecord([], seconds=work.seconds, about=about), results, engine)
    return ClipDone(options.out, f"Drew a first view, and {done.drawn} views from there.", notes)


def first_view(engine: Engine, options: GenerateOptions) -> Drawing[SceneView]:
    """The sample whose jointly drawn depth agrees best with the depth of its picture alone."""
    width, height = working_size(*options.size, options.size)
    sampling = JointSampling(steps=options.steps or 12)
    config = GenerationConfig((height, width), options.fov, sampling)
    noise = noise_of(options.seed, "generation")

    def draw(number: int) -> Drawing[_Checked]:
        view = yield from generate(engine, options.caption, config, noise(number))
        spread = yield from _spread(engine, view, options.caption, noise, number)
        return _Checked(view, spread)

    found = yield from best_of(draw, lambda checked: -checked.spread, options.samples)
    return found.answer.view


def _spread(
    engine: Engine, view: SceneView, caption: str, noise: Noise, number: int
) -> Drawing[float]:
    settings = SamplerSettings(caption=caption)
    alone = yield from draw_depth_of_photo(
        engine, view.rgb, view.camera, settings, noise(1_000_000 + number)
    )
    return align_log_scale(view.depth, alone, np.ones_like(alone)).spread
