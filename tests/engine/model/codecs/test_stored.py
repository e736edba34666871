"""Checkpoints name their codec: ours goes with them, one of diffusers is found and checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.model.checkpoints import read_checkpoint, save_checkpoint
from engine.model.codec import Codec, CodecConfig
from engine.model.codecs.folder import read_diffusers_codec
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import read_codec
from engine.model.embedded import embedded_weights
from engine.model.errors import CheckpointError
from engine.model.model import new_model
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.codec_training import load_codec, save_codec

WEIGHTS = "diffusion_pytorch_model.safetensors"
CLASSES = ("AutoencoderKL", "AutoencoderTiny", "AutoencoderKLWan")
OWN = CodecConfig(latent_channels=4, widths=(4, 4, 4), blocks=(0, 0, 0))


def saved_with(codec: PictureCodec, path: Path, eight_bit: bool = False) -> Path:
    channels = codec.config.latent_channels
    shape = TransformerConfig(width=32, layers=1, heads=2, latent_channels=channels, words=16)
    save_model(new_model(codec, Tokenizer([]), shape), path, eight_bit)
    return path


def refused(path: Path, given: Path | PictureCodec | None = None) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_model(path, given)
    sentence = str(caught.value)
    assert len(sentence.splitlines()) == 1
    assert str(path) in sentence
    return sentence


@pytest.mark.parametrize("eight_bit", [False, True])
@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_a_codec_of_others_is_named_not_copied(
    tiny_codecs: dict[str, Path], tmp_path: Path, pictures: Tensor, name: str, eight_bit: bool
) -> None:
    codec = read_diffusers_codec(tiny_codecs[name])
    path = saved_with(codec, tmp_path / "m.safetensors", eight_bit)
    stored = read_checkpoint(path)
    assert all(key.startswith("transformer.") for key in stored.tensors)
    header = stored.config["codec"]
    assert (header["class_name"], header["sha256"]) == (name, codec.config.sha256)
    assert header["source"] == str(tiny_codecs[name])
    read = read_model(path)
    assert read.codec.config == codec.config
    assert torch.equal(read.codec.encode(pictures), codec.encode(pictures))
    assert torch.equal(read_codec(path).encode(pictures), codec.encode(pictures))


def test_its_folder_may_move(copied_codec: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied_codec("AutoencoderTiny")
    path = saved_with(read_diffusers_codec(folder), tmp_path / "run/m.safetensors")
    moved = Path(shutil.move(folder, tmp_path / "elsewhere"))
    sentence = refused(path)
    assert "tiny-AutoencoderTiny (AutoencoderTiny)" in sentence
    assert "--codec" in sentence
    codec = read_model(path, moved).codec
    assert codec.config.source == str(moved)  # type: ignore[attr-defined]
    assert read_model(path, codec).codec is codec
    beside = Path(shutil.move(moved, path.parent / folder.name))
    assert read_model(path).codec.config.source == str(beside)  # type: ignore[attr-defined]


def test_a_model_saved_again_knows_the_new_place(
    copied_codec: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = copied_codec("AutoencoderTiny")
    path = saved_with(read_diffusers_codec(folder), tmp_path / "run/m.safetensors")
    moved = Path(shutil.move(folder, tmp_path / "elsewhere"))
    save_model(read_model(path, moved), tmp_path / "run/again.safetensors", eight_bit=True)
    assert read_model(tmp_path / "run/again.safetensors").codec.config.name == "elsewhere"


def test_other_weights_are_refused(copied_codec: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied_codec("AutoencoderTiny")
    path = saved_with(read_diffusers_codec(folder), tmp_path / "m.safetensors")
    tensors = load_file(folder / WEIGHTS)
    first = sorted(tensors)[0]
    save_file(tensors | {first: tensors[first] + 1e-3}, folder / WEIGHTS, {"format": "pt"})
    assert f"the weights in {folder} are others (SHA-256 " in refused(path)


def test_another_scaling_is_refused(copied_codec: Callable[[str], Path], tmp_path: Path) -> None:
    """The weights' hash would not notice."""
    folder = copied_codec("AutoencoderKL")
    path = saved_with(read_diffusers_codec(folder), tmp_path / "m.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"scaling_factor": 0.18215}))
    assert "scales latents otherwise" in refused(path)


def test_another_class_is_refused(tiny_codecs: dict[str, Path], tmp_path: Path) -> None:
    codec = read_diffusers_codec(tiny_codecs["AutoencoderKL"])
    path = saved_with(codec, tmp_path / "m.safetensors")
    assert "holds the class AutoencoderKLWan" in refused(path, tiny_codecs["AutoencoderKLWan"])
    assert "own codec is another one" in refused(path, Codec())
    with pytest.raises(CheckpointError, match="no codec folder"):
        read_model(path, tmp_path / "nowhere")


def test_our_own_codec_is_inside(tmp_path: Path) -> None:
    own = Codec(OWN)
    path = saved_with(own, tmp_path / "m.safetensors")
    assert set(read_checkpoint(path).config["codec"]) == {
        "name",
        "latent_channels",
        "widths",
        "blocks",
    }
    assert "has it inside" in refused(path, tmp_path)
    assert "has it inside" in refused(path, Codec())
    again = read_model(path, Codec(OWN)).codec
    torch.testing.assert_close(again.state_dict(), own.state_dict(), atol=0, rtol=0)


def test_codecs_are_read_from_their_file_from_a_model_and_from_a_folder(
    tiny_codecs: dict[str, Path], tmp_path: Path
) -> None:
    own = Codec(OWN)
    save_codec(own, tmp_path / "codec.safetensors", eight_bit=False)
    saved_with(own, tmp_path / "m.safetensors")
    for name in ("codec.safetensors", "m.safetensors"):
        found = load_codec(tmp_path / name)
        torch.testing.assert_close(found.state_dict(), own.state_dict(), atol=0, rtol=0)
    assert read_codec(tiny_codecs["AutoencoderKL"]).config.name == "tiny-AutoencoderKL"
    with pytest.raises(CheckpointError, match="only Photowalk's own is trained here"):
        load_codec(tiny_codecs["AutoencoderKL"])
    save_checkpoint(tmp_path / "other.safetensors", {"x": torch.zeros(2)}, {"codec": {"a": 1}})
    with pytest.raises(CheckpointError, match="holds no codec of this version"):
        read_codec(tmp_path / "other.safetensors")


@torch.no_grad()
def test_the_shipped_codec_is_what_its_weights_say_to_the_last_bit(pictures: Tensor) -> None:
    torch.set_num_threads(1)
    tensors = read_checkpoint(embedded_weights()).tensors
    codec = read_model(embedded_weights()).codec
    assert isinstance(codec, Codec)
    encoder = [tensors[f"codec.encoder.{n}"] for n in ("weight", "bias")]
    latents = codec.encode(pictures)
    assert torch.equal(latents, F.conv2d(pictures, *encoder, stride=8))
    linear = [tensors[f"codec.decoder.linear.{n}"] for n in ("weight", "bias")]
    decoded = F.conv_transpose2d(latents, *linear, stride=8) + codec.decoder.residual(latents)
    assert torch.equal(codec.decode_unclamped(latents), decoded)
    assert torch.equal(codec.decode(latents), decoded.clamp(-1, 1))
    assert torch.equal(codec.channel_gains(), linear[0].flatten(1).norm(dim=1))
