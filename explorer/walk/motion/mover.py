"""Held keys become motion by time: the camera glides, keeps its horizon, and "left" means left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera

Vector = NDArray[np.float64]


class MoveCommand(Enum):
    """What a held key does."""

    FORWARD = auto()
    BACK = auto()
    LEFT = auto()
    RIGHT = auto()
    UP = auto()
    DOWN = auto()
    TURN_LEFT = auto()
    TURN_RIGHT = auto()
    TURN_UP = auto()
    TURN_DOWN = auto()
    FAST = auto()
    SLOW = auto()


#: Direction in the camera's own axes: x right, y down, z forward.
_SHIFTS: dict[MoveCommand, tuple[float, float, float]] = {
    MoveCommand.FORWARD: (0, 0, 1),
    MoveCommand.BACK: (0, 0, -1),
    MoveCommand.LEFT: (-1, 0, 0),
    MoveCommand.RIGHT: (1, 0, 0),
    MoveCommand.UP: (0, -1, 0),
    MoveCommand.DOWN: (0, 1, 0),
}
#: Yaw (positive to the right) and pitch (positive up).
_TURNS: dict[MoveCommand, tuple[float, float]] = {
    MoveCommand.TURN_LEFT: (-1, 0),
    MoveCommand.TURN_RIGHT: (1, 0),
    MoveCommand.TURN_UP: (0, 1),
    MoveCommand.TURN_DOWN: (0, -1),
}


@dataclass(frozen=True)
class MotionConfig:
    """Attributes:
    speed: σ per second at full pace.
    turn_degrees: per second.
    ease_seconds: time constant with which the pace follows the keys.
    fast, slow: factors while those keys are held.
    steepest_degrees: how far up and down one may look.
    """

    speed: float = 0.16
    turn_degrees: float = 28.0
    ease_seconds: float = 0.09
    fast: float = 3.0
    slow: float = 0.3
    steepest_degrees: float = 80.0


class Mover:
    """A camera that keys move.

    Args:
        camera: where it begins; the world's up is the photo's own, −y.
        scene_scale: σ in scene units, so that every scene is crossed in the same time. It may
            change on the way: held keys stay held.
    """

    def __init__(
        self, camera: Camera, scene_scale: float, config: MotionConfig | None = None
    ) -> None:
        self.config = config or MotionConfig()
        self.speed = 1.0
        self.scene_scale = scene_scale
        self._held: set[MoveCommand] = set()
        self._shift = np.zeros(3)
        self._turn = np.zeros(2)
        self._camera = camera

    @property
    def camera(self) -> Camera:
        return self._camera

    @property
    def is_moving(self) -> bool:
        """Keys are held, or it still glides."""
        held = self._held - {MoveCommand.FAST, MoveCommand.SLOW}
        return bool(held) or bool(self._shift.any()) or bool(self._turn.any())

    def press(self, command: MoveCommand) -> None:
        self._held.add(command)

    def release(self, command: MoveCommand) -> None:
        self._held.discard(command)

    def release_all(self) -> None:
        self._held.clear()

    def jump(self, camera: Camera) -> None:
        """Stands there at once; held keys stay held."""
        self._camera = camera
        self._shift[:] = 0
        self._turn[:] = 0

    def hold(self, camera: Camera) -> None:
        """Stands there; the pace stays what it was."""
        self._camera = camera

    def look(self, yaw: float, pitch: float) -> None:
        """Turns by radians at once: yaw to the right, pitch up."""
        if yaw or pitch:
            self._camera = turned(
                self._camera, yaw, pitch, math.radians(self.config.steepest_degrees)
            )

    def advance(self, seconds: float) -> Camera:
        """Moves for so long; returns the camera, the same object where nothing moves."""
        if not self.is_moving or seconds <= 0:
            return self._camera
        shift, turn = self._wanted()
        # The pace approaches what the keys ask for; its integral over the tick is exact, so that
        # the way does not depend on how often this is called.
        ease = self.config.ease_seconds
        left = math.exp(-seconds / ease)
        glide = ease * (1.0 - left)
        way = shift * seconds + (self._shift - shift) * glide
        angle = turn * seconds + (self._turn - turn) * glide
        self._shift = shift + (self._shift - shift) * left
        self._turn = turn + (self._turn - turn) * left
        self._come_to_rest(shift, turn)
        self.look(float(angle[0]), float(angle[1]))
        if way.any():
            T = np.eye(4)
            T[:3, 3] = way * self.scene_scale
            self._camera = self._camera.moved(T)
        return self._camera

    def _wanted(self) -> tuple[Vector, Vector]:
        """The pace that the keys ask for: σ per second (3,), radians per second (2,)."""
        pace = self.speed
        if MoveCommand.FAST in self._held:
            pace *= self.config.fast
        if MoveCommand.SLOW in self._held:
            pace *= self.config.slow
        shift = np.sum([_SHIFTS[c] for c in self._held if c in _SHIFTS] or [(0, 0, 0)], axis=0)
        turn = np.sum([_TURNS[c] for c in self._held if c in _TURNS] or [(0, 0)], axis=0)
        length = float(np.linalg.norm(shift))
        shift = shift / length if length else np.zeros(3)
        radians = math.radians(self.config.turn_degrees) * pace
        return shift * self.config.speed * pace, turn * radians

    def _come_to_rest(self, shift: Vector, turn: Vector) -> None:
        """Ends the glide where nobody would see it any more."""
        if not shift.any() and np.abs(self._shift).max() < 0.01 * self.config.speed:
            self._shift = np.zeros(3)
        if not turn.any() and np.abs(self._turn).max() < math.radians(0.2):
            self._turn = np.zeros(2)


def turned(camera: Camera, yaw: float, pitch: float, steepest: float) -> Camera:
    """The camera turned about the world's vertical and then up or down, with a level horizon.

    Args:
        yaw: radians to the right.
        pitch: radians up.
        steepest: radians up or down at most.
    """
    forward = camera.forward
    heading = math.atan2(forward[0], forward[2]) + yaw
    rise = math.asin(float(np.clip(-forward[1], -1.0, 1.0)))
    limit = max(steepest, abs(rise))  # who begins steeper may come back
    rise = float(np.clip(rise + pitch, -limit, limit))
    z = np.array(
        [math.sin(heading) * math.cos(rise), -math.sin(rise), math.cos(heading) * math.cos(rise)]
    )
    x = np.array([math.cos(heading), 0.0, -math.sin(heading)])
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    T[:3, 3] = camera.position
    return Camera(T, camera.intrinsics)
