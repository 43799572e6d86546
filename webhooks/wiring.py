"""Builds everything once from the settings; what searches is built in `webhooks.searching`.

What not every process needs is imported where it is used.
"""

from __future__ import annotations

import logging
import select
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector
from psycopg.abc import PQGen
from psycopg_pool import ConnectionPool

from connector.errors import RemoteError
from connector.helpdesk import Helpdesk
from connector.registry import HELPDESKS
from connector.settings import HelpdeskSettings, plain
from webhooks import levers
from webhooks.desk import Desk
from webhooks.figures import Figures
from webhooks.ledger import Connection, Ledger
from webhooks.metrics import Drafting, Intake
from webhooks.schema import require_current
from webhooks.searching import embeddings, retriever, store
from webhooks.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

    from webhooks.freshness import Freshness
    from webhooks.index.run import Reader
    from webhooks.jobs import Work
    from webhooks.line import Drafter
    from webhooks.worker import Worker

log = logging.getLogger("greffier.wiring")

_T = TypeVar("_T")
POOL_TIMEOUT = 3.0  # seconds that a request waits for a connection before it is answered 503
RECONNECT_TIMEOUT = 5.0  # seconds of growing pauses between attempts, after which whoever asks next tries at once
CONNECT_TIMEOUT = 5  # seconds to make one
ANSWER_TIMEOUT = 5.0  # seconds that the database may take to answer the web process


@contextmanager
def database(settings: Settings, connections: int) -> Iterator[ConnectionPool[Connection]]:
    """A pool of connections to a database whose schema is known. They commit by themselves.

    Raises SchemaMismatch, or psycopg's errors.
    """
    url = settings.database_url.get_secret_value()
    with psycopg.connect(url, connect_timeout=5) as connection:
        require_current(connection)
    with _pool(url, connections) as pool:
        yield pool


def _pool(url: str, connections: int, kind: type[Connection] = psycopg.Connection) -> ConnectionPool[Connection]:
    return ConnectionPool(
        url,
        connection_class=kind,
        kwargs={"connect_timeout": CONNECT_TIMEOUT, "autocommit": True},
        min_size=1,
        max_size=connections,
        timeout=POOL_TIMEOUT,
        reconnect_timeout=RECONNECT_TIMEOUT,
        check=_check,
        open=True,
    )


def _check(connection: Connection) -> None:
    """Raise on a dead connection, as a server that was restarted leaves behind.

    Nobody has asked it anything, so it has nothing to say: only where it has, perhaps that it is closed, a question is
    worth its time.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        ConnectionPool.check_connection(connection)


class _Impatient(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes too long, as it does of a server that is frozen."""

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        try:
            return super().wait(gen, interval, timeout or ANSWER_TIMEOUT)
        except psycopg.OperationalError:
            self.close()
            raise


def helpdesk(name: str, settings: HelpdeskSettings) -> Helpdesk:
    """The client of a configured helpdesk."""
    return HELPDESKS[settings.kind].client(name, settings)


def web(settings: Settings, together: Collector) -> Flask:
    """The web process's application, with a pool that lives as long as the process.

    `together` has what this process and the others beside it have counted.
    """
    from webhooks.app import create_app

    pool = _pool(settings.database_url.get_secret_value(), settings.web.threads, _Impatient)
    receivers = {name: HELPDESKS[given.kind].receiver(name, given) for name, given in settings.helpdesks.items()}
    registry = CollectorRegistry()
    registry.register(together)
    registry.register(figures(settings))
    page = partial(generate_latest, registry) if settings.web.metrics else None
    return create_app(receivers, Ledger(pool), Intake(receivers), page)


def figures(settings: Settings) -> Figures:
    """What the database tells Prometheus."""
    url = settings.database_url.get_secret_value()
    return Figures(lambda: _Impatient.connect(url, connect_timeout=CONNECT_TIMEOUT), settings.helpdesks)


def desks(settings: Settings, ledger: Ledger) -> dict[str, Desk]:
    """The configured helpdesks by name."""
    return {
        name: Desk(helpdesk(name, given), given, given.start or ledger.first_start(name))
        for name, given in settings.helpdesks.items()
    }


def work(settings: Settings, pool: ConnectionPool[Connection], drafting: Drafting, config: Path | None = None) -> Work:
    """What the worker's jobs do, counted in `drafting`. `config` is the file that the settings are from."""
    from webhooks.cursors import Cursors
    from webhooks.index.links import Links
    from webhooks.index.refresh import Refresh
    from webhooks.index.state import States
    from webhooks.jobs import Work
    from webhooks.sweep import Sweep

    ledger = Ledger(pool)
    at = desks(settings, ledger)
    of = worker(settings, pool, at, drafting)
    sweep, refresh = Sweep(ledger, Cursors(pool), at), Refresh(States(pool), settings.sources, config)
    return Work(of.handle, of.may_live, of.adopt_orphans, sweep, refresh, Links(pool).look)


def worker(settings: Settings, pool: ConnectionPool[Connection], at: Mapping[str, Desk], drafting: Drafting) -> Worker:
    """What takes an event of those helpdesks to its end, counted in `drafting`."""
    from webhooks.line import Line
    from webhooks.profiles import Profiles
    from webhooks.worker import Worker

    ledger = Ledger(pool)
    draft = drafter(settings, pool, drafting.took, drafting.fell_back)
    profiles = Profiles(settings, freshness(settings, pool))
    return Worker(ledger, Line(ledger, at, draft, profiles, drafting), drafting)


def freshness(settings: Settings, pool: ConnectionPool[Connection]) -> Freshness:
    """Which sheets agents are warned of."""
    from webhooks.freshness import Freshness
    from webhooks.index.links import Links

    ages = {name: source.max_age_days for name, source in settings.sources.items() if source.max_age_days}
    return Freshness(ages, Links(pool).gone)


def drafter(
    settings: Settings,
    pool: ConnectionPool[Connection],
    took: Callable[[str, float], None] = lambda *_: None,
    fell_back: Callable[[str], None] = lambda _: None,
) -> Drafter:
    """The chain, from a question to an answer. `took` is told how many seconds each of its steps takes, `fell_back` the
    name of a lever that a search went without.

    Raises GreffierError without embedder or index; a store that is away is waited for, as later.
    """
    from chains.drafter import make_drafter
    from chains.model import chat_model
    from chains.timing import Stopwatch

    chat, limits, embedder = settings.chat, settings.retrieval, embeddings(settings)
    index = store(settings, pool, embedder)
    try:
        index.statistics()  # without an index of this embedder no draft can be made: say so now
    except RemoteError as error:
        log.warning("no draft can be made now, each message waits: %s", error)
    model = chat_model(
        chat.base_url,
        plain(chat.api_key),
        chat.model,
        timeout=chat.timeout,
        max_tokens=chat.max_tokens,
    )
    chain = make_drafter(
        retriever(settings, index, embedder),
        model,
        model_name=chat.model,
        max_tokens=chat.max_tokens,
        at_once=settings.worker.concurrency,
        passage_chars=limits.passage_chars,
        translate=levers.translate(settings),
    )
    return partial(chain.invoke, config={"callbacks": [Stopwatch(took, fell_back)]})


def readers(settings: Settings, names: Iterable[str]) -> dict[str, Reader]:
    """What reads each of those sources."""
    from webhooks.index.reading import documents

    clients = {name: partial(helpdesk, name, given) for name, given in settings.helpdesks.items()}
    return {name: partial(documents, name, settings.sources[name], clients) for name in names}
