"""Variants differ in one thing, see no answer, and are measured as promised."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rays import plucker_rays
from engine.model.codec import Codec, CodecConfig
from engine.model.kinds import Kind
from engine.model.model import new_model, own_transformer
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.ablations import study as study_module
from engine.training.ablations.lessons import ASKED, ablation_lesson, known_group
from engine.training.ablations.record import as_table, read_record, write_record
from engine.training.ablations.study import (
    Measured,
    StudyConfig,
    StudyData,
    StudyProgress,
    StudyResult,
    VariantResult,
    run_study,
)
from engine.training.ablations.variants import STUDIES, Variant, study_named
from engine.training.cli import main
from engine.training.codec_training import save_codec
from engine.training.joint.entries import JointEntry
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

LENS = Intrinsics.from_fov(60, 48 / 32)
CPU = torch.device("cpu")
SILENT = StudyProgress(lambda _: None, lambda: None)
TINY = StudyConfig(steps=3, seeds=2, batch=2, width=32, layers=1)


def entry(seed: int) -> JointEntry:
    generator = torch.Generator().manual_seed(seed)

    def latents() -> torch.Tensor:
        return torch.randn(3, 8, 4, 6, generator=generator)

    rays = torch.stack([plucker_rays(Camera(np.eye(4), LENS), 2, 3)] * 3)
    kinds = {kind: latents() for kind in (Kind.RGB, Kind.DEPTH, Kind.XYZ)}
    warped = {Kind.RGB: latents(), Kind.XYZ: latents()}
    return JointEntry(kinds, rays, warped, torch.ones(3, 6, dtype=torch.bool), "")


@pytest.fixture(scope="module")
def codec() -> Codec:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(
        torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.4
    )
    return codec.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def data(codec: Codec) -> StudyData:
    return StudyData(codec, [entry(i) for i in range(4)], [entry(9)], CPU)


def kinds_of(variant: Variant) -> list[tuple[Kind, int]]:
    return [(p.kind, p.slot) for p in known_group(variant, [entry(0)]).pictures]


def test_the_context_holds_what_the_variant_says() -> None:
    rgb = [(Kind.RGB, 0), (Kind.RGB, 1)]
    assert kinds_of(Variant("none", geometry=None)) == rgb
    assert kinds_of(Variant("warp", geometry=None, warp=True)) == [*rgb, (Kind.WARP, ASKED)]
    depth = kinds_of(Variant("depth"))
    assert depth == [(Kind.RGB, 0), (Kind.DEPTH, 0), (Kind.RGB, 1), (Kind.DEPTH, 1)]
    assert (Kind.XYZ, 0) in kinds_of(Variant("points", geometry=Kind.XYZ))


@pytest.mark.parametrize("study", STUDIES, ids=lambda s: s.name)
def test_no_variant_is_shown_the_answer(study) -> None:
    for variant in study.variants:
        generator = torch.Generator().manual_seed(0)
        lesson = ablation_lesson(variant, [entry(0)], Tokenizer([]), generator, generator)
        shown = [p for p in lesson.groups[0].pictures if p.kind is not Kind.WARP]
        assert all(p.slot != ASKED for p in shown)
        assert [p.slot for p in lesson.groups[1].pictures] == [ASKED] * len(lesson.answers)


def test_dropout_leaves_geometry_out_at_times() -> None:
    structure = torch.Generator().manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    variant = Variant("dropout", dropout=0.5)
    sizes = {
        len(
            ablation_lesson(variant, [entry(0)], Tokenizer([]), generator, structure)
            .groups[0]
            .pictures
        )
        for _ in range(20)
    }
    assert sizes == {2, 4}


def test_studies_differ_in_their_variants() -> None:
    for study in STUDIES:
        assert len(set(study.variants)) == len(study.variants) >= 2
    assert study_named("gate").variants[0].camera_gate is False
    with pytest.raises(ValueError, match="no study 'colour'"):
        study_named("colour")


def test_every_variant_is_trained_from_every_seed(data: StudyData) -> None:
    told: list[str] = []
    kept: list[None] = []
    progress = StudyProgress(told.append, lambda: kept.append(None))
    result = run_study(study_named("joint"), data, TINY, progress)
    assert [len(v.runs) for v in result.variants] == [2, 2]
    assert len(told) == len(kept) == 4
    for variant in result.variants:
        assert math.isfinite(variant.mean("psnr"))
        assert math.isfinite(variant.spread("camera_error"))
        assert variant.runs[0].psnr != variant.runs[1].psnr


def test_the_same_seed_gives_the_same_model(data: StudyData) -> None:
    one = run_study(study_named("gate"), data, TINY, SILENT)
    again = run_study(study_named("gate"), data, TINY, SILENT)
    assert one.variants[0].runs[0].psnr == again.variants[0].runs[0].psnr


def test_a_variant_that_studies_share_is_trained_once(data: StudyData) -> None:
    known: study_module.Known = {}
    studies = [study_named(name) for name in ("geometry", "dropout")]
    first, second = (run_study(s, data, TINY, SILENT, known) for s in studies)
    assert len(known) == 3 * 2
    assert first.variants[1].runs == second.variants[0].runs
    assert (first.variants[1].name, second.variants[0].name) == ("depth", "geometry always")


def test_a_turned_picture_is_found_by_its_angle() -> None:
    """Eight pixels of a picture 96 wide, through a lens of 60 degrees."""
    generator = torch.Generator().manual_seed(0)
    wide = F.interpolate(torch.randn(1, 3, 16, 32, generator=generator), (64, 128), mode="bicubic")
    moved = study_module._turned(wide[..., 0:96], wide[..., 8:104], entry(0))
    assert moved == pytest.approx(8 * 60 / 96, rel=0.2)
    assert study_module._turned(wide[..., 0:96], wide[..., 0:96], entry(0)) < 0.1


def test_means_and_spreads_are_those_of_the_runs() -> None:
    runs = tuple(Measured(psnr, 1.0, 0.1, 0.2) for psnr in (10.0, 12.0, 14.0))
    result = VariantResult("a", runs)
    assert result.mean("psnr") == 12.0
    assert result.spread("psnr") == 2.0
    assert math.isnan(VariantResult("a", runs[:1]).spread("psnr"))
    text = as_table(StudyResult("s", "seed 003", "up", (result,)))
    assert "12.000 ±  2.000" in text


def stored_model(folder: Path, codec: Codec) -> Path:
    shape = TransformerConfig(width=32, layers=3, heads=2, latent_channels=8, words=16)
    path = folder / "m.safetensors"
    save_model(new_model(codec, Tokenizer([]), shape), path, eight_bit=False)
    return path


def stored_worlds(folder: Path) -> list[str]:
    rng = np.random.default_rng(0)
    for split in ("learned", "unseen"):
        (folder / split).mkdir()
        rgb = rng.integers(0, 255, (3, 64, 112, 3)).astype(np.uint8)
        depth = np.full((3, 64, 112), 2.0, np.float32)
        cameras = tuple(Camera(np.eye(4), LENS) for _ in range(3))
        save_sequence(folder / split / "0.npz", Sequence(rgb, depth, cameras, "a", "room", 0))
    return ["--worlds", str(folder / "learned"), "--held-out", str(folder / "unseen")]


def test_the_command_writes_its_table(tmp_path, codec, capsys) -> None:
    given = ["ablations", "--codec", str(stored_model(tmp_path, codec))]
    given += [*stored_worlds(tmp_path), "--out", str(tmp_path / "o")]
    given += ["--study", "gate", "--steps", "2", "--seeds", "2", "--width", "32", "--layers", "1"]
    given += ["--batch", "2", "--entries", "2", "--tests", "1", "--size", "48x32"]
    assert main(given) == 0
    written = json.loads((tmp_path / "o" / "ablations.json").read_text())
    assert [row["name"] for row in written["studies"][0]["rows"]] == [
        v.name for v in study_named("gate").variants
    ]
    assert "camera-gated attention" in capsys.readouterr().out


def test_a_stopped_run_goes_on_where_it_was(tmp_path, codec, capsys, monkeypatch) -> None:
    given = ["ablations", "--codec", str(stored_model(tmp_path, codec))]
    given += [*stored_worlds(tmp_path), "--out", str(tmp_path / "o"), "--study", "gate"]
    given += ["--seeds", "2", "--width", "32", "--layers", "1", "--batch", "2", "--entries", "2"]
    given += ["--tests", "1", "--size", "48x32"]
    trained: list[int] = []
    train = study_module._train

    def stopping(network, variant, data, config, seed) -> None:
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(seed)
        train(network, variant, data, config, seed)

    monkeypatch.setattr(study_module, "_train", stopping)
    assert main([*given, "--steps", "2"]) != 0
    monkeypatch.setattr(study_module, "_train", train)
    first = json.loads((tmp_path / "o" / "ablations.json").read_text())
    assert len(first["models"]) == 3

    assert main([*given, "--steps", "2"]) == 0
    assert "3 models of an earlier run" in capsys.readouterr().out
    whole = json.loads((tmp_path / "o" / "ablations.json").read_text())
    assert whole["models"][:3] == first["models"]
    assert len(whole["models"]) == 4
    assert math.isfinite(whole["repeated"]["psnr"])

    assert main([*given, "--steps", "3"]) != 0
    assert "another run (steps differ)" in capsys.readouterr().err
    (tmp_path / "o" / "ablations.json").write_text("[]")
    assert main([*given, "--steps", "2"]) != 0
    assert "no record of an ablation" in capsys.readouterr().err


def test_every_model_starts_from_the_weights_that_are_given(tmp_path, codec, capsys) -> None:
    weights = stored_model(tmp_path, codec)
    given = ["ablations", "--codec", str(weights), "--init", str(weights), "--batch", "2"]
    given += [*stored_worlds(tmp_path), "--out", str(tmp_path / "o"), "--seeds", "1"]
    given += ["--entries", "2", "--tests", "1", "--size", "48x32"]
    assert main([*given, "--steps", "1", "--learning-rate", "1e-9"]) == 0
    models = json.loads((tmp_path / "o" / "ablations.json").read_text())["models"]
    studied = [v for study in STUDIES for v in study.variants if study.name != "gate"]
    assert len(models) == len({replace(v, name="") for v in studied})

    network = own_transformer(read_model(weights)).eval()
    data = StudyData(codec, [], [entry(9)], CPU)
    plain = Variant("none", geometry=None)
    before = study_module._measured(network, plain, data, TINY, 0.0)
    start = replace(data, learned=[entry(0)], start=read_model(weights))
    after = study_module._run(plain, start, replace(TINY, learning_rate=1e-9), 0)
    assert after.psnr == pytest.approx(before.psnr, abs=1e-3)

    assert main([*given, "--study", "gate", "--out", str(tmp_path / "g")]) != 0
    assert "other parts than the weights of --init" in capsys.readouterr().err


def test_what_was_measured_is_read_as_it_was_written(tmp_path: Path) -> None:
    setting = {"steps": 3, "files": ["a"]}
    variants = {v for study in STUDIES for v in study.variants}
    known = {(variant, 1): Measured(20.5, 1.25, 0.5, 0.1) for variant in variants}
    write_record(tmp_path, setting, known)
    assert read_record(tmp_path, setting) == known
    assert read_record(tmp_path / "empty", setting) == {}


def test_showing_the_last_view_again_is_scored_as_nothing_drawn(codec: Codec) -> None:
    still = entry(3)
    still.latents[Kind.RGB][ASKED] = still.latents[Kind.RGB][1]
    same = study_module.repeated(StudyData(codec, [], [still], CPU))
    other = study_module.repeated(StudyData(codec, [], [entry(3)], CPU))
    assert same.psnr > 60 > other.psnr
    assert same.camera_error < 0.1


def test_couplings_are_trained_at_equal_size_and_scored_on_the_way(
    tmp_path: Path, codec: Codec, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["ablations", "--codec", str(stored_model(tmp_path, codec)), *stored_worlds(tmp_path)]
    given += ["--study", "coupling", "--steps", "3", "--seeds", "2", "--batch", "1"]
    given += ["--size", "48x32", "--out", str(tmp_path / "o")]
    assert main(given) == 0
    rows = json.loads((tmp_path / "o" / "couplings.json").read_text())["rows"]
    assert [(row["coupling"], row["steps"]) for row in rows] == [
        (name, steps) for name in ("decoupled", "channel", "spatial") for steps in (1, 2, 3)
    ]
    for row in rows:
        assert all(len(values) == 2 for values in row["losses"].values())
        assert {"rgb", "xyz"} <= set(row["losses"])
    # Every coupling starts from the same model.
    starts = [np.mean(row["losses"]["rgb"]) for row in rows if row["steps"] == 1]
    assert np.ptp(starts) < 0.2 * np.mean(starts)
    assert "spatial, 3 steps" in capsys.readouterr().out


def test_couplings_need_a_whole_model(
    tmp_path: Path, codec: Codec, capsys: pytest.CaptureFixture[str]
) -> None:
    save_codec(codec, tmp_path / "codec.safetensors", eight_bit=False)
    given = ["ablations", "--codec", str(tmp_path / "codec.safetensors"), "--study", "coupling"]
    assert main([*given, *stored_worlds(tmp_path), "--out", str(tmp_path / "o")]) != 0
    assert "codec alone" in capsys.readouterr().err
