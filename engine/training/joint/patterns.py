"""Which pictures of a joint lesson are observed, partly observed, or asked.

The five systems differ in nothing else: a pattern is a row of the table in seed 000 ("What you
get for free"), of seed 001's masked conditioning, of seed 002's inpainting tasks, or of seed 004's
masks. A picture that is in no list is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import torch

from engine.model.kinds import Kind
from engine.training.augmentation import uniform

PictureName = tuple[Kind, int]
"""A kind and the slot of its view."""


class Mask(Enum):
    """Which patches of a partly observed picture are seen."""

    WARPED = "what view 0 shows from there, by depth that is a little wrong"
    RANDOM = "each patch by chance"
    REGION = "all but one region"


@dataclass(frozen=True)
class Pattern:
    """Attributes:
    name: of the query that it teaches.
    observed, partial, asked: pictures by their role.
    rays_given: for each view, whether its camera is known.
    mask: how `partial` pictures are seen.
    caption: whether the prompt may carry one; text alone must.
    """

    name: str
    observed: tuple[PictureName, ...]
    asked: tuple[PictureName, ...]
    rays_given: tuple[bool, ...]
    partial: tuple[PictureName, ...] = ()
    mask: Mask = Mask.RANDOM
    caption: bool = False


def _all(kind: Kind, views: range | list[int]) -> tuple[PictureName, ...]:
    return tuple((kind, view) for view in views)


def _chance(generator: torch.Generator, share: float) -> bool:
    return uniform(generator, 0, 1) < share


def reconstruct(views: int, generator: torch.Generator) -> Pattern:
    """All RGB → geometry and cameras (seeds 000 and 001); at times the cameras are known."""
    every, known = range(views), _chance(generator, 0.2)
    geometry = Kind.DEPTH if _chance(generator, 0.6) else Kind.XYZ
    rays = () if known else _all(Kind.RAYS, every)
    return Pattern(
        "reconstruct", _all(Kind.RGB, every), _all(geometry, every) + rays, (known,) * views
    )


def video(views: int, generator: torch.Generator) -> Pattern:
    """First RGB → everything else (seeds 000, 001 and 002)."""
    every, later = range(views), range(1, views)
    known = _chance(generator, 0.5)
    geometry = Kind.DEPTH if _chance(generator, 0.5) else Kind.XYZ
    asked = _all(Kind.RGB, later) + _all(geometry, every)
    asked += () if known else _all(Kind.RAYS, every)
    return Pattern("video", _all(Kind.RGB, [0]), asked, (known,) * views)


def interpolate(views: int, generator: torch.Generator) -> Pattern:
    """First and last RGB → those between, mostly along a known path (seeds 000 and 004)."""
    between, known = range(1, views - 1), _chance(generator, 0.75)
    asked = _all(Kind.RGB, between)
    if _chance(generator, 0.5):
        asked += _all(Kind.DEPTH, range(views))
    asked += () if known else _all(Kind.RAYS, range(views))
    return Pattern("interpolate", _all(Kind.RGB, [0, views - 1]), asked, (known,) * views)


def sparse(views: int, generator: torch.Generator) -> Pattern:
    """Some RGB → the others, and the points of all (seed 001, unified masked conditioning)."""
    seen = [0] + [v for v in range(1, views) if _chance(generator, 0.5)]
    missing = [v for v in range(views) if v not in seen]
    asked = _all(Kind.RGB, missing) + _all(Kind.XYZ, range(views))
    return Pattern("sparse", _all(Kind.RGB, seen), asked, (False,) * views)


def from_depth(views: int, generator: torch.Generator) -> Pattern:
    """All DEPTH → RGB and cameras; the first RGB may be seen as well (seed 000)."""
    every = range(views)
    seen = _all(Kind.RGB, [0]) if _chance(generator, 0.6) else ()
    known = _chance(generator, 0.5)
    asked = tuple(p for p in _all(Kind.RGB, every) if p not in seen)
    asked += () if known else _all(Kind.RAYS, every)
    return Pattern("from_depth", seen + _all(Kind.DEPTH, every), asked, (known,) * views)


def from_points(views: int, generator: torch.Generator) -> Pattern:
    """First RGB and XYZ, and the points as seen from elsewhere → RGB and the other XYZ (002)."""
    later = range(1, views)
    return Pattern(
        "from_points",
        ((Kind.RGB, 0), (Kind.XYZ, 0)),
        _all(Kind.RGB, later),
        (False,) * views,
        partial=_all(Kind.XYZ, later),
        mask=Mask.WARPED,
    )


def complete_warps(views: int, generator: torch.Generator) -> Pattern:
    """Warped RGB with holes → whole RGB (seed 004)."""
    later = range(1, views)
    observed = _all(Kind.RGB, [0]) if _chance(generator, 0.7) else ()
    return Pattern(
        "complete_warps",
        observed,
        (),
        (_chance(generator, 0.5),) * views,
        partial=_all(Kind.RGB, later),
        mask=Mask.WARPED,
    )


def complete_patches(views: int, generator: torch.Generator) -> Pattern:
    """RGB with random patches missing, without any geometry (seed 004's training)."""
    return Pattern(
        "complete_patches",
        (),
        (),
        (False,) * views,
        partial=_all(Kind.RGB, range(views)),
        mask=Mask.RANDOM,
    )


def edit(views: int, generator: torch.Generator) -> Pattern:
    """First RGB, and the later ones without a region → the region (seed 004)."""
    return Pattern(
        "edit",
        _all(Kind.RGB, [0]),
        (),
        (_chance(generator, 0.3),) * views,
        partial=_all(Kind.RGB, range(1, views)),
        mask=Mask.REGION,
    )


def generate(views: int, generator: torch.Generator) -> Pattern:
    """Text → RGB and DEPTH of one view, through a known lens (seed 000)."""
    return Pattern("generate", (), ((Kind.RGB, 0), (Kind.DEPTH, 0)), (True,), caption=True)


PATTERNS: tuple[tuple[Callable[[int, torch.Generator], Pattern], float], ...] = (
    (reconstruct, 0.3),
    (video, 0.1),
    (interpolate, 0.15),
    (sparse, 0.1),
    (from_depth, 0.05),
    (from_points, 0.08),
    (complete_warps, 0.08),
    (complete_patches, 0.05),
    (edit, 0.05),
    (generate, 0.04),
)
"""Every pattern and its share of the joint lessons."""


def draw_pattern(views: int, generator: torch.Generator, geometry: bool = True) -> Pattern:
    """A random pattern over `views` views (at least 3, so that some lie between others).

    Args:
        geometry: there are DEPTH, XYZ and warps; without, what is left of the patterns is drawn.
    """
    if views < 3:
        raise ValueError(f"joint lessons need at least 3 views, not {views}")
    shares = torch.tensor([share for _, share in PATTERNS])
    while True:
        index = int(torch.multinomial(shares, 1, generator=generator))
        pattern: Pattern | None = PATTERNS[index][0](views, generator)
        if not geometry and pattern is not None:
            pattern = without_geometry(pattern)
        if pattern is not None:
            return pattern


def without_geometry(pattern: Pattern) -> Pattern | None:
    """What colours and cameras alone can teach of a pattern; None where that is nothing.

    Colours from geometry would be colours from nothing, and warps need depth. From a text alone
    one picture is asked, whose camera no one needs.
    """
    if pattern.mask is Mask.WARPED or pattern.name in (from_depth.__name__, generate.__name__):
        return None

    def kept(names: tuple[PictureName, ...]) -> tuple[PictureName, ...]:
        return tuple(name for name in names if name[0] in (Kind.RGB, Kind.RAYS))

    left = replace(
        pattern,
        observed=kept(pattern.observed),
        asked=kept(pattern.asked),
        partial=kept(pattern.partial),
    )
    return left if left.asked or left.partial else None
