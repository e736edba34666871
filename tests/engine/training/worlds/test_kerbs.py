"""Vehicles of many shapes stand on the ground within their measures, near and before something."""

from __future__ import annotations

import numpy as np
import torch

from engine.training.worlds.blueprint import Look
from engine.training.worlds.families.kerbs import build_kerb
from engine.training.worlds.objects.vehicles import vehicle
from engine.training.worlds.shapes import Builder
from engine.training.worlds.solids import cast_rays
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import sample_sequence
from tests.engine.training.worlds.bounds import bounds


def test_every_drawn_vehicle_stands_on_the_ground_within_its_length(bank: TextureBank) -> None:
    names = set()
    for seed in range(300):
        builder = Builder()
        name, length, build = vehicle(Look(np.random.default_rng(seed), bank, "train"))
        build(builder)
        names.add(name)
        low, high = bounds(builder)
        assert low[:, 2].min() > -0.04, f"{seed}: a {name} below the ground"
        assert high[:, 2].max() < 5.0
        # Lamps, bumpers and plates stand out by up to a hand's breadth.
        assert high[:, 0].max() < length / 2 + 0.2, f"{seed}: a {name} longer than it says"
        assert low[:, 0].min() > -length / 2 - 0.2
        assert np.abs(low + high)[:, 1].max() / 2 < 1.4
    assert names == {"car", "van", "bus", "pick-up"}


def test_seen_from_above_nothing_looks_through_a_car_from_nose_to_tail(bank: TextureBank) -> None:
    high = 100.0
    for seed in range(60):
        builder = Builder()
        name, length, build = vehicle(Look(np.random.default_rng(seed), bank, "train"))
        build(builder)
        # The plain car and the van say the most that they can measure.
        reach = 0.46 * (3.7 if (name, length) == ("car", 4.7) else length)
        if name == "van":
            continue
        x = torch.linspace(-reach, reach, 47) / high
        rays = torch.stack([x, torch.zeros_like(x), torch.full_like(x, -1.0)])
        top = high - cast_rays(builder.build(), torch.tensor([0.0, 0.0, high]), rays)
        assert float(top.min()) > 0.5, f"{seed}: a hole in a {name}"
        assert float(top.max()) > 1.2


def test_vehicles_fill_a_good_part_of_many_pictures(bank: TextureBank) -> None:
    near = []
    for seed in range(24):
        sequence = sample_sequence(seed, 1, 48, 80, "train", bank, family="kerb")
        upper = sequence.depth[0][12:32]
        near.append(float((upper < 7.0).mean()))
    assert np.mean([share > 0.1 for share in near]) > 0.4, "not the ground alone is near"


def test_captions_name_what_is_parked_and_what_is_behind(bank: TextureBank) -> None:
    captions = [
        build_kerb(Look(np.random.default_rng(seed), bank, "train")).caption for seed in range(60)
    ]
    assert all(" before " in c for c in captions)
    behind = {c.split(" before ")[1] for c in captions}
    assert behind == {"houses", "a wall", "a hedge", "trees"}
    assert all(any(v in c for v in ("car", "van", "bus", "pick-up")) for c in captions)
