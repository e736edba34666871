"""The fused surfels: each stretch of surface once, at the best resolution it was seen with, and
which views saw it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.surfels import Surfels
from memory.chunks import (
    Chunks,
    Selection,
    chunk_order,
    chunks_of,
    selected,
    touched_chunks,
)
from memory.occlusion import DepthPyramid, PicturePoints

#: How many views a surfel remembers to have been seen by.
SLOTS = 8
#: A further view takes the place of the weakest of them if it sees this much better.
_BETTER = 1.1
#: Discs of a coarser level of detail may be this far apart, pixels.
_SHARPNESS = 1.1
#: What hides what is judged in cells of this many pixels: for surfels by all of them, for chunks
#: by a sixteenth of them.
_CELL = 4
_SAMPLE_CELL, _SAMPLE_LEVELS = 8, 4
#: What is this much (relative) behind what is in front of it is hidden.
_SLACK = 0.1

#: Two tables with a row for each surfel: what culling needs, and the rest.
_ORIENTED = {"positions": 3, "normals": 3}
_LOOKS = {"long_axes": 3, "colours": 3, "radii": 1, "confidence": 1}


#: Takes one change of the tables back.
Undo = Callable[[], None]


class SurfelCloud:
    """Surfels that are added, seen again and superseded, never moved.

    `seen_by` and `seen_well` are (N, SLOTS): the ids of views that see a surfel, −1 for none, and
    how finely each sees it in pixels per world unit.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._size = 0
        self._dead = 0
        self._oriented = torch.zeros(0, sum(_ORIENTED.values()), device=self._device)
        self._looks = torch.zeros(0, sum(_LOOKS.values()), device=self._device)
        self._view_ids = torch.zeros(0, dtype=torch.int32, device=self._device)
        self._alive = torch.zeros(0, dtype=torch.bool, device=self._device)
        self._seen_by = torch.zeros(0, SLOTS, dtype=torch.int32, device=self._device)
        self._seen_well = torch.zeros(0, SLOTS, device=self._device)
        self._chunks = Chunks.empty(self._device)
        self._undo: list[Undo] = []

    def __len__(self) -> int:
        """How many surfels stand."""
        return self._size - self._dead

    def append(
        self,
        surfels: Surfels,
        pixels: Tensor,
        depth: Tensor,
        width: int,
        seen: tuple[Tensor, Tensor],
    ) -> None:
        """Add surfels (N,) that a view of `width` columns saw at `pixels` (N,) and `depth` (N,).

        `seen` are their rows of `seen_by` and `seen_well`.
        """
        if not len(surfels):
            return
        self._undo.append(partial(self._shrink, self._size, self._chunks))
        ordering = chunk_order(pixels, depth, width)
        surfels = surfels[ordering.order]
        start, end = self._size, self._size + len(surfels)
        self._reserve(end)
        self._chunks = self._chunks.followed_by(chunks_of(surfels, ordering, start))
        self._oriented[start:end] = _packed(surfels, _ORIENTED)
        self._looks[start:end] = _packed(surfels, _LOOKS)
        self._view_ids[start:end] = surfels.view_ids
        self._alive[start:end] = True
        self._seen_by[start:end] = seen[0][ordering.order]
        self._seen_well[start:end] = seen[1][ordering.order]
        self._size = end

    def select(self, camera: Camera, height: int, width: int) -> Selection:
        """What a picture can show: as coarse as it allows, without what others surely hide."""
        touched = touched_chunks(self._chunks, camera, height, width, _SHARPNESS)
        sample = selected(self._chunks, touched, coarser=_SAMPLE_LEVELS)
        few = self._points(sample, camera, height, width)
        before = DepthPyramid(few.depth(height // _SAMPLE_CELL, width // _SAMPLE_CELL), camera)
        touched = touched[~before.hides(touched.centres, touched.radii, _SLACK)]
        selection = selected(self._chunks, touched)
        points = self._points(selection, camera, height, width)
        kept = points.in_front(points.depth(height // _CELL, width // _CELL), _SLACK)
        return Selection(
            selection.index.index_select(0, kept), selection.enlarged.index_select(0, kept)
        )

    def select_before(self, camera: Camera, depth: Tensor, slack: float) -> Selection:
        """What may lie on or before a depth picture (H, W) seen from `camera`, or at most `slack`
        (relative) behind it; as coarse as the picture allows."""
        height, width = depth.shape
        touched = touched_chunks(self._chunks, camera, height, width, _SHARPNESS)
        before = DepthPyramid(depth, camera)
        hidden = before.hides(touched.centres, touched.radii, slack)
        return selected(self._chunks, touched[~hidden])

    def _points(
        self, selection: Selection, camera: Camera, height: int, width: int
    ) -> PicturePoints:
        rows = self._oriented.index_select(0, selection.index)
        return PicturePoints.of(rows[:, :3].T, rows[:, 3:].T, camera, height, width)

    def surfels(self, selection: Selection) -> Surfels:
        """The selected surfels, coarse ones enlarged."""
        found = self._at(selection.index)
        return Surfels(
            positions=found.positions,
            normals=found.normals,
            radii=found.radii * selection.enlarged,
            long_axes=found.long_axes * selection.enlarged[:, None],
            colours=found.colours,
            view_ids=found.view_ids,
            confidence=found.confidence,
        )

    def all(self) -> Surfels:
        """Every standing surfel."""
        alive = self._alive[: self._size].nonzero()[:, 0]
        return self._at(alive)

    def counts(self) -> Tensor:
        """(V,) int64: how many standing surfels each view added, by view id."""
        alive = self._alive[: self._size]
        return torch.bincount(self._view_ids[: self._size][alive])

    def of_view(self, view_id: int) -> Surfels:
        """The standing surfels that a view added."""
        own = self._alive[: self._size] & (self._view_ids[: self._size] == view_id)
        return self._at(own.nonzero()[:, 0])

    def seen(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """(N, SLOTS) `seen_by` and `seen_well` of surfels `index` (N,)."""
        return self._seen_by.index_select(0, index), self._seen_well.index_select(0, index)

    def observe(self, index: Tensor, view_id: int, well: Tensor) -> None:
        """Note that a new view sees surfels `index` (N,), `well` (N,) pixels per world unit."""
        before = self.seen(index)
        self._undo.append(partial(self._put_seen, index, before))
        self._put_seen(index, with_view(*before, view_id, well))

    def remove(self, index: Tensor) -> None:
        """Take surfels `index` (N,), each at most once, out of sight."""
        index = index[self._alive[index]]
        self._undo.append(partial(self._revive, index, self._oriented[index, 3:]))
        self._dead += len(index)
        self._alive[index] = False
        self._oriented[index, 3:] = 0.0  # without a normal it faces nothing: nothing draws it

    def changes(self) -> list[Undo]:
        """What takes back all that was done since this was last asked, to be called last first.

        Only the rows that changed are kept, so one view costs a few megabytes.
        """
        found, self._undo = self._undo, []
        return found

    def _shrink(self, size: int, chunks: Chunks) -> None:
        self._size, self._chunks = size, chunks

    def _put_seen(self, index: Tensor, seen: tuple[Tensor, Tensor]) -> None:
        self._seen_by[index], self._seen_well[index] = seen

    def _revive(self, index: Tensor, normals: Tensor) -> None:
        self._dead -= len(index)
        self._alive[index] = True
        self._oriented[index, 3:] = normals

    def _at(self, index: Tensor) -> Surfels:
        parts: dict[str, Tensor] = {}
        for table, columns in ((self._oriented, _ORIENTED), (self._looks, _LOOKS)):
            rows, column = table.index_select(0, index), 0
            for name, width in columns.items():
                parts[name] = rows[:, column : column + width]
                column += width
        return Surfels(
            positions=parts["positions"],
            normals=parts["normals"],
            radii=parts["radii"][:, 0],
            long_axes=parts["long_axes"],
            colours=parts["colours"],
            view_ids=self._view_ids.index_select(0, index),
            confidence=parts["confidence"][:, 0],
        )

    def _reserve(self, size: int) -> None:
        """Grow by doubling, so that adding costs what is added."""
        room = len(self._alive)
        if size <= room:
            return
        more = max(size, 2 * room, 1 << 16) - room
        for name in ("_oriented", "_looks", "_view_ids", "_alive", "_seen_by", "_seen_well"):
            old: Tensor = getattr(self, name)
            setattr(self, name, torch.cat([old, old.new_zeros(more, *old.shape[1:])]))


def _packed(surfels: Surfels, columns: dict[str, int]) -> Tensor:
    values = [getattr(surfels, name).reshape(len(surfels), -1) for name in columns]
    return torch.cat(values, dim=1)


def unseen(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Empty rows (count, SLOTS) of `seen_by` and `seen_well`."""
    return (
        torch.full((count, SLOTS), -1, dtype=torch.int32, device=device),
        torch.full((count, SLOTS), -1.0, device=device),
    )


def with_view(
    seen_by: Tensor, seen_well: Tensor, view_id: int, well: Tensor
) -> tuple[Tensor, Tensor]:
    """Rows (N, SLOTS) with a further view that sees them `well` (N,), as far as it has a place."""
    weakest, slot = seen_well.min(dim=1, keepdim=True)
    better = well[:, None] > weakest * _BETTER  # an empty place counts −1
    seen_by = seen_by.scatter(1, slot, torch.where(better, view_id, seen_by.gather(1, slot)))
    seen_well = seen_well.scatter(1, slot, torch.where(better, well[:, None], weakest))
    return seen_by, seen_well
