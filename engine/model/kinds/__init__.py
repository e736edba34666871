"""Kinds of pictures. To add one, make an object and enter it with `register`.

Everything else follows: the network gets projections for it, stored under its name; the tokenizer
a word whose id comes after all words of earlier checkpoints; a checkpoint from before it loads.
"""

from __future__ import annotations

from engine.model.kinds.encoded import Colours, Depth, Points
from engine.model.kinds.kind import KINDS, PATCH, Kind, kind_named, register
from engine.model.kinds.rays import RAY_CHANNELS, Rays

Kind.RGB = register(Colours("RGB", "<Image>"))
Kind.DEPTH = register(Depth("DEPTH", "<Geometry>"))
Kind.XYZ = register(Points("XYZ", "<Points>"))
# Rays are few numbers beside the channels of a latent, and cameras hang on them.
Kind.RAYS = register(Rays("RAYS", "<Rays>", loss_weight=8.0))
Kind.WARP = register(Colours("WARP", "<Warp>"))

#: The kinds of the first checkpoints, whose projections were stored by number and whose words come
#: before those of captions.
FIRST_KINDS = ("RGB", "DEPTH", "XYZ", "RAYS", "WARP")

__all__ = ["FIRST_KINDS", "KINDS", "PATCH", "RAY_CHANNELS", "Kind", "kind_named", "register"]
