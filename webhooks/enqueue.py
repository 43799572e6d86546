"""Adds the job of a message to the queue, in a transaction that the caller holds.

It calls the SQL function that Procrastinate's own `defer` calls, which is in our migrations: through the library it
would take a third of the time of a delivery, and the web process would load the whole of it for this.
"""

from __future__ import annotations

from typing import Any

import psycopg

DRAFTS, DRAFT = "drafts", "draft"
"""The queue, and the name of its task."""


def enqueue(connection: psycopg.Connection[Any], key: str, ticket: str) -> None:
    """Add the job of a message: it exists if, and only if, the connection's transaction commits.

    `ticket` is the job's lock: one job of a ticket at a time. Raises psycopg's errors.
    """
    connection.execute(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW("
        "%s, %s, 0, %s, NULL, jsonb_build_object('key', %s::text), NULL)::procrastinate_job_to_defer_v1])",
        [DRAFTS, DRAFT, ticket, key],
    )
