"""What an encoder and its dense decoder are taught by, and that they learn, are kept and drawn
with."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codecs.stored import read_codec
from engine.model.decoders.dense_depth import DenseDepth
from engine.model.embedded import embedded_weights
from engine.model.encoders.efficientnet_lite import LITE0, EfficientNetLite0
from engine.model.kinds import Kind
from engine.model.pictures import PictureMaker
from engine.model.sight import Sight, read_sight, save_sight
from engine.queries import Engine, SamplerSettings, draw_depth_of_photo, finish
from engine.training.buffer import SourceShares
from engine.training.cli import main
from engine.training.depth.losses import (
    depth_loss,
    gradients,
    in_medians,
    normalised,
    trimmed,
)
from engine.training.depth.samples import cut, varied
from engine.training.depth.trainer import (
    SIGHT,
    DepthTrainer,
    DepthTrainingConfig,
    new_decoder,
)
from engine.training.real_pictures import photo_sources
from engine.training.sequences import SequenceFolder
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

SIZE = (64, 96)
EMBEDDED = embedded_weights()
CAMERA = Camera(np.eye(4), Intrinsics.from_fov(60, 1.5))


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramp() -> torch.Tensor:
    """z-depth (1, 1, H, W) from 1 to 4, and some sky."""
    depth = torch.linspace(1, 4, SIZE[1]).expand(1, 1, *SIZE).clone()
    depth[..., :8, :] = torch.inf
    return depth


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (30.0, 0.0), (30.0, 9.0), (0.01, 2.0)])
def test_any_scale_and_shift_of_the_truth_is_right(scale: float, shift: float) -> None:
    depth = ramp()
    inverse = torch.where(depth.isinf(), 0.0, 1 / depth)
    sky = torch.where(depth.isinf(), 20.0, -20.0)
    loss = depth_loss(scale * inverse + shift, sky, depth)
    assert loss.shape < 1e-3
    # What no shift may change is where nothing at all has depth.
    assert (float(loss.total) < 1e-3) == (shift == 0.0)
    assert float(depth_loss(-inverse, sky, depth).total) > 0.5  # far for near is wrong
    assert float(depth_loss(inverse, -sky, depth).total) > 1.0  # sky for ground too


def test_unknown_pixels_teach_nothing() -> None:
    depth = ramp()
    depth[..., 40:60] = torch.nan
    inverse = torch.where(depth.isfinite(), 1 / depth, 0.0)
    sky = torch.where(depth.isinf(), 20.0, -20.0)
    right = depth_loss(inverse, sky, depth).total
    inverse[..., 45:55] = 99.0
    torch.testing.assert_close(depth_loss(inverse, sky, depth).total, right)
    nothing = torch.full_like(depth, torch.nan)
    assert float(depth_loss(inverse, torch.full_like(sky, -20.0), nothing).total) < 1e-6


def test_parts_of_the_loss_in_closed_form() -> None:
    values = torch.tensor([1.0, 2.0, 3.0, 10.0, 50.0]).view(1, 1, 1, 5)
    known = torch.tensor([True, True, True, True, False]).view(1, 1, 1, 5)
    # Median 2 (the lower of the middle two), deviations 1, 0, 1, 8: mean 2.5.
    expected = torch.tensor([-0.4, 0.0, 0.4, 3.2, 19.2]).view(1, 1, 1, 5)
    torch.testing.assert_close(normalised(values, known), expected)
    errors = torch.ones(1, 1, 40, 40)
    errors.flatten()[::25] = 100.0  # the worst 4 %
    everything = torch.ones_like(errors, dtype=torch.bool)
    assert float(trimmed(errors, everything)) == 1.0
    assert float(trimmed(errors, errors == 1.0)) == 1.0
    assert float(trimmed(errors, torch.zeros_like(everything))) == 0.0
    medians = in_medians(torch.tensor([0.0, 1.0, 2.0, 8.0, 99.0]).view(1, 1, 1, 5), known)
    # Of those above 0, the lower of the middle two is 2; beyond four of it, in logarithms.
    expected = torch.tensor([0.0, 0.5, 1.0, 4.0]).view(1, 1, 1, 4)
    torch.testing.assert_close(medians[..., :4], expected)
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1.0
    everywhere = torch.ones_like(step, dtype=torch.bool)
    # One of 7, 3, 1 columns of steps at the first three scales; at the fourth there is no pair.
    assert float(gradients(step, everywhere)) == pytest.approx(1 / 7 + 1 / 3 + 1)


def test_views_are_varied_but_stay_themselves() -> None:
    """Depth says where each pixel came from: its column."""
    columns = torch.arange(96.0).expand(1, 1, *SIZE) + 1
    seen = set()
    for seed in range(20):
        rgb, depth = cut(torch.rand(1, 3, *SIZE), columns, (32, 48), noise(seed))
        assert rgb.shape == (1, 3, 32, 48)
        assert 0 <= float(rgb.min()) <= float(rgb.max()) <= 1
        steps = depth[0, 0, 0].diff()
        assert bool((steps >= 0).all()) or bool((steps <= 0).all())
        seen.add(bool(steps[steps != 0][0] > 0))
    assert seen == {True, False}  # some are mirrored


def test_photographs_are_compressed_and_enlarged() -> None:
    rgb = torch.rand(1, 3, *SIZE, generator=noise())
    seen = torch.stack([varied(rgb, noise(seed)) for seed in range(30)])
    assert seen.shape[1:] == rgb.shape
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1
    # Some keep no more than half of the steps between neighbours that pure noise has.
    steps = seen.diff(dim=-1).abs().mean((1, 2, 3, 4))
    assert float(steps.min()) < 0.5 * float(rgb.diff(dim=-1).abs().mean())


def test_early_parts_are_held(worlds: Path) -> None:
    parts = sight()
    encoder, decoder = parts.encoders[LITE0.name], parts.decoders["DEPTH"]
    assert isinstance(decoder, DenseDepth)
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    sources = SourceShares((SequenceFolder([worlds]),), (1.0,))
    config = DepthTrainingConfig(batch=2, sizes=((64, 96),), warm_up=1, held_stride=4)
    trainer = DepthTrainer(encoder, decoder, sources, config, torch.device("cpu"))
    trainer.learn()
    held = ("stem.", "stages.0.", "stages.1.")
    for name, value in encoder.state_dict().items():
        statistics = "running" in name or "batches" in name
        assert torch.equal(value, before[name]) == (name.startswith(held) or statistics), name
    assert decoder.pixels == 64 * 96


def test_photographs_teach_by_what_the_average_sees(worlds: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = torch.rand(3, 3, 96, 128, generator=noise())
    for number, each in enumerate(picture):
        cv2.imwrite(str(photos / f"{number}.png"), (each * 255).permute(1, 2, 0).byte().numpy())
    parts = sight()
    encoder, decoder = parts.encoders[LITE0.name], parts.decoders["DEPTH"]
    assert isinstance(decoder, DenseDepth)
    sources = (SequenceFolder([worlds]), *photo_sources(photos))
    shares = SourceShares(sources, (0.9, 0.1))
    config = DepthTrainingConfig(
        batch=4, sizes=((64, 96),), warm_up=1, taught_share=0.5, taught_after=1
    )
    trainer = DepthTrainer(encoder, decoder, shares, config, torch.device("cpu"))
    asked: list[tuple[int, ...]] = []
    told = trainer.told

    def watched(rgb: torch.Tensor) -> torch.Tensor:
        asked.append(tuple(rgb.shape))
        return told(rgb)

    trainer.told = watched  # type: ignore[method-assign]
    losses = [float(trainer.learn().total.detach()) for _ in range(3)]
    assert np.isfinite(losses).all()
    assert asked == [(2, 3, 64, 96)] * 2  # not before there is an average
    # A mirror image is as deep as its picture.
    rgb = torch.rand(2, 3, 64, 96, generator=noise())
    torch.testing.assert_close(told(rgb.flip(-1)), told(rgb).flip(-1), rtol=0.05, atol=0.05)


def sight() -> Sight:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = EfficientNetLite0()
        return Sight({LITE0.name: encoder}, {"DEPTH": new_decoder(encoder, 8)})


def test_the_network_has_the_published_size() -> None:
    encoder = EfficientNetLite0().train()
    assert sum(p.numel() for p in encoder.parameters()) == 2_958_848
    assert not any(m.training for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d))
    features = encoder(torch.zeros(1, 3, 144, 208))
    assert [tuple(level.shape[2:]) for level in features.levels] == [
        (math.ceil(144 / s), math.ceil(208 / s)) for s in (2, 4, 8, 16, 32)
    ]


def test_depth_keeps_the_transformers_scale() -> None:
    """The decoder's own picture may be anything; the transformer's says how deep it is."""
    parts = sight()
    decoder = parts.decoders["DEPTH"]
    assert isinstance(decoder, DenseDepth)
    codec = read_codec(EMBEDDED)
    pixels = torch.rand(1, 3, *SIZE, generator=noise()) * 2 - 1
    latent = codec.encode(Kind.DEPTH.to_picture(ramp(), 1.0))
    plain = codec.decode(latent)
    observed = PictureMaker(codec, parts.encoders, parts.decoders).observed(Kind.DEPTH, pixels)
    seen: list[torch.Tensor] = []

    def told(looked_at):  # inverse depth of the ramp, of another scale and shift
        inverse = torch.where(ramp().isinf(), 0.0, 1 / ramp())
        seen.append(inverse)
        return 3 * inverse - 1, torch.where(inverse == 0, 9.0, -9.0)

    decoder.shape_and_sky, decoder.share = told, 1.0  # type: ignore[method-assign]
    with torch.no_grad():
        drawn = Kind.DEPTH.from_picture(decoder(latent, codec, observed), 1.0)
    assert seen
    ground = ramp().isfinite()
    ground[..., 8:10, :] = False  # where the sky ends, between two pixels
    np.testing.assert_allclose(drawn[ground], ramp()[ground], rtol=0.12)
    assert bool(drawn[..., :6, :].isinf().all())
    torch.testing.assert_close(decoder(latent, codec, None), plain)


@pytest.fixture
def worlds(tmp_path: Path) -> Path:
    """A bright box before a dark wall, here and there."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "worlds"
    folder.mkdir()
    for number in range(4):
        rgb = np.full((2, 96, 128, 3), 40, np.uint8)
        depth = np.full((2, 96, 128), 4.0, np.float32)
        for view in range(2):
            y, x = rng.integers(0, 40), rng.integers(0, 60)
            rgb[view, y : y + 50, x : x + 60] = 220
            depth[view, y : y + 50, x : x + 60] = 1.5
        cameras = (CAMERA, CAMERA)
        save_sequence(folder / f"{number}.npz", Sequence(rgb, depth, cameras, "a", "room", 0))
    return folder


def test_a_run_learns_is_kept_and_is_drawn_with(worlds: Path, tmp_path: Path, capsys) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "run"
    save_sight(sight(), start, eight_bit=False)
    options = ["--worlds", str(worlds), "--batch", "4", "--size", "96x64", "--device", "cpu"]
    shared = ["depth", "--sight", str(start), *options, "--out", str(out), "--minutes", "0.12"]
    assert main(shared) == 0
    assert "shape" in capsys.readouterr().out
    trained = read_sight(out / SIGHT)
    before = sight().encoders[LITE0.name].state_dict()
    after = trained.encoders[LITE0.name].state_dict()
    assert any(not torch.equal(before[k], after[k]) for k in before)
    whole = tmp_path / "whole.safetensors"
    joined = ["export", "--model", str(EMBEDDED), "--depth", str(out / SIGHT), "--out", str(whole)]
    assert main(joined) == 0
    rgb = np.full((*SIZE, 3), 0.15, np.float32)
    rgb[20:50, 30:70] = 0.9
    depths = [
        finish(draw_depth_of_photo(Engine.load(path), rgb, CAMERA, SamplerSettings(), noise()))
        for path in (whole, EMBEDDED)
    ]
    assert np.isfinite(depths[0]).any()
    assert not np.array_equal(*depths)


def test_caches_beside_worlds_are_no_worlds(worlds: Path) -> None:
    cache = worlds / ".furniture.cache"
    cache.mkdir()
    np.savez(cache / "pack.npz", vertices=np.zeros(3))
    np.savez(worlds / ".0.npz.7.tmp.npz", half=np.zeros(3))
    assert len(SequenceFolder([worlds]).files) == 4


def test_what_cannot_be_begun_from_is_said(worlds: Path, tmp_path: Path, capsys) -> None:
    common = ["--worlds", str(worlds), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["depth", "--sight", str(tmp_path / "no.safetensors"), *common]) == 2
    assert "there is no weights file" in capsys.readouterr().err
    assert not (tmp_path / "run" / SIGHT).exists()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (["--minutes", "0"], "--minutes must be more than 0"),
        (["--minutes", "-1"], "--minutes must be more than 0"),
        (["--batch", "0"], "--batch must be at least 1"),
        (["--rgbd", "nowhere"], "no recording with a cameras.json"),
    ],
)
def test_nonsense_is_said(bad: list[str], words: str, worlds: Path, tmp_path: Path, capsys) -> None:
    start = tmp_path / "start.safetensors"
    save_sight(sight(), start, eight_bit=False)
    common = ["--worlds", str(worlds), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["depth", "--sight", str(start), *common, *bad]) == 2
    assert words in capsys.readouterr().err


def test_far_ground_is_no_sky_and_where_both_disagree_the_eye_decides() -> None:
    parts = sight()
    decoder = parts.decoders["DEPTH"]
    assert isinstance(decoder, DenseDepth)
    codec = read_codec(EMBEDDED)
    pixels = torch.rand(1, 3, *SIZE, generator=noise()) * 2 - 1
    latent = codec.encode(Kind.DEPTH.to_picture(ramp(), 1.0))
    observed = PictureMaker(codec, parts.encoders, parts.decoders).observed(Kind.DEPTH, pixels)
    inverse = torch.where(ramp().isinf(), 0.0, 1 / ramp())
    unsure = torch.where(inverse == 0, 1.0, -9.0)
    decoder.shape_and_sky = lambda _: (inverse, unsure)  # type: ignore[method-assign]
    with torch.no_grad():
        far = Kind.DEPTH.from_picture(decoder(latent, codec, observed), 1.0)
        assert bool(far.isfinite().all())
        turned = inverse.flip(-1).clamp_min(0.01)  # near where the transformer sees far
        decoder.shape_and_sky = lambda _: (turned, unsure - 9)  # type: ignore[method-assign]
        drawn = Kind.DEPTH.from_picture(decoder(latent, codec, observed), 1.0)[0, 0]
    ratio = drawn[20:] * turned[0, 0, 20:]
    assert float(ratio.std() / ratio.mean()) < 0.05
