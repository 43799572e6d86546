"""What Greffier knows of each message, in PostgreSQL. The SQL of the product's own tables lives here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import kwargs_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from pydantic import TypeAdapter

from chains.draft import Abstention, Draft
from connector.ticket import Event, EventKind, NoteRef
from webhooks.enqueue import enqueue, job
from webhooks.entry import OF_THE_PLACE, Entry, Source, State
from webhooks.schema import require_current

Connection = psycopg.Connection[Any]
EVERYTHING = "*"
LOCK_TIMEOUT = timedelta(minutes=2)
_ANSWER: TypeAdapter[Draft | Abstention] = TypeAdapter(Draft | Abstention)

_OPEN = "state IN ('accepted', 'drafted')"  # a worker that wakes too late changes no message that has ended
# An answer that was kept is kept: it is posted without asking the model again.
_AFRESH = (
    "state = CASE WHEN EXISTS (SELECT FROM draft WHERE draft.key = inbox.key) THEN 'drafted' ELSE 'accepted' END,"
    " reason = (SELECT content->>'reason' FROM draft WHERE draft.key = inbox.key), accepted_at = now(),"
    " last_error = NULL, settled_at = NULL, failures = 0, failing_since = NULL, stalls = 0"
)
_COLUMNS = ", ".join(column.name for column in fields(Entry))


def _ticket_name(of: Event | Entry) -> str:
    """What the queue's lock and the advisory lock call a ticket."""
    return f"{of.helpdesk}:{of.ticket}"


def _entry(kind: str, state: str, **rest: Any) -> Entry:
    return Entry(kind=EventKind(kind), state=State(state), **rest)


class Ledger:
    """The product's tables. Each method is one transaction; psycopg's errors pass through.

    The pool's connections commit by themselves (`autocommit`).
    """

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    # --- taking in

    def accept(self, event: Event, source: Source = Source.WEBHOOK) -> bool:
        """Keep the event and its job at once: when this returns, the event cannot be lost.

        False if the event was known; where the sweep was faster than its webhook, that is corrected. One statement,
        since this is what a helpdesk waits for.
        """
        seen = [event.key, event.helpdesk, event.ticket, event.message, event.kind, event.delivery, source]
        with self._pool.connection() as connection:
            new = connection.execute(
                "WITH new AS (INSERT INTO inbox (key, helpdesk, ticket, message, kind, delivery, source)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO UPDATE SET source = excluded.source"
                " WHERE inbox.source = 'sweep' AND excluded.source = 'webhook' RETURNING key, xmax = 0 AS is_new)"
                f" SELECT {job('key', '%s')} FROM new WHERE is_new",
                [*seen, _ticket_name(event)],
            ).fetchone()
            return new is not None

    def reconsider(self, event: Event) -> bool:
        """Take a known event up again where it now stands, if it was skipped for the place where it stood.

        A message that waits is told of its new place too. False if there is nothing to do.
        """
        with self._transaction() as connection:
            connection.execute(
                f"UPDATE inbox SET ticket = %s WHERE key = %s AND ticket <> %s AND {_OPEN}",
                [event.ticket, event.key, event.ticket],
            )
            again = connection.execute(
                f"UPDATE inbox SET ticket = %s, {_AFRESH} WHERE key = %s AND state = 'skipped' AND reason = ANY(%s)"
                " RETURNING key",
                [event.ticket, event.key, list(OF_THE_PLACE)],
            ).fetchone()
            if again:
                enqueue(connection, event.key, _ticket_name(event))
            return again is not None

    def known(self, keys: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        """The ticket of each of these events that is known, and the reason why it was skipped, by key."""
        with self._pool.connection() as connection:
            rows = connection.execute("SELECT key, ticket, reason FROM inbox WHERE key = ANY(%s)", [list(keys)])
            return {key: (ticket, reason) for key, ticket, reason in rows.fetchall()}

    def revive(self, key: str | None = None) -> list[str]:
        """Take up the dead again, or the one event of that key that was skipped or is dead; the keys taken up."""
        with self._transaction() as connection:
            which = "state = 'dead'" if key is None else "state IN ('dead', 'skipped') AND key = %s"
            rows = connection.execute(
                f"UPDATE inbox SET {_AFRESH} WHERE {which} RETURNING key, helpdesk || ':' || ticket",
                [] if key is None else [key],
            ).fetchall()
            for found, ticket in rows:
                enqueue(connection, found, ticket)
            return [found for found, _ in rows]

    def orphans(self) -> list[Entry]:
        """Open messages that no job of the queue will take up: they were left by a pause, or their job is gone."""
        return self._entries(
            f"{_OPEN} AND NOT EXISTS"
            f" (SELECT FROM pause WHERE pause.helpdesk IN ('{EVERYTHING}', inbox.helpdesk)) AND NOT EXISTS"
            " (SELECT FROM procrastinate_jobs AS job"
            " WHERE job.status IN ('todo', 'doing') AND job.args->>'key' = inbox.key) ORDER BY accepted_at"
        )

    def requeue(self, entry: Entry) -> None:
        """Give a message a new job."""
        with self._pool.connection() as connection:
            enqueue(connection, entry.key, _ticket_name(entry))

    def require_writable(self) -> None:
        """Raise unless an event could be kept now, on the schema that this program knows."""
        with self._pool.connection() as connection:
            require_current(connection)
            row = connection.execute("SELECT current_setting('transaction_read_only')").fetchone()
        if row != ("off",):
            raise psycopg.errors.ReadOnlySqlTransaction("the database is read-only")

    # --- the way of a message

    def entry(self, key: str) -> Entry | None:
        """The message of that key."""
        return next(iter(self._entries("key = %s", key)), None)

    def observe(self, key: str, *, group: str, language: str | None, written_at: datetime) -> None:
        """Keep what a look at the ticket told."""
        self._execute(
            "UPDATE inbox SET group_name = %s, language = %s, written_at = %s WHERE key = %s",
            [group, language, written_at, key],
        )

    def skip(self, entry: Entry, reason: str) -> bool:
        """End an event without a note. False if it was found in another ticket meanwhile: it is judged again there."""
        with self._pool.connection() as connection:
            ended = connection.execute(
                "UPDATE inbox SET state = 'skipped', reason = %s, settled_at = now()"
                f" WHERE key = %s AND ticket = %s AND {_OPEN} RETURNING key",
                [reason, entry.key, entry.ticket],
            ).fetchone()
        return ended is not None

    def done(self, key: str) -> None:
        """End an event that asks for no note."""
        self._settle(key, State.DONE, None)

    def save_answer(self, key: str, answer: Draft | Abstention) -> Draft | Abstention:
        """Keep what the chain said, before it is posted, and return what is kept: the first answer stays."""
        outcome = "draft" if isinstance(answer, Draft) else "abstention"
        content = Jsonb(_ANSWER.dump_python(answer, mode="json"))
        with self._pool.connection() as connection:
            new = connection.execute(
                "WITH new AS (INSERT INTO draft (key, outcome, content, model, prompt_version)"
                " VALUES (%(key)s, %(outcome)s, %(content)s, %(model)s, %(prompt)s) ON CONFLICT (key) DO NOTHING"
                " RETURNING content), drafted AS (UPDATE inbox SET state = 'drafted', drafted_at = now(),"
                " failing_since = NULL, reason = (SELECT content->>'reason' FROM (TABLE new UNION ALL"
                f" SELECT content FROM draft WHERE key = %(key)s) AS kept LIMIT 1) WHERE key = %(key)s AND {_OPEN})"
                " SELECT FROM new",
                {"key": key, "outcome": outcome, "content": content, "model": answer.model}
                | {"prompt": answer.prompt_version},
            ).fetchone()
        return answer if new is not None else self.answer(key) or answer

    def forget_answer(self, key: str) -> None:
        """Take a message back to before its draft, which must not be posted."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM draft WHERE key = %s", [key])
            connection.execute(
                "UPDATE inbox SET state = 'accepted', drafted_at = NULL, reason = NULL"
                " WHERE key = %s AND state = 'drafted'",
                [key],
            )

    def answer(self, key: str) -> Draft | Abstention | None:
        """What the chain said for that message, if it has spoken."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT content FROM draft WHERE key = %s", [key]).fetchone()
        return _ANSWER.validate_python(row[0]) if row else None

    def previous(self, entry: Entry) -> tuple[Entry, Draft | Abstention] | None:
        """The last event of the same ticket that has a note, and what the note says; None if there is none."""
        earlier = self._entries(
            "helpdesk = %s AND ticket = %s AND key <> %s AND state = 'posted'"
            " AND EXISTS (SELECT FROM draft WHERE draft.key = inbox.key) ORDER BY settled_at DESC LIMIT 1",
            entry.helpdesk,
            entry.ticket,
            entry.key,
        )
        answer = self.answer(earlier[0].key) if earlier else None
        return (earlier[0], answer) if answer else None

    @contextmanager
    def ticket_lock(self, entry: Entry) -> Iterator[None]:
        """Hold the ticket while a note is looked for and written.

        An advisory lock of a session of its own: PostgreSQL frees it when this process dies, and keeps it while the
        process is merely frozen, so a second worker cannot write in between.
        """
        name = _ticket_name(entry)
        with self._pool.connection() as connection:
            try:
                connection.execute(
                    "SELECT set_config('lock_timeout', %s, false), pg_advisory_lock(hashtextextended(%s, 1))",
                    [f"{int(LOCK_TIMEOUT.total_seconds())}s", name],
                )
                yield
            finally:
                if not connection.closed:  # its session's end has freed the lock
                    connection.execute("SELECT pg_advisory_unlock_all(); RESET lock_timeout")

    def posted(self, entry: Entry, note: NoteRef, reason: str | None = None) -> None:
        """End an event with its note; `reason` where the note only says why there is no draft."""
        with self._pool.connection() as connection:
            connection.execute(
                "WITH note AS (INSERT INTO note (key, reference, note_id, posted_at) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (key) DO UPDATE SET note_id = excluded.note_id, posted_at = excluded.posted_at)"
                " UPDATE inbox SET state = 'posted', reason = coalesce(%s, reason), settled_at = now() WHERE key = %s",
                [entry.key, entry.reference, note.id, note.written_at, reason, entry.key],
            )

    # --- failures

    def failed(self, key: str, reason: str, *, outage: bool) -> Entry | None:
        """Count a failed attempt, and return the message as it now stands."""
        self._execute(
            "UPDATE inbox SET last_error = %s, failures = failures + %s,"
            f" failing_since = coalesce(failing_since, now()) WHERE key = %s AND {_OPEN}",
            [reason, 0 if outage else 1, key],
        )
        return self.entry(key)

    def stalled(self, key: str) -> int:
        """Count a worker that died on the message, and return how many have."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "UPDATE inbox SET stalls = stalls + 1 WHERE key = %s RETURNING stalls", [key]
            ).fetchone()
        return int(row[0]) if row else 0

    def bury(self, key: str, reason: str) -> None:
        """End a message that cannot be helped without an admin."""
        self._settle(key, State.DEAD, reason)

    # --- what an admin sees and does

    def pause(self, reason: str, helpdesk: str = EVERYTHING) -> None:
        """Stop drafting, for one helpdesk or for all; messages are still taken in."""
        self._execute(
            "INSERT INTO pause (helpdesk, reason) VALUES (%s, %s) ON CONFLICT (helpdesk) DO NOTHING",
            [helpdesk, reason],
        )

    def resume(self) -> None:
        """End every pause; `heal` gives the waiting messages their jobs. Time that was paused is no outage."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM pause")
            connection.execute(f"UPDATE inbox SET failing_since = NULL WHERE {_OPEN}")

    def pauses(self) -> dict[str, str]:
        """The reason of each pause by helpdesk; `EVERYTHING` stands for all."""
        with self._pool.connection() as connection:
            return dict(connection.execute("SELECT helpdesk, reason FROM pause ORDER BY helpdesk").fetchall())

    def is_paused(self, helpdesk: str) -> bool:
        """Whether nothing is drafted for that helpdesk."""
        return bool(self.pauses().keys() & {EVERYTHING, helpdesk})

    def counts(self) -> Mapping[str, int]:
        """How many messages are in each state."""
        with self._pool.connection() as connection:
            rows = connection.execute("SELECT state, count(*) FROM inbox GROUP BY state").fetchall()
        return {state: dict(rows).get(state, 0) for state in State}

    def oldest_open(self) -> Entry | None:
        """The message that has waited longest."""
        return next(iter(self._entries(f"{_OPEN} ORDER BY accepted_at LIMIT 1")), None)

    def dead(self, limit: int) -> list[Entry]:
        """The messages that need an admin, the newest first."""
        return self._entries("state = 'dead' ORDER BY accepted_at DESC LIMIT %s", limit)

    def first_start(self, helpdesk: str) -> datetime:
        """When that helpdesk was first served; the first call decides."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO first_start (helpdesk) VALUES (%s) ON CONFLICT DO NOTHING", [helpdesk])
            row = connection.execute("SELECT at FROM first_start WHERE helpdesk = %s", [helpdesk]).fetchone()
        assert row is not None  # noqa: S101 - just inserted
        return row[0]  # type: ignore[no-any-return]

    # --- SQL

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """For several statements; one alone is a transaction as it is, without two more ways to the server and back."""
        with self._pool.connection() as connection, connection.transaction():
            yield connection

    def _execute(self, sql: str, values: Sequence[object]) -> None:
        with self._pool.connection() as connection:
            connection.execute(sql, values)

    def _settle(self, key: str, state: State, reason: str | None) -> None:
        self._execute(
            f"UPDATE inbox SET state = %s, reason = %s, settled_at = now() WHERE key = %s AND {_OPEN}",
            [state, reason, key],
        )

    def _entries(self, where: str, *values: object) -> list[Entry]:
        with self._pool.connection() as connection, connection.cursor(row_factory=kwargs_row(_entry)) as cursor:
            cursor.execute(f"SELECT {_COLUMNS} FROM inbox WHERE {where}", values)
            return cursor.fetchall()
