"""What the network saw in the pictures of one method, gathered for the kernel distance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from explorer.evaluation.yardstick.together import Features, KernelDistance, kernel_distance


@dataclass
class LookSet:
    """Pooled features (C,) of drawn pictures and their true ones, with the scene of each."""

    true: list[Features] = field(default_factory=list)
    drawn: list[Features] = field(default_factory=list)
    scenes: list[str] = field(default_factory=list)

    def add(self, scene: str, true: Features, drawn: Features) -> None:
        self.true.append(true)
        self.drawn.append(drawn)
        self.scenes.append(scene)

    def distance(self) -> KernelDistance | None:
        """None where the pictures are too few."""
        if not self.true:
            return None
        return kernel_distance(np.stack(self.true), np.stack(self.drawn), self.scenes)


@dataclass
class LooksOfMethod:
    """`whole` pictures, and those that are the truth wherever there is no hole (`holes`)."""

    whole: LookSet = field(default_factory=LookSet)
    holes: LookSet = field(default_factory=LookSet)
