"""The default: views that together see most of what the asked camera sees, and see it well.

Which surfaces the camera sees is z-tested on the memory's own surfels, and each surfel knows the
views that see it, so walls are respected on both sides. Each pick is the view that adds most to
what the views before it show (greedy facility location, within 1 − 1/e of the best choice:
Nemhauser, Wolsey & Fisher 1978).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from memory.retrieval.pose import pose
from memory.retrieval.query import Query, Retrieved, Sight

#: Only so many views, those that show most on their own, compete.
_CANDIDATES = 96
#: A pick that adds less than this share of the picture is not worth its computing time.
_LEAST_GAIN = 2e-3
#: A known sky pixel counts this much: sky has little to be got wrong.
_SKY_WORTH = 0.3


def coverage(query: Query) -> list[Retrieved]:
    """Best first; shares are of the whole picture. Falls back on `pose` where nothing is known."""
    sight = query.sight
    ids, worth = _worth(query, sight)
    chosen: list[Retrieved] = []
    shown = torch.zeros_like(worth[0]) if len(ids) else worth.new_zeros(0)
    while len(chosen) < min(query.count, len(ids)):
        gains = (worth - shown).clamp_min(0).sum(dim=1) / sight.pixels
        best = int(gains.argmax())
        if gains[best] < _LEAST_GAIN:
            break
        share = float((worth[best] > 0).sum()) / sight.pixels
        chosen.append(Retrieved(int(ids[best]), share))
        shown = torch.maximum(shown, worth[best])
    return chosen or pose(query)


def _worth(query: Query, sight: Sight) -> tuple[Tensor, Tensor]:
    """Candidates (V,) in the order of their ids, and how well each shows each pixel, (V, S + T).

    The worth of a surfel in a view is the resolution that the view has there relative to the asked
    camera's (at most 1), times the cosine of the angle between the two lines of sight.
    """
    seen_by = torch.cat(
        [sight.seen_by, _padded(sight.sky_views, sight.seen_by.shape[1])]
    )  # (S + T, SLOTS)
    sample, slot = (seen_by >= 0).nonzero(as_tuple=True)
    ids, candidate = torch.unique(seen_by[sample, slot], return_inverse=True)
    value = _SKY_WORTH * torch.ones(len(sample), device=sample.device)
    on_surface = sample < len(sight.positions)
    value[on_surface] = _surface_worth(query, sight, ids, candidate[on_surface], sample[on_surface])
    if len(ids) > _CANDIDATES:
        alone = torch.zeros(len(ids), device=value.device).index_add_(0, candidate, value)
        kept = alone.topk(_CANDIDATES).indices.sort().values
        place = torch.full((len(ids),), -1, dtype=torch.int64, device=value.device)
        place[kept] = torch.arange(len(kept), device=value.device)
        inside = place[candidate] >= 0
        ids, candidate = ids[kept], place[candidate[inside]]
        sample, value = sample[inside], value[inside]
    worth = torch.zeros(len(ids), len(seen_by), device=value.device)
    worth[candidate, sample] = value
    return ids, worth


def _padded(sky_views: Tensor, slots: int) -> Tensor:
    """(T, slots): the view in the first place, −1 elsewhere."""
    return F.pad(sky_views[:, None], (0, slots - 1), value=-1)


def _surface_worth(
    query: Query, sight: Sight, ids: Tensor, candidate: Tensor, sample: Tensor
) -> Tensor:
    device = sight.positions.device
    index = torch.searchsorted(torch.as_tensor(query.poses.ids, device=device), ids.long())
    centres, focals, asked = (
        torch.tensor(x, dtype=torch.float32, device=device)
        for x in (query.poses.positions, query.poses.lenses[:, 0], query.camera.position)
    )
    centres, focals = centres[index], focals[index]
    points = sight.positions[sample]
    to_view, to_asked = centres[candidate] - points, asked - points
    far_view, far_asked = to_view.norm(dim=-1), to_asked.norm(dim=-1)
    cosine = (to_view * to_asked).sum(-1) / (far_view * far_asked).clamp_min(1e-20)
    finer: Tensor = focals[candidate] / far_view / (query.camera.intrinsics.fx / far_asked)
    worth: Tensor = finer.clamp_max(1) * cosine.clamp_min(0)
    return worth
