"""A query is data: what is known of some views, what is asked, and in which words.

    query  = Query(size, (KnownView(rgb=a), KnownView(rgb=b)), asked=((Kind.DEPTH, 0), …))
    answer = finish(ask(engine, query, JointSampling(), generator))

Every task of the seeds is such a query (seed 000: "The model never sees a task label. It sees
noise levels."), the steps of a walk among them; a new one needs no new network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from engine.model.kinds import Kind
from engine.model.pictures import TOKEN_PIXELS
from engine.model.transformer import Cache

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
#: Pictures of users, or tensors on any device.
Pixels = FloatArray | Tensor


class QueryError(ValueError):
    """A query that contradicts itself, in one sentence."""


@dataclass(frozen=True, eq=False)
class Hint:
    """What memory shows from a view's camera, as arrays or as tensors on any device.

    Attributes:
        rgb: (H, W, 3) in [0, 1].
        depth: (H, W) in scene units; inf = sky, nan = unknown.
        coverage: (H, W) in [0, 1].
    """

    rgb: Pixels
    depth: Pixels
    coverage: Pixels


@dataclass(frozen=True, eq=False)
class KnownView:
    """What is known of one view; everything may be missing.

    Attributes:
        rgb: (H, W, 3) in [0, 1].
        depth: (H, W) z-depth in scene units; inf = sky.
        points: (H, W, 3) in the frame of the anchor's camera, in scene units.
        camera: in the world; None where unknown.
        warp: (H, W, 3) in [0, 1], what other views show from here, holes filled (seed 003, eq. 9).
        seen: (H, W), which pixels of `rgb` and `points` are known; None for all. Where it is given,
            what is not seen is drawn, and `trusted_until` holds.
        trusted_until: noise level from which on even the seen patches are drawn anew (seed 004,
            stochastic conditioning); 0 trusts them to the end.
        hint: what memory shows from here, for what is asked of this view to lean on.
    """

    rgb: Pixels | None = None
    depth: Pixels | None = None
    points: Pixels | None = None
    camera: Camera | None = None
    warp: Pixels | None = None
    seen: BoolArray | None = None
    trusted_until: float = 0.0
    hint: Hint | None = None

    def known(self) -> dict[Kind, Pixels]:
        """Its pictures by kind, in the order in which the network is shown them."""
        of_kind = (
            (Kind.RGB, self.rgb),
            (Kind.DEPTH, self.depth),
            (Kind.XYZ, self.points),
            (Kind.WARP, self.warp),
        )
        return {kind: picture for kind, picture in of_kind if picture is not None}

    def pictures(self) -> dict[str, Pixels | BoolArray]:
        """Everything known of it that has pixels, by name."""
        names = ("rgb", "depth", "points", "warp", "seen")
        return {n: p for n in names if (p := getattr(self, n)) is not None}

    def mirrored(self) -> KnownView:
        """Its mirror image, left for right."""
        flipped = {
            name: picture.flip(1)
            if isinstance(picture, Tensor)
            else np.ascontiguousarray(picture[:, ::-1])
            for name, picture in self.pictures().items()
        }
        return replace(self, camera=self.camera and self.camera.mirrored(), **flipped)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Context:
    """Observed views as the network knows them: their keys and values, computed once for several
    queries (`engine.queries.context`).

    Attributes:
        anchor: the camera whose frame everything metric is in.
        scale: σ, scene units.
        cache: keys and values of the views.
        slots: views in the cache; those of a query take the next slots.
        size: (H, W) of all pictures.
    """

    anchor: Camera
    scale: float
    cache: Cache
    slots: int
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Query:
    """Attributes:
    size: (H, W) of all pictures, multiples of 16.
    views: one a slot; the first of all is the anchor, that of `context` where there is one.
    asked: kinds, and indices of views, to be drawn; partly seen pictures are drawn without being
        named.
    scale: σ in scene units; None for the anchor's: its median depth where that is known, else 1.
    caption: in words that the model knows.
    context: views that the network knows already; they come before `views`.
    mirrored: asked of the mirror image as well, and the two answers averaged; for depth alone.
    drawn_at: (H, W) at which the network draws; None for `size`. What is known is enlarged for it,
        and answers are brought back.
    """

    size: tuple[int, int]
    views: tuple[KnownView, ...]
    asked: tuple[tuple[Kind, int], ...] = ()
    scale: float | None = None
    caption: str = ""
    context: Context | None = None
    mirrored: bool = False
    drawn_at: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_query(self)

    @property
    def sigma(self) -> float:
        """σ in scene units: the one length that depth and cameras are divided by."""
        if self.context is not None:
            return self.context.scale
        return scale_of(self.views) if self.scale is None else self.scale

    @property
    def anchor(self) -> Camera | None:
        """The camera whose frame everything metric is in; None where no camera is known."""
        if self.context is not None:
            return self.context.anchor
        return self.views[0].camera if self.views else None

    @property
    def first_slot(self) -> int:
        """Of `views` in the network's count."""
        return 0 if self.context is None else self.context.slots

    def partly_seen(self) -> tuple[tuple[Kind, int], ...]:
        """Pictures of which only a part is seen."""
        found = []
        for index, view in enumerate(self.views):
            if view.seen is not None:
                found += [(Kind.RGB, index)] if view.rgb is not None else []
                found += [(Kind.XYZ, index)] if view.points is not None else []
        return tuple(found)


def scale_of(views: tuple[KnownView, ...]) -> float:
    """σ by the first of some views; 1 where its depth is unknown."""
    depth = views[0].depth if views else None
    if depth is None:
        return 1.0
    return median_depth(depth if isinstance(depth, Tensor) else torch.as_tensor(np.array(depth)))


def check_size(rgb: Pixels) -> tuple[int, int]:
    """(H, W) of a picture that the model can take.

    Raises:
        QueryError: not (H, W, 3), or sides that are no multiples of 16.
    """
    sides = rgb.shape[:2]
    if rgb.ndim != 3 or rgb.shape[2] != 3 or any(s % TOKEN_PIXELS or s == 0 for s in sides):
        raise QueryError(
            f"a picture must be (H, W, 3) with sides that are multiples of {TOKEN_PIXELS}, "
            f"not {tuple(rgb.shape)}"
        )
    return int(rgb.shape[0]), int(rgb.shape[1])


def check_query(query: Query) -> None:
    """
    Raises:
        QueryError: sizes that the model cannot take or that differ, a picture that is known and
            asked, rays asked of a known camera, an unknown view, a mirror where none can be, or
            nothing asked at all.
    """
    for height, width in filter(None, (query.size, query.drawn_at)):
        if height <= 0 or width <= 0 or height % TOKEN_PIXELS or width % TOKEN_PIXELS:
            raise QueryError(
                f"pictures of {width}x{height} pixels cannot be drawn: both sides must be "
                f"multiples of {TOKEN_PIXELS}"
            )
    if not query.asked and not query.partly_seen():
        raise QueryError("the query asks for nothing: name pictures in `asked`, or mask some")
    if len(set(query.asked)) < len(query.asked):
        raise QueryError("a picture is asked twice")
    if query.scale is not None and not query.scale > 0:
        raise QueryError(f"the scale must be positive, not {query.scale}")
    for index, view in enumerate(query.views):
        _check_view(index, view, query.size)
    for kind, index in query.asked:
        if not 0 <= index < len(query.views):
            raise QueryError(f"view {index} is asked, but the query has {len(query.views)} views")
        _check_asked(kind, index, query.views[index])
    if query.anchor is None and any(view.camera is not None for view in query.views):
        raise QueryError("cameras are relative to view 0, whose own camera must be known too")
    _check_drawing(query)


def _check_drawing(query: Query) -> None:
    """Contexts are of one size and of one side; only depth is the same in a mean of two."""
    if query.context is not None and query.context.size != query.size:
        height, width = query.context.size
        raise QueryError(
            f"the context's pictures are {width}x{height} pixels, the query's "
            f"{query.size[1]}x{query.size[0]}"
        )
    altered = query.mirrored or query.drawn_at not in (None, query.size)
    if altered and query.context is not None:
        raise QueryError("what a context holds cannot be mirrored or enlarged")
    if altered and any(v.hint is not None or v.points is not None for v in query.views):
        raise QueryError("hints and points cannot be mirrored or enlarged")
    if query.mirrored and any(kind is not Kind.DEPTH for kind, _ in query.asked):
        raise QueryError("only depth can be asked of the mirror image as well")


def _check_view(index: int, view: KnownView, size: tuple[int, int]) -> None:
    for name, picture in view.pictures().items():
        if picture.shape[:2] != size:
            raise QueryError(
                f"`{name}` of view {index} is {picture.shape[1]}x{picture.shape[0]} pixels, but "
                f"the query's pictures are {size[1]}x{size[0]}"
            )
    if view.seen is not None and view.rgb is None and view.points is None:
        raise QueryError(f"view {index} says what is seen, but has neither rgb nor points")
    if view.hint is not None and view.camera is None:
        raise QueryError(f"view {index} has a hint, but its camera is unknown")


def _check_asked(kind: Kind, index: int, view: KnownView) -> None:
    if kind in view.known() or (kind is Kind.RAYS and view.camera is not None):
        raise QueryError(f"{kind.name} of view {index} is asked, but it is known")
