"""Folders of diffusers and files of what was trained on them: read, written, refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from engine.model.backbones.wan.adaptation import adapt, adapted_parameters
from engine.model.backbones.wan.adapted import Adapted, WanAdaptation
from engine.model.codec import Codec, CodecConfig
from engine.model.control.adapters_file import read_adapters
from engine.model.errors import CheckpointError
from engine.model.kinds import Kind
from engine.model.model import Model, new_model, own_transformer
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import Transformer, TransformerConfig
from engine.model.weights_folder import read_object

CHOICE = {
    adapted: WanAdaptation(adapted, rank=2, alpha=4.0, links=1, seed=3) for adapted in Adapted
}


def question(kit: SimpleNamespace, model: Model):
    ids = torch.tensor([model.tokenizer.encode(Kind.DEPTH, "a room").ids] * 2)
    pictures = [kit.picture(Kind.RGB, 0, 0.4), kit.picture(Kind.DEPTH, 0, 0.4, rays=True)]
    return [kit.asked(*pictures, ids=ids)]


@torch.no_grad()
def test_a_folder_of_diffusers_is_a_model(kit: SimpleNamespace, pipeline: Path) -> None:
    model = read_model(pipeline)
    assert model.codec.encode(torch.zeros(1, 3, 32, 48)).shape == (1, 16, 4, 6)
    rgb = [kit.picture(Kind.RGB, slot, 0.5) for slot in range(2)]
    found = model.transformer([kit.asked(*rgb)])[0]
    torch.testing.assert_close(found[1], _by_diffusers(pipeline, kit, rgb), atol=1e-5, rtol=1e-5)


def _by_diffusers(pipeline: Path, kit: SimpleNamespace, pictures: list) -> torch.Tensor:
    """The last picture, from the parts as diffusers and transformers load them."""
    from diffusers import WanTransformer3DModel
    from transformers import AutoTokenizer, UMT5EncoderModel

    words = AutoTokenizer.from_pretrained(pipeline / "tokenizer")
    encoder = UMT5EncoderModel.from_pretrained(pipeline / "text_encoder")
    wan = WanTransformer3DModel.from_pretrained(pipeline / "transformer")
    told = words("<Image>", padding="max_length", max_length=512, return_tensors="pt")
    text = encoder(told.input_ids, attention_mask=told.attention_mask).last_hidden_state
    text = text * told.attention_mask[..., None]  # the pipeline's zeros
    noisy = torch.stack([p.content for p in pictures], dim=2)
    level = pictures[0].level
    velocity = wan(noisy, 1000 * level, text.expand(2, -1, -1), return_dict=False)[0]
    return (noisy - level.view(-1, 1, 1, 1, 1) * velocity)[:, :, -1]


def trained_model(kit: SimpleNamespace, pipeline: Path, adapted: Adapted) -> Model:
    base = read_model(pipeline)
    network = adapt(base.transformer, CHOICE[adapted])
    kit.randomise(network)
    return Model(base.codec, network.eval(), base.tokenizer)


@pytest.mark.parametrize("adapted", list(Adapted))
@torch.no_grad()
def test_what_was_trained_is_written_and_read(
    kit: SimpleNamespace, pipeline: Path, tmp_path: Path, adapted: Adapted
) -> None:
    model = trained_model(kit, pipeline, adapted)
    path = tmp_path / "mine" / "trained.safetensors"
    save_model(model, path, eight_bit=False)
    asked = question(kit, model)
    expected = model.transformer(asked)[0]
    for place in (path, path.parent):
        again = read_model(place)
        for a, b in zip(expected, again.transformer(asked)[0], strict=True):
            torch.testing.assert_close(a, b)
    assert not any(p.requires_grad for p in again.transformer.parameters())
    assert len(again.weights_hash) == 64
    # The base is named, not copied.
    names = read_adapters(path).tensors
    whole = any(name.endswith("layers.0.block.attn1.norm_q.weight") for name in names)
    assert whole is (adapted is Adapted.WHOLE)
    # Read to draw with, it can still be written.
    save_model(again, tmp_path / "again.safetensors", eight_bit=False)
    twice = read_adapters(tmp_path / "again.safetensors").tensors
    assert twice.keys() == names.keys()
    assert all(torch.equal(twice[name], names[name]) for name in names)


@torch.no_grad()
def test_our_own_codec_goes_into_the_file(
    kit: SimpleNamespace, pipeline: Path, tmp_path: Path
) -> None:
    codec = Codec(CodecConfig(latent_channels=16, widths=(4, 4, 4), blocks=(0, 0, 0)))
    base = read_model(pipeline, codec)
    path = tmp_path / "mine.safetensors"
    save_model(Model(codec, base.transformer, base.tokenizer), path, eight_bit=False)
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(read_model(path).codec.encode(picture), codec.encode(picture))


def test_a_base_that_moved_is_found_beside_the_file(
    kit: SimpleNamespace, pipeline: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first" / "base", tmp_path / "second"
    shutil.copytree(pipeline, first)
    codec = Codec(CodecConfig(latent_channels=16, widths=(4, 4, 4), blocks=(0, 0, 0)))
    base = read_model(first, codec)
    path = first.parent / "mine.safetensors"
    save_model(Model(codec, base.transformer, base.tokenizer), path, eight_bit=False)
    first.parent.rename(second)
    assert read_model(second / path.name).transformer.folder == second / "base"
    shutil.rmtree(second / "base")
    with pytest.raises(CheckpointError, match=r"neither at .* nor at .*put it there"):
        read_model(second / path.name)


def test_another_base_is_refused(kit: SimpleNamespace, pipeline: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(pipeline, folder)
    model = trained_model(kit, folder, Adapted.BESIDE)
    save_model(model, tmp_path / "mine.safetensors", eight_bit=False)
    kit.tiny_wan(seed=5).save_pretrained(folder / "transformer")
    with pytest.raises(CheckpointError, match="belongs to weights"):
        read_model(tmp_path / "mine.safetensors")


def test_hashes_name_the_parts(kit: SimpleNamespace, pipeline: Path, tmp_path: Path) -> None:
    shutil.copytree(pipeline, tmp_path / "other")
    kit.tiny_wan(seed=5).save_pretrained(tmp_path / "other" / "transformer")
    own = read_model(pipeline).weights_hash
    assert own == read_model(pipeline).weights_hash
    assert own != read_model(tmp_path / "other").weights_hash


# -- refusals ----------------------------------------------------------------------------------


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(read_object(path) | changes))


def _pickles_only(folder: Path) -> None:
    file = next((folder / "transformer").glob("*.safetensors"))
    file.rename(file.with_suffix(".bin"))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _first(folder: Path) -> Path:
    return next(folder.glob("*.safetensors"))


FAULTS = {
    "no transformer": (lambda f: shutil.rmtree(f / "transformer"), "has no folder transformer"),
    "no text encoder": (lambda f: shutil.rmtree(f / "text_encoder"), "no folder text_encoder"),
    "no tokenizer": (lambda f: shutil.rmtree(f / "tokenizer"), "no folder tokenizer"),
    "no codec": (lambda f: shutil.rmtree(f / "vae"), "no vae folder"),
    "no config": (lambda f: (f / "transformer" / "config.json").unlink(), "no config.json"),
    "no weights": (lambda f: _first(f / "text_encoder").unlink(), "holds no weights"),
    "pickles": (_pickles_only, "can run code"),
    "cut weights": (lambda f: _cut(_first(f / "transformer")), "is damaged"),
    "cut text": (lambda f: _cut(_first(f / "text_encoder")), "is damaged"),
    "broken config": (
        lambda f: (f / "transformer" / "config.json").write_text("{"),
        "not readable JSON",
    ),
    "list for config": (lambda f: (f / "model_index.json").write_text("[]"), "not a JSON object"),
    "another pipeline": (
        lambda f: _edit(f / "model_index.json", transformer=["diffusers", "FluxTransformer"]),
        "has FluxTransformer; Photowalk reads WanTransformer3DModel",
    ),
    "two transformers": (
        lambda f: _edit(f / "model_index.json", transformer_2=["diffusers", "Wan"]),
        "between two transformers",
    ),
    "another class": (
        lambda f: _edit(f / "transformer" / "config.json", _class_name="UNet2DModel"),
        "holds a UNet2DModel",
    ),
    "another encoder": (
        lambda f: _edit(f / "text_encoder" / "config.json", architectures=["BertModel"]),
        "holds a BertModel",
    ),
    "more layers": (
        lambda f: _edit(f / "transformer" / "config.json", num_layers=5),
        "do not fit its config.json",
    ),
    "wider": (
        lambda f: _edit(f / "transformer" / "config.json", ffn_dim=40),
        "transformer",
    ),
    "a broken tokenizer": (
        lambda f: (f / "tokenizer" / "tokenizer.json").write_text("{}"),
        "cannot read the tokenizer",
    ),
    "a missing shard": (
        lambda f: (
            _first(f / "transformer")
            .rename(f / "transformer" / "diffusion_pytorch_model.safetensors.index.json")
            .write_text(json.dumps({"weight_map": {"x": "part-2.safetensors"}}))
        ),
        "lacks part-2.safetensors",
    ),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_wrong_folders_get_one_sentence(pipeline: Path, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "wan"
    shutil.copytree(pipeline, folder)
    spoil, message = FAULTS[fault]
    spoil(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_model(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_models_with_a_picture_beside_their_noise_are_refused(
    kit: SimpleNamespace, tmp_path: Path
) -> None:
    kit.save_pipeline(tmp_path / "i2v", transformer=kit.tiny_wan(in_channels=36))
    with pytest.raises(CheckpointError, match="text-to-video"):
        read_model(tmp_path / "i2v")


def test_a_codec_of_other_latents_is_refused(pipeline: Path) -> None:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    with pytest.raises(CheckpointError, match=r"16 channels, and the codec .* has 8"):
        read_model(pipeline, codec)


@pytest.mark.parametrize("library", ["diffusers", "transformers"])
def test_missing_libraries_are_named(
    pipeline: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == library else find(name)
    )
    with pytest.raises(CheckpointError, match=rf'{library}; install .*"photowalk\[models\]"'):
        read_model(pipeline)


def test_folders_that_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no model"):
        read_model(tmp_path)
    with pytest.raises(CheckpointError, match="there is no weights file"):
        read_model(tmp_path / "nothing")


def test_damaged_files_of_what_was_trained(
    kit: SimpleNamespace, pipeline: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    model = trained_model(kit, pipeline, Adapted.BESIDE)
    with torch.no_grad():
        adapted_parameters(model.transformer)["layers.0.gate.camera.bias"][0] = torch.nan
    save_model(model, path, eight_bit=False)
    with pytest.raises(CheckpointError, match="is not finite"):
        read_model(path)
    _cut(path)
    with pytest.raises(CheckpointError, match="readable safetensors"):
        read_model(path)


def test_adapters_of_a_model_that_is_nowhere_say_so(tmp_path: Path) -> None:
    from engine.model.control.joint_network import ControlConfig
    from engine.model.control.networks import build_network, save_network

    base = Transformer(TransformerConfig(width=64, layers=2, heads=2, latent_channels=4, words=16))
    save_network(build_network(base, ControlConfig(links=1)), tmp_path / "own.safetensors")
    with pytest.raises(CheckpointError, match="put the model that it was trained on"):
        read_model(tmp_path / "own.safetensors")


def test_our_own_work_is_told_from_others(pipeline: Path) -> None:
    own = new_model(Codec(), Tokenizer([]), TransformerConfig(width=64, layers=1, heads=1))
    assert own_transformer(own) is own.transformer
    with pytest.raises(ValueError, match="not a WanBackbone"):
        own_transformer(read_model(pipeline))
