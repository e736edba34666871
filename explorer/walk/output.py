"""The files of a walk: pictures as they are drawn, everything else when it ends or is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from explorer.walk.export import EXPORTS, export_all
from explorer.walk.files import atomic_path
from explorer.walk.journal import RecordedViews
from explorer.walk.machine import machine
from explorer.walk.photo import Photo
from explorer.walk.recorded import picture_name, recorded_input
from explorer.walk.records import DrawnView
from explorer.walk.results import JOURNAL_FOLDER, Results
from explorer.walk.walk import Walk

WALK_JSON = "walk.json"
#: All that a walk writes into the folder of its results.
WALK_RESULTS = (*EXPORTS, WALK_JSON, JOURNAL_FOLDER)


@dataclass(frozen=True)
class OutputSettings:
    """Attributes:
    results: where everything goes.
    raw: the model's pictures instead of the final ones.
    about: the journal's header: what the walk was drawn from.
    views: how many were asked for, not counting the photo.
    png_of: the final picture of a view by its id as a whole PNG file, where it is one already.
    dense: the cloud has a point a pixel, instead of being the fused one.
    """

    results: Results
    raw: bool
    about: Mapping[str, Any]
    views: int
    png_of: Callable[[int], bytes | None]
    dense: bool = False


class WalkOutput:
    """Writes a walk's files into a folder, each whole or not at all."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        names = (picture_name(i) for i in range(settings.views + 1))
        settings.results.claim(*(f"views/{name}.png" for name in names))

    def add(self, drawn: DrawnView) -> None:
        """Writes a view's picture at once, so that even a killed walk leaves pictures."""
        target = self._settings.results.folder / "views" / f"{picture_name(drawn.view.id)}.png"
        whole = None if self._settings.raw else self._settings.png_of(drawn.view.id)
        with atomic_path(target) as path:
            if whole is None:
                shown = drawn.shown_rgb(self._settings.raw)
                Image.fromarray(shown).save(path, compress_level=1)
            else:
                path.write_bytes(whole)

    def finish(
        self, walk: Walk, views: RecordedViews, tell: Callable[[str], None] | None = None
    ) -> None:
        """Writes all files from what was recorded.

        Args:
            tell: called with what is being written.
        """
        points = None if self._settings.dense else walk.memory.points()
        record = recorded_input(views, points, walk.scene_scale, self._settings.raw)
        export_all(
            record,
            self._settings.results,
            None if tell is None else lambda name, _done, _total: tell(f"writing {name}"),
        )
        document = self._document(walk, views)
        self._settings.results.write(WALK_JSON, lambda path: _write_json(path, document))

    def _document(self, walk: Walk, views: RecordedViews) -> dict[str, Any]:
        return {
            "format": "photowalk walk",
            "complete": len(views) == self._settings.views + 1,
            "views_asked": self._settings.views,
            "pictures": "raw" if self._settings.raw else "final",
            "points": "dense" if self._settings.dense else "normal",
            "scene_scale": walk.scene_scale,
            "photo": _photo_entry(walk.photo),
            "drawn_from": dict(self._settings.about),
            "machine": machine(walk.engine.device),
            "views": views.descriptions,
        }


def _photo_entry(photo: Photo) -> dict[str, Any]:
    k = photo.intrinsics
    return {
        "file": photo.source_name,
        "original_size": [photo.original_width, photo.original_height],
        "working_size": [photo.width, photo.height],
        "model_size": [photo.width, photo.height],
        "picture_size": list(photo.picture_size),
        "intrinsics": {"fx": k.fx, "fy": k.fy, "cx": k.cx, "cy": k.cy},
        "lens": photo.lens_source,
        "notes": list(photo.notes),
    }


def _write_json(target: Path, document: Mapping[str, Any]) -> None:
    with atomic_path(target) as path:
        text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
