"""The two sizes of a walk: the model's, which the network draws, and the picture's, which people
get. Both keep the photo's own shape; what is asked for is a number of pixels, said as a size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from engine.queries.free_memory import free_memory

Size = tuple[int, int]

#: The model's where nobody says.
MODEL_SIZE: Size = (256, 144)
#: The picture's largest where nobody says, by what draws.
CPU_PICTURE: Size = (1280, 720)
GPU_PICTURE: Size = (1920, 1080)
#: The longest side that a picture may have: OpenCV samples with 16-bit places, and H.264 ends
#: there too.
LONGEST_SIDE = 16384
#: RAM that a walk takes for every pixel of its pictures, bytes: some 30 maps of 32 bits while a
#: view is looked up, and the dozen pictures (19 bytes a pixel, ready to be looked into) that stay.
PIXEL_BYTES = 300
#: The largest that the network may draw: attention among more tokens takes minutes a view.
LARGEST_MODEL: Size = (1280, 720)
#: How much longer one size may be in shape than the other before both cannot be meant.
_WORST_SHAPE = 2.5


class SizeError(ValueError):
    """A size that cannot be drawn; one sentence that says which can."""


@dataclass(frozen=True)
class Sizes:
    """Attributes:
    model: (width, height) whose number of pixels the model's size comes near.
    picture: (width, height) whose number of pixels the picture's may have; None for `most`.
    most: the same where nobody asked for a size; None for no picture beside the model's, as
        earlier versions walked.

    Raises:
        SizeError: both were asked for, and do not fit each other.
    """

    model: Size = MODEL_SIZE
    picture: Size | None = None
    most: Size | None = CPU_PICTURE

    def __post_init__(self) -> None:
        if math.prod(self.model) > math.prod(LARGEST_MODEL):
            raise SizeError(
                f"--model-size {_words(self.model)} is more than the network can draw; give at "
                f"most {_words(LARGEST_MODEL)} (--size is the size of the pictures that you get)"
            )
        if self.picture is None:
            return
        asked, model = _words(self.picture), _words(self.model)
        if math.prod(self.picture) < math.prod(self.model):
            raise SizeError(
                f"--size {asked} is less than --model-size {model}: a picture cannot be smaller "
                f"than what the model draws; give at least --size {model}, or a smaller "
                "--model-size"
            )
        if _elongation(self.picture, self.model) > _WORST_SHAPE:
            raise SizeError(
                f"--size {asked} and --model-size {model} are of very different shapes; both get "
                "the photo's own, so give two sizes of one shape"
            )

    def on(self, device: str) -> Self:
        """The same with the default of a device: a GPU carries larger pictures."""
        if self.most is None:
            return self
        return replace(self, most=GPU_PICTURE if device.startswith("cuda") else CPU_PICTURE)

    def without_picture(self) -> Self:
        """The model's size alone, as earlier versions walked."""
        return replace(self, picture=None, most=None)

    @property
    def most_pixels(self) -> int:
        """The most that a picture may have, where nobody asked as many as the model draws at
        least; 0 for no picture."""
        if self.picture is not None:
            return math.prod(self.picture)
        return 0 if self.most is None else max(math.prod(self.most), math.prod(self.model))

    def smaller_than_asked(self, size: Size) -> str | None:
        """One sentence where a photo has clearly fewer pixels than --size asks for."""
        if self.picture is None or math.prod(size) > 0.9 * math.prod(self.picture):
            return None
        return (
            f"The photo has no more than {_words(size)} pixels; its pictures are that large, "
            f"not --size {_words(self.picture)}: nothing is enlarged."
        )

    @property
    def needed_side(self) -> int:
        """Pixels of a photo's shorter side that are enough to scale both sizes down from it."""
        return max(8 * max(self.model), math.ceil(2 * math.sqrt(self.most_pixels)))

    def picture_of(self, crop: tuple[float, float]) -> Size | None:
        """(width, height) of the picture, even: the crop's shape, never more than its pixels.

        Args:
            crop: (width, height) of the part of the photo that is walked into, in its own pixels.

        Raises:
            SizeError: this machine's memory does not hold such pictures.
        """
        if not self.most_pixels:
            return None
        size = _even(crop, min(1.0, math.sqrt(self.most_pixels / (crop[0] * crop[1]))))
        _check_room(size)
        return size


def _check_room(size: Size) -> None:
    by_memory = math.sqrt(free_memory("cpu") / PIXEL_BYTES / math.prod(size))
    by_side = LONGEST_SIDE / max(size)
    if min(by_memory, by_side) >= 1.0:
        return
    fits = _words(_even((float(size[0]), float(size[1])), min(by_memory, by_side)))
    why = (
        "are more than this machine's memory holds beside a walk"
        if by_memory < by_side
        else f"have a side of more than {LONGEST_SIDE} pixels"
    )
    raise SizeError(f"pictures of {_words(size)} {why}; --size {fits} fits")


def _even(size: tuple[float, float], factor: float) -> Size:
    """Videos have even sides; a hair is forgiven, so that 1280 is not 1278 by rounding."""
    width, height = (max(2, 2 * math.floor(side * factor / 2 + 1e-6)) for side in size)
    return width, height


def _elongation(one: Size, other: Size) -> float:
    """How much longer one shape is than the other, upright or not."""
    shapes = [max(size) / min(size) for size in (one, other)]
    return max(shapes) / min(shapes)


def _words(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
