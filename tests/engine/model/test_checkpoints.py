"""Checkpoints: eight bits lose little, damage is told in one sentence, nothing is unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.torch import save_file

from engine.model.checkpoints import (
    dequantise_rows,
    quantise_rows,
    read_checkpoint,
    require_own,
    save_checkpoint,
)
from engine.model.codec import Codec, CodecConfig
from engine.model.errors import CheckpointError
from engine.model.model import Model, new_model
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.model.weights_folder import file_hash

FINITE = st.floats(-1e4, 1e4, width=32)


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=4, max_side=6), elements=FINITE)
)
def test_eight_bits_err_by_less_than_a_step(values: np.ndarray) -> None:
    weight = torch.from_numpy(values)
    stored, scale = quantise_rows(weight)
    error = (dequantise_rows(stored, scale) - weight).abs().flatten(1).amax(1)
    step = weight.abs().flatten(1).amax(1) / 127
    assert bool((error <= 0.6 * step + 1e-5).all())


def model() -> Model:
    codec = Codec(CodecConfig(latent_channels=4, widths=(4, 4, 4), blocks=(0, 0, 0)))
    shape = TransformerConfig(width=64, layers=2, heads=2, latent_channels=4, words=32)
    return new_model(codec, Tokenizer(["a", "room"]), shape)


@pytest.mark.parametrize("eight_bit", [False, True])
def test_models_round_trip(tmp_path: Path, eight_bit: bool) -> None:
    saved = model()
    save_model(saved, tmp_path / "m.safetensors", eight_bit)
    read = read_model(tmp_path / "m.safetensors")
    assert read.tokenizer.vocabulary == ("a", "room")
    assert read.transformer.config == saved.transformer.config
    limit = 0.01 if eight_bit else 0.0
    for name, value in saved.transformer.state_dict().items():
        other = read.transformer.state_dict()[name]
        assert float((value - other).detach().norm()) <= limit * float(value.detach().norm()) + 1e-9


def test_eight_bit_files_are_small(tmp_path: Path) -> None:
    save_model(model(), tmp_path / "full.safetensors", eight_bit=False)
    save_model(model(), tmp_path / "small.safetensors", eight_bit=True)
    full, small = (tmp_path / f"{n}.safetensors" for n in ("full", "small"))
    assert small.stat().st_size < 0.45 * full.stat().st_size
    assert not list(tmp_path.glob("*.part"))


def test_new_models_leave_the_global_seed_alone() -> None:
    codec = Codec(CodecConfig(latent_channels=4, widths=(4, 4, 4), blocks=(0, 0, 0)))
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    new_model(codec, Tokenizer([]), TransformerConfig(width=32, layers=1, heads=1, words=16))
    torch.testing.assert_close(torch.rand(3), expected)


def test_missing_and_foreign_files_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        read_checkpoint(tmp_path / "none.safetensors")
    pickled = tmp_path / "evil.safetensors"
    pickled.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    with pytest.raises(CheckpointError, match="not a readable safetensors"):
        read_checkpoint(pickled)


def test_truncated_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(model(), path, eight_bit=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a readable safetensors"):
        read_checkpoint(path)


def test_other_networks_are_told(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, {"x": torch.zeros(2)}, {"codec": {"depth": 3}})
    with pytest.raises(CheckpointError, match="another version"):
        read_model(path)


def test_the_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert file_hash(tmp_path / "f").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_only_weights_of_ours_may_be_replaced(tmp_path):
    path = tmp_path / "model.safetensors"
    require_own(path)
    save_file({"w": torch.zeros(1)}, str(path), metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="would be replaced"):
        require_own(path)
    save_checkpoint(path, {"w": torch.zeros(1)}, {})
    require_own(path)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(CheckpointError, match="would be replaced"):
        require_own(tmp_path / "link")
