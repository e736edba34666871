"""Painted surfaces of worlds: whole planes, one paint, shading and sky as they were."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.training.painting import odd_colours, painted_anew, painted_planes

SKY, WALL, FLOOR, BOX = range(4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def room() -> tuple[Tensor, Tensor, Tensor]:
    """rgb (1, 3, 72, 128), depth (1, 1, 72, 128) and what each pixel shows (72, 128).

    Sky over a wall that recedes to the right, a floor below it, a box in front that bulges.
    """
    y, x = torch.meshgrid(
        (torch.arange(72) + 0.5) / 72, (torch.arange(128) + 0.5) / 128, indexing="ij"
    )
    wall, floor = 0.33 - 0.2 * x, (y - 0.45) / 1.1
    inverse = torch.maximum(wall, floor)
    shows = torch.where(floor > wall, FLOOR, WALL)
    shows[:20], inverse[:20] = SKY, 0
    bulge = 0.75 + 8 * ((x - 0.3) ** 2 + (y - 0.6) ** 2)
    box = ((x - 0.3).abs() < 0.1) & ((y - 0.6).abs() < 0.15)
    shows, inverse = torch.where(box, BOX, shows), torch.where(box, bulge, inverse)
    rgb = (0.3 + 0.1 * torch.rand(1, 1, 72, 128, generator=generator())).expand(-1, 3, -1, -1)
    return rgb, (1 / inverse)[None, None], shows


def test_a_painted_plane_is_one_surface_and_all_of_it(room: tuple[Tensor, Tensor, Tensor]) -> None:
    rgb, depth, shows = room
    seen = {SKY: 0, WALL: 0, FLOOR: 0, BOX: 0}
    partly = 0
    for seed in range(200):
        changed = (painted_planes(rgb, depth, generator(seed)) != rgb).any(1)[0]
        shares = {kind: float(changed[shows == kind].float().mean()) for kind in seen}
        assert shares[SKY] == 0
        assert shares[BOX] < 0.6, "a bulge is no plane"
        for kind in (WALL, FLOOR):
            # Pixels of the other plane lie on this one where the two meet, and a place at that
            # line may take some of both.
            seen[kind] += shares[kind] > 0.97
            partly += 0.1 < shares[kind] < 0.97
    assert seen[WALL] > 20
    assert seen[FLOOR] > 5
    assert partly < 5


def test_planes_of_nearly_half_of_the_views_are_painted(
    room: tuple[Tensor, Tensor, Tensor],
) -> None:
    rgb, depth, _ = room
    painted = sum(painted_planes(rgb, depth, generator(seed)) is not rgb for seed in range(200))
    assert 60 < painted < 110


def test_a_painted_plane_has_a_colour_and_its_old_shading(
    room: tuple[Tensor, Tensor, Tensor],
) -> None:
    rgb, depth, shows = room
    strong = count = 0
    for seed in range(100):
        new = painted_planes(rgb, depth, generator(seed))
        changed = (new != rgb).any(1)[0] & (shows == WALL)
        if changed.sum() < 1000:
            continue
        coat, before = new[0][:, changed], rgb[0][:, changed]
        assert coat.min() >= 0
        assert coat.max() <= 1
        brightest = coat.amax(0)
        assert torch.corrcoef(torch.stack([brightest, before[0]]))[0, 1] > 0.7
        count += 1
        strong += float(1 - (coat.amin(0) / brightest.clamp_min(1e-6)).median()) > 0.35
    assert 0.4 < strong / count < 0.95, "most paints are strong, some are not"


def test_nothing_is_painted_where_all_depth_is_unknown_or_sky() -> None:
    rgb = torch.rand(1, 3, 16, 24, generator=generator())
    for nowhere in (torch.inf, torch.nan):
        depth = torch.full((1, 1, 16, 24), nowhere)
        for seed in range(10):
            torch.testing.assert_close(painted_planes(rgb, depth, generator(seed)), rgb)


def test_a_row_of_known_depth_among_sky_is_a_plane_too() -> None:
    rgb = torch.rand(1, 3, 3, 512, generator=generator())
    depth = torch.full((1, 1, 3, 512), torch.inf)
    depth[..., 1, :] = 2.0
    painted = 0
    for seed in range(200):
        changed = (painted_planes(rgb, depth, generator(seed)) != rgb)[0].any(0)
        assert not changed[0].any()
        assert not changed[2].any()
        painted += bool(changed.any())
    assert painted > 20


def test_odd_colours_are_grey_exchanged_or_painted_anew() -> None:
    rgb = torch.rand(1, 3, 8, 8, generator=generator())
    kinds = set()
    for seed in range(60):
        odd = odd_colours(rgb, generator(seed))
        assert odd.min() >= 0
        assert odd.max() <= 1
        grey = bool((odd[:, 0] == odd[:, 1]).all())
        as_light = torch.allclose(odd.mean(1), rgb.mean(1), atol=1e-5)
        same = torch.equal(odd, rgb)
        kind = "grey" if grey else "same" if same else "exchanged" if as_light else "painted"
        kinds.add(kind)
    assert kinds == {"grey", "same", "exchanged", "painted"}


def test_a_wall_is_painted_anew_as_a_whole_and_keeps_its_shading() -> None:
    shading = torch.linspace(0.95, 1.05, 32).expand(16, 32)
    wall = torch.tensor([0.5, 0.45, 0.4])[:, None, None] * shading
    strange = torch.tensor([0.0, 0.9, 0.9])[:, None, None].expand(3, 16, 32)
    rgb = torch.cat([wall, strange], dim=1)[None]
    repainted = 0
    for seed in range(20):
        new = painted_anew(rgb, generator(seed))[0]
        top = (new[:, :15] / wall[:, :15]).flatten(1)
        bottom = (new[:, 17:] - strange[:, 1:]).abs().max()
        if (top.mean(1) - 1).abs().max() > 0.3 and bottom < 0.02:
            repainted += 1
            # Nearly in the same proportion to what it was everywhere: one surface, one paint.
            assert top.std(1).max() < 0.05
    assert repainted >= 3
