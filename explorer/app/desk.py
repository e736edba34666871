"""The dialogs of the main window: what it asks, and what it tells."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QFileDialog, QInputDialog, QMainWindow

from explorer.app.conductor import Conductor
from explorer.app.dialogs.export_dialog import ExportDialog
from explorer.app.dialogs.keys_dialog import SettingsDialog
from explorer.app.dialogs.messages import ErrorDialog, RecoveryDialog
from explorer.app.keys import KeyBindings
from explorer.app.preferences import Preferences
from explorer.app.work import requests
from explorer.app.work.events import Busy, Exported, Failed
from explorer.clips.into_walk import VIDEO_SUFFIXES
from explorer.store.store import ModelStore
from explorer.walk.session.autosave import AutosaveFolders, LeftWalk
from explorer.walk.session.walk_file import SUFFIX

PHOTOS = "*.jpg *.jpeg *.png *.webp *.heic *.heif *.avif *.tif *.tiff *.bmp"
VIDEOS = " ".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES)


class Desk(QObject):
    """Opens dialogs over a window, on behalf of a conductor."""

    def __init__(
        self,
        window: QMainWindow,
        conductor: Conductor,
        preferences: Preferences,
        bindings: KeyBindings,
        store: ModelStore | None = None,
    ) -> None:
        super().__init__(window)
        self._store = store
        conductor.wishes = preferences.wishes
        self._window, self._conductor = window, conductor
        self._preferences, self._bindings = preferences, bindings
        self.export: ExportDialog | None = None
        self.settings: SettingsDialog | None = None
        self.error: ErrorDialog | None = None
        self.recovery: RecoveryDialog | None = None
        conductor.failed.connect(self.show_failure)
        conductor.exported.connect(self._exported)

    def choose_file(self) -> Path | None:
        """A photo, a video or a walk; None where the user thinks again."""
        kinds = f"Photos, videos and walks ({PHOTOS} {VIDEOS} *{SUFFIX});;All files (*)"
        title = "Open a photo, a video or a walk"
        name, _ = QFileDialog.getOpenFileName(self._window, title, "", kinds)
        return Path(name) if name else None

    def add_photo(self) -> None:
        """Asks for a second photo of the same place."""
        if self._conductor.is_open:
            path = self._choose_picture("Add a second photo of this place")
            if path is not None:
                self._conductor.begin(requests.AddPhoto(path))

    def save_picture(self, node_id: int) -> None:
        """Asks where to write a view's picture, to be edited elsewhere."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save this view's picture", "view.png", "Pictures (*.png)"
        )
        if name:
            self._conductor.ask_open(requests.SavePicture(node_id, Path(name)))

    def edit_view(self, node_id: int) -> None:
        """Asks for the edited picture of a view."""
        path = self._choose_picture("The edited picture of this view")
        if path is not None:
            self._conductor.begin(requests.EditView(node_id, path))

    def _choose_picture(self, title: str) -> Path | None:
        kinds = f"Pictures ({PHOTOS});;All files (*)"
        name, _ = QFileDialog.getOpenFileName(self._window, title, "", kinds)
        return Path(name) if name else None

    def save_as(self) -> None:
        """Asks where to, and saves."""
        if not self._conductor.is_open:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save the walk", f"walk{SUFFIX}", f"Walks (*{SUFFIX})"
        )
        if name:
            target = Path(name)
            self._conductor.save(target if target.suffix else target.with_suffix(SUFFIX))

    def open_export(self) -> None:
        """The export dialog, for the line that is shown."""
        if not self._conductor.is_open:
            return
        if self.export is None:
            self.export = ExportDialog(Path.home() / "photowalk-export", self._window)
            self.export.export_requested.connect(self._conductor.export)
            self.export.cancel_requested.connect(self._conductor.stop)
        self.export.show()
        self.export.raise_()

    def open_settings(self) -> SettingsDialog:
        """Keys, mouse, folders; returns the dialog, whose `changed` the caller listens to."""
        if self.settings is None:
            self.settings = SettingsDialog(
                self._bindings, self._preferences, self._window, self._store
            )
            self.settings.wishes_changed.connect(self._take_wishes)
        self.settings.show()
        return self.settings

    def _take_wishes(self, wishes: requests.Wishes) -> None:
        self._conductor.wishes = wishes

    def name_branch(self, node_id: int) -> None:
        """Asks for a name, and goes on from there."""
        title, words = "Name a branch", "The branch that begins here:"
        name, ok = QInputDialog.getText(self._window, title, words)
        if ok and name.strip():
            self._conductor.name_branch(node_id, name.strip())

    def show_failure(self, failure: Failed) -> None:
        """One sentence, with details to copy."""
        if self.export is not None and self.export.running:
            self.export.failed(failure.sentence)
        if self.error is None:
            self.error = ErrorDialog(self._window)
        self.error.tell(failure.sentence, failure.details)

    def offer_left(self, walks: tuple[LeftWalk, ...], autosave: AutosaveFolders) -> RecoveryDialog:
        """Walks that a crash left; the caller listens to `resumed`."""
        self.recovery = RecoveryDialog(walks, self._window)
        self.recovery.discarded.connect(autosave.discard)
        self.recovery.show()
        return self.recovery

    def takes_progress(self, busy: Busy) -> bool:
        """The export dialog shows a job's progress itself."""
        if self.export is None or not self.export.running:
            return False
        self.export.show_progress(busy.message, busy.done, busy.total)
        return True

    def _exported(self, event: Exported) -> None:
        if self.export is not None:
            self.export.show_results(event.checked, event.complete)
