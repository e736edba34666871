"""Every filter's plain way in torch against its fast way with OpenCV and numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter
from torch import Tensor

from engine.geometry import filters

SIZES = ((1, 1), (2, 3), (9, 16), (45, 80), (72, 128))
#: Values are in [0, 1]; float32 has 6e-8 there.
CLOSE = 5e-7


def both(monkeypatch: pytest.MonkeyPatch, ask: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    fast = ask()
    with monkeypatch.context() as context:
        context.setattr(filters, "in_ram", lambda _: False)
        plain = ask()
    assert fast.dtype == plain.dtype
    assert fast.shape == plain.shape
    return fast, plain


def picture(size: tuple[int, int], channels: int = 0, seed: int = 0) -> Tensor:
    shape = (*size, channels) if channels else size
    return torch.from_numpy(np.random.default_rng(seed).random(shape, dtype=np.float32))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "ask",
    [
        lambda p: filters.gaussian_blur(p, 1.0, "replicate", 5),
        lambda p: filters.gaussian_blur(p, 4 / 3),
        lambda p: filters.box_mean(p.double(), 13),
        filters.halved,
    ],
)
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_means(monkeypatch, size, ask, channels) -> None:
    wanted = picture(size, channels)
    fast, plain = both(monkeypatch, lambda: ask(wanted))
    torch.testing.assert_close(plain, fast, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [0, 3])
def test_an_octave_up(monkeypatch, size, channels) -> None:
    height, width = size
    small = picture(((height + 1) // 2, (width + 1) // 2), channels)
    fast, plain = both(monkeypatch, lambda: filters.doubled(small, height, width))
    assert plain.shape[:2] == size
    torch.testing.assert_close(plain, fast, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("border", ["replicate", "reflect"])
@pytest.mark.parametrize("name", ["eroded", "dilated", "closed"])
def test_extremes_are_the_very_same(monkeypatch, size, side, border, name) -> None:
    wanted, ask = picture(size), getattr(filters, name)
    fast, plain = both(monkeypatch, lambda: ask(wanted, filters.disc(side), border))
    assert torch.equal(fast, plain)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [1, 3, 7])
def test_medians_are_the_very_same(monkeypatch, size, side) -> None:
    fast, plain = both(monkeypatch, lambda: filters.median(picture(size), side))
    assert torch.equal(fast, plain)


@given(st.integers(0, 99), st.sampled_from([1, 3, 5, 7]), st.integers(5, 20), st.integers(5, 20))
@settings(max_examples=30)
def test_the_median_is_scipys(seed: int, side: int, height: int, width: int) -> None:
    wanted = picture((height, width), 0, seed)
    expected = median_filter(wanted.numpy(), side, mode="nearest")
    np.testing.assert_array_equal(filters.median(wanted, side).numpy(), expected)


@given(seed=st.integers(0, 2**31 - 1), reach=st.floats(0.0, 50.0))
def test_reading_between_pixels_and_beyond_the_border(seed: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    colours, plane = picture((20, 31), 3, seed), picture((20, 31), 0, seed)
    x, y = (
        torch.from_numpy(rng.uniform(-reach, n + reach, (9, 11)).astype(np.float32))
        for n in (31, 20)
    )
    with pytest.MonkeyPatch.context() as patch:
        fast, plain = both(patch, lambda: filters.read_linear(colours, x, y))
        torch.testing.assert_close(plain, fast, atol=CLOSE, rtol=0)
        fast, plain = both(patch, lambda: filters.read_nearest(plane, x, y))
        assert torch.equal(fast, plain)


def test_logarithm_exponential_and_luma(monkeypatch) -> None:
    values, colours = picture((30, 40)) * 5 + 0.1, picture((30, 40), 3)
    for ask in (
        lambda: filters.log(values),
        lambda: filters.exp(values),
        lambda: filters.luma(colours),
    ):
        fast, plain = both(monkeypatch, ask)
        torch.testing.assert_close(plain, fast, atol=CLOSE, rtol=CLOSE)


@pytest.mark.parametrize("count", [1, 2, 101, 1000])
def test_percentiles(monkeypatch, count) -> None:
    values, percent = picture((1, count))[0], (0, 2, 50, 98, 100)
    fast = filters.percentiles(values, percent)
    monkeypatch.setattr(filters, "in_ram", lambda _: False)
    plain = filters.percentiles(values, percent)
    assert fast == pytest.approx(plain, abs=CLOSE)
    assert fast[2] == pytest.approx(float(values.quantile(0.5)), abs=CLOSE)


def test_a_flat_picture_stays_flat() -> None:
    flat = torch.full((8, 12), 0.25)
    for found in (
        filters.gaussian_blur(flat, 2.0),
        filters.box_mean(flat, 5),
        filters.median(flat, 3),
        filters.closed(flat, filters.disc(3)),
        filters.doubled(filters.halved(flat), 8, 12),
    ):
        torch.testing.assert_close(found, flat)
