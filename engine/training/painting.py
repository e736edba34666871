"""Worlds in other colours than they were built in, so that shape must tell what is near."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.training.augmentation import uniform

#: Share of single views of which planes are painted, and of those paints that are strong.
_PAINTED, _STRONG = 0.45, 0.7
#: Places that are tried in search of a plane, and the share of a picture that is worth painting.
_PLACES, _LEAST_PLANE = 6, 0.03
#: A plane is first fitted to what lies within this share of the picture from such a place.
_BESIDE = 0.04


def odd_colours(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Now and then (V, 3, H, W) in other colours than worlds have: shape must do then."""
    kind = uniform(generator, 0, 1)
    if kind < 0.1:
        return rgb.mean(1, keepdim=True).expand_as(rgb)
    if kind < 0.25:
        return rgb[:, torch.randperm(3, generator=generator).to(rgb.device)]
    if kind < 0.5:
        return painted_anew(rgb, generator)
    return rgb


def painted_anew(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """What has about the colour of one to three random pixels gets another, shaded as before.

    In rendered rooms walls are light and what stands in them is darker and more colourful, so that
    a network takes dark and red for near.
    """
    out, smooth = rgb, F.avg_pool2d(rgb, 3, 1, 1, count_include_pad=False)
    for _ in range(1 + int(uniform(generator, 0, 3))):
        x, y = (min(int(uniform(generator, 0, n)), n - 1) for n in (rgb.shape[3], rgb.shape[2]))
        old = smooth[0, :, y, x].clamp(0, 1)
        new = torch.rand(3, generator=generator).to(rgb) * uniform(generator, 0.15, 1.0)
        distance = (smooth - old[:, None, None]).square().sum(1, keepdim=True)
        covered = torch.exp(-distance / (2 * uniform(generator, 0.08, 0.22) ** 2))
        shade = (rgb.mean(1, keepdim=True) + 0.02) / (old.mean() + 0.02)
        out = torch.lerp(out, (new[:, None, None] * shade).clamp(0, 1), covered)
    return out


def painted_planes(rgb: Tensor, depth: Tensor, generator: torch.Generator) -> Tensor:
    """Nearly half of all views (1, 3, H, W) get one or two planes painted, shaded as before.

    A wall, a row of fronts, a floor or a table top in any colour, strong ones more than others, and
    farther ones more than near ones: small things that stand in front are what is colourful in
    rendered rooms, so that a network takes strong colours for near. `depth` (1, 1, H, W) in any
    unit finds the plane: its inverse is linear in the picture on a plane. Sky stays sky.
    """
    if uniform(generator, 0, 1) > _PAINTED:
        return rgb
    out, inverse = rgb, torch.where(depth.isfinite(), 1.0 / depth, 0.0)[0, 0]
    for _ in range(1 + int(uniform(generator, 0, 2))):
        covered = _random_plane(inverse, generator)
        if covered is not None:
            out = _repainted(out, covered, generator)
    return out


def _random_plane(inverse: Tensor, generator: torch.Generator) -> Tensor | None:
    """(H, W) bool, the pixels of one plane of inverse depth (H, W); None where nothing is found.

    A few places are tried, since around an edge there is no plane.
    """
    height, width = inverse.shape
    far_only = uniform(generator, 0, 1) < 0.6
    middle = float(inverse.median())
    rows, columns = ((torch.arange(n).to(inverse) + 0.5) / n for n in (height, width))
    for _ in range(_PLACES):
        row, column = (int(uniform(generator, 0, n)) for n in (height, width))
        here = float(inverse[row, column])
        if here <= 0 or (far_only and here > middle):
            continue
        in_rows = (rows - rows[row]).abs() < _BESIDE
        in_columns = (columns - columns[column]).abs() < _BESIDE
        covered = in_rows[:, None] & in_columns & ((inverse - here).abs() < 0.1 * here)
        for tolerance in (0.03, 0.015):
            plane = _plane_through(inverse, covered, rows, columns)
            covered = ((inverse - plane).abs() < tolerance * inverse) & (inverse > 0)
        if float(covered.float().mean()) > _LEAST_PLANE:
            return covered
    return None


def _plane_through(inverse: Tensor, covered: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(H, W) inverse depth of the plane that fits `covered` pixels best."""
    y, x = torch.nonzero(covered, as_tuple=True)
    places = torch.stack([columns[x], rows[y], torch.ones_like(rows[y])], dim=1).double()
    # In float32 the small ridge is lost beside many pixels of one row, and the matrix singular.
    square = places.T @ places + 1e-6 * torch.eye(3).to(places)
    fitted = torch.linalg.solve(square, places.T @ inverse[y, x].double())
    across, down, offset = fitted.to(inverse)
    plane: Tensor = across * columns + down * rows[:, None] + offset
    return plane


def _repainted(rgb: Tensor, covered: Tensor, generator: torch.Generator) -> Tensor:
    """(1, 3, H, W) with the pixels of `covered` (H, W) in one colour, most often a strong one."""
    strong = uniform(generator, 0, 1) < _STRONG
    saturation = uniform(generator, 0.5, 1.0) if strong else uniform(generator, 0.0, 0.25)
    value = uniform(generator, 0.1, 0.8) if strong else uniform(generator, 0.05, 1.0)
    hue = (uniform(generator, 0, 6) + torch.tensor([0.0, 4.0, 2.0])) % 6  # of red, green, blue
    pure = ((hue - 3).abs() - 1).clamp(0, 1).to(rgb)
    paint = value * (1 - saturation * (1 - pure))
    light = rgb.mean(1, keepdim=True) + 0.02
    shade = (light / light[0, 0][covered].mean()).pow(uniform(generator, 0.4, 1.0))
    coat = (paint[:, None, None] * shade).clamp(0, 1)
    return torch.where(covered, torch.lerp(rgb, coat, uniform(generator, 0.7, 1.0)), rgb)
