"""Codecs of diffusers give what diffusers gives, scaled as its own pipelines scale."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

diffusers = pytest.importorskip("diffusers")

from engine.model.codecs.folder import read_diffusers_codec  # noqa: E402

CLASSES = ("AutoencoderKL", "AutoencoderTiny", "AutoencoderKLWan")
WEIGHTS = "diffusion_pytorch_model.safetensors"


def direct(folder: Path, name: str) -> Any:
    return getattr(diffusers, name).from_pretrained(folder, local_files_only=True).eval()


def latents_by_hand(model: Any, pictures: Tensor) -> Tensor:
    """As the pipelines of FLUX, of TAEF1's model card, and of Wan 2.1 write it."""
    name = type(model).__name__
    if name == "AutoencoderKL":
        raw = model.encode(pictures).latent_dist.mode()
        return (raw - model.config.shift_factor) * model.config.scaling_factor
    if name == "AutoencoderTiny":
        return model.encode(pictures).latents
    raw = model.encode(pictures.unsqueeze(2)).latent_dist.mode()
    mean = torch.tensor(model.config.latents_mean).view(1, 16, 1, 1, 1)
    std = 1.0 / torch.tensor(model.config.latents_std).view(1, 16, 1, 1, 1)
    return ((raw - mean) * std).squeeze(2)


def pictures_by_hand(model: Any, latents: Tensor) -> Tensor:
    name = type(model).__name__
    if name == "AutoencoderKL":
        raw = latents / model.config.scaling_factor + model.config.shift_factor
        return model.decode(raw).sample.clamp(-1, 1)
    if name == "AutoencoderTiny":
        return model.decode(latents).sample.clamp(-1, 1)
    mean = torch.tensor(model.config.latents_mean).view(1, 16, 1, 1, 1)
    std = 1.0 / torch.tensor(model.config.latents_std).view(1, 16, 1, 1, 1)
    return model.decode(latents.unsqueeze(2) / std + mean).sample.squeeze(2)


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_latents_and_pictures_are_those_of_diffusers(
    tiny_codecs: dict[str, Path], pictures: Tensor, name: str
) -> None:
    codec, model = read_diffusers_codec(tiny_codecs[name]), direct(tiny_codecs[name], name)
    latents = codec.encode(pictures)
    assert latents.shape == (2, 16, 4, 6)
    torch.testing.assert_close(latents, latents_by_hand(model, pictures), atol=1e-6, rtol=1e-6)
    drawn = torch.randn(2, 16, 4, 6, generator=torch.Generator().manual_seed(1))
    decoded = codec.decode(drawn)
    assert decoded.shape == pictures.shape
    assert decoded.std() > 0.01
    torch.testing.assert_close(decoded, pictures_by_hand(model, drawn), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_encoding_is_no_draw_and_reading_leaves_the_random_state(
    tiny_codecs: dict[str, Path], pictures: Tensor, name: str
) -> None:
    before = torch.get_rng_state()
    codec = read_diffusers_codec(tiny_codecs[name])
    assert torch.equal(codec.encode(pictures), codec.encode(pictures))
    assert torch.equal(torch.get_rng_state(), before)
    assert not codec.training


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_a_pipelines_folder_serves_as_well(
    tiny_codecs: dict[str, Path], tmp_path: Path, pictures: Tensor, name: str
) -> None:
    shutil.copytree(tiny_codecs[name], tmp_path / "pipeline/vae")
    (tmp_path / "pipeline/model_index.json").write_text('{"_class_name": "AnyPipeline"}')
    found = read_diffusers_codec(tmp_path / "pipeline")
    alone = read_diffusers_codec(tiny_codecs[name])
    assert found.config.is_same_codec(alone.config)
    assert (found.config.name, alone.config.name) == ("pipeline", f"tiny-{name}")
    assert torch.equal(found.encode(pictures), alone.encode(pictures))
    (tmp_path / "pipeline/model_index.json").unlink()
    assert read_diffusers_codec(tmp_path / "pipeline").config == found.config


def test_its_configuration_is_what_the_files_say(tiny_codecs: dict[str, Path]) -> None:
    folder = tiny_codecs["AutoencoderKL"]
    config = read_diffusers_codec(folder).config
    assert config.class_name == "AutoencoderKL"
    assert config.latent_channels == 16
    assert config.source == str(folder.resolve())
    assert config.sha256 == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert set(config.normalisation.shift) == {0.1159}
    assert set(config.normalisation.scale) == {0.3611}


def test_a_stated_mean_and_deviation_go_before_a_shift(copied_codec: Callable[[str], Path]) -> None:
    """As in diffusers' SDXL pipeline: scaling_factor · (z − mean) / std."""
    folder = copied_codec("AutoencoderKL")
    config = json.loads((folder / "config.json").read_text())
    config |= {"latents_mean": [0.5] * 16, "latents_std": [2.0] * 8 + [4.0] * 8}
    (folder / "config.json").write_text(json.dumps(config | {"scaling_factor": 0.5}))
    numbers = read_diffusers_codec(folder).config.normalisation
    assert numbers.shift == (0.5,) * 16
    assert numbers.scale == (0.25,) * 8 + (0.125,) * 8
    raw = torch.randn(1, 16, 2, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(numbers.undo(numbers.apply(raw)), raw)


@torch.no_grad()
def test_weights_in_shards_have_one_hash(tiny_codecs: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    direct(tiny_codecs["AutoencoderKL"], "AutoencoderKL").save_pretrained(
        folder, max_shard_size="20KB"
    )
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 1
    found, whole = read_diffusers_codec(folder), read_diffusers_codec(tiny_codecs["AutoencoderKL"])
    hashes = "".join(hashlib.sha256(p.read_bytes()).hexdigest() for p in shards)
    assert found.config.sha256 == hashlib.sha256(hashes.encode()).hexdigest()
    picture = torch.zeros(1, 3, 16, 16)
    assert torch.equal(found.encode(picture), whole.encode(picture))


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_tiles_change_memory_not_meaning(
    tiny_codecs: dict[str, Path], pictures: Tensor, name: str
) -> None:
    codec = read_diffusers_codec(tiny_codecs[name])
    tall = 544 if name == "AutoencoderTiny" else 288
    large = torch.nn.functional.interpolate(pictures[:1], size=(tall, 48), mode="bilinear")
    whole = codec.encode(large)
    rebuilt = codec.decode(whole)
    codec.enable_tiling()
    tiled = codec.encode(large)
    assert tiled.shape == whole.shape
    again = codec.decode(whole)
    assert again.shape == rebuilt.shape
    assert not torch.equal(again, rebuilt)
    assert (again - rebuilt).abs().mean() < 0.2 * rebuilt.std()
    codec.enable_tiling(False)
    assert torch.equal(codec.decode(whole), rebuilt)


@pytest.mark.parametrize("name", CLASSES)
def test_training_sees_beyond_the_clamp(tiny_codecs: dict[str, Path], name: str) -> None:
    codec = read_diffusers_codec(tiny_codecs[name])
    bias = list(codec.autoencoder.decoder.parameters())[-1]
    assert bias.shape == (3,)
    with torch.no_grad():
        bias.add_(30.0)
    latents = torch.randn(1, 16, 2, 2, generator=torch.Generator().manual_seed(2))
    latents.requires_grad_(True)
    free = codec.decode_unclamped(latents)
    assert free.min() > 1
    free.sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0
    assert codec.decode(latents).max() == 1


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_weights_of_half_precision_give_float32_latents(
    tiny_codecs: dict[str, Path], pictures: Tensor, name: str
) -> None:
    codec = read_diffusers_codec(tiny_codecs[name])
    latents = codec.encode(pictures)
    half = copy.deepcopy(codec).to(torch.bfloat16)
    found = half.encode(pictures)
    assert found.dtype == half.decode(found).dtype == torch.float32
    assert 0 < (found - latents).abs().max() < 0.05 + 0.05 * latents.abs().max()


def test_pictures_of_other_sizes_are_refused(tiny_codecs: dict[str, Path]) -> None:
    codec = read_diffusers_codec(tiny_codecs["AutoencoderTiny"])
    with pytest.raises(ValueError, match="multiples of 8"):
        codec.encode(torch.zeros(1, 3, 30, 32))
