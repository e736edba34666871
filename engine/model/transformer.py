"""The one transformer: observed pictures and noisy asked ones in, clean latents out.

Every token carries its own noise level. Tokens are gathered in groups; a group sees itself and
the earlier groups that it names, so keys and values of what is already known are computed once
and cached (`remember`), and every sampling step pays only for the asked tokens (`predict`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.attention import KeyValue, Span, rotary_angles
from engine.model.backbones.backbone import Cache as Cache
from engine.model.backbones.backbone import LayeredBackbone
from engine.model.control.adapters_file import weights_hash
from engine.model.encoders.conditioning import FeatureInputs
from engine.model.encoders.features import EncoderDescription, FeatureLevel
from engine.model.kinds import FIRST_KINDS, KINDS, PATCH, RAY_CHANNELS, Kind
from engine.model.layers import Blend, Embedded, Layer
from engine.model.tokens import (
    HINT_EXTRA,
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
    """`words` is the size of the tokenizer; `camera_gate` exists for the ablation of seed 003;
    `encoders` are those whose features pictures may bring, each with the levels that are read."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    latent_channels: int = 32
    mlp_ratio: int = 4
    words: int = 512
    camera_gate: bool = True
    encoders: tuple[EncoderDescription, ...] = ()

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 16:
            raise ValueError("width / heads must be a multiple of 16")


def transformer_config(fields: Mapping[str, Any]) -> TransformerConfig:
    """From JSON, as `dataclasses.asdict` made it."""
    described = [
        EncoderDescription(
            told["name"], told["source"], tuple(FeatureLevel(**level) for level in told["levels"])
        )
        for told in fields.get("encoders", ())
    ]
    return TransformerConfig(**{**fields, "encoders": tuple(described)})


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
        width = config.width
        sizes = {k.name: k.channels(config.latent_channels) * k.patch**2 for k in KINDS.values()}
        self.inputs = nn.ModuleDict({k: nn.Linear(size, width) for k, size in sizes.items()})
        self.outputs = nn.ModuleDict({k: nn.Linear(width, size) for k, size in sizes.items()})
        hint = (2 * config.latent_channels + HINT_EXTRA) * PATCH**2
        self.hint_in = nn.Linear(hint, width)
        self.hint_out = nn.ModuleDict({k: nn.Linear(hint, size) for k, size in sizes.items()})
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
        self.features = FeatureInputs(config.encoders, width)
        self.hint_features = FeatureInputs(config.encoders, width)
        self._initialise()
        self.register_load_state_dict_pre_hook(_as_stored_now)  # type: ignore[no-untyped-call]

    def _initialise(self) -> None:
        zero: list[nn.Module] = [self.hint_in, self.modulation, self.final_modulation]
        zero += [*self.outputs.values(), *self.hint_out.values()]
        for layer in zero:
            assert isinstance(layer, nn.Linear)
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.words.weight, std=0.5)
        for block in self.layers:
            assert isinstance(block, Layer)
            # Gates open a little at the start: with every output at zero as well, a closed
            # residual stream would learn nothing in the first steps.
            block.offset.data[[2, 5]] = 0.2

    # -- reading ---------------------------------------------------------------------------

    def _embed_picture(self, picture: Picture) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, rays (B, N, D) and level features (B, N or 1, D) of one picture."""
        tokens = self.inputs[picture.kind.name](picture_tokens(picture.kind, picture.content))
        if picture.hint is not None:
            tokens = tokens + self.hint_in(patchify(picture.hint))
        read = self.features if picture.hint is None else self.hint_features
        for features in picture.features:
            tokens = tokens + read(features, picture.grid)
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
                own[kind.name] = copy.deepcopy(own[kind.name]).requires_grad_(True)

    def frozen_hash(self) -> str:
        """See `LayeredBackbone.frozen_hash`."""
        return weights_hash(self)

    # -- answering -------------------------------------------------------------------------

    def answer(self, x: Tensor, condition: Tensor, picture: Picture) -> Tensor:
        """Clean content like `picture.content` from its final tokens (B, N, D)."""
        shift, scale = self.final_modulation(condition).chunk(2, dim=-1)
        normed = F.layer_norm(x, (x.shape[-1],)) * (1 + scale) + shift
        tokens = self.outputs[picture.kind.name](normed)
        if picture.hint is not None:
            tokens = tokens + self.hint_out[picture.kind.name](patchify(picture.hint))
        level = picture.level if picture.level.ndim == 2 else picture.level[:, None]
        skip, out = preconditioning(level.unsqueeze(-1))
        rows, columns = picture.grid
        if not picture.kind.encoded:
            clean = skip * picture_tokens(picture.kind, picture.content) + out * tokens
            return unpatchify(clean, rows, columns, picture.kind.patch)
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


#: Projections that were stored by the number of their kind before they were stored by its name.
_BY_KIND = ("inputs", "outputs", "hint_out")


def _as_stored_now(network: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Brings the state of an earlier version to today's names before it is loaded.

    What an earlier version did not have stays as it was made: projections of kinds and encoders
    that came later, and the words that ask for them.
    """
    own = network.state_dict()
    for part in _BY_KIND:
        for number, name in enumerate(FIRST_KINDS):
            for end in ("weight", "bias"):
                old = f"{prefix}{part}.{number}.{end}"
                if old in state:
                    state[f"{prefix}{part}.{name}.{end}"] = state.pop(old)
    later = [f"{part}.{k}." for part in _BY_KIND for k in KINDS if k not in FIRST_KINDS]
    for name, value in own.items():
        if name.startswith(("features.", "hint_features.", *later)):
            state.setdefault(prefix + name, value)
    words = state.get(f"{prefix}words.weight")
    if words is not None and len(words) < len(own["words.weight"]):
        state[f"{prefix}words.weight"] = torch.cat([words, own["words.weight"][len(words) :]])
