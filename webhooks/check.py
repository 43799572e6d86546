"""What `greffier check` looks at: each setting, then each neighbour. It changes nothing and raises nothing."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from connector import clock
from connector.errors import ConfigurationError, GreffierError
from connector.ticket import Finding, Level, Mode
from webhooks import searching, wiring
from webhooks.config.values import values
from webhooks.settings import Settings

if TYPE_CHECKING:
    from webhooks.config.corpora import SourceSettings
    from webhooks.index.state import State

LATE = timedelta(hours=12)
"""After its time, a source that nobody has read again is told."""
PACKAGES = ("connector", "chains", "webhooks")


def findings(settings: Settings) -> Iterator[Finding]:
    """One finding a line; a neighbour that fails says so, and the next one is still looked at."""
    for where, value in values(settings):
        yield Finding(Level.OK, ".".join(where), value)
    yield _installation()
    yield from _looked_at("database", lambda: _database(settings))
    yield from _clock(settings)
    for name, given in settings.helpdesks.items():
        if Mode.DRAFT not in given.groups.values():
            yield Finding(Level.WARNING, name, f"helpdesks.{name}.groups covers no group: nothing will be drafted")
        yield from wiring.helpdesk(name, given).check()
    if not settings.helpdesks:
        yield Finding(Level.WARNING, "helpdesks", "none is configured: nothing will be drafted")
    yield from _looked_at("chat", lambda: _chat(settings))
    yield from _looked_at("embeddings", lambda: _embeddings(settings))
    yield from _rerank(settings)
    yield from searching.store_findings(settings)
    yield from _looked_at("index", lambda: _index(settings))
    yield from _sources(settings)


def _installation() -> Finding:
    """Our three package names are common words: another project that has one would overwrite ours silently."""
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        others = set(owners.get(name, [])) - {"greffier"}
        if others:
            return Finding(Level.ERROR, "installation", f"{', '.join(others)} also installs {name}: remove it")
    return Finding(Level.OK, "installation", f"greffier {importlib.metadata.version('greffier')}")


def _sources(settings: Settings) -> Iterator[Finding]:
    """Whether each can be read from here, and what the index has of it."""
    from webhooks.index.state import States

    if not settings.sources:
        yield Finding(Level.WARNING, "sources", "none is configured: see [sources.NAME] in docs/configuration.md")
    for number, profile in enumerate(settings.profile, 1):
        for corpus in sorted((profile.corpora or frozenset()) - settings.sources.keys()):
            yield Finding(Level.WARNING, f"profile.{number}.corpora", f"no source is named {corpus}")
    try:
        with wiring.database(settings, connections=1) as pool:
            states = States(pool).all()
    except (GreffierError, psycopg.Error):
        return  # it was said of the database itself
    for name, source in settings.sources.items():
        if source.path is not None and not source.path.exists():
            yield Finding(Level.WARNING, f"sources.{name}.path", f"{source.path} does not exist on this machine")
        level, message = _state(states.get(name), source)
        yield Finding(level, f"sources.{name}", message)
    for name in sorted(states.keys() - settings.sources.keys()):
        message = f"it is in the index but no longer in the settings: greffier index --forget {name} removes it"
        yield Finding(Level.WARNING, f"sources.{name}", message)


def _state(state: State | None, source: SourceSettings) -> tuple[Level, str]:
    if state is None or (state.indexed_at is None and state.last_error is None):
        return Level.WARNING, "not indexed yet: run greffier index"
    if state.last_error:
        return Level.WARNING, f"the last run failed: {state.last_error}"
    assert state.indexed_at is not None  # noqa: S101 - see above
    skipped = f", {len(state.skipped)} skipped" if state.skipped else ""
    message = f"{state.documents} documents{skipped}, indexed {state.indexed_at.astimezone():%Y-%m-%d %H:%M}"
    late = source.refresh_hours and datetime.now(UTC) > state.due_at(source) + LATE
    return (Level.WARNING, f"{message}: overdue, is a worker running?") if late else (Level.OK, message)


def _looked_at(subject: str, look: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(Level.OK, subject, look())
    except GreffierError as error:
        yield Finding(Level.ERROR, subject, str(error))
    except psycopg.Error as error:
        yield Finding(Level.ERROR, subject, f"database_url: {str(error).strip() or type(error).__name__}")


def _database(settings: Settings) -> str:
    with wiring.database(settings, connections=1) as pool, pool.connection() as connection:
        return f"PostgreSQL {connection.info.server_version // 10000}, schema up to date"


def _clock(settings: Settings) -> Iterator[Finding]:
    """The moments in our tables are the database's, and are compared with ours and with the helpdesk's."""
    try:
        with wiring.database(settings, connections=1) as pool, pool.connection() as connection:
            asked_at = datetime.now(UTC)
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row is not None  # noqa: S101 - it has no condition
            yield clock.finding("database clock", row[0], asked_at)
    except (GreffierError, psycopg.Error):
        return  # it was said of the database itself


def _chat(settings: Settings) -> str:
    from chains.model import served_models

    key = settings.chat.api_key.get_secret_value() if settings.chat.api_key else ""
    served = served_models(settings.chat.base_url, key, timeout=10)
    if settings.chat.model in served:
        return f"{settings.chat.base_url} serves {settings.chat.model}"
    # gateways serve aliases that they do not list
    return f"{settings.chat.base_url} answers; it does not list {settings.chat.model}, which some gateways do not"


def _embeddings(settings: Settings) -> str:
    embedder = searching.embeddings(settings)
    return f"{embedder.name}, {embedder.dimension} dimensions, prefixes kept"


def _rerank(settings: Settings) -> Iterator[Finding]:
    from webhooks import levers

    given = settings.rerank
    if given.base_url is None:
        return
    server = levers.reranker(settings, timeout=10)
    assert server is not None  # noqa: S101 - it has an address
    began = time.monotonic()
    try:
        server.prove()
    except GreffierError as error:
        yield Finding(Level.ERROR, "rerank", str(error))
        return
    took = time.monotonic() - began
    if took > given.budget:
        yield Finding(Level.WARNING, "rerank", f"two texts took {took:.1f} s, more than [rerank] budget")
    elif server.embeds():
        message = f"{given.base_url} also makes embeddings: see that [rerank] model is a reranker and no embedder"
        yield Finding(Level.WARNING, "rerank", message)
    else:
        yield Finding(Level.OK, "rerank", f"{given.base_url} tells two texts apart")


def _index(settings: Settings) -> str:
    with wiring.database(settings, connections=1) as pool:
        embedder = searching.embeddings(settings)
        with closing(searching.store(settings, pool, embedder)) as store:
            found = store.statistics()
    if not found.vectors:
        raise ConfigurationError("the index holds no vectors yet: run greffier index")
    without = found.passages - found.vectors
    of = f"vectors of {found.embedder}" + (f", {without} still to come: greffier index makes them" if without else "")
    return f"{found.documents} documents, {found.passages} passages, {of}"
