"""What image encoders see in the pictures of queries, looked at once for all steps of a walk."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from engine.model.encoders.features import Features
from engine.model.kinds import Kind
from engine.model.pictures import PictureMaker

#: Pictures whose features are kept; at 256x144 pixels those of 64 take 7 MB.
_KEPT = 64


class Looking:
    """Looks for one engine at colours in 8 bits, as files, memory and training entries hold them: a
    view that was drawn in one step and is context of the next is the same picture to an encoder.

    On a CPU what the network reads of a picture is kept, by the picture's hash, and the pictures
    that were not asked for longest are forgotten: an encoder takes a tenth of a view's time. On
    other devices it takes less than bringing the picture here would.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[Features, ...]] = {}

    def at(
        self, maker: PictureMaker, kind: Kind, values: Tensor, whole: bool = False
    ) -> tuple[Features, ...]:
        """See `PictureMaker.look`.

        Args:
            values: (1, 3, H, W) in [0, 1].
            whole: with levels that the network does not read, for a decoder.
        """
        if not (kind.looked_at and maker.read):
            return ()
        in_bytes = (values.clamp(0, 1) * 255).round().to(torch.uint8).contiguous()
        if whole or values.device.type != "cpu":
            return _look(maker, kind, in_bytes)
        data = in_bytes.numpy().tobytes()
        key = (kind.name, tuple(values.shape), hashlib.sha256(data).digest())
        found = self._kept.pop(key, None)
        if found is None:
            found = maker.read_of(_look(maker, kind, in_bytes))
        self._kept[key] = found
        while len(self._kept) > _KEPT:
            self._kept.pop(next(iter(self._kept)), None)
        return found


def _look(maker: PictureMaker, kind: Kind, in_bytes: Tensor) -> tuple[Features, ...]:
    return maker.look(kind, kind.to_picture(in_bytes.float() / 255, 1.0))
