"""What is kept from one start to the next: recent files, the layout, where walks are kept."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QByteArray, QSettings, QStandardPaths

from explorer.app.work.requests import PriorWish, Wishes

MOST_RECENT = 10


class Preferences:
    """The user's settings.

    Args:
        path: an INI file; None for the place that the system has for it.
    """

    def __init__(self, path: Path | None = None) -> None:
        kind = QSettings.Format.IniFormat
        if path is None:
            scope = QSettings.Scope.UserScope
            self.settings = QSettings(kind, scope, "photowalk", "photowalk")
        else:
            self.settings = QSettings(str(path), kind)

    @property
    def recent(self) -> list[Path]:
        """Files that were opened last and are still there, the latest first."""
        stored = self.settings.value("recent", [])
        names = [stored] if isinstance(stored, str) else list(stored or [])
        return [Path(n) for n in names if Path(n).exists()]

    def opened(self, path: Path) -> None:
        """A file was opened."""
        path = path.absolute()
        others = [p for p in self.recent if p != path]
        names = [str(p) for p in [path, *others][:MOST_RECENT]]
        self.settings.setValue("recent", names)

    @property
    def walks_folder(self) -> Path:
        """Where walks are kept while they are flown."""
        stored = self.settings.value("walks folder", "")
        if stored:
            return Path(str(stored))
        place = QStandardPaths.StandardLocation.GenericDataLocation
        return Path(QStandardPaths.writableLocation(place)) / "photowalk" / "walks"

    def set_walks_folder(self, folder: Path) -> None:
        """From the next start on."""
        self.settings.setValue("walks folder", str(folder))

    @property
    def mouse_speed(self) -> float:
        """1 where the scene follows the pointer exactly."""
        return float(self.settings.value("mouse speed", 1.0))

    def set_mouse_speed(self, factor: float) -> None:
        self.settings.setValue("mouse speed", factor)

    @property
    def wishes(self) -> Wishes:
        """Whose depth photos get, and whether the model is compiled."""
        named = str(self.settings.value("depth prior", ""))
        kind = str(self.settings.value("depth prior's output", ""))
        every = str(self.settings.value("depth prior for", "")) == "every view"
        compiled = str(self.settings.value("compile", ""))
        prior = PriorWish(named, kind or None, every) if named else None
        return Wishes(prior, {"always": True, "never": False}.get(compiled))

    def set_wishes(self, wishes: Wishes) -> None:
        """For photos that are opened, and models that are loaded, from now on."""
        prior = wishes.prior or PriorWish("")
        words = {True: "always", False: "never", None: ""}
        self.settings.setValue("depth prior", prior.named)
        self.settings.setValue("depth prior's output", prior.kind or "")
        self.settings.setValue("depth prior for", "every view" if prior.every_view else "the photo")
        self.settings.setValue("compile", words[wishes.compiled])

    def keep_layout(self, geometry: QByteArray, docks: QByteArray) -> None:
        self.settings.setValue("geometry", geometry)
        self.settings.setValue("docks", docks)

    @property
    def layout(self) -> tuple[QByteArray, QByteArray] | None:
        """Geometry and docks of the last window; None for a first start."""
        geometry, docks = self.settings.value("geometry"), self.settings.value("docks")
        if isinstance(geometry, QByteArray) and isinstance(docks, QByteArray):
            return geometry, docks
        return None
