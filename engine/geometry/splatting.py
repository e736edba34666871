"""Discs in the picture plane become pixels: stamps, a z-buffer, and a weighted blend.

The arithmetic behind `engine.geometry.rendering`. Discs are held as rows of one tensor, one column
a disc, and stamps as (k, k, n), so that every step is one long vector operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Widths of the square stamps; a disc takes the smallest that holds it.
STAMPS = (2, 3, 4, 6, 8, 12, 16, 24)
#: Half-widths of discs are kept between half a narrowest and half a widest stamp, in pixels.
SMALLEST_HALF, LARGEST_HALF = STAMPS[0] / 2, STAMPS[-1] / 2

#: A disc may be this much wider than its stamp: the faint rim beyond is cut, the loss made good by
#: the gain on coverage, and the commonest discs fit the smallest stamp.
_OVERHANG = 1.1
_COVERAGE_GAIN = 1.2
_HIDDEN = 1e30
_STEEP = 1e30
_INDEX_BITS = 32


@dataclass(frozen=True)
class Discs:
    """N discs in the picture plane.

    Attributes:
        centre: (2, N) u and v in pixels.
        half: (2, N) half-widths across and down, pixels, within the limits above.
        inverse_depth: (N,).
        slope: (2, N) change of inverse depth per pixel to the right and down.
        colours: (3, N).
        share: (N,) how much a disc counts in a blend.
        visible: (N,) bool, the others are left out.
    """

    centre: Tensor
    half: Tensor
    inverse_depth: Tensor
    slope: Tensor
    colours: Tensor
    share: Tensor
    visible: Tensor


@dataclass(frozen=True)
class Splat:
    """P = height × width pixels.

    Attributes:
        rgb: (3, P) blended colour, 0 where there is none.
        depth: (P,) blended depth, nan where there is none.
        coverage: (P,) in [0, 1].
        finest: (P,) int64, the disc that counts most, −1 where there is none.
    """

    rgb: Tensor
    depth: Tensor
    coverage: Tensor
    finest: Tensor


@dataclass(frozen=True)
class _Stamp:
    """The pixels that n discs of one width touch.

    Attributes:
        disc: (n,) index of each disc.
        pixel: (k·k·n,) index into the padded picture.
        weight: (k, k, n) tent, 0 outside the disc.
        inverse_depth: (k, k, n).
        hiding: (k, k, n) inverse depth where the disc hides what lies behind, negative elsewhere.
    """

    disc: Tensor
    pixel: Tensor
    weight: Tensor
    inverse_depth: Tensor
    hiding: Tensor


@dataclass(frozen=True)
class _Frame:
    """The picture with a rim of `pad` pixels, so that no stamp needs to be cut."""

    height: int
    width: int
    pad: int

    @property
    def columns(self) -> int:
        return self.width + 2 * self.pad

    @property
    def pixels(self) -> int:
        return self.columns * (self.height + 2 * self.pad)

    def cropped(self, flat: Tensor) -> Tensor:
        """(..., pixels) without the rim, (..., height · width)."""
        pad = self.pad
        rows = flat.view(*flat.shape[:-1], self.height + 2 * pad, self.columns)
        inner = rows[..., pad : pad + self.height, pad : pad + self.width]
        return inner.flatten(-2)


def splat(discs: Discs, height: int, width: int, core: float, tolerance: float) -> Splat:
    """Blend the front discs of every pixel; `core` and `tolerance` as in `RenderSettings`.

    Rims of nearer discs blend over a farther core: that is the soft outline of a near surface.
    """
    frame, classes = _classes(discs, height, width)
    stamps = [_stamp(discs, chosen, k, frame, core) for k, chosen in classes]
    device = discs.centre.device
    limits = _limits(_front(stamps, frame, device), tolerance)
    sums = torch.zeros(6, frame.pixels, device=device)
    best = torch.full((frame.pixels,), -1, dtype=torch.int64, device=device)
    for stamp in stamps:
        _accumulate(sums, best, stamp, limits, discs)
    sums, best = frame.cropped(sums), frame.cropped(best)
    share = sums[3].clamp_min(1e-20)
    return Splat(
        rgb=sums[:3] / share,
        depth=torch.where(sums[3] > 0, share / sums[4].clamp_min(1e-30), torch.nan),
        coverage=(_COVERAGE_GAIN * sums[5]).clamp(0, 1),
        finest=torch.where(sums[3] > 0, best & ((1 << _INDEX_BITS) - 1), -1),
    )


def _classes(discs: Discs, height: int, width: int) -> tuple[_Frame, list[tuple[int, Tensor]]]:
    """Visible discs that touch the picture, by width of stamp."""
    u, v = discs.centre
    half_x, half_y = discs.half
    touching = (u - width / 2).abs() < half_x + width / 2
    touching &= (v - height / 2).abs() < half_y + height / 2
    touching &= discs.visible
    reach = torch.maximum(half_x, half_y)
    is_small = reach <= STAMPS[0] * _OVERHANG / 2
    small = (touching & is_small).nonzero()[:, 0]
    large = (touching & ~is_small).nonzero()[:, 0]
    bounds = torch.tensor(STAMPS[1:-1], device=u.device) * (_OVERHANG / 2)
    kind = torch.bucketize(reach.index_select(0, large), bounds)
    counts = torch.bincount(kind, minlength=len(STAMPS) - 1).tolist()
    classes = [(STAMPS[0], small)] if len(small) else []
    classes += [(k, large[kind == i]) for i, k in enumerate(STAMPS[1:]) if counts[i]]
    pad = 1 + max((k for k, _ in classes), default=0)
    return _Frame(height, width, pad), classes


def _stamp(discs: Discs, chosen: Tensor, k: int, frame: _Frame, core: float) -> _Stamp:
    rows = torch.cat(
        [discs.centre, discs.half, discs.slope, discs.inverse_depth[None]]
    ).index_select(1, chosen)
    centre, half, slope, inverse = rows[0:2], rows[2:4], rows[4:6], rows[6]
    first = torch.ceil(centre - (k / 2 + 0.5))  # the first of the k nearest pixel centres
    steps = torch.arange(k, device=rows.device)
    away = (first - centre + 0.5)[:, None] + steps[:, None]  # (2, k, n)
    near = away.abs() / half[:, None]
    tent = (1 - near).clamp_min(0)
    # A wrong normal must not throw a disc's rim far from its centre.
    bound = 0.12 * inverse
    rise = torch.minimum(torch.maximum(away * slope[:, None], -bound), bound)
    rise_y, rise_x = rise[1], rise[0] + inverse
    # Sums and clamps instead of comparisons: those leave a processor's fast lane.
    hidden = ((near - core) * _STEEP).clamp(0, _HIDDEN)
    corner = first.to(torch.int64) + frame.pad
    offsets = steps[:, None] * frame.columns + steps
    pixel = (corner[1] * frame.columns + corner[0]) + offsets[:, :, None]
    return _Stamp(
        disc=chosen,
        pixel=pixel.view(-1),
        weight=tent[1][:, None] * tent[0],
        inverse_depth=rise_y[:, None] + rise_x,
        hiding=(rise_y - hidden[1])[:, None] + (rise_x - hidden[0]),
    )


def _front(stamps: list[_Stamp], frame: _Frame, device: torch.device) -> Tensor:
    """(pixels,) the inverse depth of the nearest core, 0 where there is none.

    The bits of a positive float order like the float, and whole numbers scatter faster.
    """
    front = torch.zeros(frame.pixels, dtype=torch.int32, device=device)
    for stamp in stamps:
        front.scatter_reduce_(0, stamp.pixel, stamp.hiding.view(torch.int32).view(-1), "amax")
    return front.view(torch.float32)


def _limits(front: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """(pixels,) the inverse depth below which discs are hidden, and that to which it is held, so
    that a near rim moves a far pixel's depth no further than the tolerance."""
    return front / (1 + tolerance), torch.where(front > 0, front * (1 + tolerance), _HIDDEN)


def _accumulate(
    sums: Tensor, best: Tensor, stamp: _Stamp, limits: tuple[Tensor, Tensor], discs: Discs
) -> None:
    """Add colour (3 rows), share, share × inverse depth and weight to `sums`; note in `best` the
    disc of the greatest share.

    One integer of `best` holds the bits of the share and the disc, so that the greatest is the
    same in whatever order the work is done.
    """
    least, most = (limit.index_select(0, stamp.pixel).view(stamp.weight.shape) for limit in limits)
    in_front = ((stamp.inverse_depth - least) * _STEEP).clamp_(0, 1)
    weight = in_front.mul_(stamp.weight)
    share = weight * discs.share.index_select(0, stamp.disc)
    bits = share.view(torch.int32).to(torch.int64)
    key = bits.bitwise_left_shift_(_INDEX_BITS).bitwise_or_(stamp.disc)
    best.scatter_reduce_(0, stamp.pixel, key.view(-1), "amax")
    colours = discs.colours.index_select(1, stamp.disc)
    inverse = torch.minimum(stamp.inverse_depth, most)
    values = (*(share * c for c in colours), share, share * inverse, weight)
    for row, value in zip(sums, values, strict=True):
        row.scatter_add_(0, stamp.pixel, value.view(-1))
