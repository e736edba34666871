"""A query is data: what is known of some views, what is asked, and in which words.

    query  = Query(size, (KnownView(rgb=a), KnownView(rgb=b)), asked=((Kind.DEPTH, 0), …))
    answer = finish(ask(engine, query, JointSampling(), generator))

Every task of the seeds is such a query (seed 000: "The model never sees a task label. It sees
noise levels."); a new one needs no new network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.model.text import Kind
from engine.queries.engine import SIZE_MULTIPLE
from engine.queries.pictures import FloatArray

BoolArray = NDArray[np.bool_]
#: Kinds that a joint query may ask for.
ASKABLE = (Kind.RGB, Kind.DEPTH, Kind.XYZ, Kind.RAYS)


class QueryError(ValueError):
    """A query that contradicts itself, in one sentence."""


@dataclass(frozen=True, eq=False)
class KnownView:
    """What is known of one view; everything may be missing.

    Attributes:
        rgb: (H, W, 3) in [0, 1].
        depth: (H, W) z-depth in scene units; inf = sky.
        points: (H, W, 3) in the frame of slot 0's camera, in scene units.
        camera: in the world; None where unknown.
        seen: (H, W), which pixels of `rgb` and `points` are known; None for all. Where it is given,
            what is not seen is drawn, and `trusted_until` holds.
        trusted_until: noise level from which on even the seen patches are drawn anew (seed 004,
            stochastic conditioning); 0 trusts them to the end.
    """

    rgb: FloatArray | None = None
    depth: FloatArray | None = None
    points: FloatArray | None = None
    camera: Camera | None = None
    seen: BoolArray | None = None
    trusted_until: float = 0.0


@dataclass(frozen=True, eq=False)
class Query:
    """Attributes:
    size: (H, W) of all pictures, multiples of 16.
    views: one a slot; slot 0 is the anchor.
    asked: kinds and slots to be drawn; partly seen pictures are drawn without being named.
    scale: σ in scene units: the median depth of slot 0 where it is known, else 1.
    caption: in words that the model knows.
    """

    size: tuple[int, int]
    views: tuple[KnownView, ...]
    asked: tuple[tuple[Kind, int], ...] = ()
    scale: float = 1.0
    caption: str = ""

    def __post_init__(self) -> None:
        check_query(self)

    def partly_seen(self) -> tuple[tuple[Kind, int], ...]:
        """Pictures of which only a part is seen."""
        found = []
        for slot, view in enumerate(self.views):
            if view.seen is not None:
                found += [(Kind.RGB, slot)] if view.rgb is not None else []
                found += [(Kind.XYZ, slot)] if view.points is not None else []
        return tuple(found)


def check_query(query: Query) -> None:
    """
    Raises:
        QueryError: sizes that the model cannot take or that differ, a picture that is known and
            asked, rays asked of a known camera, an unknown slot, or nothing asked at all.
    """
    height, width = query.size
    if height <= 0 or width <= 0 or height % SIZE_MULTIPLE or width % SIZE_MULTIPLE:
        raise QueryError(
            f"pictures of {width}x{height} pixels cannot be drawn: both sides must be multiples "
            f"of {SIZE_MULTIPLE}"
        )
    if not query.asked and not query.partly_seen():
        raise QueryError("the query asks for nothing: name pictures in `asked`, or mask some")
    if len(set(query.asked)) < len(query.asked):
        raise QueryError("a picture is asked twice")
    if not query.scale > 0:
        raise QueryError(f"the scale must be positive, not {query.scale}")
    for slot, view in enumerate(query.views):
        _check_view(slot, view, query.size)
    for kind, slot in query.asked:
        if not 0 <= slot < len(query.views):
            raise QueryError(f"view {slot} is asked, but the query has {len(query.views)} views")
        _check_asked(kind, slot, query.views[slot])
    anchored = query.views and query.views[0].camera is not None
    if not anchored and any(view.camera is not None for view in query.views):
        raise QueryError("cameras are relative to view 0, whose own camera must be known too")


def _check_view(slot: int, view: KnownView, size: tuple[int, int]) -> None:
    pictures = {"rgb": view.rgb, "depth": view.depth, "points": view.points, "seen": view.seen}
    for name, picture in pictures.items():
        if picture is not None and picture.shape[:2] != size:
            raise QueryError(
                f"`{name}` of view {slot} is {picture.shape[1]}x{picture.shape[0]} pixels, but the "
                f"query's pictures are {size[1]}x{size[0]}"
            )
    if view.seen is not None and view.rgb is None and view.points is None:
        raise QueryError(f"view {slot} says what is seen, but has neither rgb nor points")


def _check_asked(kind: Kind, slot: int, view: KnownView) -> None:
    if kind not in ASKABLE:
        raise QueryError(f"{kind.name} cannot be asked in a joint query")
    known = {
        Kind.RGB: view.rgb is not None,
        Kind.DEPTH: view.depth is not None,
        Kind.XYZ: view.points is not None,
        Kind.RAYS: view.camera is not None,
    }
    if known[kind]:
        raise QueryError(f"{kind.name} of view {slot} is asked, but it is known")
