"""A Wan model among groups: at first diffusers' own numbers; cached as uncached; every input."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from engine.model.text import Kind
from engine.model.tokens import Picture


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
