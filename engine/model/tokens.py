"""What the transformer reads: pictures as patches, gathered in groups that see one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from engine.model.encoders.features import Features
from engine.model.kinds import PATCH, Kind

#: Warped RGB latent, warped DEPTH latent and coverage.
HINT_EXTRA = 1


@dataclass(frozen=True)
class Picture:
    """One picture of a query; `engine.model.pictures` makes them.

    Attributes:
        kind: what it shows.
        slot: index of its view within the query.
        content: (B, C, h, w) latent, clean or noisy; for RAYS (B, 6, h/2, w/2) at token resolution.
        level: (B,) one noise level for the picture, or (B, N) one for each token; 0 = observed.
        rays: (B, 6, h/2, w/2) Plücker rays of the view where they are observed, else None.
        hint: (B, 2C + 1, h, w) the warped RGB and DEPTH latents and the coverage, else None.
        features: what image encoders see in it, where the model has some; of a picture with a
            hint, what they see in the hint's colours, holes filled.
    """

    kind: Kind
    slot: int
    content: Tensor
    level: Tensor
    rays: Tensor | None = None
    hint: Tensor | None = None
    features: tuple[Features, ...] = ()

    def __post_init__(self) -> None:
        if self.kind is Kind.RAYS and (self.rays is not None or self.hint is not None):
            raise ValueError("a RAYS picture cannot be given its own rays or a hint")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens."""
        height, width = self.content.shape[-2:]
        return height // self.kind.patch, width // self.kind.patch


@dataclass(frozen=True)
class Group:
    """Pictures that see one another and the earlier groups named in `sees`.

    `sees` holds indices into the list of groups of the same pass; cached groups are always seen.
    `prompt` (B, T) token ids belongs to asked groups only.
    """

    pictures: tuple[Picture, ...]
    prompt: Tensor | None = None
    sees: tuple[int, ...] = ()
    asked: bool = False


def check_rays_hidden(groups: Sequence[Group]) -> None:
    """A view whose RAYS are asked may carry its rays or a hint nowhere: the answer would leak."""
    pictures = [picture for group in groups for picture in group.pictures]
    asked = {p.slot for g in groups if g.asked for p in g.pictures if p.kind is Kind.RAYS}
    for picture in pictures:
        if picture.slot in asked and (picture.rays is not None or picture.hint is not None):
            raise ValueError(
                f"the asked RAYS of slot {picture.slot} could be read from its "
                f"{picture.kind.name} picture; give that one neither rays nor a hint"
            )


def patchify(content: Tensor, patch: int = PATCH) -> Tensor:
    """(B, C, h, w) contents to (B, N, C · patch²) tokens; latents have patches of 2×2."""
    return rearrange(content, "b c (h p) (w q) -> b (h w) (c p q)", p=patch, q=patch)


def unpatchify(tokens: Tensor, rows: int, columns: int, patch: int = PATCH) -> Tensor:
    """Inverse of `patchify`."""
    return rearrange(
        tokens, "b (h w) (c p q) -> b c (h p) (w q)", h=rows, w=columns, p=patch, q=patch
    )


def picture_tokens(kind: Kind, content: Tensor) -> Tensor:
    """(B, N, channels) of any kind."""
    return patchify(content, kind.patch)


def spread(tokens: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
    """(B, N) a value a token to (B, 1, h, w), the same for all of its patch."""
    wide = tokens.view(len(tokens), 1, *grid)
    return wide.repeat_interleave(patch, 2).repeat_interleave(patch, 3)


def token_positions(slot: int, rows: int, columns: int, device: torch.device) -> Tensor:
    """(N, 3) of (slot, row, column); the picture's width always spans 16 units.

    Rows and columns are centred, so that one set of weights serves every resolution and aspect.
    """
    unit = 16.0 / columns
    row = (torch.arange(rows, device=device) + 0.5 - rows / 2) * unit
    column = (torch.arange(columns, device=device) + 0.5 - columns / 2) * unit
    grid = torch.stack(torch.meshgrid(row, column, indexing="ij"), dim=-1).flatten(0, 1)
    return torch.cat([torch.full_like(grid[:, :1], float(slot)), grid], dim=-1)


def prompt_positions(length: int, device: torch.device) -> Tensor:
    """(T, 3): words sit before every view, one column apart."""
    order = torch.arange(length, device=device, dtype=torch.float32)
    return torch.stack([torch.full_like(order, -2.0), torch.zeros_like(order), order], dim=-1)
