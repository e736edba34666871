"""What a pass of a transformer takes, in bytes and in floating-point operations, from its shape.

Counted for inference without gradients: a layer's temporaries are gone when the next one begins,
and fused attention never holds its scores. The coefficients were read off the layers' code and
agree with the tensors alive in real passes (tests: within a quarter) for our transformer and for
Wan's in diffusers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class NetworkShape:
    """A transformer of equal layers.

    Attributes:
        width: numbers in a token.
        layers: how many.
        mlp: numbers in a token inside the MLP.
        text_tokens: words that every layer attends to apart from the sequence; 0 for our own, whose
            last layer is not run for what is only remembered.
        gated: layers have the camera's own projection (seed 003, eq. 14), width to 2 x width.
    """

    width: int
    layers: int
    mlp: int
    text_tokens: int = 0
    gated: bool = True


class Pass(NamedTuple):
    """One pass of the network: tokens that are computed, tokens that they see (themselves among
    them), and whether they are only remembered."""

    tokens: int
    seen: int
    remembered: bool = False


@dataclass(frozen=True)
class ViewWork:
    """The passes that a view with its depth takes.

    Attributes:
        picture: tokens of one picture.
        context: pictures of the context, an RGB and a DEPTH for each view.
        rgb_steps, depth_steps: sampling steps.
    """

    picture: int
    context: int = 4
    rgb_steps: int = 1
    depth_steps: int = 1

    @property
    def passes(self) -> tuple[Pass, ...]:
        """In their order."""
        known = self.context * self.picture
        first = (Pass(known, known, remembered=True),)
        view = (Pass(self.picture, known + self.picture),) * self.rgb_steps
        remembered = (Pass(self.picture, known + self.picture, remembered=True),)
        depth = (Pass(self.picture, known + 2 * self.picture),) * self.depth_steps
        return first + view + remembered + depth


def tokens_of(size: tuple[int, int], downscale: int = 8, patch: int = 2) -> int:
    """Tokens of a picture of (width, height) pixels."""
    step = downscale * patch
    return (size[0] // step) * (size[1] // step)


def pass_bytes(shape: NetworkShape, tokens: int, element: int) -> int:
    """The most that a pass holds beside weights and cache.

    Args:
        tokens: that are computed.
        element: bytes of a number.
    """
    d = shape.width
    inside = tokens * (6 * d + 2 * shape.mlp)
    # Words are projected to keys and values and normalised in float32 while the tokens wait.
    asking = 6 * tokens * d + 8.8 * shape.text_tokens * d if shape.text_tokens else 0
    return int(element * max(inside, asking))


def cache_bytes(shape: NetworkShape, tokens: int, element: int) -> int:
    """Keys and values of remembered tokens."""
    return 2 * element * shape.layers * tokens * shape.width


def view_bytes(shape: NetworkShape, work: ViewWork, element: int) -> int:
    """The most that drawing a view holds beside weights: context, sampling, or the view's own
    picture joining the context, when the cache exists twice for a moment."""
    known = work.context * work.picture
    joined = cache_bytes(shape, known + work.picture, element)
    remembering = pass_bytes(shape, known, element) + cache_bytes(shape, known, element)
    joining = cache_bytes(shape, known, element) + joined
    one_layer = 2 * (known + 2 * work.picture) * shape.width * element
    sampling = joined + pass_bytes(shape, work.picture, element) + one_layer
    return max(remembering, joining, sampling)


def pass_flops(shape: NetworkShape, of: Pass) -> int:
    """Floating-point operations of a pass, a multiplication and an addition counted as two."""
    tokens, seen, remembered = of
    d, words = shape.width, shape.text_tokens
    projections = 4 * d * d + 2 * d * shape.mlp
    if shape.gated:
        projections += 2 * d * d
    attention = 2 * tokens * seen * d
    asking = 0
    if words:
        projections += 2 * d * d
        asking = 2 * words * d * d + 2 * tokens * words * d
    spared = remembered and not words
    whole = shape.layers - 1 if spared else shape.layers
    last = 3 * tokens * d * d if spared else 0  # queries, keys and values are one projection
    return 2 * (whole * (tokens * projections + attention + asking) + last)


def view_flops(shape: NetworkShape, work: ViewWork) -> int:
    """Of all passes of a view with its depth."""
    return sum(pass_flops(shape, each) for each in work.passes)
