"""Photos of longer lenses are cut from views as a camera takes them, and the head learns them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.encoders.efficientnet_lite import LITE0, EfficientNetLite0
from engine.model.sight import Sight, read_sight, save_sight
from engine.training.buffer import SourceShares
from engine.training.cli import main
from engine.training.depth.trainer import SIGHT
from engine.training.lens.command import HELD_OUT, held_out
from engine.training.lens.samples import LensPool, centred, seen_otherwise, sides
from engine.training.lens.trainer import temperature
from engine.training.sequences import PosedSequence, SequenceFolder
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

SIZE = (96, 128)


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stripes(fov: float, rng: np.random.Generator) -> np.ndarray:
    """Upright stripes three degrees wide, so that their width in pixels tells the lens."""
    focal = 0.5 * SIZE[1] / math.tan(math.radians(fov) / 2)
    x = (np.arange(SIZE[1]) + 0.5 - SIZE[1] / 2) / focal
    band = np.sin(x * 60 + rng.uniform(0, 2 * np.pi)) > 0
    return np.broadcast_to(np.where(band, 210, 40)[None, :, None], (*SIZE, 3)).astype(np.uint8)


@pytest.mark.parametrize("aspect", [4 / 3, 16 / 9, 0.75])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_centred_part_is_the_photo_of_a_longer_lens(aspect: float, share: float) -> None:
    """Where rays of the part go says its lens, without a word of the crop."""
    focal = 150.0
    columns = torch.arange(SIZE[1]) + 0.5
    rays = ((columns - SIZE[1] / 2) / focal).expand(1, 3, *SIZE)
    part, log_focal = centred(rays, focal, aspect, share)
    height, width = part.shape[-2:]
    assert width / height == pytest.approx(aspect, rel=0.03)
    step = float(part[0, 0, 0].diff().mean())  # one pixel, at unit depth
    assert math.exp(log_focal) * math.hypot(width, height) == pytest.approx(1 / step, rel=1e-3)
    assert abs(float(part[0, 0, 0].mean())) < 0.6 / focal  # it points at its middle


def test_pictures_come_in_the_asked_size() -> None:
    assert sides(4 / 3, 192 * 144) == (144, 192)
    assert sides(9 / 16, 192 * 144) == (224, 128)
    for seed in range(5):
        picture = seen_otherwise(torch.rand(1, 3, 40, 53), 4 / 3, 96 * 64, noise(seed))
        assert picture.shape == (1, 3, *sides(4 / 3, 96 * 64))
        assert 0 <= float(picture.min()) <= float(picture.max()) <= 1


class OneView:
    """Sequences of one picture each, through lenses of 40° to 100° across."""

    def draw(self, generator: torch.Generator) -> PosedSequence:
        fov = 40 + 60 * float(torch.rand((), generator=generator))
        lens = Intrinsics.from_fov(fov, SIZE[1] / SIZE[0])
        camera = Camera(np.eye(4), lens)
        return PosedSequence(torch.rand(1, 3, *SIZE), torch.ones(1, 1, *SIZE), (camera,), "")


def test_lenses_are_as_cameras_have_them() -> None:
    pool = LensPool(SourceShares((OneView(),), (1.0,)), noise(), open_at_once=40)
    batches = [pool.batch(8, 64 * 48) for _ in range(40)]
    focal = torch.cat([b.log_focal for b in batches]).exp()
    low, middle, high = (float(focal.quantile(q)) for q in (0.16, 0.5, 0.84))
    millimetres = 43.27  # the diagonal of a 24x36 mm frame
    assert 15 < low * millimetres < 22
    assert 24 < middle * millimetres < 32
    assert 36 < high * millimetres < 50
    shapes = {tuple(b.pictures.shape[2:]) for b in batches}
    assert len(shapes) >= 4
    for batch in batches:
        height, width = batch.pictures.shape[-2:]
        asked = math.exp(float(batch.log_aspect[0]))
        assert width / height == pytest.approx(asked, rel=0.25)


@pytest.fixture
def worlds(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "worlds"
    folder.mkdir()
    for number in range(30):
        fov = rng.uniform(40, 95)
        camera = Camera(np.eye(4), Intrinsics.from_fov(fov, SIZE[1] / SIZE[0]))
        rgb = stripes(fov, rng)[None]
        depth = np.ones((1, *SIZE), np.float32)
        made = Sequence(rgb, depth, (camera,), "a", "room", number)
        save_sequence(folder / f"{number}.npz", made)
    return folder


def start(path: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_sight(Sight({LITE0.name: EfficientNetLite0()}), path, eight_bit=False)
    return path


def test_held_out_worlds_are_apart(worlds: Path) -> None:
    seen = SequenceFolder([worlds], lambda file: not held_out(file)).files
    unseen = SequenceFolder([worlds], held_out).files
    assert not set(seen) & set(unseen)
    assert len(seen) + len(unseen) == 30
    assert 0 < len(unseen) < 3 * 30 / HELD_OUT


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 4.0])
def test_belief_is_made_as_wide_as_the_errors_are(too_sure: float) -> None:
    honest = torch.randn(200, 32, generator=noise())
    assert temperature(too_sure * honest, honest.softmax(1)) == too_sure


def test_a_run_learns_is_kept_and_leaves_the_encoder(worlds: Path, tmp_path: Path, capsys) -> None:
    before, out = start(tmp_path / "start.safetensors"), tmp_path / "run"
    given = ["--sight", str(before), "--worlds", str(worlds), "--out", str(out)]
    shared = ["lens", *given, "--minutes", "0.4", "--device", "cpu", "--batch", "16"]
    assert main(shared) == 0
    told = capsys.readouterr().out
    assert "looked at" in told
    assert "unseen" in told
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["loss"] < math.log(32)  # what knowing nothing would cost
    again, old = read_sight(out / SIGHT), read_sight(before)
    assert again.lens is not None
    assert not torch.equal(again.lens.scatter, torch.ones_like(again.lens.scatter))
    for name, weight in old.encoders[LITE0.name].state_dict().items():
        assert torch.equal(weight, again.encoders[LITE0.name].state_dict()[name])


def test_what_cannot_be_begun_from_is_said(worlds: Path, tmp_path: Path, capsys) -> None:
    common = ["--out", str(tmp_path / "run"), "--device", "cpu"]
    missing = ["--sight", str(tmp_path / "no.safetensors"), "--worlds", str(worlds)]
    assert main(["lens", *missing, *common]) == 2
    assert "there is no weights file" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    given = ["--sight", str(start(tmp_path / "s.safetensors")), "--worlds", str(tmp_path / "empty")]
    assert main(["lens", *given, *common]) == 2
    assert "no rendered sequence" in capsys.readouterr().err
