"""Joint queries: what is known is kept, units and frames hold, contradictions are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.kinds import Kind
from engine.queries.answers import _mean, ask
from engine.queries.context import open_context
from engine.queries.engine import Engine
from engine.queries.query import Hint, KnownView, Query, QueryError
from engine.sampling.flow import finish
from engine.sampling.joint import JointSampling

SIZE = (32, 48)
LENS = Intrinsics.from_fov(60, 48 / 32)
FEW = JointSampling(steps=2)


def rgb(seed: int = 0):
    return np.random.default_rng(seed).random((*SIZE, 3), dtype=np.float32)


def depth(seed: int = 0, scale: float = 1.0):
    values = 1 + np.random.default_rng(seed).random(SIZE, dtype=np.float32)
    return (values * scale).astype(np.float32)


def camera(x: float = 0.0):
    T = np.eye(4)
    T[0, 3] = x
    return Camera(T, LENS)


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def answer(engine, query, sampling=FEW, seed=0):
    return finish(ask(engine, query, sampling, noise(seed)))


def reconstruction(**changes) -> Query:
    views = (KnownView(rgb=rgb(0)), KnownView(rgb=rgb(1)))
    asked = tuple((kind, slot) for kind in (Kind.DEPTH, Kind.XYZ, Kind.RAYS) for slot in (0, 1))
    return Query(SIZE, views, asked, **changes)


def test_everything_asked_is_answered_and_nothing_else(engine):
    views = answer(engine, reconstruction())
    for view in views:
        assert view.rgb is None
        assert view.depth.shape == SIZE
        assert (view.depth > 0).all()
        assert view.points.shape == (*SIZE, 3)
        assert view.rays.shape == (6, 2, 3)


def test_scene_units_scale_with_sigma(engine):
    """The model sees depth and translation over σ, so that a scene twice as large is the same."""

    def ask_with(scale: float):
        known = KnownView(rgb=rgb(0), depth=depth(0, scale), camera=camera())
        other = KnownView(camera=camera(0.2 * scale))
        asked = ((Kind.RGB, 1), (Kind.DEPTH, 1), (Kind.XYZ, 1))
        return answer(engine, Query(SIZE, (known, other), asked, scale=scale))[1]

    one, three = ask_with(1.0), ask_with(3.0)
    np.testing.assert_allclose(three.rgb, one.rgb, atol=1e-4)
    np.testing.assert_allclose(three.depth, one.depth * 3, rtol=1e-3)
    finite = np.isfinite(one.points) & np.isfinite(three.points)
    np.testing.assert_allclose(three.points[finite], one.points[finite] * 3, rtol=1e-3, atol=1e-3)


def test_a_world_moved_as_a_whole_is_the_same(engine):
    def ask_from(x: float):
        views = (KnownView(rgb=rgb(0), camera=camera(x)), KnownView(camera=camera(x + 0.3)))
        return answer(engine, Query(SIZE, views, ((Kind.RGB, 1),)))[1].rgb

    np.testing.assert_allclose(ask_from(5.0), ask_from(0.0), atol=1e-4)


def test_known_cameras_matter_and_unknown_ones_are_told_apart(engine):
    def ask_with(camera_0, camera_1):
        views = (KnownView(rgb=rgb(0), camera=camera_0), KnownView(camera=camera_1))
        return answer(engine, Query(SIZE, views, ((Kind.RGB, 1),)))[1].rgb

    near, far = ask_with(camera(), camera(0.1)), ask_with(camera(), camera(0.9))
    unknown = ask_with(None, None)
    assert np.abs(near - far).max() > 1e-3
    assert np.abs(near - unknown).max() > 1e-3


def test_seen_patches_are_kept_as_the_codec_decodes_them(engine):
    seen = np.zeros(SIZE, bool)
    seen[:, :16] = True
    views = (KnownView(rgb=rgb(3), seen=seen),)
    with torch.no_grad():
        latent = engine.codec.encode(torch.tensor(rgb(3)).permute(2, 0, 1)[None] * 2 - 1)
        through = ((engine.codec.decode(latent)[0] + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy()
    drawn = answer(engine, Query(SIZE, views))[0].rgb
    # Away from the border with what is drawn, which the decoder's convolutions reach across.
    np.testing.assert_allclose(drawn[:, :8], through[:, :8], atol=0.05)


def test_distrust_lets_seen_patches_change(engine):
    seen = np.ones(SIZE, bool)
    seen[:, 32:] = False
    four = JointSampling(steps=4)

    def drawn(trusted_until: float):
        views = (KnownView(rgb=rgb(3), seen=seen, trusted_until=trusted_until),)
        return answer(engine, Query(SIZE, views), four)[0].rgb

    assert np.abs(drawn(0.0)[:, :8] - drawn(0.7)[:, :8]).max() > 0.01


def test_partial_points_leave_the_rest_to_be_drawn(engine):
    seen = np.zeros(SIZE, bool)
    seen[:16] = True
    points = np.full((*SIZE, 3), np.nan, np.float32)
    points[:16] = 1.0
    views = (KnownView(rgb=rgb(0)), KnownView(points=points, seen=seen))
    found = answer(engine, Query(SIZE, views, ((Kind.RGB, 1),)))[1]
    assert found.points.shape == (*SIZE, 3)
    assert not np.isnan(found.points).any()
    assert found.rgb.shape == (*SIZE, 3)


def test_words_alone_are_enough(engine):
    views = (KnownView(camera=camera()),)
    query = Query(SIZE, views, ((Kind.RGB, 0), (Kind.DEPTH, 0)), caption="room")
    found = answer(engine, query)[0]
    assert found.rgb.shape == (*SIZE, 3)
    assert found.depth.shape == SIZE
    silent = answer(engine, Query(SIZE, views, ((Kind.RGB, 0), (Kind.DEPTH, 0))))[0]
    assert np.abs(found.rgb - silent.rgb).max() > 1e-4


def test_guidance_pushes_towards_the_caption(engine):
    """From no caption (0) over the caption (1) on along the same line, at the first step."""

    def drawn(guidance: float, caption: str = "room"):
        query = Query(SIZE, (KnownView(camera=camera()),), ((Kind.DEPTH, 0),), caption=caption)
        sampling = JointSampling(steps=1, guidance=guidance)
        return np.log(answer(engine, query, sampling)[0].depth)

    np.testing.assert_allclose(drawn(0.0), drawn(1.0, caption=""), atol=1e-3)
    assert np.abs(drawn(3.0) - drawn(1.0)).max() > 1e-3
    np.testing.assert_allclose(drawn(4.0, caption=""), drawn(1.0, caption=""))


def test_the_same_seed_gives_the_same_bytes(engine):
    first, again = (
        answer(engine, reconstruction(), seed=3),
        answer(engine, reconstruction(), seed=3),
    )
    assert np.array_equal(first[1].depth, again[1].depth)
    other = answer(engine, reconstruction(), seed=4)
    assert not np.array_equal(first[1].depth, other[1].depth)


def test_a_drawing_can_be_left_between_steps(engine):
    steps = ask(engine, reconstruction(), JointSampling(steps=5), noise())
    assert next(steps).total == 5
    steps.close()


@pytest.mark.parametrize(
    ("views", "asked", "says"),
    [
        ((KnownView(rgb=rgb()),), (), "asks for nothing"),
        ((KnownView(rgb=rgb()),), ((Kind.RGB, 0),), "it is known"),
        ((KnownView(camera=camera()),), ((Kind.RAYS, 0),), "it is known"),
        ((KnownView(rgb=rgb()),), ((Kind.DEPTH, 1),), "has 1 views"),
        ((KnownView(rgb=rgb()),), ((Kind.DEPTH, 0),) * 2, "asked twice"),
        ((KnownView(warp=rgb()),), ((Kind.WARP, 0),), "WARP of view 0 is asked, but it is known"),
        ((KnownView(rgb=rgb()[:16]),), ((Kind.DEPTH, 0),), "48x16 pixels"),
        ((KnownView(seen=np.ones(SIZE, bool)),), ((Kind.RGB, 0),), "neither rgb nor points"),
        ((KnownView(rgb=rgb()), KnownView(camera=camera())), ((Kind.RGB, 1),), "view 0, whose own"),
    ],
)
def test_contradictions_are_refused_in_one_sentence(views, asked, says):
    with pytest.raises(QueryError, match=says):
        Query(SIZE, views, asked)


def test_sizes_that_cannot_be_drawn_are_refused():
    with pytest.raises(QueryError, match="multiples of 16"):
        Query((30, 48), (KnownView(),), ((Kind.RGB, 0),))


def test_a_remembered_context_answers_as_the_same_views_in_the_query(engine: Engine) -> None:
    """What a walk remembers once a step is what a clip's query states anew."""
    flat = np.full(SIZE, 2.0, np.float32)
    known = [KnownView(rgb(i), flat, camera=camera(0.1 * i)) for i in range(2)]
    new, asked = KnownView(camera=camera(0.3)), ((Kind.RGB, 0),)
    whole = Query(SIZE, (*known, new), ((Kind.RGB, 2),))
    cached = Query(SIZE, (new,), asked, context=open_context(engine, known))
    assert whole.sigma == cached.sigma == 2.0
    answers = [finish(ask(engine, q, JointSampling(2), noise()))[-1].rgb for q in (whole, cached)]
    np.testing.assert_allclose(*answers, atol=1e-5)


def test_a_drawn_view_joins_the_context_by_being_known(engine: Engine) -> None:
    """`<Geometry>` after `<Image>`: the query's own picture takes the slot after the context's."""
    context = open_context(engine, [KnownView(rgb(0), camera=camera(0.0))])
    view = KnownView(rgb(1), camera=camera(0.2))
    cached = Query(SIZE, (view,), ((Kind.DEPTH, 0),), context=context)
    whole = Query(SIZE, (KnownView(rgb(0), camera=camera(0.0)), view), ((Kind.DEPTH, 1),))
    found = [finish(ask(engine, q, JointSampling(1), noise()))[-1].depth for q in (cached, whole)]
    # Seen one after the other, not together: alike, since the later one sees the earlier.
    assert found[0].shape == found[1].shape == SIZE
    without = Query(SIZE, (view,), ((Kind.DEPTH, 0),))
    alone = finish(ask(engine, without, JointSampling(1), noise()))[0].depth
    finite = np.isfinite(found[0]) & np.isfinite(alone)
    assert np.abs(found[0] - alone)[finite].max() > 1e-5


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mirrored": True, "asked": ((Kind.RGB, 1),)}, "only depth can be asked of the mirror"),
        ({"drawn_at": (40, 48)}, "multiples of 16"),
        ({"views": (KnownView(), KnownView(hint=Hint(0, 0, 0)))}, "has a hint, but its camera"),
    ],
)
def test_drawings_that_cannot_be_are_refused(changes: dict, told: str) -> None:
    given = {"views": (KnownView(rgb=rgb()), KnownView()), "asked": ((Kind.DEPTH, 0),)}
    with pytest.raises(QueryError, match=told):
        Query(SIZE, **(given | changes))


def test_a_context_has_one_size_and_one_side(engine: Engine) -> None:
    context = open_context(engine, [KnownView(rgb(0), camera=camera(0.0))])
    view, asked = KnownView(camera=camera(0.1)), ((Kind.DEPTH, 0),)
    with pytest.raises(QueryError, match="the context's pictures are 48x32 pixels"):
        Query((48, 48), (view,), asked, context=context)
    with pytest.raises(QueryError, match="cannot be mirrored or enlarged"):
        Query(SIZE, (view,), asked, context=context, mirrored=True)


def test_one_eye_that_sees_ground_is_enough() -> None:
    one = torch.tensor([-1.0, -1.0, 0.5, 0.2])
    other = torch.tensor([-1.0, 0.4, -1.0, 0.4])
    torch.testing.assert_close(_mean(one, other, True), torch.tensor([-1.0, 0.4, 0.5, 0.3]))
    torch.testing.assert_close(_mean(one, other, False), (one + other) / 2)
