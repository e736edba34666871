"""What image encoders see in the pictures of entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from engine.model.encoders.features import Features
from engine.model.kinds import Kind
from engine.model.pictures import PictureMaker

Seen = tuple[Features, ...]


class Looking:
    """Looks at pictures as drawing does, by the same encoders (`PictureMaker.look`).

    Encoders that learn look anew each time, and gradients reach them. Those that are held look
    once: an entry serves several lessons, and what was seen in it is kept as long as the entry is.
    """

    def __init__(self, maker: PictureMaker) -> None:
        self.maker = maker
        learning = any(
            parameter.requires_grad
            for name in maker.read
            if name in maker.encoders
            for parameter in maker.encoders[name].parameters()
        )
        self.held = not learning
        # By the bytes of an entry's pictures; `None` names the picture of an entry of one.
        self._seen: Any = WeakTensorKeyDictionary()

    def at(self, kind: Kind, entries: Sequence[object], name: str, view: int | None = None) -> Seen:
        """Of a batch, with one picture of each entry.

        Args:
            name: of the attribute that has the bytes (3, H, W), or (V, 3, H, W).
            view: which of the V; None for an attribute of one picture.
        """
        kept: list[Tensor | None] = [getattr(entry, name) for entry in entries]
        shown = [pictures for pictures in kept if pictures is not None]
        if len(shown) < len(kept) or not (kind.looked_at and self.maker.read):
            return ()
        if not self.held:
            return self._look(kind, shown, view)
        known = [self._seen.setdefault(pictures, {}) for pictures in shown]
        new = [i for i, found in enumerate(known) if view not in found]
        if new:
            with torch.no_grad():
                seen = self._look(kind, [shown[i] for i in new], view)
            for place, index in enumerate(new):
                known[index][view] = tuple(_of_one(features, place) for features in seen)
        return tuple(_batch(each) for each in zip(*(k[view] for k in known), strict=True))

    def _look(self, kind: Kind, shown: Sequence[Tensor], view: int | None) -> Seen:
        pictures = torch.stack([p if view is None else p[view] for p in shown])
        return self.maker.read_of(
            self.maker.look(kind, kind.to_picture(pictures.float() / 255, 1.0))
        )


def _of_one(features: Features, place: int) -> Features:
    # A view of the batch would keep the whole of it.
    levels = tuple(level[place : place + 1].clone() for level in features.levels)
    return Features(features.encoder, levels, features.strides)


def _batch(features: Sequence[Features]) -> Features:
    first = features[0]
    levels = zip(*(each.levels for each in features), strict=True)
    return Features(first.encoder, tuple(torch.cat(level) for level in levels), first.strides)
