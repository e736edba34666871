"""How pictures enter a Wan model and leave it: colours by its own layers, other kinds by ours."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from engine.model.backbones.wan.layers import through
from engine.model.kinds import PATCH, RAY_CHANNELS, Kind
from engine.model.tokens import HINT_EXTRA, Picture, patchify, picture_tokens

#: Drawn and read by Wan's own projections.
_COLOURS = (Kind.RGB, Kind.WARP)
#: Latents that Wan was never trained on; their projections start as copies of Wan's.
_LATENT_GEOMETRY = (Kind.DEPTH, Kind.XYZ)
#: Kinds that are told apart by a vector; Wan's own needs none.
_WITH_VECTOR = (*_LATENT_GEOMETRY, Kind.RAYS, Kind.WARP)
#: Asked beside a hint; only these may answer with it directly.
_HINTED = (Kind.RGB, Kind.DEPTH)


class WanPictures(nn.Module):
    """Projections of other kinds than colours, a vector for each kind, rays and hints.

    At first nothing here touches RGB without rays or hint: its kind has no vector, and what is
    added to the others starts at zero.
    """

    def __init__(self, wan: Any, width: int, channels: int) -> None:
        super().__init__()
        patch = channels * PATCH**2
        self.inputs = nn.ModuleDict({k.name: nn.Linear(patch, width) for k in _LATENT_GEOMETRY})
        self.inputs[Kind.RAYS.name] = nn.Linear(RAY_CHANNELS, width)
        self.outputs = nn.ModuleDict({k.name: nn.Linear(width, patch) for k in _LATENT_GEOMETRY})
        self.outputs[Kind.RAYS.name] = nn.Linear(width, RAY_CHANNELS)
        self.kinds = nn.ParameterDict(
            {kind.name: nn.Parameter(torch.zeros(width)) for kind in _WITH_VECTOR}
        )
        self.rays = nn.Sequential(
            nn.Linear(RAY_CHANNELS, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.no_rays = nn.Parameter(torch.zeros(width))
        hint = (2 * channels + HINT_EXTRA) * PATCH**2
        self.hint_in = nn.Linear(hint, width)
        self.hint_out = nn.ModuleDict({k.name: nn.Linear(hint, patch) for k in _HINTED})
        self._initialise(wan, channels)

    @torch.no_grad()
    def _initialise(self, wan: Any, channels: int) -> None:
        zero = [self.hint_in, *self.hint_out.values(), self.outputs[Kind.RAYS.name]]
        for layer in zero:
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)
        for kind in _LATENT_GEOMETRY:
            own = self.inputs[kind.name]
            assert isinstance(own, nn.Linear)
            own.weight.copy_(wan.patch_embedding.weight.flatten(1))
            own.bias.copy_(wan.patch_embedding.bias)
            out = self.outputs[kind.name]
            assert isinstance(out, nn.Linear)
            # Wan writes the channels of a patch last, our patches have them first.
            order = "(p q c) ... -> (c p q) ..."
            shape = {"p": PATCH, "q": PATCH, "c": channels}
            out.weight.copy_(rearrange(wan.proj_out.weight, order, **shape))
            out.bias.copy_(rearrange(wan.proj_out.bias, order, **shape))

    def tokens(self, picture: Picture, wan: Any) -> Tensor:
        """(B, N, D) of a picture's content and hint, in the type of Wan's weights."""
        weight = wan.patch_embedding.weight
        if picture.kind in _COLOURS:
            content = picture.content.to(weight.dtype).unsqueeze(2)  # one picture is one frame
            found: Tensor = wan.patch_embedding(content).flatten(2).transpose(1, 2)
        else:
            own = self.inputs[picture.kind.name]
            assert isinstance(own, nn.Linear)
            found = through(own, picture_tokens(picture.kind, picture.content))
        if picture.kind.name in self.kinds:
            found = found + self.kinds[picture.kind.name].to(found.dtype)
        if picture.hint is not None:
            found = found + through(self.hint_in, patchify(picture.hint))
        return found.to(weight.dtype)

    def ray_tokens(self, picture: Picture, like: Tensor) -> Tensor:
        """(B, N, D) like `like`, of where each token looks from, as far as that is known."""
        if picture.rays is None:
            return self.no_rays.to(like.dtype).expand_as(like)
        rays = picture_tokens(Kind.RAYS, picture.rays)
        found: Tensor = self.rays(rays.to(self.no_rays.dtype))
        return found.to(like.dtype)

    def velocity(self, x: Tensor, picture: Picture, wan: Any) -> Tensor:
        """noise − clean, like `picture.content`, from normalised final tokens (B, N, D)."""
        rows, columns = picture.grid
        if picture.kind in _COLOURS:
            order = "b (h w) (p q c) -> b c (h p) (w q)"
            tokens = wan.proj_out(x).float()
        else:
            own = self.outputs[picture.kind.name]
            assert isinstance(own, nn.Linear)
            order = "b (h w) (c p q) -> b c (h p) (w q)"
            tokens = through(own, x).float()
        patch = picture.kind.patch
        shape = {"h": rows, "w": columns, "p": patch, "q": patch}
        found: Tensor = rearrange(tokens, order, **shape)
        if picture.hint is not None and picture.kind.name in self.hint_out:
            told = self.hint_out[picture.kind.name]
            assert isinstance(told, nn.Linear)
            extra = through(told, patchify(picture.hint)).float()
            found = found + rearrange(extra, "b (h w) (c p q) -> b c (h p) (w q)", **shape)
        return found
