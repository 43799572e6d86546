"""Builds everything once from the settings. What the web process does not need is imported where it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask
from psycopg_pool import ConnectionPool

from connector.helpdesk import Helpdesk
from connector.registry import HELPDESKS
from connector.settings import HelpdeskSettings
from webhooks.app import create_app
from webhooks.ledger import Connection, Ledger
from webhooks.schema import require_current
from webhooks.settings import Settings

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from chains.draft import Abstention, Draft
    from chains.stores.postgres import PostgresStore
    from connector.ticket import Note
    from webhooks.worker import Drafter, Worker

POOL_TIMEOUT = 3.0  # seconds that a request waits for a connection before it is answered 503


@contextmanager
def database(settings: Settings, connections: int) -> Iterator[ConnectionPool[Connection]]:
    """A pool of connections to a database whose schema is known. Raises SchemaMismatch, or psycopg's errors."""
    url = settings.database_url.get_secret_value()
    with psycopg.connect(url, connect_timeout=5) as connection:
        require_current(connection)
    with _pool(url, connections) as pool:
        yield pool


def _pool(url: str, connections: int) -> ConnectionPool[Connection]:
    return ConnectionPool(
        url,
        min_size=1,
        max_size=connections,
        timeout=POOL_TIMEOUT,
        check=ConnectionPool.check_connection,  # a server that was restarted leaves dead connections behind
        open=True,
    )


def helpdesk(name: str, settings: HelpdeskSettings) -> Helpdesk:
    """The client of a configured helpdesk."""
    return HELPDESKS[settings.kind].client(name, settings)


def web(settings: Settings) -> Flask:
    """The web process's application, with a pool that lives as long as the process."""
    pool = _pool(settings.database_url.get_secret_value(), settings.web.threads)
    helpdesks = {name: helpdesk(name, given) for name, given in settings.helpdesks.items()}
    return create_app(helpdesks, Ledger(pool))


def worker(settings: Settings, pool: ConnectionPool[Connection]) -> Worker:
    """The worker's straight line."""
    from webhooks.note import write_note
    from webhooks.worker import Worker

    def write(answer: Draft | Abstention, reference: str) -> Note:
        return write_note(answer, reference, language=settings.note.language, reply=settings.reply)

    helpdesks = {name: (helpdesk(name, given), given) for name, given in settings.helpdesks.items()}
    return Worker(Ledger(pool), helpdesks, drafter(settings, pool), write)
