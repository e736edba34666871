"""Decoupled LoRA control: what is frozen stays, what starts at zero starts at zero."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from engine.model.checkpoints import CheckpointError
from engine.model.control.adapters_file import load_adapters, save_adapters
from engine.model.control.branches import GEOMETRY_KINDS, adapted, colour_branch
from engine.model.control.concatenated import ChannelConcatenation, SpatialConcatenation
from engine.model.control.decoupled import ControlConfig, DecoupledTransformer
from engine.model.control.links import ControlLink, Pair, Place, linked_layers
from engine.model.control.lora import LoraConfig, LoraLinear, adapters, branch_of, merged
from engine.model.text import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Transformer, TransformerConfig

SMALL = LoraConfig(rank=4, alpha=8.0)
CHANNELS = 4


def noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def base() -> Transformer:
    torch.manual_seed(0)
    shape = TransformerConfig(width=64, layers=3, heads=2, latent_channels=CHANNELS, words=16)
    network = Transformer(shape)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=noise(1)) * 0.1)
    return network.eval()


def picture(kind: Kind, slot: int, seed: int, level: float) -> Picture:
    shape = (2, 6, 2, 3) if kind is Kind.RAYS else (2, CHANNELS, 4, 6)
    content = torch.randn(shape, generator=noise(seed))
    rays = torch.randn(2, 6, 2, 3, generator=noise(99 + slot)) if kind is Kind.RGB else None
    return Picture(kind, slot, content, torch.full((2,), level), rays)


def query(geometry: Kind = Kind.XYZ) -> list[Group]:
    """One RGB observed, another asked, with the geometry of both."""
    prompt = torch.tensor([[2, 3]]).expand(2, -1)
    asked = (
        picture(geometry, 0, 3, 0.7),
        picture(Kind.RGB, 1, 2, 0.7),
        picture(geometry, 1, 4, 0.7),
    )
    observed = picture(Kind.RGB, 0, 1, 0.0)
    return [Group((observed,)), Group(asked, prompt, (0,), asked=True)]


def colours(groups: list[Group]) -> list[Group]:
    keep = [
        Group(tuple(p for p in g.pictures if p.kind is Kind.RGB), g.prompt, g.sees, g.asked)
        for g in groups
    ]
    return [g for g in keep if g.pictures]


# -- adapters ----------------------------------------------------------------------------------


def test_a_new_adapter_changes_nothing():
    layer = nn.Linear(8, 6)
    x = torch.randn(5, 8, generator=noise(0))
    assert torch.equal(LoraLinear(layer, SMALL, noise(0))(x), layer(x))


@settings(max_examples=20, deadline=None)
@given(rank=st.integers(1, 9), alpha=st.floats(0.5, 32), seed=st.integers(0, 99))
def test_an_adapter_is_a_low_rank_change_of_the_weight(rank, alpha, seed):
    layer = nn.Linear(8, 6)
    adapter = LoraLinear(layer, LoraConfig(rank, alpha), noise(seed))
    with torch.no_grad():
        adapter.up.copy_(torch.randn(6, rank, generator=noise(seed)))
    x = torch.randn(5, 8, generator=noise(seed + 1))
    plain = adapter.merged()
    torch.testing.assert_close(adapter(x), plain(x), atol=1e-4, rtol=1e-4)
    change = plain.weight - layer.weight
    assert int(torch.linalg.matrix_rank(change, tol=1e-4)) <= rank


def test_branches_share_frozen_weights_and_have_adapters_of_their_own(base):
    one, other = (branch_of(base.layers, SMALL, noise(s)) for s in (0, 1))
    shared = {id(p) for p in base.parameters()}
    for branch in (one, other):
        own = dict(adapters(branch))
        assert own
        assert all(id(p) not in shared for p in own.values())
        rest = {id(p) for p in branch.parameters()} - {id(p) for p in own.values()}
        assert rest <= shared
    assert not {id(p) for _, p in adapters(one)} & {id(p) for _, p in adapters(other)}


def test_only_wanted_layers_are_adapted(base):
    branch = branch_of(base.layers, SMALL, noise(0), lambda name: name.endswith("mlp_in"))
    assert {name.split(".")[1] for name, _ in adapters(branch)} == {"mlp_in"}


def test_a_merged_branch_computes_the_same(base):
    branch = colour_branch(base, SMALL, noise(0))
    with torch.no_grad():
        for name, parameter in adapters(branch):
            parameter.add_(torch.randn(parameter.shape, generator=noise(len(name))) * 0.05)
    groups = colours(query())
    whole = merged(branch)
    assert not list(adapters(whole))
    torch.testing.assert_close(whole(groups)[1][0], branch(groups)[1][0], atol=1e-4, rtol=1e-4)


def test_a_rank_below_one_is_refused():
    with pytest.raises(ValueError, match="rank of at least 1"):
        LoraConfig(rank=0)


# -- links -------------------------------------------------------------------------------------


def test_a_new_link_is_silent():
    x, y = torch.randn(2, 7, 8, generator=noise(0)), torch.randn(2, 5, 8, generator=noise(1))
    pair = Pair(Place(1, 4), Place(0, 3))
    a, b = ControlLink(8)(x, y, [pair])
    assert torch.equal(a, x)
    assert torch.equal(b, y)


def test_a_link_moves_features_pixel_by_pixel_in_both_directions():
    link = ControlLink(8)
    with torch.no_grad():
        link.to_geometry.weight.copy_(2 * torch.eye(8))
        link.to_colour.weight.copy_(3 * torch.eye(8))
    x, y = torch.randn(1, 7, 8, generator=noise(0)), torch.randn(1, 5, 8, generator=noise(1))
    a, b = link(x, y, [Pair(Place(1, 4), Place(0, 3))])
    torch.testing.assert_close(b[:, 0:3], y[:, 0:3] + 2 * x[:, 1:4])
    torch.testing.assert_close(a[:, 1:4], x[:, 1:4] + 3 * y[:, 0:3])
    assert torch.equal(a[:, 4:], x[:, 4:])
    assert torch.equal(b[:, 3:], y[:, 3:])


def test_links_are_spread_over_the_layers():
    assert linked_layers(6, 3) == (0, 2, 4) or len(set(linked_layers(6, 3))) == 3
    assert linked_layers(40, 5) == tuple(sorted(linked_layers(40, 5)))
    assert linked_layers(4, 0) == ()
    assert linked_layers(3, 3) == (0, 1, 2)
    with pytest.raises(ValueError, match="do not fit"):
        linked_layers(2, 3)


def test_linked_pictures_have_one_size():
    with pytest.raises(ValueError, match="one size"):
        Pair(Place(0, 3), Place(0, 4))


# -- the decoupled network ---------------------------------------------------------------------


@pytest.mark.parametrize("geometry", [Kind.XYZ, Kind.DEPTH])
def test_colours_are_bit_identical_to_the_frozen_network_at_the_start(base, geometry):
    network = DecoupledTransformer(base, ControlConfig(SMALL, links=2)).eval()
    groups = query(geometry)
    with torch.no_grad():
        found = network(groups)[1][1]
        expected = base(colours(groups))[1][0]
    assert torch.equal(found, expected)


def test_geometry_hears_of_colours_only_through_links(base):
    network = DecoupledTransformer(base, ControlConfig(SMALL, links=2)).eval()
    groups = query()
    other = [Group((picture(Kind.RGB, 0, 77, 0.0),)), groups[1]]
    with torch.no_grad():
        assert torch.equal(network(groups)[1][0], network(other)[1][0])
        for link in network.links.values():
            link.to_geometry.weight.add_(0.1)
        assert not torch.equal(network(groups)[1][0], network(other)[1][0])


def test_answers_come_in_the_order_of_the_query(base):
    network = DecoupledTransformer(base, ControlConfig(SMALL)).eval()
    with torch.no_grad():
        answers = network(query())
    assert answers[0] == []
    assert len(answers[1]) == 3
    shuffled = query()
    pictures = shuffled[1].pictures
    group = Group((pictures[2], pictures[0], pictures[1]), shuffled[1].prompt, (0,), asked=True)
    with torch.no_grad():
        again = network([shuffled[0], group])[1]
    torch.testing.assert_close(again[2], answers[1][1])


def test_without_geometry_it_is_the_branch_of_colours(base):
    network = DecoupledTransformer(base, ControlConfig(SMALL)).eval()
    groups = colours(query())
    with torch.no_grad():
        assert torch.equal(network(groups)[1][0], network.colour(groups)[1][0])
    with pytest.raises(ValueError, match="needs an RGB"):
        network([Group((picture(Kind.XYZ, 0, 1, 0.5),), asked=True)])


def networks(base: Transformer) -> list[nn.Module]:
    return [
        DecoupledTransformer(copy.deepcopy(base), ControlConfig(SMALL, links=2)),
        SpatialConcatenation(copy.deepcopy(base), SMALL),
        ChannelConcatenation(copy.deepcopy(base), SMALL),
    ]


def same_group_query() -> list[Group]:
    prompt = torch.tensor([[2, 3]]).expand(2, -1)
    pictures = [
        picture(kind, slot, 5 + slot, 0.6) for slot in (0, 1) for kind in (Kind.RGB, Kind.XYZ)
    ]
    return [Group(tuple(pictures), prompt, (), asked=True)]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_training_changes_what_may_be_trained_and_nothing_else(base, index):
    network = networks(base)[index]
    groups = same_group_query()
    wanted = [
        torch.randn(p.content.shape, generator=noise(i)) for i, p in enumerate(groups[0].pictures)
    ]
    trained = network.trained()
    frozen = {
        id(p): p.detach().clone()
        for p in network.parameters()
        if not any(p is t for t in trained.values())
    }
    optimiser = torch.optim.Adam(list(trained.values()), lr=0.02)
    losses = []
    for _ in range(30):
        answers = network(groups)[0]
        loss = sum((a - w).square().mean() for a, w in zip(answers, wanted, strict=True))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    for parameter in network.parameters():
        if id(parameter) in frozen:
            assert torch.equal(parameter, frozen[id(parameter)])
            assert not parameter.requires_grad


def test_shared_tokens_need_an_rgb_picture(base):
    network = ChannelConcatenation(base, SMALL)
    with pytest.raises(ValueError, match="no RGB picture in its group"):
        network(query())


def test_geometry_has_projections_of_its_own(base):
    network = adapted(base, SMALL, noise(0))
    for kind in Kind:
        own = network.inputs[kind].weight is not base.inputs[kind].weight
        assert own == (kind in GEOMETRY_KINDS)


# -- files -------------------------------------------------------------------------------------


def changed(network: nn.Module) -> None:
    with torch.no_grad():
        for index, tensor in enumerate(network.trained().values()):
            tensor.add_(torch.randn(tensor.shape, generator=noise(index)) * 0.1)


def test_adapters_come_back_as_they_were(base, tmp_path):
    config = ControlConfig(SMALL, links=2)
    one, other = (DecoupledTransformer(copy.deepcopy(base), config).eval() for _ in range(2))
    changed(one)
    path = tmp_path / "adapters.safetensors"
    save_adapters(one, path, "abc", config)
    load_adapters(other, path, "abc")
    with torch.no_grad():
        for a, b in zip(one(query())[1], other(query())[1], strict=True):
            assert torch.equal(a, b)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.write_bytes(b"no adapters"), "can be read"),
        (lambda p: p.unlink(), "can be read"),
        (lambda p: save_file({"x": torch.zeros(1)}, str(p)), "of this program"),
    ],
)
def test_what_is_no_file_of_adapters_is_refused(base, tmp_path, spoil, says):
    network = DecoupledTransformer(base, ControlConfig(SMALL))
    path = tmp_path / "adapters.safetensors"
    save_adapters(network, path, "abc", network.control)
    spoil(path)
    with pytest.raises(CheckpointError, match=says):
        load_adapters(network, path, "abc")


def test_adapters_of_other_weights_or_networks_are_refused(base, tmp_path):
    network = DecoupledTransformer(copy.deepcopy(base), ControlConfig(SMALL))
    path = tmp_path / "adapters.safetensors"
    save_adapters(network, path, "abc", network.control)
    with pytest.raises(CheckpointError, match="belongs to other weights"):
        load_adapters(network, path, "xyz")
    with pytest.raises(CheckpointError, match="trained for a DecoupledTransformer"):
        load_adapters(SpatialConcatenation(copy.deepcopy(base), SMALL), path, "abc")
    larger = DecoupledTransformer(copy.deepcopy(base), ControlConfig(LoraConfig(rank=8)))
    with pytest.raises(CheckpointError, match="another rank"):
        load_adapters(larger, path, "abc")
