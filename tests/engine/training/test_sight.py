"""A network learns to read an encoder: it begins as it was, and the encoder learns or stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.model.codec import Codec, CodecConfig
from engine.model.encoders.efficientnet_lite import EfficientNetLite0
from engine.model.kinds import Kind
from engine.model.model import Model, new_model
from engine.model.seeing import seeing
from engine.model.sight import Sight, read_sight, save_sight
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.queries import (
    Engine,
    Hint,
    KnownView,
    SamplerSettings,
    draw_depth,
    draw_view,
    finish,
    open_context,
)
from engine.queries.observed import Frame, hint_features, observed_views
from engine.training.average import mean_model
from engine.training.buffer import SourceShares
from engine.training.cli import main
from engine.training.depth.trainer import new_decoder
from engine.training.distributed import Place
from engine.training.entries import EntryConfig
from engine.training.looking import Looking
from engine.training.sight import encoder_rate
from engine.training.trainer import MODEL, STATE, Trainer, TrainerConfig
from tests.engine.training.test_lessons import OneScene
from tests.tiny_model import tiny_model

NAME = "efficientnet-lite0"
SIZE = (48, 64)
CPU = torch.device("cpu")


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sight(decoder: bool = True) -> Sight:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = EfficientNetLite0().eval()
        _calibrate(encoder)
        decoders = {"DEPTH": new_decoder(encoder, width=8).eval()} if decoder else {}
    return Sight({NAME: encoder}, decoders)


def _calibrate(encoder: EfficientNetLite0) -> None:
    """Statistics of random pictures, so that untrained weights give features of unit size."""
    norms = [m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        encoder(torch.rand(4, 3, 96, 128, generator=noise()) * 2 - 1)
    encoder.eval()


def bytes_of(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)


def drawn(model: Model) -> tuple[Tensor, Tensor]:
    """A view with a hint, and its depth."""
    from_bytes = bytes_of().astype(np.float32) / 255
    lens = OneScene().draw(noise()).cameras[0].intrinsics
    known = KnownView(from_bytes, np.full(SIZE, 2, np.float32), camera=Camera(np.eye(4), lens))
    engine, settings = Engine.of(model), SamplerSettings()
    context = open_context(engine, [known])
    hint = Hint(from_bytes, np.full(SIZE, 2, np.float32), np.tri(*SIZE, dtype=np.float32))
    camera = Camera(np.eye(4), lens)
    view = finish(draw_view(engine, context, camera, hint, settings, noise()))
    return view, finish(draw_depth(engine, context, camera, view, hint, settings, noise()))


def test_a_network_begins_as_it_was_and_reads_chosen_levels(tmp_path: Path) -> None:
    plain, parts = tiny_model(), sight()
    model = seeing(plain, parts)
    beside = replace(plain, encoders=parts.encoders, decoders=parts.decoders)
    for found, told in zip(drawn(model), drawn(beside), strict=True):
        assert torch.equal(found, told)
    assert model.maker.read[NAME].strides == (16, 32)
    assert seeing(plain, parts, (32, 8)).maker.read[NAME].strides == (8, 32)
    with pytest.raises(ValueError, match="at the strides 2, 4, 8, 16, 32, not 64"):
        seeing(plain, parts, (16, 64))
    with pytest.raises(ValueError, match="reads efficientnet-lite0 already"):
        seeing(model, parts)
    save_model(model, tmp_path / "m.safetensors", eight_bit=False)
    again = read_model(tmp_path / "m.safetensors")
    assert again.transformer.config == model.transformer.config
    assert again.encoders[NAME].description.strides == (2, 4, 8, 16, 32)


@pytest.mark.parametrize("part", ["features", "hint_features"])
def test_pictures_and_hints_are_each_heard_by_projections_of_their_own(part: str) -> None:
    model = seeing(tiny_model(), sight(decoder=False))
    before = drawn(model)[0]
    for parameter in getattr(model.transformer, part).parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=noise())
    assert not torch.equal(drawn(model)[0], before)


class _Entry:
    pictures = torch.as_tensor(np.stack([bytes_of(i) for i in range(2)])).permute(0, 3, 1, 2)
    warps = pictures[:1].flip(-1).contiguous()


@pytest.mark.parametrize("held", [True, False])
def test_training_sees_what_drawing_sees(held: bool) -> None:
    model = seeing(tiny_model(), sight())
    engine = Engine.of(model)
    for encoder in model.encoders.values():
        encoder.requires_grad_(not held)
    looking = Looking(model.maker)
    assert looking.held is held
    views = [KnownView(rgb=bytes_of(i).astype(np.float32) / 255) for i in range(2)]
    shown = observed_views(engine, views, Frame(None, 1.0, SIZE)).pictures
    for index, picture in enumerate(shown):
        (found,) = looking.at(Kind.RGB, [_Entry()], "pictures", index)
        (told,) = picture.features
        assert found.strides == told.strides == (16, 32)
        for ours, theirs in zip(found.levels, told.levels, strict=True):
            assert torch.equal(ours, theirs)
            assert ours.requires_grad is not held
    warp = _Entry.warps[0].permute(1, 2, 0).numpy().astype(np.float32) / 255
    ones = np.ones(SIZE, np.float32)
    (told,) = hint_features(engine, Kind.RGB, Hint(warp, ones, ones))
    (found,) = looking.at(Kind.RGB, [_Entry()], "warps", 0)
    torch.testing.assert_close(found.levels, told.levels, rtol=1e-5, atol=1e-5)
    assert hint_features(engine, Kind.DEPTH, Hint(warp, ones, ones)) == ()


def counted(model: Model) -> list[int]:
    """Pictures that the encoder looks at from now on."""
    calls: list[int] = []
    model.encoders[NAME].register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    return calls


def test_a_held_encoder_looks_once_at_each_picture() -> None:
    model = seeing(tiny_model(), sight())
    engine, calls = Engine.of(model), counted(model)
    looking, entries = Looking(model.maker), [_Entry(), _Entry()]
    entries[1].pictures = _Entry.pictures.flip(-1).contiguous()
    first = looking.at(Kind.RGB, entries[:1], "pictures", 0)
    both = looking.at(Kind.RGB, entries, "pictures", 0)
    assert calls == [1, 1]
    assert torch.equal(both[0].levels[0][:1], first[0].levels[0])
    known = KnownView(rgb=bytes_of().astype(np.float32) / 255)
    for _ in range(2):
        observed_views(engine, [known], Frame(None, 1.0, SIZE))
    assert calls == [1, 1, 1]


def trainer(model: Model, steps: int, rate: float | None = None) -> Trainer:
    config = TrainerConfig(
        minutes=60.0,
        steps=steps,
        photo_batch=2,
        walk_batch=1,
        context_shares=(1.0,),
        buffer=2,
        save_every=100,
        warm_up=1,
        encoder_rate=rate,
        entries=EntryConfig(size=(32, 48), least_crop=1.0, targets=1, depth_error=0.0),
    )
    return Trainer(model, SourceShares((OneScene(),), (1.0,)), config)


def small() -> Model:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=noise()) * 0.4)
    shape = TransformerConfig(width=32, layers=1, heads=2, latent_channels=8, words=32)
    return new_model(codec, Tokenizer(["a", "wall"]), shape)


def state_of(model: Model) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.encoders[NAME].state_dict().items()}


def test_an_encoder_learns_with_its_statistics_held_and_goes_on(tmp_path: Path) -> None:
    model = seeing(small(), sight(decoder=False))
    before = state_of(model)
    first = trainer(model, 6)
    assert first.sight.share == 0.1
    list(first.run(tmp_path))
    projections = first.network.features.projections[NAME]
    assert all(bool(layer.weight.any()) for layer in projections)
    after, saved = state_of(model), read_model(tmp_path / MODEL)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert "stem.0.weight" in moved
    assert not any("running" in name or "tracked" in name for name in moved)
    averaged = state_of(first.averaged_model())
    for name, value in state_of(saved).items():
        assert torch.equal(value, averaged[name]), name
    assert not torch.equal(saved.encoders[NAME].stem[0].weight, after["stem.0.weight"])

    second = trainer(seeing(small(), sight(decoder=False)), 12)
    assert second.resume(tmp_path)
    for name, value in state_of(second.model).items():
        assert torch.equal(value, after[name]), name
    for mean, kept in zip(
        second.sight.average.values.values(), first.sight.average.values.values(), strict=True
    ):
        assert torch.equal(mean, kept)
    old, new = (t.sight.optimisers[0].state_dict()["state"] for t in (first, second))
    torch.testing.assert_close(new, old, rtol=0, atol=0)


def test_beside_a_decoder_an_encoder_stays_as_it_is(tmp_path: Path) -> None:
    model = seeing(small(), sight())
    before = state_of(model)
    run = trainer(model, 4)
    assert run.sight.share == 0
    list(run.run(tmp_path))
    assert all(torch.equal(value, before[name]) for name, value in state_of(model).items())
    assert all(bool(p.any()) for p in run.network.features.parameters())
    assert all(bool(p.any()) for p in run.network.hint_features.parameters())
    assert not any(name.startswith("encoders") for name in load_file(tmp_path / STATE))
    assert set(read_model(tmp_path / MODEL).decoders) == {"DEPTH"}


@pytest.mark.parametrize(
    ("decoder", "asked", "whole", "alone", "sentence"),
    [
        (True, 0.1, True, True, "decoder of DEPTH reads the same encoder"),
        (False, 1.5, True, True, "a share, from 0 to 1, not 1.5"),
        (False, 0.1, False, True, "--lora trains adapters alone"),
        (False, None, True, False, "learns in one process"),
    ],
)
def test_rates_that_cannot_be_are_refused(
    decoder: bool, asked: float | None, whole: bool, alone: bool, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        encoder_rate(seeing(small(), sight(decoder)), asked, whole, alone)
    assert encoder_rate(seeing(small(), sight()), None, whole, alone) == 0
    with pytest.raises(ValueError, match="reads no image encoder"):
        encoder_rate(small(), 0.1, True, True)


def test_several_processes_train_beside_a_held_encoder_alone() -> None:
    config = TrainerConfig(encoder_rate=0.1)
    with pytest.raises(ValueError, match="--encoder-rate 0"):
        Trainer(
            seeing(small(), sight(False)),
            SourceShares((OneScene(),), (1.0,)),
            config,
            Place(0, 2, CPU),
        )


def test_means_and_exports_keep_the_encoder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (seeing(small(), sight(False)) for _ in range(2))
    with torch.no_grad():
        other.encoders[NAME].stem[0].weight.add_(1.0)
    mean = mean_model(one, [other]).encoders[NAME].stem[0].weight
    torch.testing.assert_close(mean, one.encoders[NAME].stem[0].weight + 0.5)

    whole, exported = tmp_path / "whole.safetensors", tmp_path / "exported.safetensors"
    save_model(seeing(small(), sight()), whole, eight_bit=False)
    arguments = ["export", "--model", str(whole), "--out", str(exported)]
    assert main(arguments) == 0
    assert exported.stat().st_size < 0.35 * whole.stat().st_size
    assert load_file(exported)[f"encoders.{NAME}.stages.6.0.project.0.weight"].dtype == torch.int8
    assert read_model(exported).maker.read[NAME].strides == (16, 32)
    same, another = tmp_path / "same.safetensors", tmp_path / "another.safetensors"
    save_sight(read_sight(whole), same, eight_bit=False)
    save_sight(Sight(other.encoders, {}), another, eight_bit=False)
    assert main([*arguments, "--depth", str(same)]) == 0
    assert main([*arguments, "--depth", str(another)]) == 2
    assert "learnt to read efficientnet-lite0" in capsys.readouterr().err
