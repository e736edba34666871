"""All views that were ever added, the latest used of them in RAM and the rest on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path

from memory.views import View, load_view, save_view


class ViewStore(Mapping[int, View]):
    """Views by id.

    Args:
        folder: where views are written as they come; None keeps all of them in RAM.
        in_ram: how many views stay in RAM when there is a folder.
    """

    def __init__(self, folder: Path | None = None, in_ram: int = 64) -> None:
        if in_ram < 1:
            raise ValueError(f"at least one view must stay in RAM, not {in_ram}")
        self._folder = folder
        self._in_ram = in_ram
        self._ids: dict[int, None] = {}
        self._recent: OrderedDict[int, View] = OrderedDict()

    def __getitem__(self, view_id: int) -> View:
        if view_id not in self._ids:
            raise KeyError(f"there is no view {view_id}")
        view = self._recent.get(view_id)
        if view is None:
            view = load_view(self._path(view_id))
        self._keep(view)
        return view

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, view: View) -> None:
        """Add a view, or replace the one of the same id."""
        if self._folder is not None:
            save_view(self._path(view.id), view)
        self._ids[view.id] = None
        self._keep(view)

    def remove(self, view_id: int) -> None:
        """Forget a view and delete its file."""
        del self._ids[view_id]
        self._recent.pop(view_id, None)
        if self._folder is not None:
            self._path(view_id).unlink(missing_ok=True)

    def _keep(self, view: View) -> None:
        self._recent[view.id] = view
        self._recent.move_to_end(view.id)
        while self._folder is not None and len(self._recent) > self._in_ram:
            self._recent.popitem(last=False)

    def _path(self, view_id: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{view_id:06d}.npz"
