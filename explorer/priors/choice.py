"""Which depth prior a walk gets: the one asked for, the one it began with, or a preferred one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from explorer.priors.kinds import DepthKind, PriorError
from explorer.store.errors import StoreError
from explorer.store.store import ModelStore
from explorer.walk.depth_source import DepthSource
from explorer.walk.run import RunOptions, recorded_walk

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
    from explorer.priors.prior import DepthPrior

    kind = DepthKind(options.depth_kind) if options.depth_kind else None
    folder = Path(named).expanduser()
    if folder.is_dir():
        return DepthPrior.load(folder, options.device, kind)
    store = store or ModelStore()
    name = store.entry(named).name
    return DepthPrior.load(store.folder(name), options.device, kind, name)


def _begun_with(options: RunOptions, store: ModelStore | None) -> DepthSource | None:
    """A walk whose photo has its depth already needs no prior any more."""
    journal = recorded_walk(options)
    identity = journal.header.get("depth prior") if journal is not None else None
    if journal is None or identity is None or len(journal.views):
        return None
    try:
        return open_prior(
            str(identity["model"]), replace(options, depth_kind=identity["kind"]), store
        )
    except StoreError as error:
        raise PriorError(
            f"the walk in {options.out} was begun with the depth prior {identity['model']!r}; name "
            f"it again with --depth-prior ({error})"
        ) from error
