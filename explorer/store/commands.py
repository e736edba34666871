"""`photowalk models`: list, get, verify and remove models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from explorer.store.errors import NotFetchedError, StoreError
from explorer.store.folders import folder_faults
from explorer.store.places import places
from explorer.store.store import FetchProgress, ModelStore, Plan, State, readable_size

FOLDER = click.Path(path_type=Path)


@click.group()
@click.option("--store", type=FOLDER, help="The store's folder (else $PHOTOWALK_MODELS).")
@click.pass_context
def models(ctx: click.Context, store: Path | None) -> None:
    """Models that others trained. Nothing is fetched before `get` is asked for it."""
    ctx.obj = ModelStore(places(store))


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def list_models(store: ModelStore, as_json: bool) -> None:
    """What there is, with size, licence and purpose. Reaches no network."""
    rows = [_row(store, entry.name) for entry in store.entries]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        size = readable_size(row["bytes"])
        click.echo(
            f"{row['name']:40} {row['state']:12} {size:>8}  {row['licence']:11} {row['purpose']}"
        )
    click.echo(f"\nThe store is {store.where.folder}.")


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--update", is_flag=True, help="Take the newest commit, and pin that.")
@click.pass_obj
def get(store: ModelStore, names: tuple[str, ...], yes: bool, update: bool) -> None:
    """Fetch models, or go on with fetching them."""
    for name in names:
        plan = store.plan(name, update)
        if not plan.missing and store.state(plan.entry) is State.HERE:
            click.echo(f"{plan.entry.name} is here already, in {plan.target}.")
            continue
        click.echo(_offer(plan))
        if not yes:
            click.confirm("Fetch it?", abort=True)
        with _bar(plan) as show:
            store.fetch(plan, show)
        click.echo(f"{plan.entry.name} is in {plan.target}.")


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME_OR_FOLDER]...")
@click.pass_obj
def verify(store: ModelStore, names: tuple[str, ...]) -> None:
    """Compare every byte with what was fetched; a folder of yours is checked for being whole."""
    chosen = names or tuple(e.name for e in store.entries if store.state(e) is not State.ABSENT)
    if not chosen:
        click.echo(f"There are no models in {store.where.folder}.")
    bad = 0
    for name in chosen:
        faults = _faults(store, name)
        bad += bool(faults)
        click.echo(f"{name}: {'; '.join(faults) if faults else 'whole'}")
    if bad:
        raise StoreError(f"{bad} of {len(chosen)} models are not whole; get them again")


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(store: ModelStore, names: tuple[str, ...], yes: bool) -> None:
    """Remove models from the store."""
    for name in names:
        entry = store.entry(name)
        if store.state(entry) is State.ABSENT:
            raise NotFetchedError(f"{entry.name} is not on this machine")
        if not yes:
            click.confirm(f"Remove {store.where.folder / entry.name}?", abort=True)
        click.echo(f"Removed {entry.name}, {readable_size(store.remove(name))}.")


def _row(store: ModelStore, name: str) -> dict[str, Any]:
    entry = store.entry(name)
    return {
        "name": entry.name,
        "state": store.state(entry).value,
        "bytes": entry.about_bytes,
        "licence": entry.licence,
        "purpose": entry.purpose,
        "repo": entry.repo,
        "revision": entry.revision,
    }


def _offer(plan: Plan) -> str:
    entry, listing = plan.entry, plan.pin.listing
    whole = readable_size(listing.size)
    size = whole if plan.missing == listing.size else f"{readable_size(plan.missing)} of {whole}"
    pinned = "its newest commit, pinned from now on" if plan.newly_pinned else "pinned"
    return (
        f"{entry.name}: {entry.purpose}\n"
        f"  from     {entry.repo} at {listing.revision[:12]} ({pinned})\n"
        f"  licence  {entry.licence}\n"
        f"  size     {size} in {len(listing.files)} files\n"
        f"  to       {plan.target}"
    )


def _faults(store: ModelStore, name: str) -> list[str]:
    known = {n.lower() for e in store.entries for n in (e.name, e.repo)}
    if name.lower() not in known and Path(name).is_dir():
        return folder_faults(Path(name))
    return store.faults(name)


@contextmanager
def _bar(plan: Plan) -> Iterator[Callable[[FetchProgress], None]]:
    """Bytes, speed and the time left, on stderr; says that a stop loses nothing."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(plan.entry.name, total=plan.pin.listing.size)
            yield lambda p: bar.update(task, description=p.path, completed=p.done)
    except KeyboardInterrupt:
        click.echo("What arrived is kept; the same command goes on with it.", err=True)
        raise
