"""What can go wrong with a model, in one sentence each."""

from __future__ import annotations


class StoreError(ValueError):
    """A model that is not there, is not what it should be, or cannot be fetched."""


class NotFetchedError(StoreError):
    """A model of the catalogue that nobody has fetched yet."""


class OfflineError(StoreError):
    """Something would have to be fetched, and the user said that nothing is."""


class DownloadError(StoreError):
    """A file that did not arrive as it should."""
