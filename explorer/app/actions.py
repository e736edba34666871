"""Menus and tools: everything that a key does at once can be clicked as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMainWindow, QMenu, QToolBar

from explorer.app.desk import Desk
from explorer.app.keys import Action, KeyBindings
from explorer.app.stage import Stage

#: Actions in the tool bar, with their short names.
TOOLS = {
    Action.OPEN: "Open",
    Action.SAVE: "Save",
    Action.EXPORT: "Export",
    Action.MAP: "Map",
    Action.PAUSE: "Pause",
    Action.UNDO: "Undo",
    Action.REDO: "Redo",
    Action.RETURN: "Return",
    Action.HOME: "Home",
    Action.PLAY: "Play",
    Action.GEOMETRY: "Geometry",
    Action.HELP: "Keys",
}
_CHECKABLE = (Action.PAUSE, Action.MAP)


class Actions:
    """The actions of a window, in its menus and its tool bar.

    Args:
        does: what each of them runs.
    """

    def __init__(
        self,
        window: QMainWindow,
        bindings: KeyBindings,
        does: Mapping[Action, Callable[[], object]],
    ) -> None:
        self._window, self._bindings = window, bindings
        self._made: dict[Action, QAction] = {}
        self.menus: dict[str, QMenu] = {}
        bar = window.menuBar()
        assert bar is not None
        for action, run in does.items():
            if action.group not in self.menus:
                menu = bar.addMenu(action.group)
                assert menu is not None
                menu.setToolTipsVisible(True)
                self.menus[action.group] = menu
            made = QAction(action.text, window)
            made.triggered.connect(lambda _on, r=run: r())
            made.setCheckable(action in _CHECKABLE)
            self.menus[action.group].addAction(made)
            self._made[action] = made
        tools = QToolBar("Tools")
        tools.setObjectName("tools")
        for action, name in TOOLS.items():
            self._made[action].setIconText(name)
            tools.addAction(self._made[action])
        window.addToolBar(tools)
        self.apply_keys()

    def __getitem__(self, action: Action) -> QAction:
        return self._made[action]

    def add(self, group: str, text: str, tip: str, run: Callable[[], object]) -> QAction:
        """An entry without a key, at the end of a menu."""
        made = QAction(text, self._window)
        made.setToolTip(tip)
        made.triggered.connect(lambda _on: run())
        self.menus[group].addAction(made)
        return made

    def apply_keys(self) -> None:
        """The keys were bound anew."""
        for action, made in self._made.items():
            made.setShortcut(self._bindings.sequence(action))
            made.setToolTip(f"{action.text} ({self._bindings.key(action)})")


def add_clip_actions(actions: Actions, desk: Desk, stage: Stage) -> None:
    """What several pictures at once are good for."""

    def with_inspected(run: Callable[[int], None]) -> Callable[[], None]:
        def do() -> None:
            if stage.inspected is not None:
                run(stage.inspected.id)

        return do

    actions.add(
        "File",
        "Add a second photo…",
        "Places another photo of this place, and draws the views between both",
        desk.add_photo,
    )
    actions.add(
        "Walk",
        "Save this view's picture…",
        "To be edited in another program",
        with_inspected(desk.save_picture),
    )
    actions.add(
        "Walk",
        "Edit this view…",
        "Every view of the walk takes on what you changed in this one",
        with_inspected(desk.edit_view),
    )
