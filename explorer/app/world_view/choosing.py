"""Which stored pictures are carried to where the camera is, and how one choice becomes the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.geometry.cameras import Camera
from explorer.walk.motion.nearness import Nearness, nearness

#: A shift and a turn that are equally far.
UNIT = Nearness(0.1, 8.0)
#: Another picture is nearer when it has less than this share of the distance.
CLEARLY = 0.8
#: Seconds in which one choice becomes the next.
FADE = 0.15


def distance(a: Camera, b: Camera, scene_scale: float) -> float:
    """How far a camera is from another one; 1 is as far as `UNIT`."""
    gap = nearness(a, b, scene_scale)
    return gap.shift / UNIT.shift + gap.degrees / UNIT.degrees


def choose(
    camera: Camera, views: Mapping[int, Camera], scene_scale: float, now: int | None = None
) -> tuple[int, ...]:
    """The pictures to carry to a camera, the best first: the nearest one, the photo, and the next.

    The photo shows most of what another picture hides at first hand, so it comes second.

    Args:
        views: cameras by id, the photo first; at least one.
        now: what is best at present; it stays so until another one is clearly nearer.
    """
    far = {key: distance(camera, other, scene_scale) for key, other in views.items()}
    order = sorted(far, key=lambda key: far[key])
    if now in far and far[order[0]] > CLEARLY * far[now]:
        order.remove(now)
        order.insert(0, now)
    photo = next(iter(views))
    chosen = [order[0], photo, *order[1:2]]
    return tuple(dict.fromkeys(chosen))


@dataclass(frozen=True)
class Layer:
    """Some pictures, and how much of what they make is seen, in [0, 1]."""

    keys: tuple[tuple[int, int], ...]
    share: float


class Fade:
    """From one choice to the next, by the clock.

    Choices are tuples of (id, version): a picture that got its depth is another one.
    """

    def __init__(self) -> None:
        self._old: tuple[tuple[int, int], ...] = ()
        self._new: tuple[tuple[int, int], ...] = ()
        self._since = 0.0

    @property
    def now(self) -> int | None:
        """The id that is best at present."""
        return self._new[0][0] if self._new else None

    def clear(self) -> None:
        self._old = self._new = ()

    def running(self, now: float) -> bool:
        """It goes on at `now`, seconds of any clock."""
        return bool(self._old) and now - self._since < FADE

    def layers(self, wanted: tuple[tuple[int, int], ...], now: float) -> tuple[Layer, ...]:
        """What is seen at `now`; what is wanted while one fade runs has to wait for its end."""
        if self.running(now):
            share = (now - self._since) / FADE
            return Layer(self._old, 1.0 - share), Layer(self._new, share)
        if wanted != self._new:
            # Where the first stays, only what it does not show changes.
            first_stays = self._new[:1] == wanted[:1]
            self._old = () if first_stays else self._new
            self._new, self._since = wanted, now
            if self._old:
                return (Layer(self._old, 1.0),)
        return (Layer(self._new, 1.0),)
