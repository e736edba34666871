"""Folders that cannot be codecs get one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

diffusers = pytest.importorskip("diffusers")

from engine.model.codecs.folder import read_diffusers_codec  # noqa: E402
from engine.model.errors import CheckpointError  # noqa: E402

WEIGHTS = "diffusion_pytorch_model.safetensors"
CLASSES = ("AutoencoderKL", "AutoencoderTiny", "AutoencoderKLWan")


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_diffusers_codec(folder)
    sentence = str(caught.value)
    assert len(sentence.splitlines()) == 1
    return sentence


def configured(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_missing_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "no") == f"there is no codec folder {tmp_path / 'no'}"


def test_a_pipeline_without_a_codec(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    assert "no vae folder" in refused(tmp_path)


def test_a_missing_config(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderTiny")
    (folder / "config.json").unlink()
    assert "no config.json" in refused(folder)


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": \xff'])
def test_a_damaged_config(copied_codec: Callable[[str], Path], text: str) -> None:
    folder = copied_codec("AutoencoderTiny")
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    assert "again" in refused(folder)


@pytest.mark.parametrize(
    ("given", "told"),
    [("WanTransformer3DModel", "a WanTransformer3DModel"), ("", "a model of no known class")],
)
def test_another_class(copied_codec: Callable[[str], Path], given: str, told: str) -> None:
    folder = copied_codec("AutoencoderTiny")
    configured(folder, _class_name=given)
    sentence = refused(folder)
    assert f"holds {told}; Photowalk reads " in sentence
    assert all(name in sentence for name in CLASSES)


def test_the_wrong_class_for_the_weights(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderTiny")
    configured(folder, _class_name="AutoencoderKL")
    assert f"diffusers cannot read {folder}" in refused(folder)


def test_pickled_weights(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderKL")
    (folder / WEIGHTS).rename(folder / "diffusion_pytorch_model.bin")
    sentence = refused(folder)
    assert "diffusion_pytorch_model.bin" in sentence
    assert "save it as safetensors" in sentence


def test_missing_weights(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderKL")
    (folder / WEIGHTS).unlink()
    assert f"holds no weights (model.safetensors or {WEIGHTS})" in refused(folder)


def test_a_missing_shard(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderKL")
    (folder / WEIGHTS).unlink()
    index = {"weight_map": {"encoder.conv_in.weight": "part-1.safetensors"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    assert "lacks part-1.safetensors" in refused(folder)


@pytest.mark.parametrize("kept", [4, 300, -10])
def test_damaged_weights(copied_codec: Callable[[str], Path], kept: int) -> None:
    folder = copied_codec("AutoencoderKLWan")
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:kept])
    assert "is damaged" in refused(folder)


@pytest.mark.parametrize("name", CLASSES)
def test_weights_that_lack_a_tensor(copied_codec: Callable[[str], Path], name: str) -> None:
    """diffusers itself goes on, with random numbers in its place."""
    folder = copied_codec(name)
    tensors = load_file(folder / WEIGHTS)
    gone = sorted(tensors)[3]
    del tensors[gone]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    assert f"lack {gone}" in refused(folder)


def test_weights_of_another_shape(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderTiny")
    configured(folder, latent_channels=8)
    assert str(folder) in refused(folder)


def test_weights_that_are_no_numbers(copied_codec: Callable[[str], Path]) -> None:
    folder = copied_codec("AutoencoderTiny")
    tensors = {k: torch.full_like(v, torch.nan) for k, v in load_file(folder / WEIGHTS).items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    assert "no finite numbers" in refused(folder)


def test_another_downscale(tmp_path: Path) -> None:
    three = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8,) * 3,
        decoder_block_out_channels=(8,) * 3,
        num_encoder_blocks=(1,) * 3,
        num_decoder_blocks=(1,) * 3,
        latent_channels=16,
    )
    three.save_pretrained(tmp_path)
    assert "4 times smaller than pictures; Photowalk needs a codec with 8" in refused(tmp_path)


def test_a_video_codec_of_16_times(tmp_path: Path) -> None:
    """As Wan 2.2's, which folds 2×2 pixels into channels first."""
    folded = diffusers.AutoencoderKLWan(
        base_dim=4,
        z_dim=16,
        dim_mult=[1, 2, 2, 2],
        num_res_blocks=1,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=16,
    )
    folded.save_pretrained(tmp_path)
    assert "16 times smaller" in refused(tmp_path)


def test_a_codec_of_grey_pictures(tmp_path: Path) -> None:
    grey = diffusers.AutoencoderTiny(
        in_channels=1,
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
        latent_channels=16,
    )
    grey.save_pretrained(tmp_path)
    assert "encodes no RGB pictures" in refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("AutoencoderKLWan", {"latents_mean": [0.0] * 4}, "16"),
        ("AutoencoderKLWan", {"latents_std": [0.0] * 16}, "nothing or less"),
        ("AutoencoderKL", {"scaling_factor": -1.0}, "nothing or less"),
        ("AutoencoderKL", {"scaling_factor": "big"}, "cannot be a codec"),
    ],
)
def test_numbers_that_make_no_normalisation(
    copied_codec: Callable[[str], Path], name: str, changes: dict[str, Any], told: str
) -> None:
    folder = copied_codec(name)
    configured(folder, **changes)
    assert told in refused(folder)


def test_diffusers_is_not_installed(
    tiny_codecs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    assert 'pip install "photowalk[models]"' in refused(tiny_codecs["AutoencoderKL"])


@pytest.mark.parametrize("name", CLASSES)
def test_code_of_the_folder_is_never_run(copied_codec, foreign_code, name: str) -> None:
    folder = copied_codec(name)
    ran = foreign_code(folder)
    read_diffusers_codec(folder)
    assert not ran()
