"""`evaluate seeds`: every system's table, quickly or fully, as text, JSON and curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from engine.queries import Engine
from explorer.evaluation.curves import draw_panels
from explorer.evaluation.drive import ready_to_draw
from explorer.evaluation.progress import counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.systems import (
    context_walk,
    edits,
    guidance,
    joint_completion,
    masked_completion,
    points,
    sparse_frames,
)
from explorer.evaluation.systems.samples import Sample, world_samples
from explorer.evaluation.systems.tables import SystemTable, show_tables
from explorer.walk.ready import EngineOptions

Table = Callable[[Engine, list[Sample], Callable[[], None]], SystemTable]


@dataclass(frozen=True)
class SeedsOptions(EngineOptions):
    """Attributes:
    out: folder for results.
    full: many worlds instead of a few.
    only: numbers of the documents; all where empty.
    count: worlds a table; None for the mode's own.
    size: (width, height) of pictures; what cameras were learned at.
    """

    out: Path
    full: bool = False
    only: tuple[int, ...] = ()
    count: int | None = None
    size: tuple[int, int] = (128, 80)
    seed: int = 0

    @property
    def worlds(self) -> int:
        """How many a table."""
        return self.count or (48 if self.full else 8)


@dataclass(frozen=True)
class SeedsReport:
    """Everything that was measured; written as `seeds.json`."""

    options: SeedsOptions
    weights_hash: str
    tables: tuple[SystemTable, ...]


def _tables(options: SeedsOptions) -> list[tuple[int, int, Table]]:
    """(document, views of a sample or 0 where the table makes its own, table)."""
    joint = joint_completion.CompletionOptions(samples=16 if options.full else 8, seed=options.seed)
    masked = masked_completion.CompletionOptions(seed=options.seed)
    sparse = sparse_frames.SparseOptions(seed=options.seed)
    point = points.PointOptions(seed=options.seed)
    guided = guidance.GuidanceOptions(seed=options.seed)
    walk = context_walk.WalkOptions(
        out=options.out / "walks",
        count=options.worlds,
        views=16 if options.full else 8,
        seed=options.seed,
        **vars(options.engine_options),
    )
    return [
        (0, 6, lambda e, s, t: joint_completion.geometry_table(e, s, joint, t)),
        (0, 3, lambda e, s, t: joint_completion.search_table(e, s, joint, t)),
        (1, 6, lambda e, s, t: sparse_frames.sparsity_table(e, s, sparse, t)),
        (1, 3, lambda e, s, t: guidance.guidance_table(e, s, guided, t)),
        (2, 3, lambda e, s, t: points.depth_table(e, s, point, t)),
        (2, 2, lambda e, s, t: points.control_table(e, s, point, t)),
        (3, 0, lambda e, s, t: context_walk.variants_table(walk, t)),
        (4, 2, lambda e, s, t: masked_completion.hole_table(e, s, masked, t)),
        (4, 2, lambda e, s, t: masked_completion.warp_table(e, s, masked, t)),
        (4, 3, lambda e, s, t: masked_completion.between_table(e, s, masked, t)),
        (4, 6, lambda e, s, t: edits.edit_table(e, s, edits.EditOptions(seed=options.seed), t)),
    ]


def evaluate_seeds(options: SeedsOptions, console: Console | None = None) -> SeedsReport:
    """Measures, prints and writes.

    Raises:
        CheckpointError: the weights cannot be read.
        ValueError: an unknown document or a size that cannot be drawn.
    """
    unknown = sorted(set(options.only) - set(range(5)))
    if unknown:
        raise ValueError(f"there are documents 0 to 4, not {unknown[0]}")
    console, options = console or Console(), options.resolved()
    engine = ready_to_draw(options, options.size)
    chosen = [t for t in _tables(options) if not options.only or t[0] in options.only]
    size = (options.size[1], options.size[0])
    found = []
    samples: dict[int, list[Sample]] = {}
    with counting(console, len(chosen) * options.worlds) as counter:
        for _, views, table in chosen:
            if views and views not in samples:
                samples[views] = world_samples(options.worlds, views, size, 9000 + options.seed)
            found.append(table(engine, samples.get(views, []), counter.advance))
    report = SeedsReport(options, engine.weights_hash, tuple(found))
    show_tables(console, found)
    write_json(report, options.out / "seeds.json")
    for number, made in enumerate(found):
        if made.panels:
            write_picture(
                draw_panels(made.panels), options.out / f"seed-{made.seed:03d}-{number}.png"
            )
    console.print(f"written to {options.out}")
    return report
