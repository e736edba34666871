"""What the numbers of a depth model mean: depth or its inverse, with a unit or without one.

| `model_type` | output | source |
| --- | --- | --- |
| `depth_anything`, `relative` | inverse | Yang et al. 2024: trained on disparity, ReLU, sky is 0 |
| `depth_anything`, `metric` | metric | the same with a head of sigmoid x `max_depth`, in metres |
| `dpt` | inverse | Ranftl et al. 2021: MiDaS, affine-invariant inverse depth |
| `dpt` on `dinov2` | metric | Oquab et al. 2023: heads trained on NYU and KITTI, in metres |
| `zoedepth` | metric | Bhat et al. 2023: bins in metres on a MiDaS backbone |
| `glpn` | metric | Kim et al. 2022: sigmoid x `max_depth`, in metres |
| `depth_pro` | canonical | Bochkovskii et al. 2024: depth = focal length / (width x output) |

Everything else must be told by the user: a wrong guess turns the world inside out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from explorer.store.errors import StoreError


class PriorError(StoreError):
    """A depth model that cannot be used, or that finds no depth; one sentence."""


class DepthKind(Enum):
    """The output of a depth model.

    Attributes:
        INVERSE: inverse depth without a unit; near 0 is sky.
        RELATIVE: depth without a unit.
        METRIC: depth in metres.
        CANONICAL: inverse depth in 1/m as seen by a lens as long as the picture is wide.
    """

    INVERSE = "inverse"
    RELATIVE = "relative"
    METRIC = "metric"
    CANONICAL = "canonical"

    @property
    def metric(self) -> bool:
        """It has a unit."""
        return self in (DepthKind.METRIC, DepthKind.CANONICAL)


_BY_TYPE = {
    "dpt": DepthKind.INVERSE,
    "zoedepth": DepthKind.METRIC,
    "glpn": DepthKind.METRIC,
    "depth_pro": DepthKind.CANONICAL,
}
_DEPTH_ANYTHING = {"relative": DepthKind.INVERSE, "metric": DepthKind.METRIC}


def kind_of(config: Mapping[str, Any]) -> DepthKind | None:
    """By a model's config.json, from the table above; None where it does not say."""
    model_type = config.get("model_type")
    if model_type == "depth_anything":
        return _DEPTH_ANYTHING.get(str(config.get("depth_estimation_type", "relative")))
    backbone = config.get("backbone_config") or {}
    if model_type == "dpt" and not config.get("is_hybrid") and backbone:
        on_dinov2 = backbone.get("model_type") == "dinov2"
        return DepthKind.METRIC if on_dinov2 else DepthKind.INVERSE
    return _BY_TYPE.get(str(model_type))
