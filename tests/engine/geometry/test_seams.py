"""Steps between patches go; slopes, edges and everything else of a picture stays."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.geometry.seams import SeamConfig, _answer, _flow, _potential, without_seams

PATCH = 8


def offsets(strength: float, seed: int = 0) -> Tensor:
    """(1, 3, 64, 96): every patch brighter or darker than its neighbours."""
    generator = torch.Generator().manual_seed(seed)
    each = torch.randn(1, 3, 8, 12, generator=generator) * strength
    return each.repeat_interleave(PATCH, -1).repeat_interleave(PATCH, -2)


def slope() -> Tensor:
    across = torch.linspace(-0.8, 0.8, 96).expand(64, 96)
    return torch.stack([across, -across, across * 0])[None]


def seams(picture: Tensor) -> float:
    """Mean step at borders over the mean step elsewhere."""
    steps = picture.diff(dim=-1).abs().mean((0, 1, 2))
    at = torch.zeros(95, dtype=torch.bool)
    at[PATCH - 1 :: PATCH] = True
    return float(steps[at].mean() / steps[~at].mean())


def test_the_grid_goes_and_the_picture_stays() -> None:
    picture = slope() + offsets(0.05)
    done = without_seams(picture, PATCH)
    assert seams(picture) > 3
    assert seams(done) < 1.3
    assert (done - slope()).abs().mean() < (picture - slope()).abs().mean()
    assert done.mean() == pytest.approx(float(picture.mean()), abs=1e-5)


def test_a_picture_without_seams_stays_as_it_is() -> None:
    assert torch.allclose(without_seams(slope(), PATCH), slope(), atol=1e-5)


@pytest.mark.parametrize("side", [-1, -2])
def test_strong_edges_at_a_border_are_kept(side: int) -> None:
    """Twice `step` is an edge; half of it goes."""
    for height, kept in ((1.0, True), (0.2, False)):
        picture = torch.zeros(1, 3, 64, 96)
        picture.narrow(side, 32, picture.shape[side] - 32).fill_(height)
        done = without_seams(picture, PATCH, SeamConfig(step=0.4))
        step = done.select(side, 32) - done.select(side, 31)
        assert torch.allclose(step, torch.full_like(step, height if kept else 0.0), atol=0.03)


def test_tones_far_from_a_step_stay() -> None:
    """A step of two halves is spread over `reach` pixels, not over the picture."""
    picture = torch.zeros(1, 1, 16, 160)
    picture[..., 80:] = 0.3
    done = without_seams(picture, PATCH, SeamConfig(reach=6.0))
    assert torch.allclose(done[..., :40], picture[..., :40], atol=0.002)
    assert torch.allclose(done[..., 120:], picture[..., 120:], atol=0.002)
    assert (done.diff(dim=-1) >= -1e-6).all()


def test_the_closed_form_solves_the_equation() -> None:
    """Against the sum over neighbours, pixel by pixel, with mirrored borders."""
    flow = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    u = _potential(flow, 5.0)
    padded = torch.nn.functional.pad(u, (1, 1, 1, 1), mode="replicate")
    around = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:] + padded[..., :-2, 1:-1]
    around = around + padded[..., 2:, 1:-1]
    assert torch.allclose(around - 4 * u - u / 25, flow, atol=1e-4)
    assert _answer(16, 24, 5.0, flow.device).shape == (32, 25)


def test_nothing_is_made_or_lost_at_a_seam() -> None:
    flow = _flow(offsets(0.1), PATCH, 10.0)
    assert flow.abs().sum() > 0
    assert torch.allclose(flow.sum(-2), torch.zeros(()), atol=1e-4)


def test_a_single_patch_and_patches_too_small() -> None:
    single = torch.rand(1, 3, PATCH, PATCH)
    assert torch.allclose(without_seams(single, PATCH), single, atol=1e-6)
    with pytest.raises(ValueError, match="no slope"):
        without_seams(single, 2)


def test_half_precision_stays_half() -> None:
    assert without_seams(slope().bfloat16(), PATCH).dtype == torch.bfloat16
