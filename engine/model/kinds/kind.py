"""What a picture shows, as an object: all that the rest of the house must know of one kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

#: Side of a token's patch in latent pixels.
PATCH = 2


class Kind(ABC):
    """One kind of picture. There is one object for each, found by its name in `KINDS`.

    Attributes:
        name: by which projections, decoders and entries are stored: never changed, never reused.
        prompt: the word that asks for it (seed 003 §4.3, `<Image>`, `<Geometry>`).
        loss_weight: of the mean squared error of its contents in training.
        encoded: its pictures go through the codec; else their values are tokens as they are.
        patch: side of a token in pixels of its content.
        looked_at: image encoders look at its observed pictures.
        seamless: steps between a codec's patches would be seen in it, and are taken out.
        guided: what is drawn is smoothed under the view's colours and its edges made steps.
    """

    RGB: ClassVar[Kind]
    DEPTH: ClassVar[Kind]
    XYZ: ClassVar[Kind]
    RAYS: ClassVar[Kind]
    WARP: ClassVar[Kind]

    encoded: ClassVar[bool] = True
    patch: ClassVar[int] = PATCH
    looked_at: ClassVar[bool] = False
    seamless: ClassVar[bool] = False
    guided: ClassVar[bool] = False

    def __init__(self, name: str, prompt: str, loss_weight: float = 1.0) -> None:
        self.name, self.prompt, self.loss_weight = name, prompt, loss_weight

    def __repr__(self) -> str:
        return f"Kind.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """The one object of this name again, in other processes too."""
        return kind_named, (self.name,)

    def __deepcopy__(self, memo: dict[int, object]) -> Kind:
        return self

    def channels(self, latent_channels: int) -> int:
        """Of its content: the codec's, where it goes through the codec."""
        return latent_channels

    @abstractmethod
    def to_picture(self, values: Tensor, scale: float | Tensor) -> Tensor:
        """(B, 3, H, W) in [−1, 1], as the codec takes it.

        Args:
            values: what users have: see the kind.
            scale: σ of the query's anchor, scene units.
        """

    @abstractmethod
    def from_picture(self, picture: Tensor, scale: float | Tensor) -> Tensor:
        """The inverse of `to_picture`."""


#: All kinds by name, in the order in which they came.
KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Enters a kind.

    Raises:
        ValueError: its name or its prompt is taken.
    """
    if any(kind.name == k.name or kind.prompt == k.prompt for k in KINDS.values()):
        raise ValueError(f"there is a kind {kind.name} or a prompt {kind.prompt} already")
    KINDS[kind.name] = kind
    return kind


def kind_named(name: str) -> Kind:
    """
    Raises:
        KeyError: no kind has that name.
    """
    return KINDS[name]
