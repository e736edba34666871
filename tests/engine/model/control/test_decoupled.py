"""Two branches: bit-identical colours at first, no mixing without links, causal with them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from engine.model.control.decoupled import DecoupledTransformer
from engine.model.control.joint_network import ControlConfig
from engine.model.control.lora import LoraConfig
from engine.model.kinds import Kind
from engine.model.tokens import Group
from engine.model.transformer import Cache, Transformer

CONTROL = ControlConfig(lora=LoraConfig(rank=4, alpha=4.0), links=2)


def reconstruct(kit: SimpleNamespace) -> list[Group]:
    """All RGB observed, DEPTH asked."""
    seen = Group((kit.picture(Kind.RGB, 0, 0.0, 5), kit.picture(Kind.RGB, 1, 0.0, 5)))
    asked = (kit.picture(Kind.DEPTH, 0, 0.8, 5), kit.picture(Kind.DEPTH, 1, 0.8, 5))
    return [seen, Group(asked, kit.PROMPT, (0,), asked=True)]


def together(kit: SimpleNamespace) -> list[Group]:
    """RGB, WARP, DEPTH, XYZ of three views in one asked group."""
    kinds = (Kind.DEPTH, Kind.RGB, Kind.WARP, Kind.XYZ)
    pictures = tuple(kit.picture(kind, slot, 0.5, 6) for slot in range(3) for kind in kinds)
    return [Group(pictures, kit.PROMPT, asked=True)]


@pytest.mark.parametrize("name", ["video", "reconstruct", "together"])
@torch.no_grad()
def test_colours_are_bit_identical_to_the_frozen_network_at_first(
    kit: SimpleNamespace, base: Transformer, name: str
) -> None:
    query = {"video": kit.video(), "reconstruct": reconstruct(kit), "together": together(kit)}[name]
    expected = base(kit.colours_of(query))
    found = DecoupledTransformer(base, CONTROL)(query)
    for group, answers, frozen in zip(query, found, expected, strict=True):
        assert len(answers) == (len(group.pictures) if group.asked else 0)
        colours = [
            answer
            for p, answer in zip(group.pictures, answers, strict=group.asked)
            if p.kind in (Kind.RGB, Kind.WARP)
        ]
        assert len(colours) == len(frozen)
        assert all(torch.equal(a, b) for a, b in zip(colours, frozen, strict=True))


@torch.no_grad()
def test_geometry_too_starts_as_the_frozen_network_alone(
    kit: SimpleNamespace, base: Transformer
) -> None:
    query = together(kit)
    alone = [replace(query[0], pictures=tuple(p for p in query[0].pictures if p.kind is Kind.XYZ))]
    expected = base(alone)
    found = DecoupledTransformer(base, CONTROL)(alone)
    assert all(torch.equal(a, b) for a, b in zip(found[0], expected[0], strict=True))


@torch.no_grad()
def test_answers_come_in_the_querys_order(kit: SimpleNamespace, base: Transformer) -> None:
    network = DecoupledTransformer(base, CONTROL)
    kit.randomise_trained(network)
    (group,) = together(kit)
    turned = replace(group, pictures=group.pictures[::-1])
    forwards, backwards = network([group])[0], network([turned])[0]
    for a, b in zip(forwards, backwards[::-1], strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def changed(groups: list[Group], kind: Kind) -> list[Group]:
    def other(p):
        return replace(p, content=p.content + 1.0) if p.kind is kind else p

    return [replace(g, pictures=tuple(other(p) for p in g.pictures)) for g in groups]


@torch.no_grad()
def test_only_links_let_the_branches_hear_of_one_another(
    kit: SimpleNamespace, base: Transformer
) -> None:
    deaf = DecoupledTransformer(base, replace(CONTROL, links=0))
    hearing = DecoupledTransformer(base, CONTROL)
    for network in (deaf, hearing):
        kit.randomise_trained(network)
    query = together(kit)
    for kind, other in ((Kind.RGB, Kind.XYZ), (Kind.XYZ, Kind.RGB)):
        chosen = [i for i, p in enumerate(query[0].pictures) if p.kind is other]
        for network, hears in ((deaf, False), (hearing, True)):
            before, after = network(query)[0], network(changed(query, kind))[0]
            for index in chosen:
                assert torch.equal(before[index], after[index]) is not hears


@torch.no_grad()
def test_links_follow_what_groups_may_see(kit: SimpleNamespace, base: Transformer) -> None:
    """What is shown to the network must not depend on what is asked of it later."""
    network = DecoupledTransformer(base, CONTROL)
    kit.randomise_trained(network)
    known = Group((kit.picture(Kind.DEPTH, 0, 0.0, 1),))
    first = Group((kit.picture(Kind.RGB, 0, 0.9, 2),), kit.PROMPT, (0,), asked=True)
    blind = replace(first, sees=())
    later = Group((kit.picture(Kind.XYZ, 0, 0.9, 3),), kit.PROMPT, (0, 1), asked=True)
    deeper = changed([known], Kind.DEPTH)[0]
    moved = changed([later], Kind.XYZ)[0]

    def answer(*groups: Group) -> torch.Tensor:
        return network(list(groups))[1][0]

    assert torch.equal(answer(known, first, later), answer(known, first, moved))
    assert (answer(known, first) - answer(deeper, first)).abs().max() > 1e-4
    assert torch.equal(answer(known, blind), answer(deeper, blind))


@torch.no_grad()
def test_what_is_remembered_is_what_was_shown(kit: SimpleNamespace, base: Transformer) -> None:
    """The interface of the plain transformer, so that queries can draw with either."""
    network = DecoupledTransformer(base, CONTROL)
    kit.randomise_trained(network)
    seen, asked = kit.video()
    cache = network.remember(seen, Cache())
    found = network.predict(replace(asked, sees=()), cache)
    assert all(torch.equal(a, b) for a, b in zip(found, network([seen, asked])[1], strict=True))
    with pytest.raises(ValueError, match="mean nothing to a joint network"):
        network.remember(seen, base.remember(seen, Cache()))


def test_only_adapters_links_and_projections_are_trained(
    kit: SimpleNamespace, base: Transformer
) -> None:
    network = DecoupledTransformer(base, CONTROL)
    heads = {name.split(".")[0] for name in network.trained()}
    assert heads == {"colour", "geometry", "links"}
    assert not any(p.requires_grad for p in base.parameters())
    of_colour = [n for n in network.trained() if n.startswith("colour.")]
    assert all(n.endswith((".up", ".down")) for n in of_colour)
    network(together(kit))[0][1].square().sum().backward()
    assert all(p.grad is None for p in base.parameters())
    assert network.links["0"].to_colour.weight.grad is not None
    assert len(network.links) == kit.TINY.layers


def test_the_rays_of_asked_cameras_stay_hidden(kit: SimpleNamespace, base: Transformer) -> None:
    told = replace(kit.picture(Kind.RGB, 0, 0.0, 1), rays=torch.zeros(2, 6, 3, 4))
    asked = Group((kit.picture(Kind.RAYS, 0, 1.0, 1),), kit.PROMPT, (0,), asked=True)
    with pytest.raises(ValueError, match="could be read from its RGB"):
        DecoupledTransformer(base, CONTROL)([Group((told,)), asked])
