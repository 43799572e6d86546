"""How far each helpdesk was looked through for what no webhook told, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from webhooks.ledger import Connection


@dataclass(frozen=True, slots=True)
class Cursor:
    """`watermark` is how far the last sweep came, by the helpdesk's clock; `swept_at` is when that was, by ours."""

    watermark: datetime | None = None
    swept_at: datetime | None = None
    found: int = 0
    """Messages that no webhook had announced in time, since the beginning."""
    last_error: str | None = None


class Cursors:
    """The table `sweep`."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    @contextmanager
    def alone(self, helpdesk: str) -> Iterator[bool]:
        """Whether nobody else looks through that helpdesk; nobody will until the block ends, or we die."""
        with self._pool.connection() as connection:
            name = f"sweep:{helpdesk}"
            row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 2))", [name]).fetchone()
            try:
                yield row == (True,)
            finally:
                if not connection.closed:  # its session's end has freed the lock
                    connection.execute("SELECT pg_advisory_unlock_all()")

    def get(self, helpdesk: str) -> Cursor:
        """How far that helpdesk was looked through."""
        with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Cursor)) as cursor:
            cursor.execute("SELECT watermark, swept_at, found, last_error FROM sweep WHERE helpdesk = %s", [helpdesk])
            return cursor.fetchone() or Cursor()

    def all(self) -> dict[str, Cursor]:
        """How far each helpdesk was looked through, by its name."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT helpdesk, watermark, swept_at, found, last_error FROM sweep ORDER BY helpdesk"
            ).fetchall()
        return {name: Cursor(*values) for name, *values in rows}

    def swept(self, helpdesk: str, *, watermark: datetime, found: int, error: str | None = None) -> None:
        """Keep that a sweep came to its end, how many messages only it has found, and what it had to leave out."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO sweep (helpdesk, watermark, swept_at, found, last_error) VALUES (%s, %s, now(), %s, %s)"
                " ON CONFLICT (helpdesk) DO UPDATE SET watermark = excluded.watermark, swept_at = now(),"
                " found = sweep.found + excluded.found, last_error = excluded.last_error",
                [helpdesk, watermark, found, error],
            )

    def failed(self, helpdesk: str, error: str) -> None:
        """Keep that a sweep came to no end; the next one begins where this one did."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO sweep (helpdesk, last_error) VALUES (%s, %s)"
                " ON CONFLICT (helpdesk) DO UPDATE SET last_error = excluded.last_error",
                [helpdesk, error],
            )
