"""Whose depth the next photo gets: our own model's, one of the store's, or a folder's."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer.app.work.downloads import Download
from explorer.app.work.events import Failed
from explorer.app.work.requests import PriorWish
from explorer.app.work.worker import sentence_of
from explorer.priors.kinds import DepthKind
from explorer.priors.offered import (
    Offer,
    folder_kind,
    folder_words,
    missing_library,
    named_offer,
    offers,
)
from explorer.store.errors import StoreError
from explorer.store.store import FetchProgress, ModelStore, Plan, State, readable_size

OWN, FOLDER = "", "folder"
OWN_WORDS = "Drawn by the model that draws everything else\nNothing to download, no further memory"
KINDS = (
    ("known by the model", None),
    ("inverse depth", DepthKind.INVERSE.value),
    ("depth without a unit", DepthKind.RELATIVE.value),
    ("metres", DepthKind.METRIC.value),
    ("inverse depth of a normal lens", DepthKind.CANONICAL.value),
)
_NAME = Qt.ItemDataRole.UserRole


class DepthSettings(QWidget):
    """See the module. Only a choice that can be used is a choice; the rest offers a download.

    Signals:
        chosen: (PriorWish or None) for the next photo that is opened.
    """

    chosen = pyqtSignal(object)

    def __init__(
        self, store: ModelStore, wish: PriorWish | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._wish, self._details = store, wish, ""
        self._folder = Path(wish.named) if wish and not self._known(wish.named) else None
        self._offers: tuple[Offer, ...] = ()
        self.download = Download(store, self)
        self._make_choice(wish)
        self._make_download()
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Depth of the photo, on which the whole walk stands"))
        layout.addWidget(self.list, 1)
        layout.addWidget(self.words)
        layout.addLayout(self._form)
        layout.addWidget(self.bar)
        layout.addLayout(self._buttons)
        layout.addWidget(self.state)
        self._list_offers()
        self._connect()
        self._show_wish()

    @property
    def wish(self) -> PriorWish | None:
        """What is chosen; None for our own model."""
        return self._wish

    # Making

    def _make_choice(self, wish: PriorWish | None) -> None:
        self.list = QListWidget()
        self.list.setAccessibleName("Depth prior")
        self.list.setMinimumHeight(190)
        self.list.setSpacing(3)
        self.words, self.state = QLabel(""), QLabel("")
        self.words.setProperty("quiet", True)
        for label in (self.words, self.state):
            label.setWordWrap(True)
            label.setMinimumWidth(420)
        self.words.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.views, self.kind = QComboBox(), QComboBox()
        self.views.addItems(["the photo alone", "every view, aligned to the walk"])
        self.views.setCurrentIndex(int(wish is not None and wish.every_view))
        for name, value in KINDS:
            self.kind.addItem(name, value)
        self.kind.setToolTip("What the folder's model puts out, where that cannot be known")
        self.kind.setCurrentIndex(max(self.kind.findData(wish.kind if wish else None), 0))
        self._form = QFormLayout()
        self._form.addRow("It gives the depth of", self.views)
        self._form.addRow("Its output is", self.kind)

    def _make_download(self) -> None:
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.fetch, self.cancel = QPushButton("Download"), QPushButton("Cancel")
        self.browse, self.copy = QPushButton("Choose a folder…"), QPushButton("Copy details")
        self._buttons = QHBoxLayout()
        for button in (self.fetch, self.cancel, self.browse, self.copy):
            button.setAutoDefault(False)
            button.hide()
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(lambda *_items: self._selected())
        for box in (self.views, self.kind):
            box.activated.connect(lambda _index: self._choose_again())
        self.fetch.clicked.connect(self._begin)
        self.cancel.clicked.connect(self._cancel)
        self.browse.clicked.connect(self._browse)
        self.copy.clicked.connect(self._copy)
        self.download.planned.connect(self._planned)
        self.download.progressed.connect(self._progressed)
        self.download.arrived.connect(lambda _folder: self._ended("It is here, and chosen."))
        self.download.stopped.connect(
            lambda: self._ended("Stopped; what arrived is kept and gone on with.")
        )
        self.download.failed.connect(self._failed)

    # What is there

    def _known(self, name: str) -> bool:
        return any(name == entry.name for entry in self._store.entries)

    def _list_offers(self) -> None:
        """Anew from the disk; the same row stays current."""
        current = self._current()
        self.list.blockSignals(True)
        self.list.clear()
        self._offers = offers(self._store)
        self._add_row("Our own model", OWN)
        for offer in self._offers:
            here = "" if offer.state is State.HERE else f"   {_state_words(offer)}"
            self._add_row(f"{offer.name}{here}", offer.name)
        self._add_row("A folder of yours" + (f"   {self._folder}" if self._folder else ""), FOLDER)
        self._select(current)
        self.list.blockSignals(False)

    def _add_row(self, text: str, name: str) -> None:
        item = QListWidgetItem(text)
        item.setData(_NAME, name)
        item.setToolTip(text)
        self.list.addItem(item)

    def _select(self, name: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item is not None and item.data(_NAME) == name:
                self.list.setCurrentItem(item)

    def _current(self) -> str:
        item = self.list.currentItem()
        return OWN if item is None else str(item.data(_NAME))

    def _show_wish(self) -> None:
        named = self._wish.named if self._wish else OWN
        self._select(named if named == OWN or self._known(named) else FOLDER)
        self._selected()

    # What the user does

    def _selected(self) -> None:
        """Shows what a row is; where it can be used, it is the choice."""
        name = self._current()
        offer = named_offer(self._offers, name)
        fetched = offer is None or offer.state is State.HERE
        self.fetch.setVisible(not fetched and not self.download.running)
        self.fetch.setText("Go on" if offer and offer.state is State.PARTIAL else "Download")
        self.browse.setVisible(name == FOLDER)
        for box in (self.views, self.kind):
            box.setEnabled(name != OWN)
        if name == FOLDER:
            self._show_folder()
            return
        self.words.setText(OWN_WORDS if offer is None else offer.words)
        if fetched:
            self._choose(None if name == OWN else name)
        else:
            self._tell("It is not on this machine; nothing is fetched before you ask for it.")

    def _show_folder(self) -> None:
        self.words.setText("config.json, preprocessor_config.json and safetensors")
        if self._folder is None:
            self._tell("Choose the folder of a depth model.")
            return
        try:
            kind = folder_kind(self._folder)
            self.words.setText(f"{self._folder}\n{folder_words(self._folder)}")
        except StoreError as error:
            self._tell(sentence_of(error), f"{self._folder}\n{error}")
            return
        if kind is None and self.kind.currentData() is None:
            self._tell("What its numbers mean cannot be known; say so under “Its output is”.")
            return
        self._choose(str(self._folder))

    def _choose_again(self) -> None:
        if self._current() == FOLDER:
            self._show_folder()
        elif self._wish is not None and self._current() == self._wish.named:
            self._choose(self._wish.named)

    def _choose(self, named: str | None) -> None:
        wish = None
        if named is not None:
            wish = PriorWish(named, self.kind.currentData(), self.views.currentIndex() == 1)
        before, self._wish = self._wish, wish
        missing = missing_library() if wish else None
        self._tell(missing or "Chosen, for the next photo that you open.")
        if wish != before:
            self.chosen.emit(wish)

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A depth model", str(self._folder or ""))
        if name:
            self.use_folder(Path(name))

    def use_folder(self, folder: Path) -> None:
        """Takes a folder of the user's own, where it holds a depth model."""
        self._folder = folder
        self._list_offers()
        self._select(FOLDER)
        self._selected()

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(f"{self.state.text()}\n\n{self._details}")
        self.copy.setText("Copied")

    def _tell(self, sentence: str, details: str = "") -> None:
        self.state.setText(sentence)
        self._details = details
        self.copy.setText("Copy details")
        self.copy.setVisible(bool(details))

    # A download

    def _begin(self) -> None:
        self._fetching = self._current()
        self._set_running(True)
        self._tell("Asking the hub what it holds …")
        self.bar.setRange(0, 0)
        self.download.begin(self._fetching)

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self._tell("Stopping …")
        self.download.cancel()

    def _planned(self, plan: Plan) -> None:
        listing = plan.pin.listing
        self._tell(f"{readable_size(plan.missing)} from {plan.entry.repo}, {listing.revision[:12]}")

    def _progressed(self, progress: FetchProgress) -> None:
        # In thousandths: a Qt bar counts to 2 GB and no further.
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * progress.done / max(progress.total, 1)))
        if self.cancel.isEnabled():
            done, total = readable_size(progress.done), readable_size(progress.total)
            self._tell(f"{done} of {total}: {progress.path}")

    def _ended(self, sentence: str) -> None:
        self._set_running(False)
        self._list_offers()
        if self._current() == self._fetching:
            self._selected()
        self._tell(sentence)

    def _failed(self, failure: Failed) -> None:
        self._ended(failure.sentence)
        self._tell(failure.sentence, failure.details)

    def _set_running(self, running: bool) -> None:
        self.bar.setVisible(running)
        self.cancel.setVisible(running)
        self.cancel.setEnabled(running)
        self.fetch.setVisible(not running and self.fetch.isVisible())


def _state_words(offer: Offer) -> str:
    begun = "begun, " if offer.state is State.PARTIAL else ""
    return f"{begun}{readable_size(offer.bytes)} to download"
