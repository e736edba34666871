"""Models from a user's folder: the right pixels come out, and wrong folders get one sentence."""

from __future__ import annotations

import json
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from explorer.priors import prior as prior_module
from explorer.priors.kinds import DepthKind, PriorError
from explorer.priors.prior import DepthPrior
from explorer.store.errors import StoreError

NAMES = ("depth-anything", "depth-anything-metric", "dpt", "zoedepth", "glpn")


class Echo(torch.nn.Module):
    """Answers with a channel of the prepared picture itself, as [0, 1]."""

    def __init__(self, processor, channel: int) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))
        normal = getattr(processor, "do_normalize", False)
        self._mean = processor.image_mean[channel] if normal else 0.0
        self._std = processor.image_std[channel] if normal else 1.0
        self._channel = channel
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        self.sizes.append(tuple(pixel_values.shape))
        plain = pixel_values[:, self._channel] * self._std + self._mean
        return SimpleNamespace(predicted_depth=plain)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_every_pixel_comes_back_where_it_was(saved_models, photo, name, channel) -> None:
    """Through each model's own sizes, aspect ratios and rims."""
    prior = DepthPrior.load(saved_models / name, kind=DepthKind.RELATIVE)
    prior._model = echo = Echo(prior._processor, channel)
    depth = prior.depth(photo).depth
    assert depth.shape == (photo.height, photo.width)
    expected = photo.rgb[..., channel] / 255.0
    assert np.abs(depth - expected).max() < 0.04
    assert np.abs(depth - expected)[4:-4, 4:-4].mean() < 0.006
    assert len(echo.sizes) == 1


@pytest.mark.parametrize("name", ["depth-anything", "dpt", "glpn"])
def test_as_transformers_itself_would_have_it(saved_models, photo, name) -> None:
    """But for its own resizing, which is bicubic."""
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    prior = DepthPrior.load(saved_models / name, kind=DepthKind.METRIC)
    picture = Image.fromarray(photo.rgb)
    if name == "glpn":
        picture = picture.resize(prior._free_size(picture))
    processor = AutoImageProcessor.from_pretrained(saved_models / name)
    model = AutoModelForDepthEstimation.from_pretrained(saved_models / name).eval()
    with torch.no_grad():
        output = model(**processor(images=picture, return_tensors="pt"))
    size = [(photo.height, photo.width)]
    (expected,) = processor.post_process_depth_estimation(output, target_sizes=size)
    depth, truth = prior.depth(photo).depth, expected["predicted_depth"].numpy()
    seen = np.isfinite(depth) & (truth > 0)
    assert seen.mean() > 0.3
    spread = truth[seen].max() - truth[seen].min()
    assert spread > 0
    assert np.abs(depth - truth)[seen].mean() < 0.05 * spread


@pytest.mark.parametrize("name", NAMES)
def test_the_identity_names_what_depth_depends_on(saved_models, photo, name) -> None:
    prior = DepthPrior.load(saved_models / name)
    identity = prior.identity
    assert json.loads(json.dumps(identity)) == identity
    assert identity["model"] == name
    assert len(identity["weights"]) == 64
    inverse = name in ("depth-anything", "dpt")
    assert identity["kind"] == ("inverse" if inverse else "metric")
    assert identity["unit"] == ("median of the photo" if inverse else "metres")
    given = prior.depth(photo)
    assert given.metric is not inverse
    np.testing.assert_array_equal(
        DepthPrior.load(saved_models / name).depth(photo).depth, given.depth
    )
    prior.close()
    with pytest.raises(PriorError, match="was closed"):
        prior.depth(photo)


def test_a_copy_is_the_same_prior_and_other_weights_are_another(saved_models, folder) -> None:
    path = folder("dpt")
    first = DepthPrior.load(saved_models / "dpt").identity
    assert first["folder"] == str(saved_models / "dpt")
    assert DepthPrior.load(path).identity == first | {"folder": str(path)}
    weights = load_file(path / "model.safetensors")
    next(iter(weights.values())).add_(1.0)
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    assert DepthPrior.load(path).identity["weights"] != first["weights"]


def test_sharded_weights(saved_models, tmp_path, photo) -> None:
    from transformers import AutoModelForDepthEstimation

    whole = saved_models / "dpt"
    model = AutoModelForDepthEstimation.from_pretrained(whole)
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    (tmp_path / "preprocessor_config.json").write_text(
        (whole / "preprocessor_config.json").read_text()
    )
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    depth = DepthPrior.load(tmp_path).depth(photo).depth
    np.testing.assert_array_equal(depth, DepthPrior.load(whole).depth(photo).depth)
    sorted(tmp_path.glob("*.safetensors"))[0].unlink()
    with pytest.raises(StoreError, match="lacks model-00001"):
        DepthPrior.load(tmp_path)


def sentence_of(path: Path, **options) -> str:
    with pytest.raises(StoreError) as told:
        DepthPrior.load(path, **options)
    text = str(told.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_a_missing_file(folder, name: str) -> None:
    path = folder("dpt")
    (path / name).unlink()
    assert f"has no {name}" in sentence_of(path)


def test_weights_that_are_missing_or_pickles(folder) -> None:
    path = folder("dpt")
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    assert "only as pytorch_model.bin" in sentence_of(path)
    (path / "pytorch_model.bin").unlink()
    assert "holds no weights" in sentence_of(path)


def test_damaged_weights(folder) -> None:
    path = folder("dpt")
    data = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(data[:-10])
    assert "model.safetensors is damaged" in sentence_of(path)


def test_weights_that_are_not_all_there(folder) -> None:
    """transformers would fill them with random numbers."""
    path = folder("dpt")
    weights = load_file(path / "model.safetensors")
    gone = sorted(name for name in weights if name.startswith("head"))[0]
    del weights[gone]
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    text = sentence_of(path)
    assert "lacks 1 of its model's weights" in text
    assert gone in text


def test_weights_of_another_size(folder) -> None:
    path = folder("dpt")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    assert "cannot be loaded" in sentence_of(path)


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"model_type": "bert", "architectures": ["BertModel"]}, "BertModel"),
        (
            {"model_type": "dpt", "architectures": ["DPTForSemanticSegmentation"]},
            "DPTForSemanticSegmentation",
        ),
        ({"_class_name": "AutoencoderTiny"}, "AutoencoderTiny"),
        ({}, "model of no known type"),
    ],
)
def test_another_class(folder, config: dict, found: str) -> None:
    path = folder("dpt")
    (path / "config.json").write_text(json.dumps(config))
    assert f"holds a {found}, which is no depth model" in sentence_of(path)


def test_an_unknown_kind_must_be_told(folder, photo, monkeypatch) -> None:
    monkeypatch.setattr(prior_module, "kind_of", lambda _config: None)
    path = folder("dpt")
    text = sentence_of(path)
    assert "--depth-kind (inverse, relative, metric, canonical)" in text
    prior = DepthPrior.load(path, kind=DepthKind.METRIC)
    assert prior.depth(photo).metric


def test_a_model_that_is_too_large(folder, monkeypatch) -> None:
    memory = namedtuple("memory", "available")(100_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert "of memory, and only 100 kB are free" in sentence_of(folder("dpt"))


def test_without_transformers(folder, monkeypatch) -> None:
    path = folder("dpt")
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setattr(prior_module.importlib.util, "find_spec", lambda _name: None)
    assert 'pip install "photowalk[models]"' in sentence_of(path)


def test_preprocessor_of_an_unknown_kind(folder) -> None:
    path = folder("dpt")
    (path / "preprocessor_config.json").write_text('{"image_processor_type": "NoSuchProcessor"}')
    assert "preprocessor_config.json cannot be used" in sentence_of(path)


@pytest.mark.parametrize("known", [True, False])
def test_code_of_the_folder_is_never_run(folder, foreign_code, known: bool) -> None:
    """Not even by a user who says yes to it: what transformers knows is loaded, else refused."""
    path = folder("dpt")
    if not known:
        preprocessor = json.loads((path / "preprocessor_config.json").read_text())
        preprocessor["image_processor_type"] = "Foreign"
        (path / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    ran = foreign_code(path)
    if known:
        DepthPrior.load(path)
    else:
        assert "preprocessor_config.json cannot be used" in sentence_of(path)
    assert not ran()
