"""What a codec loses, against closed forms and our own shipped codec."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from engine.model.codec import CodecConfig
from engine.model.codecs.folder import read_diffusers_codec
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import read_codec
from engine.model.embedded import embedded_weights
from engine.training.codec_quality import codec_quality

ROOM = Path(__file__).resolve().parents[3] / "assets/samples/room.png"


class Folding(PictureCodec):
    """Loses nothing, but adds `error` to every decoded value."""

    def __init__(self, error: float) -> None:
        super().__init__()
        self.config = CodecConfig(name="folding", latent_channels=192)
        self.error = torch.nn.Parameter(torch.tensor(error))

    def encode_checked(self, picture: Tensor) -> Tensor:
        return torch.nn.functional.pixel_unshuffle(picture, 8)

    def decode_unclamped(self, latent: Tensor) -> Tensor:
        return torch.nn.functional.pixel_shuffle(latent, 8) + self.error


def test_a_known_error_has_its_closed_form() -> None:
    picture = torch.rand(3, 16, 24, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25
    found = codec_quality(Folding(0.1), [picture, picture.flip(-1)])
    assert found.psnr == pytest.approx(20 * math.log10(2 / 0.1), abs=1e-3)
    assert math.isnan(found.abs_rel)
    values = picture * 2 - 1
    assert found.latent_std == pytest.approx(float(values.std()), rel=1e-2)


def test_depth_goes_through_its_picture() -> None:
    """p = 2/(1 + d/σ) − 1 of the median depth is 0; 0.1 more reads as 0.9/1.1 of it."""
    found = codec_quality(Folding(0.1), [], [torch.full((16, 16), 3.0)])
    assert found.abs_rel == pytest.approx(1 - 0.9 / 1.1, abs=1e-5)
    assert math.isnan(found.psnr)
    assert codec_quality(Folding(0.0), [], [torch.full((16, 16), 3.0)]).abs_rel < 1e-5


def test_our_codec_on_our_sample() -> None:
    picture = cv2.cvtColor(cv2.imread(str(ROOM)), cv2.COLOR_BGR2RGB)[:144, :256]
    rgb = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)
    ramp = torch.linspace(1.0, 6.0, 144)[:, None].expand(-1, 256)
    found = codec_quality(read_codec(embedded_weights()), [rgb], [ramp])
    assert found.psnr > 30
    assert found.abs_rel < 0.02
    assert 0.2 < found.latent_std < 3


@pytest.mark.parametrize("name", ["AutoencoderKL", "AutoencoderTiny", "AutoencoderKLWan"])
def test_codecs_of_others_are_measured_alike(tiny_codecs: dict[str, Path], name: str) -> None:
    codec = read_diffusers_codec(tiny_codecs[name])
    rgb = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        there = (codec.decode(codec.encode(rgb[None] * 2 - 1))[0] + 1) / 2
    found = codec_quality(codec, [rgb], [torch.full((32, 32), 2.0)])
    expected = cv2.PSNR(rgb.numpy().astype(np.float64), there.numpy().astype(np.float64), 1.0)
    assert found.psnr == pytest.approx(expected, abs=1e-3)
    assert found.abs_rel > 0


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="give some"):
        codec_quality(Folding(0.0), [])
