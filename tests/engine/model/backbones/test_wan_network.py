"""A Wan model among groups: at first diffusers' own numbers; cached as uncached; every input."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from engine.model.backbones.backbone import Cache
from engine.model.backbones.text import TextEncoder
from engine.model.kinds import Kind
from engine.model.pretrained import load_weights
from engine.model.tokens import Group, Picture
from engine.model.weights_folder import open_folder


def diffusers_clean(kit: SimpleNamespace, pictures: list[Picture], ids: Tensor) -> Tensor:
    """(B, C, T, h, w) by diffusers alone, prompts padded with zeros as its pipeline does."""
    wan, encoder = kit.tiny_wan(), kit.tiny_umt5()
    kept = ids[:, : int((ids != 0).sum(1).max())]
    text = encoder(kept, attention_mask=torch.ones_like(kept)).last_hidden_state
    padded = torch.nn.functional.pad(text, (0, 0, 0, kit.TEXT_LENGTH - text.shape[1]))
    noisy = torch.stack([p.content for p in pictures], dim=2)
    level = pictures[0].level
    velocity = wan(noisy, 1000 * level, padded, return_dict=False)[0]
    return noisy - level.view(-1, 1, 1, 1, 1) * velocity


@pytest.mark.parametrize("caption", ["", "a room with doors"])
@pytest.mark.parametrize("level", [1.0, 0.37])
@torch.no_grad()
def test_fresh_colours_are_those_of_diffusers(
    kit: SimpleNamespace, caption: str, level: float
) -> None:
    pictures = [kit.picture(Kind.RGB, slot, level) for slot in range(3)]
    ids = kit.prompt(Kind.RGB, caption)
    expected = diffusers_clean(kit, pictures, ids)
    found = kit.backbone()([kit.asked(*pictures, ids=ids)])[0]
    torch.testing.assert_close(torch.stack(found, dim=2), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_rays_and_fresh_gates_change_no_colours(kit: SimpleNamespace) -> None:
    """They open exactly; only what is learned may move the picture."""
    network = kit.backbone()
    plain = [kit.picture(Kind.RGB, slot, 0.6) for slot in range(2)]
    told = [kit.picture(Kind.RGB, slot, 0.6, rays=True, hint=True) for slot in range(2)]
    told = [
        Picture(p.kind, p.slot, q.content, p.level, p.rays, p.hint)
        for p, q in zip(told, plain, strict=True)
    ]
    for a, b in zip(network([kit.asked(*plain)])[0], network([kit.asked(*told)])[0], strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)


def trained_backbone(kit: SimpleNamespace):
    """With everything of ours moved away from zero."""
    network = kit.backbone()
    network.freeze()
    kit.randomise(network)
    return network


@torch.no_grad()
def test_cached_passes_equal_one_uncached_pass(kit: SimpleNamespace) -> None:
    network = trained_backbone(kit)
    context = Group(
        (kit.picture(Kind.RGB, 0, 0.0, rays=True), kit.picture(Kind.DEPTH, 0, 0.1, rays=True))
    )
    view = kit.asked(kit.picture(Kind.RGB, 1, 0.7, rays=True, hint=True), sees=(0,))
    drawn = Group((kit.picture(Kind.RGB, 1, 0.0, rays=True),), sees=(0,))
    depth = kit.asked(
        kit.picture(Kind.DEPTH, 1, 0.7, rays=True, hint=True),
        ids=kit.prompt(Kind.DEPTH, "a room"),
        sees=(0, 2),
    )
    whole = network([context, view, drawn, depth])

    cache = network.remember(context, Cache())
    after = network.remember(drawn, cache)
    torch.testing.assert_close(network.predict(view, cache)[0], whole[1][0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(network.predict(depth, after)[0], whole[3][0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_context_cannot_see_what_is_asked(kit: SimpleNamespace) -> None:
    """Otherwise its keys could not be cached."""
    network = trained_backbone(kit)
    first = kit.asked(kit.picture(Kind.RGB, 0, 0.5))
    early = network([first, kit.asked(kit.picture(Kind.RGB, 1, 0.5, seed=2), sees=(0,))])
    late = network([first, kit.asked(kit.picture(Kind.RGB, 1, 0.5, seed=3), sees=(0,))])
    torch.testing.assert_close(early[0][0], late[0][0])
    assert (early[1][0] - late[1][0]).abs().max() > 1e-3


@pytest.mark.parametrize(
    "change", ["rays", "hint", "prompt", "caption", "level", "slot", "context", "kind"]
)
@torch.no_grad()
def test_every_input_reaches_the_answer(kit: SimpleNamespace, change: str) -> None:
    network = trained_backbone(kit)
    plain = kit.picture(Kind.DEPTH, 1, 0.7, rays=True, hint=True)
    values = {"kind": plain.kind, "slot": 1, "level": plain.level}
    values |= {"rays": plain.rays, "hint": plain.hint}
    changes = {"rays": None, "hint": None, "level": plain.level * 0.5, "slot": 3, "kind": Kind.XYZ}
    altered = Picture(
        content=plain.content, **(values | ({change: changes[change]} if change in changes else {}))
    )
    words = {"prompt": kit.prompt(Kind.XYZ), "caption": kit.prompt(Kind.RGB, "a street")}
    context = Group((kit.picture(Kind.RGB, 0, 0.0),))
    other = Group((kit.picture(Kind.RGB, 0, 0.0, seed=8),)) if change == "context" else context
    before = network([context, kit.asked(plain, sees=(0,))])[1][0]
    after = network([other, kit.asked(altered, ids=words.get(change), sees=(0,))])[1][0]
    assert (before - after).abs().max() > 1e-4


@torch.no_grad()
def test_levels_of_single_tokens(kit: SimpleNamespace) -> None:
    """One level for all tokens is the same said once or at each; and each token has its own."""
    network = trained_backbone(kit)
    plain = kit.picture(Kind.RGB, 1, 0.7)
    each = plain.level[:, None].repeat(1, 12)
    said = Picture(plain.kind, 1, plain.content, each)
    one, many = (network([kit.asked(p)])[0][0] for p in (plain, said))
    torch.testing.assert_close(one, many, atol=1e-5, rtol=1e-5)

    each[:, 5] = 0.0  # row 1, column 1: seen
    partly = network([kit.asked(Picture(plain.kind, 1, plain.content, each))])[0][0]
    torch.testing.assert_close(partly[..., 2:4, 2:4], plain.content[..., 2:4, 2:4])
    assert (partly[..., :2, :2] - one[..., :2, :2]).abs().max() > 1e-4


@torch.no_grad()
def test_a_batch_may_mix_prompts_of_different_lengths(kit: SimpleNamespace) -> None:
    network = trained_backbone(kit)
    captions = ("a room with doors", "street")
    ids = torch.cat([kit.prompt(Kind.RGB, caption)[:1] for caption in captions])
    picture = kit.picture(Kind.RGB, 0, 0.8)
    both = network([kit.asked(picture, ids=ids)])[0][0]
    for index in range(2):
        alone = Picture(Kind.RGB, 0, picture.content[index, None], picture.level[index, None])
        single = network([kit.asked(alone, ids=ids[index, None])])[0][0]
        torch.testing.assert_close(both[index, None], single, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_groups_without_a_prompt_read_the_empty_one(kit: SimpleNamespace) -> None:
    network, picture = trained_backbone(kit), kit.picture(Kind.RGB, 0, 0.5)
    empty = torch.tensor([kit.tokenizer().encode(()).ids] * 2)
    silent = network([Group((picture,), asked=True)])[0][0]
    torch.testing.assert_close(silent, network([kit.asked(picture, ids=empty)])[0][0])


@torch.no_grad()
def test_fresh_geometry_starts_where_colours_are(kit: SimpleNamespace) -> None:
    """Its projections are copies of Wan's, in our order of channels; rays answer nothing yet."""
    network = kit.backbone()
    rgb = kit.picture(Kind.RGB, 0, 0.6)
    for kind in (Kind.DEPTH, Kind.XYZ, Kind.WARP):
        same = Picture(kind, 0, rgb.content, rgb.level)
        ids = kit.prompt(Kind.RGB)
        expected = network([kit.asked(rgb, ids=ids)])[0][0]
        torch.testing.assert_close(
            network([kit.asked(same, ids=ids)])[0][0], expected, atol=1e-5, rtol=1e-5
        )
    rays = kit.picture(Kind.RAYS, 0, 0.6)
    torch.testing.assert_close(network([kit.asked(rays)])[0][0], rays.content)


def test_asked_rays_cannot_be_given_away(kit: SimpleNamespace) -> None:
    network = kit.backbone()
    question = kit.asked(kit.picture(Kind.RAYS, 0, 1.0), sees=(0,))
    with pytest.raises(ValueError, match="asked RAYS of slot 0"):
        network([Group((kit.picture(Kind.RGB, 0, 0.0, rays=True),)), question])
    silent = Group((kit.picture(Kind.RGB, 0, 0.0),))
    assert network([silent, question])[1][0].shape == (2, 6, 3, 4)


def test_places_that_wan_does_not_know_are_refused(kit: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="64 frames"):
        kit.backbone()([kit.asked(kit.picture(Kind.RGB, 64, 1.0))])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_channels": 36}, "text-to-video"),
        ({"patch_size": (1, 1, 1)}, "patches"),
    ],
)
def test_other_wan_models_are_refused(
    kit: SimpleNamespace, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kit.backbone(kit.tiny_wan(**changes))


@pytest.mark.parametrize("autocast", [False, True])
@torch.no_grad()
def test_bfloat16_stays_near_float32(kit: SimpleNamespace, autocast: bool, tmp_path: Path) -> None:
    kit.tiny_wan().save_pretrained(tmp_path)
    part = open_folder(tmp_path, ["WanTransformer3DModel"])
    coarse = kit.backbone(load_weights(part, "diffusers", torch.bfloat16))
    coarse.freeze()
    kit.randomise(coarse)
    exact = trained_backbone(kit)
    assert coarse.wan.proj_out.weight.dtype is torch.bfloat16
    assert coarse.layers[0].block.scale_shift_table.dtype is torch.float32
    question = [
        Group((kit.picture(Kind.RGB, 0, 0.0, rays=True),)),
        kit.asked(kit.picture(Kind.DEPTH, 1, 0.7, rays=True, hint=True), sees=(0,)),
    ]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        found = coarse(question)[1][0]
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, exact(question)[1][0], atol=0.1, rtol=0.1)


def test_checkpointing_changes_no_gradient(kit: SimpleNamespace) -> None:
    gradients = []
    for checkpointing in (False, True):
        network = trained_backbone(kit)
        network.checkpointing = checkpointing
        question = kit.asked(kit.picture(Kind.DEPTH, 0, 0.7, rays=True))
        network([question])[0][0].square().mean().backward()
        gradients.append(network.layers[0].gate.camera.weight.grad)
    torch.testing.assert_close(gradients[0], gradients[1])
    assert gradients[0].abs().max() > 0


def test_prompts_are_encoded_once(kit: SimpleNamespace) -> None:
    calls = []

    def load():
        calls.append("load")
        encoder = kit.tiny_umt5()
        encoder.register_forward_hook(lambda *_: calls.append("encode"))
        return encoder

    words = kit.tokenizer()
    text = TextEncoder(load, words.pad, words.encode(()).ids)
    for _ in range(3):
        first = text.rows(kit.prompt(Kind.RGB, "a room"))
        assert first[0] is first[1]
    assert calls == ["load", "encode"]
    text.release()
    assert text.rows(kit.prompt(Kind.RGB, "a room"))[0] is first[0]
    assert text.rows(None)[0].shape == (1, 16)
    assert calls == ["load", "encode", "load", "encode"]


def test_prompts_name_kinds_and_say_what_they_do_not_know(kit: SimpleNamespace) -> None:
    words = kit.tokenizer()
    plain = words.encode((Kind.RGB, Kind.DEPTH))
    assert len(plain.ids) == 3
    assert len(set(plain.ids)) == 3
    told = words.encode(Kind.RGB, "a  purple room")
    assert told.unknown_words == ("purple",)
    assert told.known == 2
    assert len(told.ids) == kit.TEXT_LENGTH
    assert told.ids[0] == plain.ids[0]
    long = words.encode(Kind.RGB, "room " * 50)
    assert len(long.ids) == kit.TEXT_LENGTH
    assert long.ids[-1] == 1  # still ends as the encoder expects
