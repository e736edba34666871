"""Hints: holes are continued smoothly, known pixels are kept."""

from __future__ import annotations

import torch

from engine.geometry.pictures import depth_to_picture
from engine.model.codec import Codec, CodecConfig
from engine.model.hints import fill_holes, hint_latents


def test_known_pixels_stay_and_holes_take_neighbouring_colours() -> None:
    picture = torch.full((1, 3, 18, 33), 0.4)
    weight = torch.ones(1, 1, 18, 33)
    weight[..., 5:12, 8:25] = 0
    picture[..., 5:12, 8:25] = -9.0
    filled = fill_holes(picture, weight)
    torch.testing.assert_close(filled, torch.full_like(filled, 0.4), atol=1e-4, rtol=0)


def test_a_gradient_is_continued_between_its_sides() -> None:
    ramp = torch.linspace(-1, 1, 64).expand(1, 1, 16, 64).clone()
    weight = torch.ones(1, 1, 16, 64)
    weight[..., 24:40] = 0
    filled = fill_holes(torch.where(weight > 0, ramp, torch.tensor(5.0)), weight)
    assert (filled - ramp).abs().max() < 0.35
    assert filled[0, 0, 8, 25] < filled[0, 0, 8, 38]


def test_nothing_known_gives_zeros() -> None:
    filled = fill_holes(torch.randn(1, 3, 16, 16), torch.zeros(1, 1, 16, 16))
    assert filled.abs().max() == 0


def test_latents_are_those_of_the_warped_pictures() -> None:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(1, 3, 16, 32, generator=generator)
    depth = torch.rand(1, 1, 16, 32, generator=generator) + 1
    depth[..., :4, :] = torch.inf
    full = torch.ones(1, 1, 16, 32)
    hint = hint_latents(codec, rgb, depth, full, torch.full((1, 1, 1, 1), 2.0))
    assert hint.shape == (1, 17, 2, 4)
    torch.testing.assert_close(hint[:, :8], codec.encode(rgb * 2 - 1))
    picture = depth_to_picture(depth, 2.0).expand(-1, 3, -1, -1)
    torch.testing.assert_close(hint[:, 8:16], codec.encode(picture))
    torch.testing.assert_close(hint[:, 16:], torch.ones(1, 1, 2, 4))


def test_unknown_depth_never_reaches_the_codec() -> None:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    depth = torch.full((1, 1, 16, 16), torch.nan)
    coverage = torch.zeros(1, 1, 16, 16)
    hint = hint_latents(codec, torch.zeros(1, 3, 16, 16), depth, coverage, torch.ones(1, 1, 1, 1))
    assert bool(hint.isfinite().all())
