"""Channel-wise and spatial concatenation: what they start as, and who hears whom."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from engine.model.control.concatenated import ChannelConcatenation, SpatialConcatenation
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.kinds import Kind
from engine.model.tokens import Group
from engine.model.transformer import Transformer

LORA = LoraConfig(rank=4, alpha=4.0)
CHANNELS = ControlConfig(Coupling.CHANNEL, LORA)
SPATIAL = ControlConfig(Coupling.SPATIAL, LORA)


def together(kit: SimpleNamespace, level: float = 0.5, geometry_level: float = 0.5) -> list[Group]:
    pictures = (
        kit.picture(Kind.XYZ, 0, geometry_level, 1),
        kit.picture(Kind.RGB, 0, level, 1),
        kit.picture(Kind.RGB, 1, level, 1),
        kit.picture(Kind.XYZ, 1, geometry_level, 1),
    )
    return [Group(pictures, kit.PROMPT, asked=True)]


@torch.no_grad()
def test_spatial_concatenation_starts_as_the_whole_frozen_network(
    kit: SimpleNamespace, base: Transformer
) -> None:
    expected = base(kit.video())
    found = SpatialConcatenation(base, SPATIAL)(kit.video())
    assert found[0] == []
    assert all(torch.equal(a, b) for a, b in zip(found[1], expected[1], strict=True))


@torch.no_grad()
def test_new_channels_leave_colours_alone_at_first(kit: SimpleNamespace, base: Transformer) -> None:
    query = together(kit)
    found = ChannelConcatenation(base, CHANNELS)(query)[0]
    expected = base(kit.colours_of(query))[0]
    assert all(torch.equal(a, b) for a, b in zip(found[1:3], expected, strict=True))


@torch.no_grad()
def test_geometry_in_the_same_tokens_is_heard_at_its_own_level(
    kit: SimpleNamespace, base: Transformer
) -> None:
    network = ChannelConcatenation(base, CHANNELS)
    kit.randomise_trained(network)
    before = network(together(kit))[0][1]
    (group,) = together(kit)
    moved = replace(group.pictures[0], content=group.pictures[0].content + 1.0)
    after = network([replace(group, pictures=(moved, *group.pictures[1:]))])[0][1]
    assert (before - after).abs().max() > 1e-3
    same_content = tuple(
        replace(p, level=torch.full((2,), 0.9)) if p.kind is Kind.XYZ else p for p in group.pictures
    )
    told = network([replace(group, pictures=same_content)])[0][1]
    assert (before - told).abs().max() > 1e-3


@torch.no_grad()
def test_observed_colours_carry_the_geometry_that_is_asked_of_them(
    kit: SimpleNamespace, base: Transformer
) -> None:
    """Asked DEPTH of an observed RGB rides on it: the two meet in one token, not by attention."""
    network = ChannelConcatenation(base, CHANNELS)
    kit.randomise_trained(network)
    seen = Group((kit.picture(Kind.RGB, 0, 0.0, 1),))
    asked = Group((kit.picture(Kind.DEPTH, 0, 1.0, 1),), kit.PROMPT, (0,), asked=True)
    found = network([seen, asked])
    assert [len(answers) for answers in found] == [0, 1]
    carried = Group((seen.pictures[0], asked.pictures[0]), kit.PROMPT, (0,), asked=True)
    expected = network([seen, carried])[1]
    torch.testing.assert_close(found[1][0], expected[1])


@torch.no_grad()
def test_geometry_without_colours_rides_on_an_empty_picture(
    kit: SimpleNamespace, base: Transformer
) -> None:
    network = ChannelConcatenation(base, CHANNELS)
    kit.randomise_trained(network)
    known = Group((kit.picture(Kind.DEPTH, 0, 0.0, 1), kit.picture(Kind.RAYS, 1, 0.0, 1)))
    asked = Group((kit.picture(Kind.RGB, 0, 1.0, 1),), kit.PROMPT, (0,), asked=True)
    before = network([known, asked])[1][0]
    other = Group((kit.picture(Kind.DEPTH, 0, 0.0, 2), known.pictures[1]))
    assert before.shape == (2, 4, 6, 8)
    assert (network([other, asked])[1][0] - before).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("kind", "control"), [(ChannelConcatenation, CHANNELS), (SpatialConcatenation, SPATIAL)]
)
def test_answers_and_gradients_of_a_whole_query(kit: SimpleNamespace, base, kind, control) -> None:
    network = kind(base, control)
    answers = network(kit.video())[1]
    shapes = [tuple(a.shape) for a in answers]
    assert shapes == [tuple(p.content.shape) for p in kit.video()[1].pictures]
    sum(a.square().mean() for a in answers).backward()
    assert all(p.grad is None for p in base.parameters())
    ups = [p for name, p in network.trained().items() if name.endswith(".up")]
    assert ups
    assert all(p.grad is not None for p in ups)
