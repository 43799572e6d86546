"""What `greffier status` says of the inbox and of the sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from psycopg_pool import ConnectionPool

from webhooks import figures
from webhooks.cursors import Cursor, Cursors
from webhooks.ledger import EVERYTHING, Connection, Ledger

DEAD_SHOWN = 20


def lines(pool: ConnectionPool[Connection]) -> Iterator[str]:
    """The pauses, a line for each state, the last day's reasons, the sweeps, the oldest open message, the dead ones."""
    ledger = Ledger(pool)
    for helpdesk, reason in ledger.pauses().items():
        yield f"paused    {'everything' if helpdesk == EVERYTHING else helpdesk}: {reason}"
    for state, count in ledger.counts().items():
        yield f"{state:<9} {count}"
    if reasons := _reasons(pool):
        counts = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        yield f"no draft  in the last 24 hours: {counts}"
    found = _found(pool)
    for helpdesk, cursor in Cursors(pool).all().items():
        yield f"sweep     {helpdesk}: {_sweep(cursor, found[helpdesk])}"
    if oldest := ledger.oldest_open():
        reason = f": {oldest.last_error}" if oldest.last_error else ""
        yield f"oldest    {oldest.key}, ticket {oldest.ticket}, for {_since(oldest.accepted_at)}{reason}"
    for entry in ledger.dead(DEAD_SHOWN):
        yield f"dead      {entry.key}, ticket {entry.ticket}: {entry.reason}"


def _reasons(pool: ConnectionPool[Connection]) -> Counter[str]:
    found: Counter[str] = Counter()
    with pool.connection() as connection:
        for (_helpdesk, _state, reason), count in figures.read(connection, figures.LAST_DAY, []).items():
            found[reason] += int(count)
    del found[""]
    return found


def _found(pool: ConnectionPool[Connection]) -> Counter[str]:
    """How many events each helpdesk's webhook has lost."""
    with pool.connection() as connection:
        rows = figures.read(connection, figures.SWEEP_FOUND, [])
    return Counter({helpdesk: int(count) for (helpdesk,), count in rows.items()})


def _sweep(cursor: Cursor, found: int) -> str:
    swept = f"{_since(cursor.swept_at)} ago" if cursor.swept_at else "never to its end"
    error = f"; then: {cursor.last_error}" if cursor.last_error else ""
    return f"{swept}, {found} events found that no webhook had told{error}"


def _since(moment: datetime) -> timedelta:
    return timedelta(seconds=int((datetime.now(UTC) - moment).total_seconds()))
