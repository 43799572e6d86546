"""The command `greffier index`."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import click

from connector.errors import ConfigurationError, GreffierError
from webhooks.given import settings_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from psycopg_pool import ConnectionPool

    from webhooks.index.outcome import Outcome
    from webhooks.index.state import States
    from webhooks.ledger import Connection
    from webhooks.settings import Settings

log = logging.getLogger("greffier.index")

INTERRUPTED = 130
NICE = 10
"""How far behind drafts and everything else the worker's own runs stand."""


@click.command()
@click.argument("name", required=False)
@click.option("--due", is_flag=True, help="Only what refresh_hours says must be read again, at low priority.")
@click.option("--anew", is_flag=True, help="Make the index again beside the one in use, then put it in its place.")
@click.option("--remove-many", is_flag=True, help="Remove what is no longer in a source even if that is most of it.")
@click.option("--forget", metavar="NAME", help="Take a source that is no longer configured out of the index.")
@click.option("--erase", metavar="ORGANISATION", help="Take all that is an organisation's own out of the index.")
@click.option("--drop-others", is_flag=True, help="Drop all indexes but the one in use, as of other embedders.")
@click.pass_context
def index(
    context: click.Context,
    name: str | None,
    due: bool,
    anew: bool,
    remove_many: bool,
    forget: str | None,
    erase: str | None,
    drop_others: bool,
) -> None:
    """Bring the index up to date with all sources of the settings, or with NAME alone.

    Text can be searched as soon as it is in, its vectors follow. Ctrl-C loses nothing: the next run goes on.
    """
    from webhooks import wiring
    from webhooks.index.state import States

    if sum(given not in (None, False) for given in (name, due, anew, forget, erase, drop_others)) > 1:
        raise click.UsageError("give one of NAME, --due, --anew, --forget, --erase and --drop-others")
    settings = settings_of(context)
    if anew and settings.store.kind == "postgres":
        raise ConfigurationError("--anew is for Weaviate: in PostgreSQL a changed embedder has an index of its own")
    if due:
        os.nice(NICE)
    with wiring.database(settings, connections=8) as pool:
        states = States(pool)
        with states.alone() as alone:
            if not alone:
                raise GreffierError("another greffier index is running: wait until it ends")
            if forget is not None:
                _forget(settings, pool, forget)
            elif erase is not None:
                _erase(settings, pool, erase.strip())
            elif drop_others:
                _drop_others(settings, pool)
            else:
                names = _chosen(settings, states, name, due=due)
                if names:
                    _run(context, settings, pool, names, anew=anew, remove_many=remove_many, quiet=due)


def _chosen(settings: Settings, states: States, name: str | None, *, due: bool) -> Sequence[str]:
    if not settings.sources:
        raise ConfigurationError("sources: none is configured: see [sources.NAME] in docs/configuration.md")
    if name is not None and name not in settings.sources:
        raise ConfigurationError(f"sources: none is named {name}; configured: {', '.join(settings.sources)}")
    return [name] if name is not None else states.due(settings.sources) if due else list(settings.sources)


def _run(
    context: click.Context,
    settings: Settings,
    pool: ConnectionPool[Connection],
    names: Sequence[str],
    *,
    anew: bool,
    remove_many: bool,
    quiet: bool,
) -> None:
    """Index those sources; exit 1 if one failed, 130 if interrupted. What `quiet` leaves out is in the log."""
    from webhooks import searching, wiring
    from webhooks.index.outcome import summary, why_it_waits
    from webhooks.index.progress import Teller
    from webhooks.index.state import States

    teller = Teller()
    try:
        with searching.indexing(settings, pool, anew=anew) as run:
            outcomes = run(
                wiring.readers(settings, names),
                (lambda name: lambda what, done, total: None) if quiet else teller.of,
                remove_many=remove_many,
                publish=set(names) == set(settings.sources),
            )
            waits = why_it_waits(outcomes, settings.sources) if run.waits() else ""
    except KeyboardInterrupt:
        teller.clear()
        click.echo("interrupted: nothing is lost, run it again to go on", err=True)
        context.exit(INTERRUPTED)
    except GreffierError as error:  # of the embedder, or of putting a new index in use
        for name in names:
            States(pool).failed(name, str(error))
        raise
    teller.clear()
    if quiet:
        for outcome in outcomes:
            log.log(logging.ERROR if outcome.error else logging.INFO, "; ".join(summary(outcome)))
        if waits:
            log.warning(waits)
    else:
        _tell(outcomes, States(pool).all().keys() - settings.sources.keys(), waits)
    if any(outcome.error for outcome in outcomes):
        context.exit(1)


def _tell(outcomes: Sequence[Outcome], left: Collection[str], waits: str) -> None:
    from webhooks.index.outcome import summary

    for outcome in outcomes:
        click.echo("\n".join(summary(outcome)))
    if waits:
        click.echo(waits)
    for name in sorted(left):
        click.echo(f"{name} is in the index but no longer in the settings: greffier index --forget {name} removes it")


def _forget(settings: Settings, pool: ConnectionPool[Connection], name: str) -> None:
    from webhooks import searching

    if not name.strip():
        raise ConfigurationError("--forget: the name of a source is wanted")
    if name in settings.sources:
        raise ConfigurationError(f"sources.{name} is configured: take it out of the settings first")
    with searching.indexing(settings, pool) as run:
        click.echo(f"{name}: {run.forget(name)} documents removed from the index")


def _erase(settings: Settings, pool: ConnectionPool[Connection], organisation: str) -> None:
    from webhooks import searching
    from webhooks.config.corpora import EVERYBODY

    if organisation in ("", EVERYBODY):
        raise ConfigurationError("--erase: the name of an organisation is wanted: what is everybody's is not erased")
    theirs = [name for name, source in settings.sources.items() if source.organisation == organisation]
    if theirs:
        raise ConfigurationError(f"sources.{theirs[0]} is {organisation}'s: take it out of the settings first")
    with searching.indexing(settings, pool) as run:
        run.store.erase(organisation)
        others = [*run.store.others(), *searching.besides(settings, pool)]
    click.echo(f"{organisation}: erased from the index")
    if others:
        click.echo(f"other indexes are still there and may hold its documents: {', '.join(others)}")
        click.echo("greffier index --drop-others drops them")


def _drop_others(settings: Settings, pool: ConnectionPool[Connection]) -> None:
    from webhooks import searching

    with searching.indexing(settings, pool) as run:
        dropped = [*run.store.drop_others(), *searching.besides(settings, pool, drop=True)]
    click.echo("\n".join(f"{name}: dropped" for name in dropped) or "there is no other index")
