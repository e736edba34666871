"""Unseen rendered worlds as scenes: a photo, a walk out, and a way back between its cameras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from engine.geometry.cameras import Array, Camera
from engine.geometry.rotations import slerp
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import World, sample_world
from explorer.evaluation.scenes import Scene, TrueView, Way

#: A world's own walks turn back after a third of their views at the earliest, so this many
#: times longer a walk surely begins with a way out of the wanted length.
_LONGER = 3

#: Less than this share of the photo's pixels on surfaces gives it no scale: another world is taken.
_LEAST_SURFACE = 0.15

#: Width of pictures whose pixels a response's blur is told in.
_BLUR_WIDTH = 256

#: Mean brightness of a photo, lowest and highest.
_BRIGHTNESS = (0.36, 0.58)

#: Seeds of one world are tried this far apart, so that no two worlds of a run are the same.
_RETRY_STRIDE = 1_000_003


@dataclass(frozen=True)
class Planned:
    """Attributes:
    cameras: of all pictures to be rendered, the photo's first.
    order: indices of cameras in the order of the walk, the photo left out.
    ways: of the walk's views.
    """

    cameras: list[Camera]
    order: tuple[int, ...]
    ways: tuple[Way, ...]


Route = Callable[[World, np.random.Generator], Planned]


@dataclass(frozen=True)
class WorldSource:
    """Renders worlds of the unseen split: a family and textures that training never saw.

    Attributes:
        first_seed: of world 0; world n has first_seed + n.
        views: on the way out and back together.
        size: (width, height).
        textures: a folder of texture pictures, or None for procedural textures alone.
        device: torch device to render on.
        sharp: the lens blurs by the pixels at this size that it blurs by at 256 pixels' width, as a
            photo of that size is sharp; else by as large a part of the picture.
    """

    first_seed: int
    views: int
    size: tuple[int, int]
    textures: Path | None = None
    device: str = "cpu"
    sharp: bool = False

    def scene(self, index: int) -> Scene:
        """World number `index`, the same for the same seed, size and textures."""
        return self._tried(index, self._out_and_back)

    def laps(self, index: int, laps: int) -> Scene:
        """World number `index`, walked out and back `laps` times through the same cameras.

        A lap is `views` cameras out and the same ones back, the photo's own camera last.
        """
        return self._tried(index, partial(self._laps, laps=laps))

    def _tried(self, index: int, route: Route) -> Scene:
        seed = self.first_seed + index
        for attempt in range(20):
            try:
                scene = self._render(seed + attempt * _RETRY_STRIDE, f"world-{seed:04d}", route)
            except ValueError:  # no free place for a camera
                continue
            assert scene.photo.depth is not None
            if np.isfinite(scene.photo.depth).mean() >= _LEAST_SURFACE:
                return scene
        raise ValueError(f"no world near seed {seed} shows enough surfaces to walk along")

    def _bank(self) -> TextureBank | None:
        return None if self.textures is None else _bank_of(self.textures)

    def _render(self, seed: int, name: str, route: Route) -> Scene:
        width, height = self.size
        world = sample_world(seed, textures=self._bank(), split="unseen", device=self.device)
        if self.sharp:
            blur = world.response.blur * _BLUR_WIDTH / width
            world.response = replace(world.response, blur=blur)
        chance = np.random.default_rng([seed, self.views])
        planned = route(world, chance)
        world.expose_for(planned.cameras[0], float(chance.uniform(*_BRIGHTNESS)))
        frames = world.render(planned.cameras, height, width, torch.Generator().manual_seed(seed))
        views = [
            TrueView(
                rgb=(frames.rgb[i].cpu().numpy() * 255.0).round().clip(0, 255).astype(np.uint8),
                depth=frames.depth[i].cpu().numpy().astype(np.float32),
                camera=camera,
            )
            for i, camera in enumerate(planned.cameras)
        ]
        walked = tuple(views[i] for i in planned.order)
        return Scene(name, world.caption, views[0], walked, planned.ways)

    def _out_and_back(self, world: World, chance: np.random.Generator) -> Planned:
        out_count = (self.views + 1) // 2
        out = self._out(world, chance, out_count)
        cameras = [*out, *way_back(out)[: self.views - out_count]]
        ways = (Way.OUT,) * out_count + (Way.BACK,) * (self.views - out_count)
        return Planned(cameras, tuple(range(1, len(cameras))), ways)

    def _laps(self, world: World, chance: np.random.Generator, laps: int) -> Planned:
        cameras = self._out(world, chance, self.views)
        lap = (*range(1, len(cameras)), *range(len(cameras) - 2, -1, -1))
        ways = (Way.OUT,) * self.views + (Way.BACK,) * self.views
        return Planned(cameras, lap * laps, ways * laps)

    def _out(self, world: World, chance: np.random.Generator, count: int) -> list[Camera]:
        """The photo's camera and `count` more."""
        width, height = self.size
        steps = -(-count // 2)
        walk = world.walk(_LONGER * (steps + 1), chance, width / height)
        out = in_half_steps(walk[: steps + 1])
        return out[: count + 1]


@cache
def _bank_of(folder: Path) -> TextureBank:
    return TextureBank.from_folder(folder)


def in_half_steps(cameras: list[Camera]) -> list[Camera]:
    """The cameras and those half-way between neighbours.

    The walks of training are made of strides, up to 20° a view; walks that people watch are not.
    """
    between = [[a, halfway(a, b)] for a, b in pairwise(cameras)]
    return [*(camera for pair in between for camera in pair), cameras[-1]]


def way_back(out: list[Camera]) -> list[Camera]:
    """Cameras half-way between neighbours of the way out, last first; one fewer than `out`."""
    return [halfway(a, b) for a, b in pairwise(out)][::-1]


def halfway(a: Camera, b: Camera) -> Camera:
    """The camera in the middle of the straight way between two, turned half-way."""
    T: Array = np.eye(4)
    T[:3, :3] = slerp(a.T_world_camera[:3, :3], b.T_world_camera[:3, :3], 0.5)
    T[:3, 3] = (a.position + b.position) / 2
    return Camera(T, a.intrinsics)
