"""How a memory fuses, keeps and looks up."""

from __future__ import annotations

from dataclasses import dataclass, field

from memory.fusion import FusionConfig
from memory.pictures.looked_up import LookUpConfig


@dataclass(frozen=True)
class MemoryConfig:
    """Attributes:
    fusion: when two things seen are one.
    views_in_ram: how many views stay in RAM when the memory has a folder.
    undo: how many of the last events can be taken back without making the points anew.
    sight_step: retrieval looks at every n-th row and column of what is known.
    views_recalled: how many views from the same place are turned to fill gaps among the points.
    pictures_in_ram: how many large pictures stay in RAM where they can be read again.
    look_up: how a new view is found in large pictures.
    """

    fusion: FusionConfig = field(default_factory=FusionConfig)
    views_in_ram: int = 64
    undo: int = 32
    sight_step: int = 3
    views_recalled: int = 3
    pictures_in_ram: int = 8
    look_up: LookUpConfig = field(default_factory=LookUpConfig)
