"""How a model is brought into the memory that is free: arithmetic alone, nothing is moved here.

A backbone has up to three parts that need memory: the transformer, the codec, and a text encoder
that is asked once a prompt. What does not fit at once can take turns: the text encoder leaves
after it encoded the prompt; the codec works on tiles; layers visit the device one after the
other. Plans are tried in that order, each slower than the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Allocators hand out blocks and keep some of them: so much is taken for 100 that are asked for.
ALLOCATOR_PERCENT = 110


@dataclass(frozen=True)
class Part:
    """Weights of one network, in bytes.

    Attributes:
        weights: all of them.
        layers: those inside its repeated layers that can come and go; 0 where it has none.
        largest: the most that comes at once.
    """

    weights: int = 0
    layers: int = 0
    largest: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.largest <= self.layers <= self.weights:
            raise ValueError(
                f"of {self.weights} bytes of weights {self.layers} cannot be in layers, and "
                f"{self.largest} of those come at once"
            )

    @property
    def visited(self) -> int:
        """What is on the device while layers visit it one at a time."""
        return self.weights - self.layers + self.largest


@dataclass(frozen=True)
class MemoryNeeds:
    """What drawing a view takes, in bytes.

    Attributes:
        transformer, codec, text: weights; a model whose words are its own has no text encoder.
        drawing: the most that a pass of the transformer needs beside weights, its memory of the
            context included.
        coding: the same for the codec on whole pictures.
        tile: the same on one tile; equal to `coding` where the codec cannot work on tiles.
        prompting: the same for the text encoder.
    """

    transformer: Part
    codec: Part
    drawing: int
    coding: int
    tile: int
    text: Part = Part()
    prompting: int = 0

    def __post_init__(self) -> None:
        if self.tile > self.coding:
            raise ValueError("a tile cannot need more than the whole picture")


@dataclass(frozen=True)
class MemoryPlan:
    """How a model shares the device's memory.

    Attributes:
        text_leaves: the text encoder goes back to the computer's memory once a prompt is encoded;
            on a CPU it is let go of.
        codec_tiled: the codec works on tiles.
        layers_visit: weights of the transformer's layers come to the device one after the other,
            and the text encoder works where it lies, in the computer's memory.
        need: bytes on the device at the worst moment.
        host_need: bytes that lie in the computer's memory meanwhile.
    """

    text_leaves: bool = False
    codec_tiled: bool = False
    layers_visit: bool = False
    need: int = 0
    host_need: int = 0

    @property
    def rank(self) -> int:
        """0 is the best; each further one is slower."""
        return _ORDER.index((self.text_leaves, self.codec_tiled, self.layers_visit))

    def words(self, device: str = "GPU") -> str:
        """How the model fits, for people."""
        turns = []
        if self.layers_visit:
            turns.append("layers brought in one at a time, words encoded on the CPU")
        elif self.text_leaves:
            turns.append("text encoder let go once the prompt is encoded")
        if self.codec_tiled:
            turns.append("codec on tiles")
        return f"on the {device}, " + (", ".join(turns) if turns else "all at once")


#: (text_leaves, codec_tiled, layers_visit), the quickest first.
_ORDER = (
    (False, False, False),
    (True, False, False),
    (True, True, False),
    (True, False, True),
    (True, True, True),
)


def plans(needs: MemoryNeeds, device_is_host: bool = False) -> tuple[MemoryPlan, ...]:
    """Every way that can be tried, the quickest first.

    Args:
        device_is_host: the device is the CPU, whose memory holds offloaded weights anyway: layers
            do not visit it, and a text encoder that leaves is gone.
    """
    found = []
    for text_leaves, tiled, visit in _ORDER:
        if visit and (device_is_host or not needs.transformer.layers):
            continue
        plan = MemoryPlan(text_leaves, tiled, visit)
        waiting = (needs.text.weights if text_leaves else 0) + (
            needs.transformer.layers if visit else 0
        )
        host = 0 if device_is_host else waiting
        found.append(replace(plan, need=_worst_moment(needs, plan), host_need=host))
    return tuple(found)


def choose_plan(
    needs: MemoryNeeds, free: int, free_host: int = 0, device_is_host: bool = False
) -> MemoryPlan | None:
    """The quickest plan that fits; None where none does.

    Args:
        free: bytes on the device.
        free_host: bytes in the computer's memory, for what leaves the device.
    """
    for plan in plans(needs, device_is_host):
        if plan.need <= free and plan.host_need <= free_host:
            return plan
    return None


def least_need(needs: MemoryNeeds, device_is_host: bool = False) -> int:
    """Bytes on the device under the most sparing plan, for saying what is missing."""
    return min(plan.need for plan in plans(needs, device_is_host))


def _worst_moment(needs: MemoryNeeds, plan: MemoryPlan) -> int:
    """Bytes on the device while the prompt is encoded or a view drawn, whichever is more."""
    working = max(needs.drawing, needs.tile if plan.codec_tiled else needs.coding)
    if plan.layers_visit:
        whole = needs.transformer.visited + needs.codec.weights + working
    else:
        networks = needs.transformer.weights + needs.codec.weights
        drawing, prompting = networks + working, needs.text.weights + needs.prompting
        if plan.text_leaves:
            whole = max(drawing, prompting)
        else:
            whole = networks + needs.text.weights + max(working, needs.prompting)
    return -(-whole * ALLOCATOR_PERCENT // 100)
