"""Which depth prior a walk gets: the one asked for, the one it began with, or a preferred one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from engine.model.devices import AUTO, require_device
from explorer.priors.kinds import DepthKind, PriorError
from explorer.store.errors import StoreError
from explorer.store.store import ModelStore
from explorer.walk.depth_source import EVERY_VIEW, DepthSource
from explorer.walk.run import recorded_walk
from explorer.walk.run_options import RunOptions

#: Names the prior that is taken where it can be had, and nobody asked for another.
PREFERRED_VARIABLE = "PHOTOWALK_DEPTH_PRIOR"


def prior_for(
    options: RunOptions,
    tell: Callable[[str], None],
    store: ModelStore | None = None,
    environment: Mapping[str, str] | None = None,
) -> DepthSource | None:
    """The source of the photo's depth; None for the model's own.

    What the options name must be there. What `PHOTOWALK_DEPTH_PRIOR` prefers may be missing: that
    is told, and the model's own depth goes on. A resumed walk keeps what it was begun with.

    Args:
        tell: hears why the preferred prior is not used.

    Raises:
        StoreError: the prior that was asked for cannot be used.
    """
    if options.depth_prior is not None:
        return open_prior(options.depth_prior, options, store)
    if options.resume:
        return _begun_with(options, store)
    env = os.environ if environment is None else environment
    preferred = env.get(PREFERRED_VARIABLE)
    if not preferred:
        return None
    try:
        return open_prior(preferred, options, store)
    except StoreError as error:
        tell(f"{error}. The photo's depth is drawn by our own model ({PREFERRED_VARIABLE}).")
        return None


def open_prior(named: str, options: RunOptions, store: ModelStore | None = None) -> DepthSource:
    """Loads a model by its name in the catalogue, its repository, or its folder.

    Raises:
        StoreError: there is none, it was not fetched, or it cannot be used.
    """
    kind = DepthKind(options.depth_kind) if options.depth_kind else None
    return load_prior(named, kind, options.device, options.prior_every_view, store)


def load_prior(
    named: str,
    kind: DepthKind | None = None,
    device: str = AUTO,
    every_view: bool = False,
    store: ModelStore | None = None,
) -> DepthSource:
    """The same without a command line.

    Args:
        kind: what its output is; None to know it by the model.
        every_view: it is asked for every view's depth, not for the photo's alone.
    """
    from explorer.priors.prior import DepthPrior

    folder, name = Path(named).expanduser(), None
    if not folder.is_dir():
        store = store or ModelStore()
        name = store.entry(named).name
        folder = store.folder(name)
    prior = DepthPrior.load(folder, require_device(device), kind, name)
    prior.every_view = every_view
    return prior


def _begun_with(options: RunOptions, store: ModelStore | None) -> DepthSource | None:
    """A walk whose photo has its depth needs no prior any more, unless every view asks it."""
    journal = recorded_walk(options)
    identity = journal.header.get("depth prior") if journal is not None else None
    if journal is None or identity is None:
        return None
    every_view = identity.get("views") == EVERY_VIEW
    if len(journal.views) and not every_view:
        return None
    begun = replace(options, depth_kind=identity["kind"], prior_every_view=every_view)
    try:
        return open_prior(str(identity.get("folder", identity["model"])), begun, store)
    except StoreError as error:
        raise PriorError(
            f"the walk in {options.out} was begun with the depth prior {identity['model']!r}; name "
            f"it again with --depth-prior ({error})"
        ) from error
