"""A walk with a model that draws latents of diffusers' autoencoders, from its files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.model.codecs.folder import read_diffusers_codec
from engine.model.model import new_model
from engine.model.storage import save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from explorer.walk.journal import read_journal
from explorer.walk.run import JOURNAL_FOLDER
from main import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    small = np.random.default_rng(0).integers(0, 255, (8, 12, 3), np.uint8)
    Image.fromarray(small).resize((96, 64)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def checkpoint(folder: Path, path: Path) -> Path:
    """A random model whose output depends on all that it is given."""
    shape = TransformerConfig(width=32, layers=1, heads=2, latent_channels=16, words=16)
    model = new_model(read_diffusers_codec(folder), Tokenizer([]), shape)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    save_model(model, path, eight_bit=False)
    return path


def walk(photo: Path, weights: Path, *more: str) -> int:
    given = ["walk", str(photo), "--weights", str(weights), "--views", "2", "--model-size", "48x32"]
    given += ["--steps", "1", "--depth-steps", "1", "--path", "strafe", "--fov", "60"]
    with pytest.raises(SystemExit) as ended:
        main([*given, *more])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("name", ["AutoencoderKL", "AutoencoderTiny", "AutoencoderKLWan"])
def test_two_views(tiny_codecs: dict[str, Path], photo: Path, tmp_path: Path, name: str) -> None:
    weights = checkpoint(tiny_codecs[name], tmp_path / "m.safetensors")
    assert walk(photo, weights, "--out", str(tmp_path / "out")) == 0
    views = read_journal(tmp_path / "out" / JOURNAL_FOLDER).views
    pictures = [drawn.raw_rgb for drawn in views]
    assert len(pictures) == 3
    assert not np.array_equal(pictures[1], pictures[2])
    assert all(np.isfinite(drawn.view.depth).any() for drawn in views)


def test_its_codec_may_lie_elsewhere(
    copied_codec: Callable[[str], Path],
    photo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = copied_codec("AutoencoderTiny")
    weights = checkpoint(folder, tmp_path / "run/m.safetensors")
    moved = shutil.move(folder, tmp_path / "elsewhere")
    assert walk(photo, weights, "--out", str(tmp_path / "out")) == 2
    told = capsys.readouterr().err
    assert "name its folder with --codec" in told
    assert told.strip().splitlines()[-1].startswith(f"photowalk: {weights}")
    assert walk(photo, weights, "--out", str(tmp_path / "out"), "--codec", str(moved)) == 0
