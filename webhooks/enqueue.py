"""Adds the job of a message to the queue, in a transaction that the caller holds.

It calls the SQL function that Procrastinate's own `defer` calls, which is in our migrations: through the library it
would take a third of the time of a delivery, and the web process would load the whole of it for this.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

DRAFTS, DRAFT = "drafts", "draft"
"""The queue, and the name of its task."""


def job(key: LiteralString, ticket: LiteralString) -> LiteralString:
    """The call that adds the job of a message, for a statement in which those two expressions give key and ticket.

    The ticket is the job's lock: one job of a ticket at a time.
    """
    return (
        f"procrastinate_defer_jobs_v1(ARRAY[ROW('{DRAFTS}', '{DRAFT}', 0, {ticket}, NULL,"
        f" jsonb_build_object('key', {key}::text), NULL)::procrastinate_job_to_defer_v1])"
    )


def enqueue(connection: psycopg.Connection[Any], key: str, ticket: str) -> None:
    """Add the job of a message: it exists if, and only if, the connection's transaction commits.

    Raises psycopg's errors.
    """
    connection.execute(f"SELECT {job('%(key)s', '%(ticket)s')}", {"key": key, "ticket": ticket})
