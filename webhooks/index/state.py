"""What is known of each source: when it was last indexed, and how that went. The table `source`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg_pool import ConnectionPool

from webhooks.config.corpora import SourceSettings
from webhooks.ledger import Connection

AGAIN = timedelta(hours=1)
"""After a run that failed, at most."""
PATIENCE = timedelta(hours=20)
"""For what cannot be read, before it counts as gone; less than a day, so that the second daily run comes after it."""
_LOCK = "greffier index"


@dataclass(frozen=True, slots=True)
class State:
    """A source as its last run left it.

    `tried_at` is when that ended, `indexed_at` when one last ended well, with so many `documents`; `skipped` could not
    be read then, nor anything else since `skipped_since`. `last_error` is why the last one failed, None if it did not.
    """

    tried_at: datetime
    indexed_at: datetime | None = None
    documents: int = 0
    skipped: tuple[str, ...] = ()
    skipped_since: datetime | None = None
    last_error: str | None = None

    def is_used_to(self, skipped: Collection[str]) -> bool:
        """Whether all of that could not be read for so long that it may count as gone."""
        if self.skipped_since is None or datetime.now(UTC) - self.skipped_since < PATIENCE:
            return False
        return set(skipped) <= set(self.skipped)

    def due_at(self, source: SourceSettings) -> datetime:
        """When the worker reads it again, if it ever does."""
        wait = timedelta(hours=source.refresh_hours)
        return self.tried_at + (min(wait, AGAIN) if self.last_error else wait)


class States:
    """The table `source`. psycopg's errors pass through."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else indexes; nobody will until the block ends, or we die."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 3))", [_LOCK]).fetchone()
            try:
                yield row == (True,)
            finally:
                if not connection.closed:  # its session's end has freed the lock
                    connection.execute("SELECT pg_advisory_unlock_all()")

    def all(self) -> dict[str, State]:
        """Each source that was ever indexed, by name."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT name, tried_at, indexed_at, documents, skipped, skipped_since, last_error FROM source"
                " ORDER BY name"
            ).fetchall()
        return {
            name: State(tried_at, indexed_at, documents, tuple(skipped), since, error)
            for name, tried_at, indexed_at, documents, skipped, since, error in rows
        }

    def due(self, sources: Mapping[str, SourceSettings]) -> list[str]:
        """The sources that the worker should read now."""
        states, now = self.all(), datetime.now(UTC)
        return [
            name
            for name, source in sources.items()
            if source.refresh_hours and (name not in states or states[name].due_at(source) <= now)
        ]

    def indexed(self, name: str, *, documents: int, skipped: Sequence[str] = ()) -> None:
        """Keep that a run went well, and what could not be read."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO source (name, indexed_at, documents, skipped, skipped_since)"
                " VALUES (%s, now(), %s, %s, now())"
                " ON CONFLICT (name) DO UPDATE SET tried_at = now(), indexed_at = now(),"
                " documents = excluded.documents, skipped = excluded.skipped, last_error = NULL,"
                " skipped_since = CASE WHEN source.skipped @> excluded.skipped THEN source.skipped_since"
                " ELSE now() END",
                [name, documents, list(skipped)],
            )

    def failed(self, name: str, error: str) -> None:
        """Keep that a run failed."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO source (name, last_error) VALUES (%s, %s)"
                " ON CONFLICT (name) DO UPDATE SET tried_at = now(), last_error = excluded.last_error",
                [name, error],
            )

    def forget(self, name: str) -> None:
        """Drop what is known of a source."""
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM source WHERE name = %s", [name])
