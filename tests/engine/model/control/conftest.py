"""A small random transformer, and queries of several views in colours and geometry."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from engine.model.kinds import KINDS, Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Transformer, TransformerConfig

TINY = TransformerConfig(width=64, layers=2, heads=2, latent_channels=4, words=16)
PROMPT = torch.tensor([[2, 4], [2, 4]])


def random_transformer(seed: int) -> Transformer:
    """Random in every weight: zero-started layers would hide what they pass on."""
    generator = torch.Generator().manual_seed(seed)
    network = Transformer(TINY).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.12)
    return network


@torch.no_grad()
def randomise_trained(network: torch.nn.Module, seed: int = 9) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)


def picture(kind: Kind, slot: int, level: float, seed: int) -> Picture:
    generator = torch.Generator().manual_seed(100 * seed + 10 * slot + list(KINDS).index(kind.name))

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    levels = torch.full((2,), level)
    if kind is Kind.RAYS:
        return Picture(kind, slot, draw(2, 6, 3, 4), levels)
    return Picture(kind, slot, draw(2, 4, 6, 8), levels)


def video(seed: int = 1) -> list[Group]:
    """First RGB observed; the other RGB, and XYZ and RAYS of both views asked."""
    seen = Group((picture(Kind.RGB, 0, 0.0, seed),))
    asked = (
        picture(Kind.RGB, 1, 0.7, seed),
        picture(Kind.XYZ, 0, 0.6, seed),
        picture(Kind.XYZ, 1, 0.6, seed),
        picture(Kind.RAYS, 0, 0.5, seed),
        picture(Kind.RAYS, 1, 0.5, seed),
    )
    return [seen, Group(asked, PROMPT, (0,), asked=True)]


def colours_of(groups: list[Group]) -> list[Group]:
    """The query without geometry, as the frozen network alone would be asked it."""
    kept = (Kind.RGB, Kind.WARP)
    return [
        Group(tuple(p for p in g.pictures if p.kind in kept), g.prompt, g.sees, g.asked)
        for g in groups
    ]


@pytest.fixture
def base() -> Transformer:
    return random_transformer(3)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The functions above: test modules cannot import one another here."""
    return SimpleNamespace(
        TINY=TINY,
        PROMPT=PROMPT,
        random_transformer=random_transformer,
        randomise_trained=randomise_trained,
        picture=picture,
        video=video,
        colours_of=colours_of,
    )
