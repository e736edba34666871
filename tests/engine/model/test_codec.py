"""The codec: shapes, the linear start, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.geometry.pictures import depth_to_picture, picture_to_depth
from engine.model.codec import Codec, CodecConfig, codec_config
from engine.model.codecs.stored import read_codec
from engine.queries.engine import embedded_weights

ROOM = Path(__file__).resolve().parents[3] / "assets/samples/room.png"

SMALL = CodecConfig(latent_channels=8, widths=(4, 8, 8), blocks=(1, 1, 1))


def test_shapes() -> None:
    codec = Codec(SMALL)
    picture = torch.zeros(2, 3, 16, 24)
    latent = codec.encode(picture)
    assert latent.shape == (2, 8, 2, 3)
    assert codec.decode(latent).shape == picture.shape


def test_components_rebuild_pictures_of_their_own_span_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(8, 3 * 64, generator=generator)
    patches = torch.randn(500, 8, generator=generator) @ basis * 0.05
    patches = patches - patches.mean(0)
    codec = Codec(SMALL)
    codec.start_from_components(patches.view(-1, 3, 8, 8))
    picture = patches[:4].view(4, 3, 8, 8)
    torch.testing.assert_close(
        codec.decode_unclamped(codec.encode(picture)), picture, atol=1e-3, rtol=1e-3
    )


def test_components_give_latents_of_unit_variance() -> None:
    generator = torch.Generator().manual_seed(1)
    scale = torch.linspace(1.0, 0.01, 192).view(3, 8, 8)
    patches = torch.randn(4000, 3, 8, 8, generator=generator) * scale
    codec = Codec(SMALL)
    codec.start_from_components(patches)
    latents = codec.encode(patches).flatten(1)
    torch.testing.assert_close(latents.std(0), torch.ones(8), atol=0.02, rtol=0)
    torch.testing.assert_close(latents.mean(0), torch.zeros(8), atol=0.02, rtol=0)


@torch.no_grad()
def test_the_shipped_codec_loses_little() -> None:
    """Of a picture, and of a ramp of depth in units of its middle."""
    codec = read_codec(embedded_weights())
    rgb = cv2.cvtColor(cv2.imread(str(ROOM)), cv2.COLOR_BGR2RGB)[:144, :256]
    picture = torch.from_numpy(rgb.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    error = float((codec.decode(codec.encode(picture)) - picture).square().mean())
    assert 10 * math.log10(4 / error) > 30
    depth = torch.linspace(1.0, 6.0, 144)[:, None].expand(-1, 256)
    shown = depth_to_picture(depth, 3.5).expand(1, 3, -1, -1)
    read = picture_to_depth(codec.decode(codec.encode(shown))[0].mean(0), 3.5)
    assert float(((read - depth) / depth).abs().mean()) < 0.02


@pytest.mark.parametrize("shape", [(1, 3, 15, 16), (3, 16, 16), (1, 1, 16, 16)])
def test_wrong_pictures_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        Codec(SMALL).encode(torch.zeros(shape))


def test_configurations_survive_json() -> None:
    assert codec_config({"latent_channels": 8, "widths": [4, 8, 8], "blocks": [1, 1, 1]}) == SMALL
