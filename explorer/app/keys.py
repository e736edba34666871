"""Which key does what; every one of them can be bound anew."""

from __future__ import annotations

from enum import Enum

from PyQt6.QtCore import QKeyCombination, QSettings, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence

from explorer.walk.motion.mover import MoveCommand


class Action(Enum):
    """Everything that a key does at once: its group, what it says, and its first key."""

    OPEN = ("File", "Open a photo, a video or a walk", "Ctrl+O")
    SAVE = ("File", "Save the walk", "Ctrl+S")
    EXPORT = ("File", "Export", "Ctrl+E")
    QUIT = ("File", "Quit", "Ctrl+Q")
    RETURN = ("Fly", "Return along the path", "R")
    HOME = ("Fly", "Go to the photo", "Home")
    PAUSE = ("Fly", "Pause drawing", "Space")
    STOP = ("Fly", "Stop what is being done", "Esc")
    UNDO = ("Walk", "Undo a view", "Z")
    REDO = ("Walk", "Redo a view", "Y")
    BRANCH = ("Walk", "Name a branch here", "B")
    PLAY = ("Walk", "Play the walk back", "P")
    GEOMETRY = ("Walk", "Draw the geometry of this view", "G")
    TEST = ("Walk", "Forth-and-back test from here", "T")
    MAP = ("Look", "Fly or map", "M")
    RAW = ("Look", "The model's own picture, or the final one", "X")
    HELP = ("Look", "All keys", "F1")
    FULL_SCREEN = ("Look", "Full screen", "F11")

    @property
    def group(self) -> str:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]

    @property
    def default(self) -> str:
        return self.value[2]


#: What held keys do: what it says, and its first key.
MOVES: dict[MoveCommand, tuple[str, str]] = {
    MoveCommand.FORWARD: ("Forward", "W"),
    MoveCommand.BACK: ("Back", "S"),
    MoveCommand.LEFT: ("Left", "A"),
    MoveCommand.RIGHT: ("Right", "D"),
    MoveCommand.UP: ("Up", "E"),
    MoveCommand.DOWN: ("Down", "Q"),
    MoveCommand.TURN_LEFT: ("Turn left", "Left"),
    MoveCommand.TURN_RIGHT: ("Turn right", "Right"),
    MoveCommand.TURN_UP: ("Look up", "Up"),
    MoveCommand.TURN_DOWN: ("Look down", "Down"),
    MoveCommand.FAST: ("Faster, while held", "Shift"),
    MoveCommand.SLOW: ("Slower, while held", "C"),
}
#: Keys that begin shortcuts and menus, here or in the system: held to fly, they would make one of
#: those of the next key.
_SHORTCUT_KEYS = {
    Qt.Key.Key_Control: "Ctrl",
    Qt.Key.Key_Alt: "Alt",
    Qt.Key.Key_AltGr: "AltGr",
    Qt.Key.Key_Meta: "Meta",
    Qt.Key.Key_Super_L: "Meta",
    Qt.Key.Key_Super_R: "Meta",
}
#: Keys that are held beside others.
MODIFIERS = {Qt.Key.Key_Shift: "Shift", **_SHORTCUT_KEYS}
Bound = Action | MoveCommand


class KeyBindings:
    """Keys of actions and moves, kept in the user's settings.

    Args:
        settings: where they are kept.
    """

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings
        self._keys: dict[Bound, str] = {}
        unstored: list[Bound] = []
        for bound in (*Action, *MOVES):
            stored = settings.value(f"keys/{bound.name}")
            if stored is not None and not why_not(bound, str(stored)):
                self._keys[bound] = str(stored)
            else:
                # Earlier versions let Ctrl be held to fly slowly.
                settings.remove(f"keys/{bound.name}")
                unstored.append(bound)
        for bound in unstored:
            first = default_of(bound)
            self._keys[bound] = "" if self.conflict(bound, first) else first

    def key(self, bound: Bound) -> str:
        """In Qt's portable words, such as "Ctrl+E"; empty for none."""
        return self._keys[bound]

    def sequence(self, action: Action) -> QKeySequence:
        return QKeySequence(self._keys[action])

    def conflict(self, bound: Bound, key: str) -> Bound | None:
        """What else has that key already."""
        if not key:
            return None
        return next((b for b, k in self._keys.items() if k == key and b is not bound), None)

    def bind(self, bound: Bound, key: str) -> None:
        """Another key for it.

        Raises:
            ValueError: something else has that key, or it is of no use there.
        """
        if wrong := why_not(bound, key):
            raise ValueError(wrong)
        other = self.conflict(bound, key)
        if other is not None:
            raise ValueError(f"{key} is taken by: {text_of(other)}")
        self._keys[bound] = key
        self._settings.setValue(f"keys/{bound.name}", key)

    def reset(self) -> None:
        """The keys of a first start."""
        for bound in self._keys:
            self._keys[bound] = default_of(bound)
            self._settings.remove(f"keys/{bound.name}")

    def movement(self, event: QKeyEvent) -> MoveCommand | None:
        """What holding this key does, whatever is held beside it."""
        name = _name(event)
        return next((m for m in MOVES if self._keys[m] == name), None)


def why_not(bound: Bound, key: str) -> str:
    """Why a key is of no use for it, in a sentence; empty where it is."""
    if key in _SHORTCUT_KEYS.values() and isinstance(bound, MoveCommand):
        return f"{key} begins shortcuts: held to fly, it would start them; choose another key"
    if key in MODIFIERS.values() and isinstance(bound, Action):
        return f"{key} alone starts nothing; press another key with it"
    if "+" in key[:-1] and isinstance(bound, MoveCommand):
        return f"{key} is more than one key, and one is held to fly; choose another one"
    return ""


def text_of(bound: Bound) -> str:
    """In words."""
    return bound.text if isinstance(bound, Action) else MOVES[bound][0]


def default_of(bound: Bound) -> str:
    """The key of a first start."""
    return bound.default if isinstance(bound, Action) else MOVES[bound][1]


def _name(event: QKeyEvent) -> str:
    if event.key() in MODIFIERS:
        return MODIFIERS[Qt.Key(event.key())]
    if event.key() in (0, Qt.Key.Key_unknown):
        return ""
    combination = QKeyCombination(Qt.KeyboardModifier.NoModifier, Qt.Key(event.key()))
    return QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText)
