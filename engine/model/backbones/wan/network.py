"""Wan2.1 as a network that answers queries: one picture is one latent frame of its own.

A picture's slot is its frame, its noise level the timestep of its tokens alone, and a group's
prompt is read by cross attention. One asked group of RGB pictures in slots 0 to T − 1, at one
level, is exactly the forward pass of diffusers' `WanTransformer3DModel` on (B, 16, T, h, w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from engine.model.attention import KeyValue, Span
from engine.model.backbones.backbone import LayeredBackbone
from engine.model.backbones.text import TextEncoder
from engine.model.backbones.wan.adapted import Adapted, WanAdaptation
from engine.model.backbones.wan.layers import CameraGate, Text, WanLayer, WanPass, padded_text
from engine.model.backbones.wan.pictures import WanPictures
from engine.model.control.adapters_file import weights_hash
from engine.model.kinds import PATCH, Kind
from engine.model.tokens import Group, Picture, spread

#: Wan's timesteps for our levels 0 to 1.
_TIMESTEPS = 1000.0
#: To which Wan's pipeline pads prompts.
TEXT_LENGTH = 512


@dataclass(frozen=True)
class WanConfig:
    """The sizes of a Wan model, as its own config has them, and how it is told things.

    Attributes:
        mlp: width inside its feed-forward layers.
        slots: how many frames its rotary positions know.
        text_length: to how many tokens its prompts are padded.
    """

    width: int
    layers: int
    heads: int
    latent_channels: int
    mlp: int
    slots: int
    text_length: int = TEXT_LENGTH


def wan_config(wan: Any, text_length: int = TEXT_LENGTH) -> WanConfig:
    """Of a loaded `WanTransformer3DModel`.

    Raises:
        ValueError: one of the Wan models that this house has no place for.
    """
    own = wan.config
    if own.in_channels != own.out_channels or own.added_kv_proj_dim is not None:
        raise ValueError(
            f"this Wan model wants a picture beside its noise ({own.in_channels} channels in, "
            f"{own.out_channels} out); take a text-to-video one, such as Wan2.1-T2V"
        )
    if tuple(own.patch_size) != (1, PATCH, PATCH):
        raise ValueError(
            f"this Wan model has patches of {tuple(own.patch_size)}, not (1, {PATCH}, {PATCH})"
        )
    return WanConfig(
        width=own.num_attention_heads * own.attention_head_dim,
        layers=own.num_layers,
        heads=own.num_attention_heads,
        latent_channels=own.in_channels,
        mlp=own.ffn_dim,
        slots=own.rope_max_seq_len,
        text_length=text_length,
    )


class WanBackbone(LayeredBackbone[WanPass]):
    """A `WanTransformer3DModel`, and beside it what it lacks: camera gates and other pictures.

    The model that is given is taken apart: it cannot be called any more.

    Attributes:
        wan: the model as diffusers loaded it, without its blocks; nothing of ours is inside it.
        layers: its blocks, each beside a camera gate.
        pictures: how kinds, rays and hints enter and leave.
        text: encodes prompts; frozen and no part of the parameters.
        identity: names Wan's own weights, as `frozen_hash`; found from them where it is left out.
        folder: where Wan's own weights were read.
        adaptation: what of it is trained.
    """

    config: WanConfig
    prompts_are_tokens = False
    folder: Path | None = None
    adaptation = WanAdaptation(Adapted.BESIDE)

    def __init__(
        self,
        wan: Any,
        text: TextEncoder,
        seed: int = 0,
        text_length: int = TEXT_LENGTH,
        identity: str = "",
    ) -> None:
        super().__init__()
        self.config = config = wan_config(wan, text_length)
        self.text, self.identity = text, identity
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.ModuleList(
                [WanLayer(block, CameraGate(config.width)) for block in wan.blocks]
            )
            self.pictures = WanPictures(wan, config.width, config.latent_channels)
        wan.blocks = nn.ModuleList()  # they are in `layers` now, and no weight has two names
        self.wan = wan

    @property
    def depth(self) -> int:
        """See `LayeredBackbone.depth`."""
        return self.config.layers

    def freeze(self) -> None:
        """Freezes Wan's own weights; what stands beside them goes on learning."""
        self.requires_grad_(True)
        self._own_weights().requires_grad_(False)

    def frozen_hash(self) -> str:
        """See `LayeredBackbone.frozen_hash`."""
        return self.identity or weights_hash(self._own_weights())

    def _own_weights(self) -> nn.ModuleList:
        """What diffusers loaded."""
        return nn.ModuleList([self.wan, *(self._layer(i).block for i in range(self.depth))])

    def free_projections(self, kinds: Sequence[Kind]) -> None:
        """Geometry has projections of its own from the start."""

    # -- reading ---------------------------------------------------------------------------

    def embed(self, groups: Sequence[Group]) -> WanPass:
        """See `LayeredBackbone.embed`."""
        tokens, rays, conditions, positions, spans = [], [], [], [], []
        start = 0
        for group in groups:
            for picture in group.pictures:
                tokens.append(self.pictures.tokens(picture, self.wan))
                rays.append(self.pictures.ray_tokens(picture, tokens[-1]))
                conditions.append(self._condition(picture.level, tokens[-1].dtype))
                positions.append(self._positions(picture))
            stop = sum(t.shape[1] for t in tokens)
            spans.append(Span(start, stop, group.sees))
            start = stop
        embedder = self.wan.condition_embedder
        projected = [embedder.time_proj(embedder.act_fn(c)).float() for c in conditions]
        texts, text_of = self._texts(groups, tokens[0])
        return WanPass(
            tokens=torch.cat(tokens, dim=1),
            rays=torch.cat(rays, dim=1),
            conditions=tuple(conditions),
            modulations=tuple(rearrange(p, "b n (six d) -> b n six d", six=6) for p in projected),
            sizes=tuple(t.shape[1] for t in tokens),
            rotary=self._rotary(torch.cat(positions)),
            spans=tuple(spans),
            texts=texts,
            text_of=text_of,
        )

    def _condition(self, level: Tensor, dtype: torch.dtype) -> Tensor:
        """(B,) or (B, N) levels to (B, 1 or N, D)."""
        level = level if level.ndim == 2 else level[:, None]
        embedder = self.wan.condition_embedder
        features = embedder.timesteps_proj(_TIMESTEPS * level.flatten())
        weight = embedder.time_embedder.linear_1.weight
        embedded: Tensor = embedder.time_embedder(features.to(weight.dtype))
        return embedded.to(dtype).view(*level.shape, -1)

    def _positions(self, picture: Picture) -> Tensor:
        """(N, 3) of frame, row and column."""
        rows, columns = picture.grid
        if max(picture.slot, rows, columns) >= self.config.slots:
            raise ValueError(
                f"view {picture.slot} of {rows}x{columns} tokens lies outside of what this Wan "
                f"model knows, {self.config.slots} frames, rows and columns"
            )
        ranges = [torch.arange(n, device=picture.content.device) for n in (rows, columns)]
        grid = torch.stack(torch.meshgrid(*ranges, indexing="ij"), dim=-1).flatten(0, 1)
        return torch.cat([torch.full_like(grid[:, :1], picture.slot), grid], dim=-1)

    def _rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines (N, head width / 2) from Wan's own tables."""
        rope = self.wan.rope
        split = [rope.t_dim, rope.h_dim, rope.w_dim]
        found = []
        # Every angle stands twice in a row of the tables.
        for table in (rope.freqs_cos, rope.freqs_sin):
            axes = table.to(positions.device).split(split, dim=1)
            rows = [axis[positions[:, i]] for i, axis in enumerate(axes)]
            found.append(torch.cat(rows, dim=-1)[:, ::2].float())
        return found[0], found[1]

    def _texts(
        self, groups: Sequence[Group], like: Tensor
    ) -> tuple[tuple[Text, ...], tuple[int, ...]]:
        """Distinct prompts; groups without one read the empty prompt, as Wan's guidance does."""
        rows_of = [self.text.rows(group.prompt) for group in groups]
        names = [tuple(id(row) for row in rows) for rows in rows_of]
        distinct = dict(zip(names, rows_of, strict=True))
        texts = []
        for rows in distinct.values():
            encoded = [row.to(like.device, like.dtype) for row in rows]
            tokens, bias = padded_text(encoded, self.config.text_length)
            texts.append(Text(self.wan.condition_embedder.text_embedder(tokens), bias))
        order = list(distinct)
        return tuple(texts), tuple(order.index(name) for name in names)

    # -- answering -------------------------------------------------------------------------

    def layer(
        self, index: int, x: Tensor, embedded: WanPass, past: KeyValue | None
    ) -> tuple[Tensor, KeyValue]:
        """See `LayeredBackbone.layer`."""
        answer: tuple[Tensor, KeyValue] = self.layers[index](x, embedded, past)
        return answer

    def _layer(self, index: int) -> WanLayer:
        found = self.layers[index]
        assert isinstance(found, WanLayer)
        return found

    def answers(self, x: Tensor, embedded: WanPass, groups: Sequence[Group]) -> list[list[Tensor]]:
        """See `LayeredBackbone.answers`."""
        parts = zip(torch.split(x, list(embedded.sizes), dim=1), embedded.conditions, strict=True)
        answers: list[list[Tensor]] = []
        for group in groups:
            found = []
            for picture, (part, condition) in zip(group.pictures, parts, strict=False):
                if group.asked:
                    found.append(self._answer(part, condition, picture))
            answers.append(found)
        return answers

    def _answer(self, x: Tensor, condition: Tensor, picture: Picture) -> Tensor:
        """Clean content like `picture.content` from its final tokens (B, N, D)."""
        table = self.wan.scale_shift_table.unsqueeze(0) + condition.unsqueeze(2)
        shift, scale = table.unbind(2)
        normed = (self.wan.norm_out(x.float()) * (1 + scale) + shift).type_as(x)
        velocity = self.pictures.velocity(normed, picture, self.wan)
        # noisy = (1 − t) · clean + t · noise, and Wan's velocity is noise − clean.
        return picture.content.float() - _wide_level(picture) * velocity


def _wide_level(picture: Picture) -> Tensor:
    """(B, 1, 1 or h, 1 or w) of a picture's content."""
    level = picture.level.float()
    if level.ndim == 1:
        return level.view(-1, 1, 1, 1)
    return spread(level, picture.grid, picture.kind.patch)
