"""The command `greffier index`."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import click

from connector.errors import ConfigurationError, GreffierError
from webhooks.given import settings_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from psycopg_pool import ConnectionPool

    from webhooks.index.run import Outcome
    from webhooks.index.state import States
    from webhooks.ledger import Connection
    from webhooks.settings import Settings

log = logging.getLogger("greffier.index")

INTERRUPTED = 130
NICE = 10
"""How far behind drafts and everything else the worker's own runs stand."""
SHOWN = 10
"""Of what was skipped, and of what is never read, so many are named."""


@click.command()
@click.argument("name", required=False)
@click.option("--due", is_flag=True, help="Only what refresh_hours says must be read again, at low priority.")
@click.option("--anew", is_flag=True, help="Make the index again beside the one in use, then put it in its place.")
@click.option("--remove-many", is_flag=True, help="Remove what is no longer in a source even if that is most of it.")
@click.option("--forget", metavar="NAME", help="Take a source that is no longer configured out of the index.")
@click.option("--erase", metavar="ORGANISATION", help="Take all that is an organisation's own out of the index.")
@click.pass_context
def index(
    context: click.Context,
    name: str | None,
    due: bool,
    anew: bool,
    remove_many: bool,
    forget: str | None,
    erase: str | None,
) -> None:
    """Bring the index up to date with all sources of the settings, or with NAME alone.

    Text can be searched as soon as it is in, its vectors follow. Ctrl-C loses nothing: the next run goes on.
    """
    from webhooks import wiring
    from webhooks.index.state import States

    if sum(map(bool, (name, due, anew, forget, erase))) > 1:
        raise click.UsageError("give one of NAME, --due, --anew, --forget and --erase")
    settings = settings_of(context)
    if anew and settings.store.kind == "postgres":
        raise ConfigurationError("--anew is for Weaviate: in PostgreSQL a changed embedder has an index of its own")
    if due:
        os.nice(NICE)
    with wiring.database(settings, connections=4) as pool:
        states = States(pool)
        with states.alone() as alone:
            if not alone:
                raise GreffierError("another greffier index is running: wait until it ends")
            if forget:
                _forget(settings, pool, forget)
            elif erase:
                _erase(settings, pool, erase)
            else:
                names = _chosen(settings, states, name, due=due)
                if names:
                    _run(context, settings, pool, names, anew=anew, remove_many=remove_many, quiet=due)


def _chosen(settings: Settings, states: States, name: str | None, *, due: bool) -> Sequence[str]:
    if not settings.sources:
        raise ConfigurationError("sources: none is configured: see [sources.NAME] in docs/configuration.md")
    if name and name not in settings.sources:
        raise ConfigurationError(f"sources: none is named {name}; configured: {', '.join(settings.sources)}")
    return [name] if name else states.due(settings.sources) if due else list(settings.sources)


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
    else:
        _tell(outcomes, States(pool).all().keys() - settings.sources.keys())
    if any(outcome.error for outcome in outcomes):
        context.exit(1)


def _tell(outcomes: Sequence[Outcome], left: Collection[str]) -> None:
    for outcome in outcomes:
        click.echo("\n".join(summary(outcome)))
    for name in sorted(left):
        click.echo(f"{name} is in the index but no longer in the settings: greffier index --forget {name} removes it")


def _forget(settings: Settings, pool: ConnectionPool[Connection], name: str) -> None:
    from webhooks import searching

    if name in settings.sources:
        raise ConfigurationError(f"sources.{name} is configured: take it out of the settings first")
    with searching.indexing(settings, pool) as run:
        click.echo(f"{name}: {run.forget(name)} documents removed from the index")


def _erase(settings: Settings, pool: ConnectionPool[Connection], organisation: str) -> None:
    from webhooks import searching

    theirs = [name for name, source in settings.sources.items() if source.organisation == organisation]
    if theirs:
        raise ConfigurationError(f"sources.{theirs[0]} is {organisation}'s: take it out of the settings first")
    with searching.indexing(settings, pool) as run:
        run.store.erase(organisation)
    click.echo(f"{organisation}: erased from the index")


def summary(outcome: Outcome) -> Iterator[str]:
    """What a run did with a source, for people."""
    if outcome.error:
        yield f"{outcome.name}: FAILED: {outcome.error}"
    done, skipped = outcome.counts, outcome.skipped
    if outcome.documents or not outcome.error:
        yield (
            f"{outcome.name}: {done.added} added, {done.changed} changed, {done.unchanged} unchanged,"
            f" {done.removed} removed, {len(skipped) + len(outcome.notes)} skipped; {done.embedded} passages embedded;"
            f" {outcome.seconds:.0f} s"
        )
    if skipped:
        kept = "" if outcome.complete else "; nothing was removed, in case they can be read tomorrow"
        yield f"  skipped, the log says why{kept}:"
        yield from _some(skipped)
    if outcome.notes:
        yield "  skipped or cut, now and in every run:"
        yield from _some(outcome.notes)


def _some(told: Sequence[str]) -> Iterator[str]:
    yield from (f"    {one}" for one in told[:SHOWN])
    if len(told) > SHOWN:
        yield f"    and {len(told) - SHOWN} more"
