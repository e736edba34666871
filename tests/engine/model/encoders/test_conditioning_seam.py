"""The seam for pretrained sight, proven with a tiny encoder and a tiny decoder of depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.decoders.picture_decoder import Observed, PictureDecoder
from engine.model.decoders.registry import DECODERS
from engine.model.encoders.conditioning import at_tokens
from engine.model.encoders.features import EncoderDescription, FeatureLevel
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.encoders.registry import ENCODERS
from engine.model.kinds import Kind
from engine.model.model import Model, new_model
from engine.model.pictures import make_picture
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache, TransformerConfig
from engine.queries import (
    Engine,
    KnownView,
    SamplerSettings,
    draw_depth_of_photo,
    draw_view,
    finish,
    open_context,
)
from engine.training.entries import EntryConfig, photo_entry, walk_entry
from engine.training.looking import Looking
from engine.training.mixture import LessonPlan, MixtureConfig, lesson_loss
from engine.training.sequences import PosedSequence

SIZE = (32, 48)
LEVELS = (FeatureLevel(8, 4), FeatureLevel(32, 6))
TOLD = EncoderDescription("tiny", "made for this test, Apache-2.0", LEVELS)
CAMERA = Camera(np.eye(4), Intrinsics.from_fov(60, 1.5))


class TinyEncoder(ImageEncoder):
    """Two strided convolutions."""

    class_name = "TinyEncoder"

    def __init__(self, description: EncoderDescription) -> None:
        super().__init__()
        self.description = description
        fine, coarse = description.levels
        self.fine = nn.Conv2d(3, fine.channels, fine.stride, fine.stride)
        ratio = coarse.stride // fine.stride
        self.coarse = nn.Conv2d(fine.channels, coarse.channels, ratio, ratio)

    def levels(self, picture: Tensor) -> list[Tensor]:
        fine = self.fine(picture).relu()
        over = [-side % self.coarse.stride[0] for side in fine.shape[-2:]]
        return [fine, self.coarse(F.pad(fine, (0, over[1], 0, over[0])))]


class TinyDecoder(PictureDecoder):
    """The codec's picture, and one convolution of the observed picture and its fine features."""

    class_name = "TinyDecoder"

    def __init__(self, header: Mapping[str, Any]) -> None:
        super().__init__()
        self.width = int(header["width"])
        self.seen = nn.Conv2d(3 + self.width, 3, 3, padding=1)

    def header(self) -> dict[str, Any]:
        return {"class": self.class_name, "width": self.width}

    def forward(self, latent: Tensor, codec: PictureCodec, observed: Observed | None) -> Tensor:
        plain = codec.decode(latent)
        if observed is None:
            return plain
        fine = F.interpolate(observed.features[0].levels[0], plain.shape[-2:])
        return (plain + self.seen(torch.cat([observed.picture, fine], 1))).clamp(-1, 1)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    ENCODERS["TinyEncoder"], DECODERS["TinyDecoder"] = TinyEncoder, TinyDecoder
    yield
    del ENCODERS["TinyEncoder"], DECODERS["TinyDecoder"]


def seeing_model(trained: bool = True) -> Model:
    """With an encoder, and a decoder of depth; untrained, both say nothing yet to the network."""
    shape = TransformerConfig(width=32, layers=2, heads=1, words=16, encoders=(TOLD,))
    plain = new_model(Codec(), Tokenizer(["room"]), shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        encoder, decoder = TinyEncoder(TOLD), TinyDecoder({"width": 4})
        for name, parameter in plain.transformer.named_parameters():
            if trained or not name.startswith("features."):
                parameter.data += 0.05 * torch.randn(parameter.shape)
    return replace(plain, encoders={"tiny": encoder}, decoders={"DEPTH": decoder})


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((*SIZE, 3), dtype=np.float32)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def observed(model: Model, pixels: Tensor, slot: int = 0) -> Picture:
    maker = model.maker
    (content,) = maker.contents([Kind.RGB], [pixels])
    return make_picture(Kind.RGB, slot, content, features=maker.look(Kind.RGB, pixels))


def asked(model: Model, slot: int = 0) -> Picture:
    content = torch.randn(1, 32, 4, 6, generator=noise())
    return make_picture(Kind.DEPTH, slot, content, torch.full((1,), 0.6))


def test_features_are_where_the_tokens_are() -> None:
    fine = torch.arange(4.0 * 6).view(1, 1, 4, 6)
    means = at_tokens(fine, (2, 3))
    torch.testing.assert_close(means[0, 0, 0], torch.tensor([3.5, 5.5, 7.5]))
    coarse = at_tokens(torch.tensor([[[[0.0, 1.0]]]]), (2, 4))
    torch.testing.assert_close(coarse[0, 0, 1], torch.tensor([0.0, 0.25, 0.75, 1.0]))
    # 9 rows of tokens are 4.5 of the features: the last half of the fifth is beyond the picture.
    ramp = torch.arange(5.0).view(1, 1, 5, 1).expand(-1, -1, -1, 8)
    rows = at_tokens(ramp, (9, 16))[0, 0, :, 0]
    torch.testing.assert_close(rows[1:], torch.arange(8.0) / 2 + 0.25)


def test_a_fresh_encoder_says_nothing_and_a_trained_one_is_heard() -> None:
    pixels = torch.rand(1, 3, *SIZE, generator=noise()) * 2 - 1
    for trained in (False, True):
        model = seeing_model(trained)
        seen = observed(model, pixels)
        groups = [
            [Group((picture,)), Group((asked(model),), None, (0,), asked=True)]
            for picture in (seen, replace(seen, features=()))
        ]
        with_features, without = (model.transformer(g)[1][0] for g in groups)
        assert torch.equal(with_features, without) is not trained


def test_cached_and_uncached_passes_are_equal() -> None:
    model = seeing_model()
    pixels = torch.rand(1, 3, *SIZE, generator=noise()) * 2 - 1
    seen, wanted = Group((observed(model, pixels),)), asked(model)
    whole = model.transformer([seen, Group((wanted,), None, (0,), asked=True)])[1][0]
    cache = model.transformer.remember(seen, Cache())
    again = model.transformer.predict(Group((wanted,), None, asked=True), cache)[0]
    torch.testing.assert_close(again, whole, rtol=1e-5, atol=1e-5)


def test_gradients_reach_the_encoder_from_a_lesson_of_the_trainer() -> None:
    model = seeing_model()
    depth = torch.full((3, 1, *SIZE), 2.0)
    cameras = tuple(Camera(_shifted(0.1 * i), CAMERA.intrinsics) for i in range(3))
    scene = PosedSequence(torch.rand(3, 3, *SIZE, generator=noise()), depth, cameras, "room")
    config = EntryConfig(SIZE, targets=1, keep_pictures=True)
    cpu = torch.device("cpu")
    looking = Looking(model.maker)
    plan = LessonPlan(MixtureConfig(drop_geometry=0), model.tokenizer, noise(), noise(), looking)
    photos = [photo_entry(scene, model.codec, config, noise(), cpu)]
    walks = [walk_entry(scene, 1, model.codec, config, noise(), cpu)]
    assert photos[0].picture is not None
    assert photos[0].picture.dtype == torch.uint8
    lessons = (plan.photo(photos), plan.walk(walks), plan.walk(walks, simulate_warp=True))
    for lesson in lessons:
        shown = [p for g in lesson.groups for p in g.pictures if p.kind.looked_at and not g.asked]
        assert shown
        assert all(p.features for p in shown)
        encoder = model.encoders["tiny"]
        encoder.zero_grad()
        loss = lesson_loss(model.transformer(lesson.groups), lesson, torch.ones(32))
        loss.total.backward()
        for name, parameter in encoder.named_parameters():
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().sum()) > 0, name


def test_entries_keep_no_pictures_where_nobody_looks() -> None:
    scene = PosedSequence(torch.rand(1, 3, *SIZE), torch.ones(1, 1, *SIZE), (CAMERA,), "room")
    entry = photo_entry(scene, Codec(), EntryConfig(SIZE), noise(), torch.device("cpu"))
    assert entry.picture is None


def test_a_checkpoint_brings_its_encoders_and_decoders_back(tmp_path: Path) -> None:
    model, path = seeing_model(), tmp_path / "seeing.safetensors"
    save_model(model, path, eight_bit=False)
    found = read_model(path)
    assert found.encoders["tiny"].description == TOLD
    assert set(found.decoders) == {"DEPTH"}
    answers = [
        finish(draw_depth_of_photo(Engine.of(m), photo(), CAMERA, SamplerSettings(), noise()))
        for m in (model, found)
    ]
    np.testing.assert_array_equal(*answers)
    del ENCODERS["TinyEncoder"]
    try:
        with pytest.raises(ValueError, match="see through the image encoder tiny"):
            read_model(path)
    finally:
        ENCODERS["TinyEncoder"] = TinyEncoder


def test_a_walk_sees_through_the_encoder_and_depth_through_its_decoder() -> None:
    """Context and photo carry features, and the decoder is shown the photo: both change what is
    drawn."""
    model, settings = seeing_model(), SamplerSettings()
    engines = {
        "whole": Engine.of(model),
        "blind": Engine.of(replace(model, encoders={}, decoders={})),
        "coarse": Engine.of(replace(model, decoders={})),
    }
    views, depths = {}, {}
    for name, engine in engines.items():
        context = open_context(engine, [KnownView(photo(), camera=CAMERA)])
        views[name] = finish(draw_view(engine, context, CAMERA, None, settings, noise()))
        depths[name] = finish(draw_depth_of_photo(engine, photo(), CAMERA, settings, noise()))
    assert (views["whole"] - views["blind"]).abs().max() > 1e-4
    assert torch.equal(views["whole"], views["coarse"])
    finite = [np.where(np.isfinite(d), d, 99.0) for d in depths.values()]
    assert np.abs(finite[0] - finite[2]).max() > 1e-4  # the decoder's share
    assert np.abs(finite[1] - finite[2]).max() > 1e-4  # the encoder's


def test_what_an_encoder_states_is_checked() -> None:
    wrong = replace(TOLD, levels=(LEVELS[0], FeatureLevel(16, 6)))
    encoder = TinyEncoder(wrong)
    encoder.coarse = nn.Conv2d(4, 5, 2, 2)
    with pytest.raises(ValueError, match=r"gives \(5, 2, 3\) at stride 16 .* not \(6, 2, 3\)"):
        encoder(torch.zeros(1, 3, *SIZE))


def test_features_of_an_encoder_that_the_network_does_not_read_are_refused() -> None:
    model = seeing_model()
    shape = replace(model.transformer.config, encoders=())
    blind = new_model(model.codec, model.tokenizer, shape).transformer
    seen = observed(model, torch.zeros(1, 3, *SIZE))
    with pytest.raises(ValueError, match="features of tiny; this network reads none"):
        blind([Group((seen,))])


def _shifted(x: float) -> np.ndarray:
    T = np.eye(4)
    T[0, 3] = x
    return T
