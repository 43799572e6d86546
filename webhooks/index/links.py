"""The addresses of documents: which are gone. A publisher takes a page away and its copy stays in the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import timedelta
from http import HTTPStatus

from psycopg_pool import ConnectionPool

from webhooks.index.asking import MayAsk, is_public, patiently
from webhooks.ledger import Connection

EVERY = timedelta(days=1)
"""Between two looks at an address."""
GONE_AFTER = timedelta(hours=23)
"""An address is gone if it was so at two looks, at least so far apart."""
AT_ONCE = 60
"""Addresses in one go."""
PAUSE = 1.0
"""Seconds between two: nobody's site is to notice us."""
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LOCK = "greffier links"


class Links:
    """The table `link`. psycopg's errors pass through."""

    def __init__(self, pool: ConnectionPool[Connection], may_ask: MayAsk = is_public) -> None:
        """`may_ask` says which hosts are asked at all."""
        self._pool, self._may_ask = pool, may_ask

    def keep(self, source: str, urls: Collection[str]) -> None:
        """Let these be the addresses of a source; what is known of those that it had before stays known."""
        wanted = [url for url in urls if url.startswith(("https://", "http://"))]
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("DELETE FROM link WHERE source = %s AND NOT url = ANY(%s)", [source, wanted])
            connection.execute(
                "INSERT INTO link (source, url) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING", [source, wanted]
            )

    def gone(self, urls: Collection[str]) -> frozenset[str]:
        """Those of the addresses that are gone."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT url FROM link WHERE url = ANY(%s) AND gone_at - gone_since >= %s", [list(urls), GONE_AFTER]
            ).fetchall()
        return frozenset(url for (url,) in rows)

    def look(self, stopping: Callable[[], bool] = lambda: False, *, pause: float = PAUSE) -> None:
        """Ask for some of the addresses that are due, the longest waiting first. One process at a time does it."""
        with self._pool.connection() as connection:
            locked = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 3))", [_LOCK]).fetchone()
            try:
                if locked == (True,):
                    self._look(connection, stopping, pause)
            finally:
                if not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock_all()")

    def _look(self, connection: Connection, stopping: Callable[[], bool], pause: float) -> None:
        due = connection.execute(
            "SELECT url FROM link WHERE checked_at IS NULL OR checked_at < now() - %s::interval"
            " GROUP BY url ORDER BY min(coalesce(checked_at, '-infinity')) LIMIT %s",
            [EVERY, AT_ONCE],
        ).fetchall()
        for (url,) in due:
            if stopping():
                return
            status = patiently(url, stopping, self._may_ask)
            if status is None and stopping():
                return
            self._keep(connection, url, status)
            time.sleep(pause)

    def _keep(self, connection: Connection, url: str, status: int | None) -> None:
        """Only a clear answer changes what is known: a site may be away, or shut to robots."""
        gone = {"gone_since": "gone_since", "gone_at": "gone_at"}
        if status in _GONE:
            gone = {"gone_since": "coalesce(gone_since, now())", "gone_at": "now()"}
        elif status is not None and status < HTTPStatus.BAD_REQUEST:
            gone = dict.fromkeys(gone, "NULL")
        changes = ", ".join(f"{name} = {value}" for name, value in gone.items())
        connection.execute(f"UPDATE link SET checked_at = now(), {changes} WHERE url = %s", [url])  # noqa: S608 - our own words
