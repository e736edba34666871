"""The transformer: cached and uncached passes agree, groups see what they should, and no more."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.model.kinds import Kind
from engine.model.tokens import Group, Picture, patchify, unpatchify
from engine.model.transformer import Cache, Transformer, TransformerConfig, preconditioning

TINY = TransformerConfig(width=32, layers=2, heads=2, latent_channels=4, words=16)


@pytest.fixture
def network() -> Transformer:
    """Random in every weight: zero-started layers would hide what they pass on."""
    generator = torch.Generator().manual_seed(3)
    network = Transformer(TINY).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return network


def picture(kind: Kind, slot: int, level: float, seed: int, hint: bool = False) -> Picture:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    levels = torch.full((2,), level)
    if kind is Kind.RAYS:
        return Picture(kind, slot, draw(2, 6, 3, 4), levels)
    hints = draw(2, 9, 6, 8) if hint else None
    return Picture(kind, slot, draw(2, 4, 6, 8), levels, draw(2, 6, 3, 4), hints)


PROMPT = torch.tensor([[2], [2]])
CONTEXT = Group((picture(Kind.RGB, 0, 0.0, 1), picture(Kind.DEPTH, 0, 0.1, 2)))


def asked(sees: tuple[int, ...], seed: int = 5, kind: Kind = Kind.RGB) -> Group:
    return Group((picture(kind, 1, 0.7, seed, hint=True),), PROMPT, sees, asked=True)


def test_cached_passes_equal_one_uncached_pass(network: Transformer) -> None:
    drawn = Group((picture(Kind.RGB, 1, 0.0, 6),), sees=(0,))
    depth = asked((0, 2), seed=7, kind=Kind.DEPTH)
    whole = network([CONTEXT, asked((0,)), drawn, depth])

    context = network.remember(CONTEXT, Cache())
    view = network.predict(asked((0,)), context)
    after = network.predict(depth, network.remember(drawn, context))

    torch.testing.assert_close(view[0], whole[1][0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after[0], whole[3][0], atol=1e-5, rtol=1e-4)


def test_what_is_remembered_costs_no_more_than_is_seen_of_it(network: Transformer) -> None:
    """Of the last layer others see keys and values alone."""
    run: list[int] = []
    for index, layer in enumerate(network.layers):
        layer.mlp_in.register_forward_hook(lambda *_, index=index: run.append(index))
    context = network.remember(CONTEXT, Cache())
    network.remember(Group((picture(Kind.RGB, 1, 0.0, 6),)), context)
    assert run == [0, 0]
    network.predict(asked((0,)), context)
    assert run == [0, 0, 0, 1]


def test_a_group_sees_only_the_groups_it_names(network: Transformer) -> None:
    other = Group((picture(Kind.RGB, 0, 0.0, 99),))
    blind = network([CONTEXT, asked(())])[1][0]
    blind_beside_other = network([other, asked(())])[1][0]
    seeing = network([CONTEXT, asked((0,))])[1][0]
    seeing_other = network([other, asked((0,))])[1][0]

    torch.testing.assert_close(blind, blind_beside_other)
    assert (seeing - seeing_other).abs().max() > 1e-3


def test_context_cannot_see_what_is_asked(network: Transformer) -> None:
    """Otherwise its keys could not be cached."""
    early = network([asked((), seed=1), asked((), seed=2)])
    late = network([asked((), seed=1), asked((), seed=3)])
    torch.testing.assert_close(early[0][0], late[0][0])


@pytest.mark.parametrize("change", ["rays", "hint", "prompt", "level", "slot"])
def test_every_input_reaches_the_answer(network: Transformer, change: str) -> None:
    plain = picture(Kind.RGB, 1, 0.7, 5, hint=True)
    altered = {
        "rays": Picture(plain.kind, 1, plain.content, plain.level, None, plain.hint),
        "hint": Picture(plain.kind, 1, plain.content, plain.level, plain.rays, None),
        "level": Picture(plain.kind, 1, plain.content, plain.level * 0.5, plain.rays, plain.hint),
        "slot": Picture(plain.kind, 3, plain.content, plain.level, plain.rays, plain.hint),
        "prompt": plain,
    }[change]
    prompt = torch.tensor([[3], [3]]) if change == "prompt" else PROMPT
    before = network([CONTEXT, Group((plain,), PROMPT, (0,), asked=True)])[1][0]
    after = network([CONTEXT, Group((altered,), prompt, (0,), asked=True)])[1][0]
    assert (before - after).abs().max() > 1e-4


def test_levels_of_single_tokens_equal_one_level_for_all(network: Transformer) -> None:
    plain = picture(Kind.RGB, 1, 0.7, 5)
    each = Picture(plain.kind, 1, plain.content, plain.level[:, None].expand(-1, 12), plain.rays)
    one = network([Group((plain,), asked=True)])[0][0]
    many = network([Group((each,), asked=True)])[0][0]
    torch.testing.assert_close(one, many)


def test_checkpointing_changes_no_gradient(network: Transformer) -> None:
    network.requires_grad_(True)
    gradients = []
    for checkpointing in (False, True):
        network.checkpointing = checkpointing
        network.zero_grad()
        network([CONTEXT, asked((0,))])[1][0].square().mean().backward()
        gradients.append({n: p.grad for n, p in network.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)


def test_a_fresh_network_answers_nothing_and_ignores_hints() -> None:
    network = Transformer(TINY).eval()
    blind, hinted = picture(Kind.RGB, 0, 1.0, 1), picture(Kind.RGB, 0, 1.0, 1, hint=True)
    answer = network([Group((blind,), asked=True)])[0][0]
    assert answer.abs().max() == 0
    torch.testing.assert_close(network([Group((hinted,), asked=True)])[0][0], answer)


def test_asked_rays_cannot_be_given_away() -> None:
    rays = torch.zeros(1, 6, 3, 4)
    with pytest.raises(ValueError, match="RAYS"):
        Picture(Kind.RAYS, 0, rays, torch.ones(1), rays=rays)


def test_asked_rays_cannot_be_read_from_the_same_view(network: Transformer) -> None:
    question = Group((picture(Kind.RAYS, 0, 1.0, 4),), PROMPT, (0,), asked=True)
    telling = Group((picture(Kind.RGB, 0, 0.0, 5),))
    with pytest.raises(ValueError, match="asked RAYS of slot 0"):
        network([telling, question])
    rgb = picture(Kind.RGB, 0, 0.0, 5)
    silent = Group((Picture(Kind.RGB, 0, rgb.content, rgb.level),))
    assert network([silent, question])[1][0].shape == (2, 6, 3, 4)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_preconditioning_keeps_the_target_at_unit_variance(level: float) -> None:
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 200_000, generator=generator)
    noisy = (1 - level) * clean + level * noise
    skip, out = preconditioning(torch.tensor(level))
    if level == 0.0:
        torch.testing.assert_close(skip * noisy, clean)
        assert out == 0
    else:
        target = (clean - skip * noisy) / out
        assert target.std() == pytest.approx(1.0, abs=0.01)


def test_patches_round_trip() -> None:
    content = torch.arange(2 * 4 * 6 * 8, dtype=torch.float32).view(2, 4, 6, 8)
    torch.testing.assert_close(unpatchify(patchify(content), 3, 4), content)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        TransformerConfig(width=40, heads=2)
