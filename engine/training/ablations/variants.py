"""Rows of the ablations: what the context holds, and how the network reads the camera."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.model.kinds import Kind


@dataclass(frozen=True)
class Variant:
    """A model to be trained.

    Attributes:
        name: of the row.
        geometry: kind of picture that tells the context's shape; None for pictures alone.
        warp: the first view, warped to the asked camera, is in the context.
        dropout: share of lessons without the geometry.
        joint: the asked view's geometry is drawn together with it.
        camera_gate: camera-gated attention; else rays are added to the query.
    """

    name: str
    geometry: Kind | None = Kind.DEPTH
    warp: bool = False
    dropout: float = 0.0
    joint: Kind | None = None
    camera_gate: bool = True


@dataclass(frozen=True)
class Study:
    """Variants that differ in one thing.

    Attributes:
        source: which table of which document it repeats.
        expected: what that table found, in words.
    """

    name: str
    source: str
    expected: str
    variants: tuple[Variant, ...] = field(default_factory=tuple)


STUDIES = (
    Study(
        "context",
        "seed 003, table 3",
        "geometry > warped image > none",
        (
            Variant("none", geometry=None),
            Variant("warped image", geometry=None, warp=True),
            Variant("geometry"),
        ),
    ),
    Study(
        "gate",
        "seed 003, table 5",
        "with the gate, cameras are followed better",
        (Variant("rays added to the query", camera_gate=False), Variant("camera-gated attention")),
    ),
    Study(
        "geometry",
        "seed 003, table 4",
        "depth at least as good as pointmaps",
        (Variant("pointmap", geometry=Kind.XYZ), Variant("depth", geometry=Kind.DEPTH)),
    ),
    Study(
        "dropout",
        "seed 003, table 6",
        "dropout costs little",
        (Variant("geometry always"), Variant("geometry dropout", dropout=0.5)),
    ),
    Study(
        "joint",
        "seed 002, table 1",
        "points drawn along help the picture",
        (
            Variant("RGB alone", geometry=None),
            Variant("RGB and XYZ together", geometry=None, joint=Kind.XYZ),
        ),
    ),
)
"""Every study, by the order of the documents' tables."""


def study_named(name: str) -> Study:
    """
    Raises:
        ValueError: no study has this name.
    """
    for study in STUDIES:
        if study.name == name:
            return study
    known = ", ".join(study.name for study in STUDIES)
    raise ValueError(f"there is no study {name!r}; choose {known}")
