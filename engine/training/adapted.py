"""A transformer with adapters for every lesson, beside its frozen weights: `train model --lora`.

It is the branch of `SpatialConcatenation`: one set of adapters for pictures and geometry, which see
one another as in the plain network, and projections of geometry of its own. So what is trained is
a file like that of `train adapters`, and merged with its base it is a plain transformer again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from engine.model.backbones.backbone import AnyLayered, Backbone
from engine.model.backbones.registry import family_of
from engine.model.control.concatenated import SpatialConcatenation
from engine.model.control.joint_network import ControlConfig
from engine.model.control.networks import save_trained
from engine.model.transformer import Transformer

_BRANCH = "branch."


@dataclass(frozen=True)
class Adapted:
    """Attributes:
    network: to be trained; only adapters and projections of geometry ask for gradients.
    control: how it was built.
    base_hash: of the frozen weights.
    base: where those lie; None where nobody knows.
    """

    network: AnyLayered
    control: ControlConfig
    base_hash: str
    base: Path | None = None

    def save(self, path: Path, trained: Mapping[str, Tensor]) -> None:
        """Writes values of what is trained, by the names that `network` has for them."""
        named = {f"{_BRANCH}{name}": value for name, value in trained.items()}
        save_trained(path, named, self.base_hash, self.control, self.base)

    def names(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of such a file by the names that `network` has for them."""
        return {name.removeprefix(_BRANCH): value for name, value in stored.items()}


def adapted(base: Transformer, rank: int, seed: int = 0) -> Adapted:
    """`base`, which is frozen in place, with adapters of a rank that say nothing yet.

    Raises:
        ValueError: the rank is below 1.
    """
    joint = adapted_backbone(base, rank, seed)
    assert isinstance(joint, SpatialConcatenation)
    return Adapted(joint.branch, joint.control, joint.base_hash)


def adapted_backbone(base: Backbone, rank: int, seed: int = 0) -> Backbone:
    """A network with adapters in its layers, as its kind has them; see `BackboneFamily.adapted`.

    Raises:
        ValueError: it is of no known kind, or adapted already.
    """
    return family_of(base).adapted(base, rank, seed)
