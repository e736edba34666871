"""What is trained of a Wan model: nothing at first, only what was chosen, and it learns."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.model.backbones.backbone import Cache
from engine.model.backbones.text import PieceTokenizer
from engine.model.backbones.wan.adaptation import adapt, adapted_parameters
from engine.model.backbones.wan.adapted import Adapted, WanAdaptation
from engine.model.control.concatenated import ChannelConcatenation
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import adapters
from engine.model.control.networks import build_network
from engine.model.kinds import Kind
from engine.model.tokens import Group, Picture
from engine.training.buffer import Offer
from engine.training.reports import Running
from engine.training.sequences import PosedSequence

EVERY = tuple(Adapted)


def chosen(adapted: Adapted) -> WanAdaptation:
    return WanAdaptation(adapted, rank=4, alpha=8.0, links=2)


def video(kit: SimpleNamespace) -> list[Group]:
    """First RGB observed; the second, and DEPTH and RAYS of both views asked."""
    seen = Group((kit.picture(Kind.RGB, 0, 0.0),))
    asked = (
        kit.picture(Kind.RGB, 1, 0.7),
        kit.picture(Kind.DEPTH, 0, 0.6),
        kit.picture(Kind.DEPTH, 1, 0.6),
        kit.picture(Kind.RAYS, 1, 0.5),
    )
    return [seen, kit.asked(*asked, ids=kit.prompt((Kind.RGB, Kind.DEPTH, Kind.RAYS)), sees=(0,))]


@pytest.mark.parametrize("adapted", EVERY)
@torch.no_grad()
def test_at_first_colours_are_those_of_diffusers(kit: SimpleNamespace, adapted: Adapted) -> None:
    """With gates, adapters and links in place, and geometry asked beside them where decoupled."""
    pictures = [kit.picture(Kind.RGB, slot, 0.4) for slot in range(3)]
    wan, encoder, ids = kit.tiny_wan(), kit.tiny_umt5(), kit.prompt(Kind.RGB)
    text = encoder(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    padded = torch.nn.functional.pad(text, (0, 0, 0, kit.TEXT_LENGTH - ids.shape[1]))
    noisy = torch.stack([p.content for p in pictures], dim=2)
    velocity = wan(noisy, torch.full((2,), 400.0), padded, return_dict=False)[0]

    network = adapt(kit.backbone(), chosen(adapted))
    beside = [kit.picture(Kind.DEPTH, slot, 0.4) for slot in range(3)]
    beside = beside if adapted is Adapted.DECOUPLED else []
    found = network([kit.asked(*pictures, *beside, ids=ids)])[0][:3]
    torch.testing.assert_close(
        torch.stack(found, dim=2), noisy - 0.4 * velocity, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("adapted", EVERY)
def test_a_few_steps_teach_what_was_chosen_and_nothing_else(
    kit: SimpleNamespace, adapted: Adapted
) -> None:
    network = adapt(kit.backbone(), chosen(adapted)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.Adam(network.trained().values(), lr=3e-3)
    groups, losses = video(kit), []
    truth = [torch.zeros_like(p.content) for p in groups[1].pictures]
    for _ in range(6):
        answers = network(groups)[1]
        loss = sum((a - t).square().mean() for a, t in zip(answers, truth, strict=True))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.98 * losses[0]

    moved = {n for n, value in network.state_dict().items() if not torch.equal(value, before[n])}
    trained = {id(p) for p in network.trained().values()}
    allowed = {n for n, p in network.state_dict(keep_vars=True).items() if id(p) in trained}
    assert moved <= allowed
    frozen_wan = adapted is not Adapted.WHOLE
    inside = {name for name, _ in adapters(network)}
    inside_wan = {n for n in moved if ".block." in n and n not in inside}
    assert (inside_wan == set()) is frozen_wan
    assert any("gate." in n for n in moved)
    assert bool(inside & moved) is (adapted in (Adapted.LORA, Adapted.DECOUPLED))
    if adapted is Adapted.DECOUPLED:
        assert any("links" in n for n in moved)


@pytest.mark.parametrize("adapted", EVERY)
def test_what_is_stored_is_what_is_trained(kit: SimpleNamespace, adapted: Adapted) -> None:
    """By name, even when everything was frozen to draw with."""
    network = adapt(kit.backbone(), chosen(adapted))
    trained = set(network.trained())
    assert trained
    network.requires_grad_(False)
    assert set(adapted_parameters(network)) == trained


@torch.no_grad()
def test_adapted_networks_answer_from_a_cache_as_at_once(kit: SimpleNamespace) -> None:
    for adapted in (Adapted.LORA, Adapted.DECOUPLED):
        network = adapt(kit.backbone(), chosen(adapted))
        kit.randomise(network)
        seen, asked = video(kit)
        expected = network([seen, asked])[1]
        found = network.predict(asked, network.remember(seen, Cache()))
        for a, b in zip(expected, found, strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_decoupled_colours_hear_of_geometry_through_links_alone(kit: SimpleNamespace) -> None:
    network = adapt(kit.backbone(), chosen(Adapted.DECOUPLED))
    kit.randomise(network)
    seen, asked = video(kit)
    other = [
        p if p.kind is Kind.RGB else Picture(p.kind, p.slot, p.content + 1.0, p.level)
        for p in asked.pictures
    ]
    changed = Group(tuple(other), asked.prompt, asked.sees, asked=True)
    told = (network([seen, asked])[1][0] - network([seen, changed])[1][0]).abs().max()
    assert told > 1e-4
    for link in network.links.values():
        link.to_colour.weight.zero_()
    torch.testing.assert_close(network([seen, asked])[1][0], network([seen, changed])[1][0])


def test_checkpointing_reaches_every_branch(kit: SimpleNamespace) -> None:
    gradients = []
    for wanted in (False, True):
        network = adapt(kit.backbone(), chosen(Adapted.DECOUPLED))
        kit.randomise(network)
        network.checkpointing = wanted
        assert network.colour.checkpointing is network.geometry.checkpointing is wanted
        sum(a.square().mean() for a in network(video(kit))[1]).backward()
        gradients.append({n: p.grad for n, p in network.trained().items() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-4)


def test_adapters_are_not_stacked(kit: SimpleNamespace) -> None:
    network = adapt(kit.backbone(), chosen(Adapted.LORA))
    with pytest.raises(ValueError, match="adapters already"):
        adapt(network, chosen(Adapted.LORA))
    with pytest.raises(ValueError, match="do not fit 3 layers"):
        adapt(kit.backbone(), WanAdaptation(Adapted.DECOUPLED, links=9))


def test_other_couplings(kit: SimpleNamespace) -> None:
    """One sequence works as with our own network; shared tokens are refused in words."""
    spatial = build_network(kit.backbone(), ControlConfig(Coupling.SPATIAL))
    assert len(spatial(video(kit))[1]) == 4
    inside = [name for name, _ in adapters(spatial)]
    assert inside
    assert not any("gate" in name for name in inside)  # gates learn by themselves
    with pytest.raises(ValueError, match="WanBackbone"):
        ChannelConcatenation(kit.backbone(), ControlConfig(Coupling.CHANNEL))
    with pytest.raises(ValueError, match="adapters already"):
        build_network(spatial, ControlConfig(Coupling.SPATIAL))


def test_the_trainer_teaches_adapters_of_wan(kit: SimpleNamespace) -> None:
    """The same lessons as our own network's, from pictures without depth; what stays is frozen."""
    from engine.model.codec import Codec, CodecConfig
    from engine.model.model import Model
    from engine.training.buffer import SourceShares
    from engine.training.entries import EntryConfig
    from engine.training.mixture import MixtureConfig
    from engine.training.real_pictures import single_picture
    from engine.training.trainer import Trainer, TrainerConfig

    class OnePicture:
        offer = Offer(depth=False, cameras=False)

        def draw(self, generator: torch.Generator) -> PosedSequence:
            return single_picture(np.full((32, 48, 3), 90, np.uint8))

    codec = Codec(CodecConfig(latent_channels=16, widths=(4, 4, 4), blocks=(0, 0, 0)))
    generator = torch.Generator().manual_seed(0)
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.3)
    base = kit.backbone()
    before = {name: p.detach().clone() for name, p in base.named_parameters()}
    config = TrainerConfig(
        minutes=60,
        steps=2,
        photo_batch=1,
        buffer=1,
        lora=2,
        checkpointing=True,
        entries=EntryConfig(size=(32, 48)),
        mixture=MixtureConfig(bare=1.0),
    )
    model = Model(codec, base, PieceTokenizer(kit.tiny_pieces(), kit.TEXT_LENGTH))
    trainer = Trainer(model, SourceShares((OnePicture(),), (1.0,)), config)
    assert trainer.network.checkpointing
    asked = trainer.syllabus.next()
    assert asked.name == "bare photo"
    inside = dict(adapters(trainer.network))
    assert inside
    started = {name: p.detach().clone() for name, p in inside.items()}
    for _ in range(2):
        trainer._train_step(Running())
    assert any(not torch.equal(p, started[name]) for name, p in inside.items())
    trained = {id(p) for p in trainer.network.parameters() if p.requires_grad}
    for name, parameter in base.named_parameters():
        if id(parameter) not in trained:
            torch.testing.assert_close(parameter, before[name], msg=name)
    assert len(trainer.average.values) == len(trained)
    again = trainer.averaged_model().transformer
    assert {name for name, _ in adapters(again)} == set(inside)
