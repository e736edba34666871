"""`photowalk models`: list, get, verify and remove models of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from explorer.commands.options import FILE

if TYPE_CHECKING:
    from explorer.store.store import ModelStore


@click.group()
@click.option("--store", type=FILE, help="The store's folder (else $PHOTOWALK_MODELS).")
@click.pass_context
def models(ctx: click.Context, store: Path | None) -> None:
    """Models that others trained. Nothing is fetched before `get` is asked for it."""
    ctx.obj = store


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def list_models(folder: Path | None, as_json: bool) -> None:
    """What there is, with size, licence and purpose. Reaches no network."""
    from explorer.store.telling import as_table, rows

    store = _open(folder)
    click.echo(json.dumps(rows(store), indent=1) if as_json else as_table(store))


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--update", is_flag=True, help="Take the newest commit, and pin that.")
@click.pass_obj
def get(folder: Path | None, names: tuple[str, ...], yes: bool, update: bool) -> None:
    """Fetch models, or go on with fetching them."""
    from explorer.store.store import State
    from explorer.store.telling import download_bar, offer

    store = _open(folder)
    for name in names:
        plan = store.plan(name, update)
        if not plan.missing and store.state(plan.entry) is State.HERE:
            click.echo(f"{plan.entry.name} is here already, in {plan.target}.")
            continue
        click.echo(offer(plan))
        if not yes:
            click.confirm("Fetch it?", abort=True)
        with download_bar(plan) as show:
            store.fetch(plan, show)
        click.echo(f"{plan.entry.name} is in {plan.target}.")


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME_OR_FOLDER]...")
@click.pass_obj
def verify(folder: Path | None, names: tuple[str, ...]) -> None:
    """Compare every byte with what was fetched; a folder of yours is checked for being whole."""
    from explorer.store.errors import StoreError
    from explorer.store.store import State
    from explorer.store.telling import faults_of

    store = _open(folder)
    chosen = names or tuple(e.name for e in store.entries if store.state(e) is not State.ABSENT)
    if not chosen:
        click.echo(f"There are no models in {store.where.folder}.")
    bad = 0
    for name in chosen:
        faults = faults_of(store, name)
        bad += bool(faults)
        click.echo(f"{name}: {'; '.join(faults) if faults else 'whole'}")
    if bad:
        raise StoreError(f"{bad} of {len(chosen)} models are not whole; get them again")


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(folder: Path | None, names: tuple[str, ...], yes: bool) -> None:
    """Remove models from the store; the commit that was pinned stays pinned."""
    from explorer.store.store import readable_size

    store = _open(folder)
    for name in names:
        target = store.any_folder(name)
        if not yes:
            click.confirm(f"Remove {target}?", abort=True)
        click.echo(f"Removed {target.name}, {readable_size(store.remove(name))}.")


def _open(folder: Path | None) -> ModelStore:
    from explorer.store.places import places
    from explorer.store.store import ModelStore

    return ModelStore(places(folder))
