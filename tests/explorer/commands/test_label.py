"""`photowalk label` and `train --depth-teacher`, with depth models as small as they can be."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

import main as program
from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories import realestate10k
from engine.training.clip_frames import read_posed_clip
from engine.training.labels import label_path, read_label
from engine.training.real_pictures import photo_sources, posed_sources, video_sources
from explorer.commands.label import taught
from explorer.labels.clip_depth import ClipUnits
from explorer.labels.work import RECORD, LabelOptions, label_folder
from explorer.priors.kinds import DepthKind
from explorer.walk.depth_source import PhotoDepth
from explorer.walk.photo import Photo

SIZE = (128, 80)
LENS = Intrinsics.from_fov(60, 160 / 96)
#: A leaning wall: points X with NORMAL · X = 2 in the first camera's frame, times the clip's unit.
NORMAL, UNIT = np.array([0.5, 0.1, 1.0]), 7.0


def texture() -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = cv2.resize(rng.integers(0, 255, (60, 90, 3), np.uint8), (900, 600))
    fine = cv2.resize(rng.integers(0, 90, (300, 450, 3), np.uint8), (900, 600))
    return np.clip(coarse.astype(int) // 2 + fine, 0, 255).astype(np.uint8)


def write_clip(folder: Path, views: int = 6, size: tuple[int, int] = (192, 320)) -> Path:
    """Posed frames of the wall, 40 ms apart."""
    corner = np.array([-3.0, -2.0, 2.0 - NORMAL[:2] @ (-3.0, -2.0)])
    across = np.array([1.0, 0.0, -NORMAL[0]]) * 6.0 / 900
    down = np.array([0.0, 1.0, -NORMAL[1]]) * 4.0 / 600
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    (folder / "clip").mkdir(parents=True)
    cameras = []
    for index in range(views):
        T = np.eye(4)
        T[0, 3] = 0.12 * index * UNIT
        cameras.append(Camera(T, LENS))
        at = np.stack([across, down, corner - T[:3, 3] / UNIT], axis=1)
        H = np.linalg.inv(half) @ LENS.matrix(size[1], size[0]) @ at @ half
        picture = cv2.warpPerspective(texture(), H, size[::-1], flags=cv2.INTER_AREA)
        cv2.imwrite(str(folder / "clip" / f"{40_000 * index}.png"), picture)
    realestate10k.write(folder / "clip.txt", cameras, [0.04 * i for i in range(views)])
    return folder / "clip.txt"


def wall_depth(shape: tuple[int, int], index: int = 0) -> np.ndarray:
    v, u = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    x, y = (u / shape[1] - LENS.cx) / LENS.fx, (v / shape[0] - LENS.cy) / LENS.fy
    distance = UNIT * (2.0 - NORMAL[0] * 0.12 * index)
    return (distance / (x * NORMAL[0] + y * NORMAL[1] + NORMAL[2])).astype(np.float32)


class Stand:
    """A depth model that sees the wall, in the unit and with the shift of its own kind."""

    def __init__(self, kind: DepthKind, name: str = "stand") -> None:
        self.kind, self.identity, self.seen = kind, {"model": name}, 0

    def depth(self, photo: Photo) -> PhotoDepth:
        self.seen += 1
        depth = wall_depth((photo.height, photo.width))
        inverse = self.kind is DepthKind.INVERSE
        given = 1.0 / (0.8 / depth + 0.05) if inverse else depth * 0.3
        return PhotoDepth(given.astype(np.float32), self.kind.metric)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    cv2.imwrite(str(folder / "a.png"), texture()[:200, :320])
    cv2.imwrite(str(folder / "more" / "a.jpg"), texture()[200:400, :320])
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    return int(ended.value.code or 0)


def command(folder: Path, tiny_dpt: Path, out: Path, *more: str) -> list[str]:
    size = f"{SIZE[0]}x{SIZE[1]}"
    given = ["--depth-prior", str(tiny_dpt), "--out", str(out), "--size", size]
    return ["label", str(folder), *given, *more]


def test_only_a_folder_of_labels_is_labelled_into(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "more").mkdir(parents=True)
    (out / "more" / "a.jpg.jpg").write_text("mine")
    options = LabelOptions(photos, out, SIZE)
    stand = Stand(DepthKind.METRIC)
    with pytest.raises(ValueError, match="holds more and no labels"):
        label_folder(options, stand, lambda _: None, lambda: False)
    assert stand.seen == 0
    assert (out / "more" / "a.jpg.jpg").read_text() == "mine"


def test_two_processes_do_not_label_into_one_folder(photos: Path, tmp_path: Path) -> None:
    options, stand = LabelOptions(photos, tmp_path / "out", SIZE), Stand(DepthKind.METRIC)
    told = []

    def second(_progress: object) -> None:
        with pytest.raises(ValueError, match=r"another Photowalk .* is labelling into") as error:
            label_folder(options, stand, lambda _: None, lambda: False)
        told.append(error)

    assert label_folder(options, stand, second, lambda: False).complete
    assert told


def test_photos_get_their_depth_beside_them_and_train(
    photos: Path, tiny_dpt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(command(photos, tiny_dpt, out)) == 0
    told = capsys.readouterr().out
    assert "2 pictures labelled" in told
    assert "broken.jpg" in told
    pictures = sorted(out.rglob("*.jpg"))
    assert [p.relative_to(out).as_posix() for p in pictures] == ["a.png.jpg", "more/a.jpg.jpg"]
    label = read_label(label_path(pictures[0]))
    assert label.depth.shape == cv2.imread(str(pictures[0])).shape[:2]
    record = json.loads((out / RECORD).read_text())
    assert record["prior"]["kind"] == "inverse"
    assert "taken to be 0" in record["photos and videos"]
    (source,) = photo_sources(out)
    assert source.offer.depth
    sequence = source.draw(torch.Generator().manual_seed(0))
    assert sequence.depth.shape[-2:] == sequence.rgb.shape[-2:]


def test_what_is_labelled_is_not_labelled_again(photos: Path, tmp_path: Path) -> None:
    options, prior = LabelOptions(photos, tmp_path / "out", SIZE), Stand(DepthKind.INVERSE)
    stops = iter([False, True])
    first = label_folder(options, prior, lambda _: None, lambda: next(stops))
    assert not first.complete
    assert "the same command goes on" in str(first)
    again = label_folder(options, prior, lambda _: None, lambda: False)
    assert again.complete
    assert (first.labelled, again.labelled, again.before, prior.seen) == (1, 1, 1, 2)


def test_another_model_needs_another_folder(photos: Path, tmp_path: Path) -> None:
    options = LabelOptions(photos, tmp_path / "out", SIZE)
    label_folder(options, Stand(DepthKind.INVERSE), lambda _: None, lambda: False)
    with pytest.raises(ValueError, match=r"was labelled otherwise \(prior"):
        label_folder(options, Stand(DepthKind.INVERSE, "other"), lambda _: None, lambda: False)


def test_bad_folders_are_one_sentence(
    photos: Path, tiny_dpt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for folder, out, sentence in (
        (tmp_path / "empty", tmp_path / "out", "nothing to label"),
        (tmp_path / "none", tmp_path / "out", "is no folder"),
        (photos, photos / "labels", "lie in one another"),
    ):
        assert run(command(folder, tiny_dpt, out)) == 2
        assert sentence in capsys.readouterr().err


def write_video(path: Path, frames: int = 12) -> None:
    with av.open(str(path), "w") as box:
        stream = box.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            picture = np.ascontiguousarray(texture()[:96, 8 * index : 8 * index + 160])
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                box.mux(packet)
        for packet in stream.encode():
            box.mux(packet)


def test_a_video_becomes_labelled_frames(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "v.mp4")
    options = LabelOptions(tmp_path / "videos", tmp_path / "out", SIZE, every=0.5)
    done = label_folder(options, Stand(DepthKind.METRIC), lambda _: None, lambda: False)
    assert (done.labelled, done.left_out) == (3, {})
    frames = sorted(p.stem for p in (tmp_path / "out" / "v.mp4").glob("*.jpg"))
    assert frames == ["000000000", "000000500", "000001000"]
    (source,) = video_sources(tmp_path / "out")
    assert bool(source.draw(torch.Generator().manual_seed(0)).depth.isfinite().all())


@pytest.mark.parametrize("kind", [DepthKind.INVERSE, DepthKind.METRIC])
def test_depth_of_a_clip_comes_in_the_unit_of_its_cameras(tmp_path: Path, kind: DepthKind) -> None:
    clip = read_posed_clip(write_clip(tmp_path))
    truth = wall_depth((80, 128), 2)
    given = 1.0 / (0.8 / truth + 0.05) if kind is DepthKind.INVERSE else truth * 0.3
    given[:3] = np.inf
    fitted = ClipUnits(clip).fitted(2, given.astype(np.float32), kind)
    assert fitted is not None
    assert fitted.error < 0.02
    assert np.isinf(fitted.depth[:3]).all()
    np.testing.assert_allclose(fitted.depth[3:], truth[3:], rtol=0.04)


def test_depth_that_does_not_agree_with_the_cameras_is_no_label(tmp_path: Path) -> None:
    units = ClipUnits(read_posed_clip(write_clip(tmp_path)))
    noise = np.random.default_rng(0).uniform(1, 30, (80, 128)).astype(np.float32)
    assert units.fitted(2, noise, DepthKind.METRIC) is None
    assert units.fitted(2, 1.0 / wall_depth((80, 128), 2), DepthKind.INVERSE) is None


def test_a_posed_clip_is_labelled_whole(tmp_path: Path) -> None:
    write_clip(tmp_path / "posed")
    options = LabelOptions(tmp_path / "posed", tmp_path / "out", SIZE)

    class Exact(Stand):
        def depth(self, photo: Photo) -> PhotoDepth:
            found = wall_depth((photo.height, photo.width), self.seen)
            self.seen += 1
            return PhotoDepth(found * np.float32(0.3), True)

    done = label_folder(options, Exact(DepthKind.METRIC), lambda _: None, lambda: False)
    assert (done.labelled, done.left_out) == (6, {})
    (source,) = posed_sources(tmp_path / "out")
    sequence = source.draw(torch.Generator().manual_seed(0))
    for index in (0, 5):
        truth = wall_depth((sequence.depth.shape[2], sequence.depth.shape[3]), index)
        np.testing.assert_allclose(sequence.depth[index, 0], truth, rtol=0.05)
    np.testing.assert_allclose(sequence.cameras[5].position[0], 0.6 * UNIT, rtol=1e-6)


def test_a_clip_whose_depth_cannot_be_fitted_is_named(tiny_dpt: Path, tmp_path: Path) -> None:
    """Random weights know nothing of the wall."""
    from explorer.priors.prior import DepthPrior

    write_clip(tmp_path / "posed")
    options = LabelOptions(tmp_path / "posed", tmp_path / "out", SIZE)
    done = label_folder(options, DepthPrior.load(tiny_dpt), lambda _: None, lambda: False)
    assert done.complete
    assert "could not be brought together" in done.left_out["clip.txt"]
    (source,) = posed_sources(tmp_path / "out")
    assert not source.offer.depth


@pytest.fixture
def codec(tmp_path: Path) -> Path:
    from engine.model.codec import Codec, CodecConfig
    from engine.training.codec_training import save_codec

    generator = torch.Generator().manual_seed(0)
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.3)
    save_codec(codec, tmp_path / "codec.safetensors", eight_bit=False)
    return tmp_path / "codec.safetensors"


def test_a_depth_teacher_labels_before_the_engine_trains(
    photos: Path, tiny_dpt: Path, codec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shape = ["--size", "48x32", "--width", "32", "--layers", "1", "--buffer", "2"]
    arguments = ["train", "model", "--codec", str(codec), "--depth-teacher", str(tiny_dpt)]
    arguments += [f"--photos={photos}", "--out", str(out), "--device", "cpu", "--threads", "1"]
    assert run([*arguments, *shape, "--steps", "2", "--photo-batch", "2"]) == 0
    told = capsys.readouterr().out
    assert "2 pictures labelled" in told
    assert "photo/depth" in told
    assert (out / "labels" / "photos-photos" / "a.png.depth.npz").is_file()
    assert (out / "model.safetensors").is_file()


def test_a_teacher_without_pictures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert taught(["model", "--photos=p"]) == ["model", "--photos", "p"]
    with pytest.raises(ValueError, match="labels the folders of --photos"):
        taught(["model", "--depth-teacher", "m", "--out", "o"])
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="in one process only"):
        taught(["model", "--depth-teacher=m", "--photos", "p", "--out", "o"])


def test_the_engine_alone_says_how_to_label(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.training.cli import main as training

    given = ["--depth-teacher", "m", "--photos", str(photos), "--out", str(tmp_path / "x")]
    assert training(["model", *given, "--codec", "c"]) == 2
    assert "photowalk label FOLDER --depth-prior MODEL" in capsys.readouterr().err
