"""What a family of worlds hands over, and the choice of looks that families share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.training.worlds.lighting import Lighting
from engine.training.worlds.meshes.model import Label, Model
from engine.training.worlds.meshes.store import Furniture
from engine.training.worlds.rendering import Response
from engine.training.worlds.shapes import Builder, Material
from engine.training.worlds.surveying import WalkStyle
from engine.training.worlds.terrain import Terrain
from engine.training.worlds.textures import TextureBank

Random = np.random.Generator
Colour = tuple[float, float, float]

#: Triangles of a world's real things, for memory and for the time that Embree needs for its tree.
_MOST_FACES = 200_000
#: A thing with so many triangles is drawn half as often as a plain one.
_HEAVY = 10_000
#: Share of the things of a world with furniture that are real.
_REAL_SHARE = 0.7


@dataclass(frozen=True)
class Blueprint:
    """A world before it is turned into tensors.

    Attributes:
        builder: its shapes.
        light: its light; texture numbers are the bank's.
        caption: short English description.
        style: where cameras walk.
        centre, radius: disc on the ground (metres) that shadows are worked out for.
        plan_top: heights above this do not shut out ambient light.
        land: hills and mountains; its texture numbers are the bank's.
    """

    builder: Builder
    light: Lighting
    caption: str
    style: WalkStyle
    centre: tuple[float, float]
    radius: float
    plan_top: float
    land: Terrain | None = None


@dataclass
class Look:
    """Random materials of one world: draws textures of the right split and varies their colour.

    Attributes:
        furniture: real things that may stand in this world.
        faces_left: triangles that its things may still have.
    """

    rng: Random
    bank: TextureBank
    split: str
    furniture: Furniture | None = None
    faces_left: int = _MOST_FACES
    _kept: dict[str, Material] = field(default_factory=dict)

    def material(
        self,
        *categories: str,
        metres: float = 1.0,
        tint: Colour | None = None,
        gloss: float = 0.0,
        glow: float = 0.0,
        detail: float = 1.0,
        vary: float = 0.12,
    ) -> Material:
        """A texture of one of the categories, its colour varied by `vary`."""
        base = np.array(tint if tint is not None else (1.0, 1.0, 1.0))
        base = base * self.rng.uniform(1 - vary, 1 + vary) * (1 + self.rng.normal(0, vary / 4, 3))
        r, g, b = (float(round(c, 3)) for c in np.clip(base, 0.01, 1.6))
        texture = self.bank.pick(self.rng, self.split, *categories)
        return Material(texture, (r, g, b), metres, detail, gloss, glow)

    def paint(self, colour: Colour, gloss: float = 0.0, glow: float = 0.0) -> Material:
        """One linear colour, hardly any texture."""
        r, g, b = (float(round(c, 3)) for c in colour)
        texture = self.bank.pick(self.rng, self.split, "plaster")
        return Material(texture, (r / 0.7, g / 0.7, b / 0.7), 1.5, 0.6, gloss, glow)

    def kept(self, name: str, make: Material) -> Material:
        """The same material for every use of `name` in this world."""
        return self._kept.setdefault(name, make)

    def real(
        self,
        kind: str,
        share: float = _REAL_SHARE,
        fits: tuple[float, float] = (float("inf"), float("inf")),
        several: int = 1,
    ) -> Label | None:
        """A real thing of a kind (`meshes.kinds`), with a chance of `share`; draws nothing where
        this world has no furniture, and gives None where it has none that is light enough.

        Args:
            fits: greatest width and depth, metres.
            several: of it are going to stand in the world.
        """
        if self.furniture is None or self.rng.random() >= share:
            return None
        known = [
            label
            for label in self.furniture.of_kind(self.split, kind)
            if label.faces * several <= self.faces_left
            and label.size[0] <= fits[0]
            and label.size[1] <= fits[1]
        ]
        if not known:
            return None
        ease = np.array([1 / (1 + label.faces / _HEAVY) for label in known])
        return known[int(self.rng.choice(len(known), p=ease / ease.sum()))]

    def model(self, label: Label) -> Model:
        """A thing's triangles, which count against what this world may have."""
        if self.furniture is None:
            raise ValueError("this world has no furniture")
        self.faces_left -= label.faces
        return self.furniture.model(label)

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def photo(self) -> tuple[str, ...]:
        """Categories for a picture on a wall: photographs where the bank has them."""
        table = self.bank.train if self.split == "train" else self.bank.unseen
        return ("photo", "poster") if table.get("photo") else ("poster",)

    def rough(self, *categories: str, photo: str) -> tuple[str, ...]:
        """Procedural categories and a kind of photograph, where the bank has it."""
        table = self.bank.train if self.split == "train" else self.bank.unseen
        return (*categories, photo) if table.get(photo) else categories

    def wood(self, metres: float = 0.8) -> Material:
        shade = self.between(0.35, 1.2)
        return self.material("wood", metres=metres, tint=(shade, shade, shade), gloss=0.15)

    def metal(self) -> Material:
        shade = float(self.rng.choice([0.08, 0.3, 0.7, 1.0]))
        return self.material("metal", metres=0.5, tint=(shade, shade, shade), gloss=0.6)

    def cloth(self, metres: float = 0.7) -> Material:
        return self.material(
            *self.rough("fabric", "fabric", "carpet", "leather", photo="photo"), metres=metres
        )


def random_response(rng: Random) -> Response:
    """Camera settings of one walk; the exposure is set later, from what is seen."""
    warmth = rng.normal(0, 0.06)
    tint = rng.normal(0, 0.02)
    balance = (float(1 + warmth), float(1 + tint), float(1 - warmth))
    return Response(
        exposure=1.0,
        balance=balance,
        contrast=float(rng.uniform(0.92, 1.22)),
        saturation=float(rng.uniform(0.75, 1.2)),
        vignette=float(max(0.0, rng.normal(0.08, 0.12))),
        blur=float(rng.uniform(0.0, 0.6)),
        noise=float(rng.choice([0.0, 0.004, 0.01, 0.018])),
    )
