"""Noise follows from what is drawn and from nothing else."""

from __future__ import annotations

import torch

from explorer.walk.noise import noise_generator


def _noise(*key) -> torch.Tensor:
    return torch.randn(4096, generator=noise_generator(*key))


def test_the_same_key_gives_the_same_noise_in_any_order() -> None:
    first = _noise(3, 7, "rgb")
    _noise(3, 8, "rgb")
    assert torch.equal(_noise(3, 7, "rgb"), first)


def test_every_part_of_the_key_counts() -> None:
    base = _noise(3, 7, "rgb")
    for other in [(4, 7, "rgb"), (3, 8, "rgb"), (3, 7, "depth"), (37, 0, "rgb")]:
        correlation = torch.corrcoef(torch.stack([base, _noise(*other)]))[0, 1]
        assert abs(float(correlation)) < 0.08


def test_no_two_keys_share_a_seed() -> None:
    keys = [(s, v, k) for s in range(20) for v in range(200) for k in ("rgb", "depth")]
    seeds = {noise_generator(*key).initial_seed() for key in keys}
    assert len(seeds) == len(keys)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_global_seed_is_neither_read_nor_changed() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first = _noise(1, 1, "rgb")
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(99)
    assert torch.equal(_noise(1, 1, "rgb"), first)
