"""Beliefs of focal lengths in closed form, and the head that forms them: read, kept, restored."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from engine.model.embedded import embedded_weights
from engine.model.encoders.efficientnet_lite import LITE0, EfficientNetLite0
from engine.model.errors import CheckpointError
from engine.model.lens.belief import FocalBins
from engine.model.lens.lens_head import LensHead, restored_lens
from engine.model.sight import Sight, read_sight, save_sight
from engine.model.storage import read_model
from engine.training.cli import main

BINS = FocalBins(0.5, 2.0, 4)
HEADER = {
    "class": "LensHead",
    "encoder": LITE0.name,
    "skipped": 2,
    "channels": 40 + 112 + 320,
    "grid": 3,
    "width": 8,
    "layers": 1,
    "pixels": 96 * 64,
    "bins": [0.5, 2.0, 4],
    "dropout": 0.1,
}


def head() -> LensHead:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return LensHead(HEADER).eval()


def sight(lens: LensHead | None) -> Sight:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Sight({LITE0.name: EfficientNetLite0().eval()}, {}, lens)


def test_bins_divide_the_logarithm_evenly() -> None:
    assert BINS.width == pytest.approx(math.log(4) / 4)
    expected = [0.5 * 4 ** (k / 8) for k in (1, 3, 5, 7)]
    torch.testing.assert_close(BINS.centres().exp(), torch.tensor(expected))


def test_quantiles_in_closed_form() -> None:
    even = torch.full((1, 4), 0.25)
    for level in (0.1, 0.25, 0.5, 0.84):
        expected = math.log(0.5) + level * math.log(4)
        assert float(BINS.quantile(even, level)) == pytest.approx(expected, abs=1e-6)
    sure = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    assert float(BINS.quantile(sure, 0.5)) == pytest.approx(float(BINS.centres()[2]), abs=1e-6)
    torn = torch.tensor([[0.5, 0.0, 0.0, 0.5]])
    low, high = (float(BINS.quantile(torn, level)) for level in (0.25, 0.75))
    torch.testing.assert_close(torch.tensor([low, high]), BINS.centres()[[0, 3]])


def test_neighbours_of_the_true_bin_are_less_wrong() -> None:
    true = torch.tensor([0.0, math.log(0.6)])
    shares = FocalBins().spread_over(true, 0.07)
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    torch.testing.assert_close(shares @ FocalBins().centres(), true, atol=2e-3, rtol=0)
    assert bool((FocalBins().quantile(shares, 0.5) - true).abs().max() < 0.01)


def test_it_sees_where_things_are() -> None:
    levels = [torch.zeros(1, 1, 2, 2)] * 2 + [
        torch.randn(2, c, 24 // s, 36 // s) for s, c in ((1, 40), (2, 112), (4, 320))
    ]
    pooled = head().pooled(levels)
    assert pooled.shape == (2, 9, 472)
    # The second place of the third row, in the middle level: rows 8 to 11, columns 6 to 11.
    torch.testing.assert_close(pooled[:, 7, 40:152], levels[3][..., 8:12, 6:12].mean((2, 3)))
    told, aspect = head()(pooled, torch.zeros(2)), torch.tensor([0.4, 0.4])
    assert told.shape == (2, 4)
    moved = head()(pooled[:, torch.arange(9).flip(0)], torch.zeros(2))
    assert not torch.allclose(told, moved, atol=1e-4)
    assert not torch.allclose(told, head()(pooled, aspect), atol=1e-4)


def test_what_is_usual_does_not_count() -> None:
    pooled = torch.randn(50, 9, 472, generator=torch.Generator().manual_seed(0))
    one, other = head(), head()
    one.learn_what_is_usual(pooled)
    other.learn_what_is_usual(100 * pooled + 7)
    aspect = torch.zeros(50)
    torch.testing.assert_close(
        one(pooled, aspect), other(100 * pooled + 7, aspect), atol=1e-4, rtol=1e-3
    )


@pytest.mark.parametrize(
    ("size", "looked"),
    [((144, 256), (64, 112)), ((4000, 3000), (96, 64)), ((30, 20), (96, 64))],
)
def test_photos_are_looked_at_in_the_size_it_learnt(
    size: tuple[int, int], looked: tuple[int, int]
) -> None:
    assert head().looks_at(size) == looked


@pytest.mark.parametrize("eight_bit", [False, True])
def test_sight_keeps_its_lens(tmp_path: Path, eight_bit: bool) -> None:
    lens = head()
    lens.learn_what_is_usual(torch.randn(20, 9, 472))
    path = tmp_path / "sight.safetensors"
    save_sight(sight(lens), path, eight_bit)
    again = read_sight(path).lens
    assert again is not None
    assert again.header() == HEADER
    assert not again.training
    pooled, aspect = torch.randn(5, 9, 472), torch.zeros(5)
    tolerance = 0.05 if eight_bit else 0.0
    torch.testing.assert_close(again(pooled, aspect), lens(pooled, aspect), atol=tolerance, rtol=0)


def test_sight_without_a_lens_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sight.safetensors"
    save_sight(sight(None), path, eight_bit=False)
    assert read_sight(path).lens is None
    assert "lens" not in sight(None).headers()


def test_a_whole_model_keeps_the_lens(tmp_path: Path) -> None:
    seen, whole = tmp_path / "sight.safetensors", tmp_path / "whole.safetensors"
    save_sight(sight(head()), seen, eight_bit=False)
    given = ["--model", str(embedded_weights()), "--depth", str(seen), "--out", str(whole)]
    assert main(["export", *given]) == 0
    model = read_model(whole, None)
    assert model.lens is not None
    assert model.lens in model.parts
    assert model.lens.header() == HEADER


def test_a_head_of_another_version_is_refused() -> None:
    with pytest.raises(CheckpointError, match="LensOracle"):
        restored_lens({**HEADER, "class": "LensOracle"}, {})
