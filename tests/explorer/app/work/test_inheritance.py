"""What a walk was begun with survives every request: settings, prior, codec and picture size."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.geometry.cameras import Camera
from engine.queries import Engine, SamplerSettings
from engine.queries.lens import LensEstimate
from explorer.app.work import events, photo_work, requests
from explorer.app.work.requests import PriorWish
from explorer.app.work.studio import Studio
from explorer.clips.geometry import GeometryOptions
from explorer.clips.into_walk import SecondPhoto, Seen
from explorer.store.errors import StoreError
from explorer.walk.depth_source import EVERY_VIEW, PhotoDepth
from explorer.walk.export.selection import ExportKind
from explorer.walk.journal import read_journal
from explorer.walk.photo import Photo
from explorer.walk.ready import EngineOptions, ReadyEngine
from explorer.walk.records import WalkSettings
from explorer.walk.session.autosave import AutosaveFolders
from explorer.walk.session.settings_file import settings_from_json
from tests.tiny_model import tiny_model

METRES = 5.25
SIZE = (48, 32)
SETTINGS = WalkSettings(
    depth_every=2,
    context_views=1,
    strategy="pose",
    seed=11,
    sampler=SamplerSettings(rgb_steps=2, depth_steps=2, caption="a room"),
)
ENGINE = EngineOptions(device="cpu", codec=Path("somewhere/codec"), compile=False)


class Metric:
    """A depth model that finds everything 5.25 metres away."""

    def __init__(self, every_view: bool) -> None:
        self.every_view, self.open = every_view, True

    @property
    def identity(self) -> dict[str, Any]:
        views = {"views": EVERY_VIEW} if self.every_view else {}
        return {"model": "metric", "kind": "metric", **views}

    def depth(self, photo: Photo) -> PhotoDepth:
        assert self.open
        return PhotoDepth(np.full((photo.height, photo.width), METRES, np.float32), True)

    def close(self) -> None:
        self.open = False


@dataclass
class Machine:
    """A studio, whose engine and priors are made here.

    Attributes:
        opened: options of every engine that was asked for.
        gone: the prior cannot be loaded any more.
    """

    studio: Studio
    folder: Path
    opened: list[EngineOptions] = field(default_factory=list)
    gone: bool = False

    def do(self, request: object) -> list[events.Event]:
        return list(self.studio.handle(request))

    @property
    def session(self) -> Any:
        return self.studio._need_session()

    def recorded(self) -> dict[str, Any]:
        """What the open walk's own journal says, as a later start reads it."""
        journal = read_journal(self.session.folder)
        return {"prior": journal.header["depth prior"], "settings": journal.settings}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(Studio(AutosaveFolders(tmp_path / "walks")), tmp_path)

    def opened(options: EngineOptions, size: Any, views: int) -> ReadyEngine:
        made.opened.append(options)
        engine = Engine.of(tiny_model(), precision=torch.float32)
        return ReadyEngine(engine, None, size, views)  # type: ignore[arg-type]

    def loaded(_named: str, _kind: Any, _device: str, every_view: bool, _store: Any) -> Metric:
        if made.gone:
            raise StoreError("the model was removed")
        return Metric(every_view)

    monkeypatch.setattr("explorer.app.work.studio.open_engine", opened)
    monkeypatch.setattr(photo_work, "load_prior", loaded)
    rgb = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    made.do(requests.LoadEngine(ENGINE))
    yield made
    made.studio.close()


def begin(machine: Machine, every_view: bool) -> None:
    """A walk of three views, a metre apart."""
    wish = PriorWish("metric", "metric", every_view)
    machine.do(requests.OpenPhoto(machine.folder / "photo.png", SETTINGS, SIZE, prior=wish))
    assert machine.session.scene_scale == pytest.approx(METRES)
    for x in (1.0, 2.0):
        T = np.eye(4)
        T[0, 3] = x
        machine.do(requests.DrawView(Camera(T, machine.session.photo.intrinsics), 0))


def positions(machine: Machine) -> list[float]:
    return [float(node.camera.position[0]) for node in machine.session.line()]


def every_request(machine: Machine) -> list[object]:
    """One of each kind, those that end a walk left out."""
    folder, edited = machine.folder, machine.folder / "edited.png"
    rgb = np.array(machine.session.read(0).view.rgb)
    rgb[8:20, 8:24] = 255
    Image.fromarray(rgb).save(edited)
    camera = machine.session.line()[-1].camera
    return [
        requests.LoadEngine(ENGINE),
        requests.LookForLeft(),
        requests.DrawView(camera, 1),
        requests.DrawDepth(1),
        requests.Undo(),
        requests.Redo(),
        requests.GoTo(1),
        requests.NameBranch(1, "left"),
        requests.Change(SETTINGS),
        requests.Explain(1),
        requests.FlyPath("forward", 1),
        requests.TestRevisit(views=2),
        requests.AddPhoto(folder / "photo.png"),
        requests.SavePicture(0, folder / "saved.png"),
        requests.Export(folder / "out", (ExportKind.TRANSFORMS,)),
        requests.SaveAs(folder / "kept.photowalk"),
        requests.OpenWalk(folder / "kept.photowalk"),
        requests.Replay(SETTINGS),
        requests.EditView(0, edited),
    ]


@pytest.mark.parametrize("every_view", [False, True])
def test_every_request_leaves_a_walk_what_it_is(
    machine: Machine, every_view: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def placed(session: Any, _engine: Any, photo: Photo, *_more: Any) -> Any:
        yield from ()
        depth = np.full((32, 48), METRES, np.float32)
        return SecondPhoto(Seen(session.line()[-1].camera, photo.rgb, depth), (), "added")

    def edited(session: Any, *_given: Any) -> Any:
        yield from ()
        views = [session.read(node.id).view for node in session.line()]
        depth = np.full((32, 48), METRES, np.float32)
        return [Seen(v.camera, np.array(v.rgb), depth) for v in views]

    monkeypatch.setattr("explorer.app.work.clip_work.place_photo", placed)
    monkeypatch.setattr("explorer.app.work.clip_work.edit_line", edited)
    begin(machine, every_view)
    asked = every_request(machine)
    ends = {requests.OpenPhoto, requests.OpenVideo, requests.CloseWalk}
    assert {type(r) for r in asked} | ends == set(typing.get_args(requests.Request))
    for request in asked:
        machine.do(request)
        name, session = type(request).__name__, machine.session
        assert session.settings == SETTINGS, name
        told = machine.recorded()
        assert settings_from_json(told["settings"]) == SETTINGS, name
        assert told["prior"] == Metric(every_view).identity, name
        assert (session.photo.width, session.photo.height) == SIZE, name
        assert session.read(session.head).view.rgb.shape == (32, 48, 3), name
        assert session.scene_scale == pytest.approx(METRES), name
        assert (session.view_source is not None) is every_view, name
    assert machine.opened == [ENGINE] * len(machine.opened)


def test_a_replay_flies_where_the_walk_flew(machine: Machine) -> None:
    """With a metric prior σ went from 5.25 to 1, and the replay flew 5.25 times too far."""
    begin(machine, every_view=False)
    before = positions(machine)
    machine.do(requests.Replay(replace(SETTINGS, seed=12)))
    assert positions(machine) == before == [0.0, 1.0, 2.0]
    assert machine.session.settings.seed == 12
    machine.do(requests.Replay(SETTINGS))  # the prior is there for one of a replay as well
    assert positions(machine) == before


def test_a_replay_without_its_prior_flies_as_far_in_the_scene(machine: Machine) -> None:
    begin(machine, every_view=False)
    machine.gone = True
    told = machine.do(requests.Replay(SETTINGS))
    said = [e.sentence for e in told if isinstance(e, events.Failed)]
    assert said == ["The model was removed. Depth is drawn by our own model."]
    assert machine.recorded()["prior"] is None
    scale = machine.session.scene_scale
    assert positions(machine) == pytest.approx([0.0, scale / METRES, 2 * scale / METRES])


def test_a_second_photo_and_an_edit_are_drawn_with_the_settings(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(machine, every_view=False)
    asked: list[GeometryOptions] = []

    def placed(*given: Any) -> Any:
        asked.append(given[-1])
        yield from ()
        raise ValueError("enough")

    monkeypatch.setattr("explorer.app.work.clip_work.place_photo", placed)
    with pytest.raises(ValueError, match="enough"):
        machine.do(requests.AddPhoto(machine.folder / "photo.png"))
    assert asked == [GeometryOptions(caption="a room", seed=11)]


def test_weights_and_codec_stay_when_the_device_changes() -> None:
    begun = EngineOptions(weights=Path("w"), codec=Path("c"), device="cuda:0", compile=True)
    loading = requests.Wishes().loading(begun, "cpu")
    assert loading.options == replace(begun, device="cpu")
    never = requests.Wishes(compiled=False).loading(begun, "cpu")
    assert never.options == replace(begun, device="cpu", compile=False)


def test_the_estimated_lens_is_told_and_stays(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that does not say its lens is opened with the one that is seen in it, once."""
    asked: list[Any] = []

    def told(_engine: Engine, rgb: Any) -> LensEstimate:
        asked.append(rgb.shape)
        return LensEstimate(0.5, 0.4, 0.6)

    monkeypatch.setattr("explorer.walk.lens_estimate.lens_of_picture", told)
    photo = machine.folder / "photo.png"
    heard = machine.do(requests.OpenPhoto(photo, SETTINGS, SIZE))
    (opened,) = [event for event in heard if isinstance(event, events.Opened)]
    assert opened.photo.intrinsics.fx * 48 == pytest.approx(0.5 * np.hypot(48, 32))
    assert any("estimated from the picture" in note for note in opened.photo.notes)
    assert machine.session.line()[0].camera.intrinsics == opened.photo.intrinsics
    machine.do(requests.LoadEngine(ENGINE))
    assert machine.session.photo.intrinsics == opened.photo.intrinsics
    machine.do(requests.OpenPhoto(photo, SETTINGS, SIZE, fov=40.0))
    assert machine.session.photo.intrinsics.horizontal_fov == pytest.approx(40.0, abs=0.1)
    assert len(asked) == 1


def test_a_walk_is_at_both_sizes_and_they_stay(machine: Machine) -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (320, 480, 3), np.uint8)
    Image.fromarray(rgb).save(machine.folder / "large.png")
    machine.do(requests.OpenPhoto(machine.folder / "large.png", SETTINGS, SIZE, picture=(240, 160)))
    photo = machine.session.photo
    assert (photo.width, photo.height) == SIZE
    assert photo.picture_size == (240, 160)
    machine.do(requests.DrawView(photo.camera, 0))
    assert machine.session.read(1).picture.size == (240, 160)
    machine.do(requests.LoadEngine(ENGINE))  # which opens the walk from its files
    assert machine.session.photo.picture_size == (240, 160)
    kinds = (ExportKind.IMAGES, ExportKind.DEPTH_IMAGES, ExportKind.PLY)
    for dense in (False, True):
        out = machine.folder / f"out{dense}"
        machine.do(requests.Export(out, kinds, dense=dense))
        with Image.open(out / "views" / "0001.png") as picture:
            assert picture.size == (240, 160)
        with Image.open(out / "depth" / "0000.png") as depth:
            assert depth.size == (240, 160)
    sizes = [(machine.folder / f"out{d}" / "points.ply").stat().st_size for d in (False, True)]
    assert sizes[1] > 5 * sizes[0]
    first = machine.session.read(1)
    machine.do(requests.Replay(SETTINGS))
    again = machine.session.read(1)
    assert np.array_equal(again.picture.rgb, first.picture.rgb)
    machine.do(requests.Undo())
    machine.do(requests.DrawView(again.view.camera, 0))
    assert machine.session.picture_of(1).size == (240, 160)
    heard = machine.do(requests.OpenPhoto(machine.folder / "large.png", SETTINGS, SIZE))
    (opened,) = [event for event in heard if isinstance(event, events.Opened)]
    assert opened.photo.picture_size == (480, 320)
    with pytest.raises(ValueError, match="less than --model-size"):
        machine.do(requests.OpenPhoto(machine.folder / "large.png", SETTINGS, SIZE, picture=(8, 8)))
