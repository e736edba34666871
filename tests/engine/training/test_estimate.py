"""Estimates against what torch counts on random models, tiny and medium."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.model.text import Tokenizer
from engine.model.tokens import Group
from engine.model.transformer import Transformer, TransformerConfig
from engine.training.adapted import adapted
from engine.training.checkpointing import set_checkpointing
from engine.training.cli import main
from engine.training.entries import PhotoEntry, WalkEntry
from engine.training.estimate import (
    GIB,
    NETWORKS,
    Network,
    Step,
    activation_numbers,
    forward_flops,
    gpu_named,
    hours,
    lora_parameters,
    memory,
    step_flops,
)
from engine.training.estimate_command import own_network, with_adapters
from engine.training.mixture import Lesson, LessonPlan, MixtureConfig
from engine.training.optimisers import build_optimisers
from engine.training.planned import (
    buffer_bytes,
    lesson_pass,
    photo_pass,
    planned_steps,
    walk_pass,
)
from engine.training.syllabus import LessonKind, SyllabusConfig

TINY = TransformerConfig(width=64, layers=2, heads=1, latent_channels=8, words=32)
MEDIUM = TransformerConfig(width=192, layers=3, heads=3, latent_channels=32, words=64)
#: (h, w) of latents.
SIZES = {TINY: (4, 6), MEDIUM: (8, 12)}


def network(shape: TransformerConfig) -> Transformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Transformer(shape).train()


def lesson(shape: TransformerConfig, contexts: int, depth: bool = True) -> Lesson:
    """A real one of the walk, of random latents; of photos where there is no context."""
    generator = torch.Generator().manual_seed(0)
    channels, (h, w) = shape.latent_channels, SIZES[shape]
    views = contexts + 1

    def draw(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator)

    config = MixtureConfig(drop_geometry=0.0 if depth else 1.0, drop_hint=0.0, drop_caption=1.0)
    plan = LessonPlan(config, Tokenizer([]), generator, torch.Generator().manual_seed(1))
    if not contexts:
        photo = PhotoEntry(draw(channels, h, w), draw(channels, h, w), draw(6, h // 2, w // 2), "")
        return plan.photo([photo] * 2)
    walk = WalkEntry(
        draw(views, channels, h, w),
        draw(views, channels, h, w),
        draw(views, 6, h // 2, w // 2),
        draw(1, 2 * channels + 1, h, w),
        contexts,
        "",
    )
    return plan.walk([walk] * 2)


def kept_bytes(model: nn.Module, groups: tuple[Group, ...]) -> int:
    """What the forward pass leaves for the backward pass, weights and the lesson not counted."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    for group in groups:
        for p in group.pictures:
            given = (p.content, p.level, p.rays, p.hint)
            own |= {t.untyped_storage().data_ptr() for t in given if t is not None}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []  # a freed address would be counted as the next tensor's

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        model(groups)
    return sum(kept.values())


def counted_flops(model: nn.Module, groups: tuple[Group, ...]) -> tuple[int, int]:
    """Of the forward pass, and of both. Torch counts attention in its plain form alone."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        answers = [a for group in model(groups) for a in group]
        forward = counter.get_total_flops()
        torch.stack([a.square().mean() for a in answers]).sum().backward()
    return forward, counter.get_total_flops()


def planned(shape: TransformerConfig, contexts: int, depth: bool) -> Step:
    h, w = SIZES[shape]
    tokens = h * w // 4
    sample = walk_pass(tokens, contexts, 1, depth) if contexts else photo_pass(tokens)
    return Step("", 1.0, 2, sample)


@pytest.mark.parametrize("shape", [TINY, MEDIUM], ids=["tiny", "medium"])
@pytest.mark.parametrize(("contexts", "depth"), [(0, True), (2, True), (2, False)])
def test_activations_and_states_are_what_torch_keeps(
    shape: TransformerConfig, contexts: int, depth: bool
) -> None:
    model = network(shape)
    real, step = lesson(shape, contexts, depth), planned(shape, contexts, depth)
    found = memory(own_network(shape), [step], 0.0, autocast=False)
    states = found.weights + found.gradients + found.optimiser

    optimisers = build_optimisers(model, 1e-3)
    answers = [a for group in model(real.groups) for a in group]
    torch.stack([a.square().mean() for a in answers]).sum().backward()
    for optimiser in optimisers:
        optimiser.step()
    measured = sum(p.numel() * 4 for p in model.parameters())
    measured += sum(p.grad.numel() * 4 for p in model.parameters() if p.grad is not None)
    for optimiser in optimisers:
        for state in optimiser.state.values():
            measured += sum(t.numel() * 4 for t in state.values() if isinstance(t, Tensor))
    activations = kept_bytes(model, real.groups)
    assert found.activations == pytest.approx(activations, rel=0.25)
    assert states == pytest.approx(measured, rel=0.25)
    assert states + found.activations == pytest.approx(measured + activations, rel=0.25)


def test_checkpointing_keeps_a_layer_and_the_inputs_of_all() -> None:
    """What is kept until backward; while a layer runs again, its own is added once."""
    model, real = network(MEDIUM), lesson(MEDIUM, 2)
    sample, shape = planned(MEDIUM, 2, True).sample, own_network(MEDIUM)
    set_checkpointing(model, True)
    kept = 2 * 4 * activation_numbers(shape, sample, True)
    one = replace(shape, layers=1)
    layer = activation_numbers(one, sample, False) - activation_numbers(
        replace(shape, layers=0), sample, False
    )
    assert kept - 2 * 4 * layer == pytest.approx(kept_bytes(model, real.groups), rel=0.25)


@pytest.mark.parametrize("shape", [TINY, MEDIUM], ids=["tiny", "medium"])
@pytest.mark.parametrize(("contexts", "depth"), [(0, True), (2, True)])
def test_flops_are_what_torch_counts(shape: TransformerConfig, contexts: int, depth: bool) -> None:
    model = network(shape)
    real, step = lesson(shape, contexts, depth), planned(shape, contexts, depth)
    forward, both = counted_flops(model, real.groups)
    described = own_network(shape)
    assert 2 * forward_flops(described, step.sample) == pytest.approx(forward, rel=0.25)
    assert step_flops(described, [step], False) == pytest.approx(both, rel=0.25)


def test_flops_with_adapters_and_checkpointing() -> None:
    real, step = lesson(MEDIUM, 2), planned(MEDIUM, 2, True)
    model = network(MEDIUM)
    set_checkpointing(model, True)
    both = counted_flops(model, real.groups)[1]
    assert step_flops(own_network(MEDIUM), [step], True) == pytest.approx(both, rel=0.25)
    branch = adapted(network(MEDIUM), 8).network
    both = counted_flops(branch, real.groups)[1]
    described = with_adapters(own_network(MEDIUM), 8)
    assert step_flops(described, [step], False) == pytest.approx(both, rel=0.25)


def test_adapters_are_counted() -> None:
    branch = adapted(network(MEDIUM), 8).network
    down_up = sum(
        p.numel()
        for name, p in branch.named_parameters()
        if name.startswith("layers.") and name.endswith((".down", ".up"))
    )
    assert lora_parameters(own_network(MEDIUM), 8) == down_up
    with pytest.raises(ValueError, match="rank of at least 1"):
        with_adapters(own_network(MEDIUM), 0)


def test_planned_tokens_are_those_of_lessons() -> None:
    for contexts in (0, 1, 3):
        real = lesson(TINY, contexts)
        sizes = [
            sum(math.prod(p.grid) for p in g.pictures)
            + (0 if g.prompt is None else g.prompt.shape[1])
            for g in real.groups
        ]
        exact = lesson_pass([(n, g.sees, g.asked) for n, g in zip(sizes, real.groups, strict=True)])
        assert planned(TINY, contexts, True).sample == exact


def test_the_parameters_of_the_wan_are_published_ones() -> None:
    """1.3 and 14 billion by their names; gates come on top."""
    for name, published in (("wan2.1-t2v-1.3b", 1.42e9), ("wan2.1-14b", 14.3e9)):
        wan = NETWORKS[name]
        gates = wan.layers * 2 * wan.width**2
        assert wan.parameters - gates == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize(("width", "heads"), [(128, 2), (256, 4)])
def test_a_layer_of_wan_keeps_what_is_estimated(width: int, heads: int) -> None:
    """Measured on diffusers' own, which has no camera gates."""
    diffusers = pytest.importorskip("diffusers", reason='pip install "photowalk[models]"')
    text, latents = 64, torch.randn(1, 16, 3, 8, 12, generator=torch.Generator().manual_seed(0))

    def kept(layers: int) -> int:
        model = diffusers.WanTransformer3DModel(
            num_attention_heads=heads,
            attention_head_dim=width // heads,
            text_dim=64,
            freq_dim=32,
            ffn_dim=4 * width,
            num_layers=layers,
        )
        own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        found: dict[int, int] = {}
        alive = []

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                found[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            model(latents, torch.tensor([10]), torch.zeros(1, text, 64), return_dict=False)
        return sum(found.values())

    # Gates keep five widths: rays and query, residual and gate, and what the gate multiplies.
    wan = NETWORKS["wan2.1-t2v-1.3b"]
    plain = Network(1, width, 4 * width, 64, 1, 1, gated=False, text=text, kept=wan.kept - 5)
    sample = lesson_pass([(3 * 4 * 6, (), True)])
    none = activation_numbers(replace(plain, layers=0), sample, False)
    layer = 4 * (activation_numbers(plain, sample, False) - none)
    assert layer == pytest.approx((kept(3) - kept(1)) / 2, rel=0.25)


def test_full_buffers_are_counted_to_the_byte() -> None:
    config = SyllabusConfig(buffer=1, context_shares=(1.0,))
    config = replace(config, entries=replace(config.entries, size=(32, 48), targets=1))
    numbers = 2 * (2 * 8 * 24 + 6 * 6) + 2 * 8 * 24
    assert buffer_bytes(config, {LessonKind.WALK: 1.0}, 8) == 4 * numbers


def test_small_single_views_are_counted_small() -> None:
    config = SyllabusConfig(buffer=1)
    small = replace(config, photos=(replace(config.entries, size=(32, 48)),))
    shares = {LessonKind.PHOTO: 1.0}
    assert planned_steps(small, shares)[0].sample == photo_pass(6)
    assert planned_steps(config, shares)[0].sample == photo_pass(144)
    both = replace(small, photos=(*small.photos, config.entries), photo_batch=48)
    steps = [(s.share, s.batch, s.sample) for s in planned_steps(both, shares)]
    assert steps == [(0.5, 48, photo_pass(6)), (0.5, 2, photo_pass(144))]
    one = 4 * (2 * 8 * 24 + 6 * 6)
    assert buffer_bytes(small, shares, 8) == one
    assert buffer_bytes(replace(small, photo_buffer=7), shares, 8) == 7 * one


def test_shards_share_the_states_and_nothing_else() -> None:
    wan, step = NETWORKS["wan2.1-t2v-1.3b"], planned(MEDIUM, 2, True)
    one, eight = memory(wan, [step], 0.0), memory(wan, [step], 0.0, gpus=8)
    assert eight.weights == one.weights / 8
    assert eight.gradients == one.gradients / 8
    assert eight.activations == one.activations
    assert eight.total(True) < one.total(True)
    assert one.total(True) < one.total(False)


def test_gpus_by_name_and_by_number() -> None:
    assert gpu_named("H100").memory == 80 * GIB
    assert gpu_named("1e15,141").flops == 1e15
    with pytest.raises(ValueError, match="neither h100"):
        gpu_named("abacus")
    assert hours(0.5e12, 3600, gpu_named("1e12,1"), 0.5) == pytest.approx(1.0)


def test_the_command_prints_and_trains_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["model", "--estimate", "wan2.1-t2v-1.3b", "--lora", "64", "--gpus", "8"]
    assert main([*arguments, "--size", "832x480", "--steps", "1000", "--walk-batch", "1"]) == 0
    told = capsys.readouterr().out
    assert "adapters of rank 64" in told
    assert "on each of 8" in told
    assert "hours for 1000 steps" in told
    assert "30% of h100's peak" in told
    assert main(["model", "--estimate", "gpt"]) == 2
    assert "knows wan2.1" in capsys.readouterr().err
    assert main(["model", "--estimate", "--samples", "100000", "--gpu", "989e12,80"]) == 0
    assert "our transformer, all weights" in capsys.readouterr().out
