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
from engine.model.control.concatenated import SpatialConcatenation
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import save_trained
from engine.model.transformer import Transformer

_BRANCH = "branch."


@dataclass(frozen=True)
class Adapted:
    """Attributes:
    network: to be trained; only adapters and projections of geometry ask for gradients.
    control: how it was built.
    base_hash: of the frozen weights.
    """

    network: AnyLayered
    control: ControlConfig
    base_hash: str

    def save(self, path: Path, trained: Mapping[str, Tensor]) -> None:
        """Writes values of what is trained, by the names that `network` has for them."""
        named = {f"{_BRANCH}{name}": value for name, value in trained.items()}
        save_trained(path, named, self.base_hash, self.control)

    def names(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of such a file by the names that `network` has for them."""
        return {name.removeprefix(_BRANCH): value for name, value in stored.items()}


def adapted(base: Transformer, rank: int, seed: int = 0) -> Adapted:
    """`base`, which is frozen in place, with adapters of a rank that say nothing yet.

    Raises:
        ValueError: the rank is below 1.
    """
    lora = LoraConfig(rank, float(rank))
    control = ControlConfig(Coupling.SPATIAL, lora, links=0, seed=seed)
    joint = SpatialConcatenation(base, control)
    return Adapted(joint.branch, control, joint.base_hash)


def adapted_backbone(base: Backbone, rank: int, seed: int = 0) -> Backbone:
    """A network of others with adapters in its layers; saved models of it name what stays.

    Raises:
        ValueError: it is of no known kind, or adapted already.
    """
    from engine.model.backbones.wan.adaptation import adapt, wan_of
    from engine.model.backbones.wan.adapted import Adapted as Way
    from engine.model.backbones.wan.adapted import WanAdaptation

    return adapt(wan_of(base), WanAdaptation(Way.LORA, rank, float(rank), seed=seed))
