"""The one transformer: observed pictures and noisy asked ones in, clean latents out.

Every token carries its own noise level. Tokens are gathered in groups; a group sees itself and
the earlier groups that it names, so keys and values of what is already known are computed once
and cached (`remember`), and every sampling step pays only for the asked tokens (`predict`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.attention import KeyValue, Span, rotary_angles
from engine.model.backbones.backbone import Cache as Cache
from engine.model.backbones.backbone import LayeredBackbone
from engine.model.control.adapters_file import weights_hash
from engine.model.layers import Blend, Embedded, Layer
from engine.model.text import Kind
from engine.model.tokens import (
    HINT_EXTRA,
    PATCH,
    RAY_CHANNELS,
    Group,
    Picture,
    patchify,
    picture_tokens,
    prompt_positions,
    token_positions,
    unpatchify,
)


@dataclass(frozen=True)
class TransformerConfig:
    """`words` is the size of the tokenizer; `camera_gate` exists for the ablation of seed 003."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    latent_channels: int = 32
    mlp_ratio: int = 4
    words: int = 512
    camera_gate: bool = True

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 16:
            raise ValueError("width / heads must be a multiple of 16")


def _level_features(level: Tensor, width: int) -> Tensor:
    """(…) levels in [0, 1] to (…, width) sines and cosines."""
    frequencies = torch.exp(torch.linspace(0, math.log(200.0), width // 2, device=level.device))
    phase = level.unsqueeze(-1) * frequencies
    return torch.cat([phase.sin(), phase.cos()], dim=-1)


def preconditioning(level: Tensor) -> tuple[Tensor, Tensor]:
    """(skip, out) so that `skip · noisy + out · network` is the clean latent.

    For unit-variance latents and noise the network's own target then has unit variance at
    every level (Karras et al. 2022, eq. 7, carried over to rectified flow).
    """
    clean, total = 1.0 - level, (1.0 - level).square() + level.square()
    return clean / total, level / total.sqrt()


class Transformer(LayeredBackbone[Embedded]):
    """See the module. `forward` trains, `remember` and `predict` draw; both run the same layers."""

    config: TransformerConfig

    def __init__(self, config: TransformerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TransformerConfig()
        width, patch = config.width, config.latent_channels * PATCH**2
        sizes = {kind: RAY_CHANNELS if kind is Kind.RAYS else patch for kind in Kind}
        self.inputs = nn.ModuleList([nn.Linear(sizes[kind], width) for kind in Kind])
        self.outputs = nn.ModuleList([nn.Linear(width, sizes[kind]) for kind in Kind])
        hint = (2 * config.latent_channels + HINT_EXTRA) * PATCH**2
        self.hint_in = nn.Linear(hint, width)
        self.hint_out = nn.ModuleList([nn.Linear(hint, sizes[kind]) for kind in Kind])
        self.blend = Blend(config.latent_channels)
        self.rays = nn.Sequential(
            nn.Linear(RAY_CHANNELS, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.no_rays = nn.Parameter(torch.zeros(width))
        self.words = nn.Embedding(config.words, width)
        self.level = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.modulation = nn.Linear(width, 6 * width)
        self.final_modulation = nn.Linear(width, 2 * width)
        shape = (width, config.heads, config.mlp_ratio, config.camera_gate)
        self.layers = nn.ModuleList([Layer(*shape) for _ in range(config.layers)])
        self._initialise()

    def _initialise(self) -> None:
        zero = [self.hint_in, self.modulation, self.final_modulation, *self.outputs, *self.hint_out]
        for layer in zero:
            assert isinstance(layer, nn.Linear)
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.words.weight, std=0.5)
        for layer in self.layers:
            assert isinstance(layer, Layer)
            # Gates open a little at the start: with every output at zero as well, a closed
            # residual stream would learn nothing in the first steps.
            layer.offset.data[[2, 5]] = 0.2

    # -- reading ---------------------------------------------------------------------------

    def _embed_picture(self, picture: Picture) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, rays (B, N, D) and level features (B, N or 1, D) of one picture."""
        tokens = self.inputs[picture.kind](picture_tokens(picture.kind, picture.content))
        if picture.hint is not None:
            tokens = tokens + self.hint_in(patchify(picture.hint))
        if picture.rays is None:
            rays = self.no_rays.expand_as(tokens)
        else:
            rays = self.rays(picture_tokens(Kind.RAYS, picture.rays))
        return tokens, rays, self.level_condition(picture, tokens.dtype)

    def level_condition(self, picture: Picture, dtype: torch.dtype) -> Tensor:
        """(B, N or 1, D): what a picture's noise level says, before its activation."""
        level = picture.level if picture.level.ndim == 2 else picture.level[:, None]
        condition: Tensor = self.level(_level_features(level, self.config.width).to(dtype))
        return condition

    def embed(self, groups: Sequence[Group]) -> Embedded:
        """One sequence of all groups, each group's prompt after its pictures."""
        tokens, rays, conditions, positions, spans = [], [], [], [], []
        start = 0
        for group in groups:
            for picture in group.pictures:
                t, r, c = self._embed_picture(picture)
                tokens.append(t)
                rays.append(r)
                conditions.append(F.silu(c))
                positions.append(token_positions(picture.slot, *picture.grid, t.device))
            if group.prompt is not None:
                t = self.words(group.prompt).to(tokens[-1].dtype)
                tokens.append(t)
                rays.append(self.no_rays.expand_as(t))
                observed = torch.zeros_like(t[:, :1, 0])
                features = _level_features(observed, t.shape[-1]).to(t.dtype)
                conditions.append(F.silu(self.level(features)))
                positions.append(prompt_positions(t.shape[1], t.device))
            stop = sum(t.shape[1] for t in tokens)
            spans.append(Span(start, stop, group.sees))
            start = stop
        x = torch.cat(tokens, dim=1)
        angles = rotary_angles(torch.cat(positions), self.config.width // self.config.heads)
        return Embedded(
            tokens=x,
            rays=torch.cat(rays, dim=1),
            conditions=tuple(conditions),
            modulations=tuple(
                rearrange(self.modulation(c), "b n (six d) -> b n six d", six=6) for c in conditions
            ),
            sizes=tuple(t.shape[1] for t in tokens),
            rotary=(angles.cos().to(x.dtype), angles.sin().to(x.dtype)),
            spans=tuple(spans),
        )

    @property
    def depth(self) -> int:
        """See `LayeredBackbone.depth`."""
        return len(self.layers)

    def layer(
        self, index: int, x: Tensor, embedded: Embedded, past: KeyValue | None
    ) -> tuple[Tensor, KeyValue]:
        """See `LayeredBackbone.layer`."""
        answer: tuple[Tensor, KeyValue] = self.layers[index](x, embedded, past)
        return answer

    def keys_values(
        self, index: int, x: Tensor, embedded: Embedded, past: KeyValue | None
    ) -> KeyValue:
        """See `LayeredBackbone.keys_values`."""
        layer = self.layers[index]
        assert isinstance(layer, Layer)
        return layer.keys_values(x, embedded)

    def free_projections(self, kinds: Sequence[Kind]) -> None:
        """See `LayeredBackbone.free_projections`."""
        for kind in kinds:
            for own in (self.inputs, self.outputs):
                own[kind] = copy.deepcopy(own[kind]).requires_grad_(True)

    def frozen_hash(self) -> str:
        """See `LayeredBackbone.frozen_hash`."""
        return weights_hash(self)

    # -- answering -------------------------------------------------------------------------

    def answer(self, x: Tensor, condition: Tensor, picture: Picture) -> Tensor:
        """Clean content like `picture.content` from its final tokens (B, N, D)."""
        shift, scale = self.final_modulation(condition).chunk(2, dim=-1)
        normed = F.layer_norm(x, (x.shape[-1],)) * (1 + scale) + shift
        tokens = self.outputs[picture.kind](normed)
        if picture.hint is not None:
            tokens = tokens + self.hint_out[picture.kind](patchify(picture.hint))
        level = picture.level if picture.level.ndim == 2 else picture.level[:, None]
        skip, out = preconditioning(level.unsqueeze(-1))
        rows, columns = picture.grid
        if picture.kind is Kind.RAYS:
            clean = skip * picture_tokens(Kind.RAYS, picture.content) + out * tokens
            rays: Tensor = rearrange(clean, "b (h w) c -> b c h w", h=rows)
            return rays
        blended = patchify(self.blend(unpatchify(tokens, rows, columns)))
        return unpatchify(skip * patchify(picture.content) + out * blended, rows, columns)

    def answers(self, x: Tensor, embedded: Embedded, groups: Sequence[Group]) -> list[list[Tensor]]:
        parts = iter(
            zip(torch.split(x, list(embedded.sizes), dim=1), embedded.conditions, strict=True)
        )
        answers: list[list[Tensor]] = []
        for group in groups:
            found = []
            for picture in group.pictures:
                part, condition = next(parts)
                if group.asked:
                    found.append(self.answer(part, condition, picture))
            if group.prompt is not None:
                next(parts)
            answers.append(found)
        return answers
