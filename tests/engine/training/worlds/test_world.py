"""Worlds: determinism, consistency between views, the unseen split."""

import numpy as np
import pytest
import torch

from engine.training.worlds.families import FAMILIES, UNSEEN_FAMILY
from engine.training.worlds.world import (
    Sequence,
    _draw_family,
    _generator,
    sample_sequence,
    sample_world,
)

HEIGHT, WIDTH = 72, 128
#: Of the first worlds that `photowalk evaluate worlds` draws.
UNSEEN_FAMILIES = ["market", "room", "market", "market", "market", "market", "market", "park"]


def pixel_errors(sequence: Sequence, a: int, b: int) -> tuple[np.ndarray, float]:
    """Colour differences of view a's pixels that view b sees too; share that b sees of them."""
    height, width = sequence.depth.shape[1:]
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    depth, k = sequence.depth[a], sequence.cameras[a].intrinsics
    known = np.isfinite(depth)
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], axis=-1)
    local = (rays * depth[..., None])[known]
    T = sequence.cameras[b].T_camera_world @ sequence.cameras[a].T_world_camera
    p = local @ T[:3, :3].T + T[:3, 3]
    z = np.maximum(p[:, 2], 1e-6)
    x = np.floor((p[:, 0] / z * k.fx + k.cx) * width).astype(int)
    y = np.floor((p[:, 1] / z * k.fy + k.cy) * height).astype(int)
    inside = (p[:, 2] > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    there = sequence.depth[b][y[inside], x[inside]]
    same = np.abs(there - z[inside]) < 0.03 * z[inside]
    mine = sequence.rgb[a][known][inside][same].astype(float)
    other = sequence.rgb[b][y[inside], x[inside]][same].astype(float)
    return np.abs(mine - other).mean(1), float(same.mean())


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_views_of_a_world_agree_through_depth(family, bank):
    split = "unseen" if family == UNSEEN_FAMILY else "train"
    sequence = sample_sequence(5, 2, HEIGHT, WIDTH, split, bank, family=family)
    assert sequence.family == family
    assert sequence.rgb.shape == (2, HEIGHT, WIDTH, 3)
    assert sequence.rgb.dtype == np.uint8
    assert (sequence.depth > 0).all()
    assert sequence.caption
    errors, share = pixel_errors(sequence, 0, 1)
    unwarped = np.abs(sequence.rgb[0].astype(float) - sequence.rgb[1]).mean()
    assert share > 0.5
    assert np.median(errors) < 12
    assert np.median(errors) < 0.8 * unwarped + 2


def test_same_seed_same_sequence(bank):
    a = sample_sequence(11, 2, HEIGHT, WIDTH, "train", bank)
    b = sample_sequence(11, 2, HEIGHT, WIDTH, "train", bank)
    c = sample_sequence(12, 2, HEIGHT, WIDTH, "train", bank)
    assert np.array_equal(a.rgb, b.rgb)
    assert np.array_equal(a.depth, b.depth)
    assert a.caption == b.caption
    assert not np.array_equal(a.rgb, c.rgb)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (48, 64), (128, 72)])
def test_pixels_are_square_in_every_shape_of_picture(bank, width, height):
    lens = sample_sequence(3, 1, height, width, "train", bank).cameras[0].intrinsics
    assert lens.fx * width == pytest.approx(lens.fy * height)


def test_family_is_held_out(bank):
    rng = np.random.default_rng(0)
    drawn = {_draw_family(rng, "train") for _ in range(400)}
    assert drawn == set(FAMILIES) - {UNSEEN_FAMILY}
    unseen = [_draw_family(rng, "unseen") for _ in range(200)]
    assert all(FAMILIES[f].measured for f in unseen)
    assert 0.3 < np.mean([f == UNSEEN_FAMILY for f in unseen]) < 0.7


def test_splits_use_different_textures(bank):
    assert set(bank.train) == set(bank.unseen), "every category serves both splits"
    train = {i for ids in bank.train.values() for i in ids}
    unseen = {i for ids in bank.unseen.values() for i in ids}
    assert not train & unseen
    seen = sample_world(3, "room", bank, "train").scene.page.texels
    other = sample_world(3, "room", bank, "unseen").scene.page.texels
    texels = (4 * 32 * 32 - 1) // 3
    rows, others = (
        {tuple(r.tolist()) for r in page.view(-1, texels, 3)[:, :40].flatten(1)}
        for page in (seen, other)
    )
    assert len(rows) > 10
    assert not rows & others


def test_shadow_and_light_reach_the_picture(bank):
    """The ground of a sunny street is not equally bright everywhere."""
    world = sample_world(21, "street", bank)
    camera = world.walk(1, np.random.default_rng(0))[0]
    frames = world.render([camera], HEIGHT, WIDTH)
    assert frames.rgb.min() >= 0
    assert frames.rgb.max() <= 1
    assert frames.rgb.std() > 0.03
    assert torch.isfinite(frames.rgb).all()


def test_published_tables_keep_their_worlds():
    """A family that comes later must not change which worlds of the unseen split are measured."""
    drawn = [_draw_family(_generator("world", "unseen", seed), "unseen") for seed in range(8)]
    assert drawn == UNSEEN_FAMILIES


def test_tables_are_seen_from_near_and_from_above(bank):
    """What fills the lower half is nearer than a step, and most cameras look down."""
    near, down = [], []
    for seed in range(6):
        sequence = sample_sequence(seed, 1, HEIGHT, WIDTH, "train", bank, family="table")
        near.append(float(np.median(sequence.depth[0, HEIGHT // 2 :])))
        down.append(float(sequence.cameras[0].T_world_camera[1, 2]))
    assert np.median(near) < 1.8
    assert np.mean(np.array(down) > 0.1) > 0.6


def test_closeups_have_something_right_before_the_camera(bank):
    """The nearest that the upper part of a picture shows; on a floor alone it would be far."""
    nearest = {"closeup": [], "room": [], "street": []}
    for family, found in nearest.items():
        for seed in range(8):
            sequence = sample_sequence(seed, 1, HEIGHT, WIDTH, "train", bank, family=family)
            found.append(float(np.quantile(sequence.depth[0, : 2 * HEIGHT // 3], 0.05)))
    medians = {family: float(np.median(found)) for family, found in nearest.items()}
    assert medians["closeup"] < min(2.0, medians["room"], medians["street"])


def test_exposure_reaches_its_key(bank):
    world = sample_world(2, "room", bank)
    camera = world.walk(1, np.random.default_rng(0))[0]
    means = []
    for key in (0.3, 0.55):
        world.expose_for(camera, key)
        means.append(float(world.render([camera], HEIGHT, WIDTH).rgb.mean()))
    assert means[1] > means[0] + 0.1


@pytest.mark.parametrize(("word", "value"), [("family", "moon"), ("split", "test")])
def test_bad_names_are_refused(bank, word, value):
    with pytest.raises(ValueError, match=value):
        sample_world(0, textures=bank, **{word: value})
