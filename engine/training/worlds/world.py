"""Procedural worlds: a seed gives shapes, light, a caption, and walks with exact depth."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.training.worlds.blueprint import Blueprint, Look, random_response
from engine.training.worlds.casting import Projector
from engine.training.worlds.families import FAMILIES, REAL_FAMILIES, UNSEEN_FAMILY
from engine.training.worlds.lighting import Light, LightMaps, lamp_map, plan_maps, sun_map
from engine.training.worlds.meshes.casting import assembled
from engine.training.worlds.meshes.store import Furniture
from engine.training.worlds.movers import Mover, add_movers, draw_movers, moved
from engine.training.worlds.rendering import Response, Scene, develop, render_linear, tone
from engine.training.worlds.shapes import Material
from engine.training.worlds.surveying import WalkStyle
from engine.training.worlds.terrain import Terrain
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.walks import NoRoomError, Random, random_walk

__all__ = ["UNSEEN_FAMILY", "Frames", "Sequence", "World", "sample_sequence", "sample_world"]

_ATTEMPTS = 8
_SHADOW_PIXELS = 384
_PLAN_PIXELS = 160


@dataclass(frozen=True)
class Frames:
    """Rendered views.

    Attributes:
        rgb: (V, H, W, 3) float32 in [0, 1].
        depth: (V, H, W) float32 z-depth in metres, inf = sky.
    """

    rgb: Tensor
    depth: Tensor


@dataclass(frozen=True)
class Sequence:
    """A walk through one world.

    Attributes:
        rgb: (V, H, W, 3) uint8.
        depth: (V, H, W) float32 z-depth in metres, inf = sky.
        cameras: V cameras.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    cameras: tuple[Camera, ...]
    caption: str
    family: str
    seed: int


@dataclass
class World:
    """One world on one device; its light maps are worked out at construction."""

    scene: Scene
    caption: str
    family: str
    style: WalkStyle
    response: Response
    seed: int
    movers: tuple[Mover, ...] = ()

    def at(self, views: float) -> Scene:
        """The scene so many views after the first one: movers have moved on."""
        return dataclasses.replace(self.scene, shapes=moved(self.scene.shapes, self.movers, views))

    def walk(self, views: int, generator: Random, aspect: float = 16 / 9) -> list[Camera]:
        """`views` cameras of a smooth random walk; raises ValueError where nothing is free.

        Args:
            aspect: width by height of the pictures.
        """
        return random_walk(self.scene, self.style, views, generator, aspect)

    def render(
        self,
        cameras: Several[Camera],
        height: int,
        width: int,
        noise: torch.Generator | None = None,
    ) -> Frames:
        """Pictures with this world's camera response; sensor noise only with a generator.

        Each camera is one view later than the one before. Height and width must be multiples of 8.
        """
        device = self.scene.shapes.A.device
        views = [
            render_linear(self.at(i), Projector.from_camera(c, device), height, width)
            for i, c in enumerate(cameras)
        ]
        rgb = torch.stack([develop(v.light, self.response, noise) for v in views])
        return Frames(rgb, torch.stack([v.depth for v in views]))

    def expose_for(self, camera: Camera, key: float) -> None:
        """Sets the exposure so that the camera's picture has the mean brightness `key`."""
        device = self.scene.shapes.A.device
        view = render_linear(self.scene, Projector.from_camera(camera, device), 32, 56)
        light = view.light.mean(0)
        low, high = -6.0, 6.0
        for _ in range(14):
            middle = (low + high) / 2
            bright = float(tone(light * 2.0**middle).mean())
            low, high = (middle, high) if bright < key else (low, middle)
        self.response = dataclasses.replace(
            self.response, exposure=float(2.0 ** ((low + high) / 2))
        )


def _generator(*parts: object) -> Random:
    digest = hashlib.sha256("/".join(str(p) for p in parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


_DEFAULT_BANK: list[TextureBank] = []


def _default_bank() -> TextureBank:
    if not _DEFAULT_BANK:
        _DEFAULT_BANK.append(TextureBank.procedural())
    return _DEFAULT_BANK[0]


def sample_world(
    seed: int,
    family: str | None = None,
    textures: TextureBank | None = None,
    split: str = "train",
    device: torch.device | str = "cpu",
    attempt: int = 0,
    movers: tuple[Mover, ...] = (),
    furniture: Furniture | None = None,
) -> World:
    """A world, deterministic by seed (on one kind of device).

    Args:
        family: one of `FAMILIES`; None draws one. In the "unseen" split that is the family that
            training never shows, or (half of the time) a known one with unseen textures.
        textures: bank to draw from; None makes a procedural one, once a process.
        attempt: other worlds of the same seed, for when the first has no room for a camera.
        movers: things that move in it; all else is as without them.
        furniture: real things, which take the place of many primitive ones and have families of
            their own (`REAL_FAMILIES`); without them every world is as it always was.
    """
    if split not in ("train", "unseen"):
        raise ValueError(f'split must be "train" or "unseen", not {split!r}')
    rng = _generator("world", split, seed, *([attempt] if attempt else []))
    family = family or _draw_family(rng, split, furniture is not None)
    if family in REAL_FAMILIES and furniture is None:
        raise ValueError(f"worlds of the family {family!r} need real things; state --furniture")
    known = {**FAMILIES, **REAL_FAMILIES}
    if family not in known:
        raise ValueError(f"no family of worlds is called {family!r}; known: {sorted(known)}")
    bank = textures if textures is not None else _default_bank()
    look = Look(rng, bank, split, furniture)
    blueprint = known[family].build(look)
    response = random_response(rng)
    add_movers(blueprint.builder, look, movers)
    world = _compiled(blueprint, bank, family, seed, response, device)
    return dataclasses.replace(world, movers=movers)


def _draw_family(rng: Random, split: str, real: bool = False) -> str:
    if split == "unseen" and rng.random() < 0.5:
        return UNSEEN_FAMILY
    families = {**FAMILIES, **REAL_FAMILIES} if real else FAMILIES
    names = [
        name
        for name, family in families.items()
        if name != UNSEEN_FAMILY and (family.measured or split != "unseen")
    ]
    weights = np.array([families[n].weight for n in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def _compiled(
    blueprint: Blueprint,
    bank: TextureBank,
    family: str,
    seed: int,
    response: Response,
    device: torch.device | str,
) -> World:
    builder, light = blueprint.builder, blueprint.light
    land = blueprint.land
    used = [m.texture for m in builder.materials] + [t for t in (light.cloud,) if t >= 0]
    used += land.textures if land is not None else ()
    ids = sorted(set(used))
    place = {texture: i for i, texture in enumerate(ids)}
    builder.materials = {_renumbered(m, place): i for i, m in enumerate(builder.materials)}
    if light.cloud >= 0:
        light = dataclasses.replace(light, cloud=place[light.cloud])
    if land is not None:
        land = _land_on(land, place, device)
    shapes = builder.build().to(device)
    page, meshes = bank.page(ids, device), None
    if builder.things:
        meshes, levels = assembled(builder.things, len(ids))
        page = page.joined(levels) if len(levels) else page
    centre = torch.tensor([*blueprint.centre, 0.0], device=shapes.A.device)
    sun = lamp = None
    if max(light.sun) > 0:
        sun = sun_map(shapes, light, centre, blueprint.radius, _SHADOW_PIXELS, meshes)
    if light.lamps:
        lamp = lamp_map(shapes, light.lamps[0], 3.0, _SHADOW_PIXELS // 2, meshes)
    radius = min(blueprint.radius, 14.0)
    plan = plan_maps(shapes, centre, radius, blueprint.plan_top, _PLAN_PIXELS, meshes)
    maps = LightMaps(sun, lamp, plan)
    scene = Scene(shapes, page, Light(light, maps), land, meshes)
    return World(scene, blueprint.caption, family, blueprint.style, response, seed)


def _land_on(land: Terrain, place: dict[int, int], device: torch.device | str) -> Terrain:
    grass, rock, top = (place[t] for t in land.textures)
    return dataclasses.replace(
        land,
        wide=land.wide.to(device),
        bumps=land.bumps.to(device),
        shade=land.shade.to(device),
        tints=land.tints.to(device),
        textures=(grass, rock, top),
    )


def _renumbered(material: Material, place: dict[int, int]) -> Material:
    return dataclasses.replace(material, texture=place[material.texture])


def sample_sequence(
    seed: int,
    views: int,
    height: int,
    width: int,
    split: str = "train",
    textures: TextureBank | None = None,
    device: torch.device | str = "cpu",
    family: str | None = None,
    moving: bool = False,
    furniture: Furniture | None = None,
) -> Sequence:
    """A random world and a walk in it, deterministic by seed (on one kind of device).

    Args:
        moving: things move in the first camera's view, from one view to the next.
        furniture: as of `sample_world`.
    """
    rng = _generator("walk", split, seed)
    for attempt in range(_ATTEMPTS):
        world = sample_world(seed, family, textures, split, device, attempt, furniture=furniture)
        try:
            cameras = world.walk(views, rng, width / height)
            break
        except NoRoomError:
            if attempt == _ATTEMPTS - 1:
                raise
    if moving:
        seen = world.render(cameras[:1], 32, 56).depth[0].cpu().numpy()
        things = draw_movers(cameras[0], seen, views, rng)
        world = sample_world(seed, family, textures, split, device, attempt, things, furniture)
    world.expose_for(cameras[0], float(rng.uniform(0.36, 0.58)))
    noise = torch.Generator(device="cpu").manual_seed(int(rng.integers(2**62)))
    frames = world.render(cameras, height, width, noise)
    rgb = (frames.rgb * 255 + 0.5).to(torch.uint8).cpu().numpy()
    return Sequence(
        rgb, frames.depth.cpu().numpy(), tuple(cameras), world.caption, world.family, seed
    )
