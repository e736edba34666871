"""What an ablation has measured, written after every model, so that a stopped run goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from engine.model.kinds import Kind, kind_named
from engine.training.ablations.study import Known, Measured, StudyResult
from engine.training.ablations.variants import Variant

NAME = "ablations.json"
"""Of the file inside the folder of a run."""

MEASURES = (("psnr", "PSNR, dB"), ("camera_error", "camera, °"), ("step_seconds", "s a step"))
"""What the tables show, and how it is titled."""


def write_record(
    folder: Path,
    setting: Mapping[str, object],
    known: Known,
    results: Sequence[StudyResult] = (),
    repeated: Measured | None = None,
) -> None:
    """Writes `ablations.json` whole, under a temporary name first.

    Args:
        setting: the budget and the data: models of another setting are not comparable.
        repeated: score of showing the last known view again.
    """
    models = [
        {"variant": _named(variant), "seed": seed, "measured": asdict(measured)}
        for (variant, seed), measured in known.items()
    ]
    studies = [asdict(result) | {"rows": _rows(result)} for result in results]
    last = None if repeated is None else asdict(repeated)
    document = {"config": dict(setting), "repeated": last, "models": models, "studies": studies}
    write_json(folder / NAME, document)


def read_record(folder: Path, setting: Mapping[str, object]) -> Known:
    """Models that an earlier run with the same setting measured; none where there was no run.

    Raises:
        ValueError: the folder holds a run of another setting, or something else.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        models = [_model(model) for model in document["models"]]
        found = document["config"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no record of an ablation ({error}); name another folder with --out"
        ) from error
    wanted = json.loads(json.dumps(setting))
    if found != wanted:
        other = ", ".join(sorted(k for k in wanted | found if wanted.get(k) != found.get(k)))
        raise ValueError(
            f"{path} holds models of another run ({other} differ); name another folder with --out"
        )
    return dict(models)


def as_table(result: StudyResult) -> str:
    """Mean and spread of every variant, as text."""
    lines = [f"{result.study} ({result.source}; found there: {result.expected})"]
    lines.append("  " + " ".join([f"{'':26}", *(f"{title:>18}" for _, title in MEASURES)]))
    for variant in result.variants:
        cells = [
            f"{variant.mean(measure):9.3f} ± {variant.spread(measure):6.3f}"
            for measure, _ in MEASURES
        ]
        lines.append("  " + " ".join([f"{variant.name:26}", *cells]))
    return "\n".join(lines)


def write_json(path: Path, document: object) -> None:
    """Writes under a temporary name and renames, so that a stopped run leaves the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _model(model: Mapping[str, dict[str, object]]) -> tuple[tuple[Variant, int], Measured]:
    shape = dict(model["variant"])
    for name in ("geometry", "joint"):
        shape[name] = None if shape[name] is None else kind_named(str(shape[name]))
    seed = int(str(model["seed"]))
    return (Variant(**shape), seed), Measured(**model["measured"])  # type: ignore[arg-type]


def _named(variant: Variant) -> dict[str, object]:
    """As JSON has it: kinds by their names."""
    shape = asdict(variant)
    return {k: v.name if isinstance(v, Kind) else v for k, v in shape.items()}


def _rows(result: StudyResult) -> list[dict[str, object]]:
    return [
        {
            "name": v.name,
            **{m: _finite(v.mean(m)) for m, _ in MEASURES},
            **{f"{m}_spread": _finite(v.spread(m)) for m, _ in MEASURES},
        }
        for v in result.variants
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
