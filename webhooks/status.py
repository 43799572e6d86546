"""What `greffier status` says of the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from webhooks.ledger import EVERYTHING, Ledger

DEAD_SHOWN = 20


def lines(ledger: Ledger) -> Iterator[str]:
    """The pauses, a line for each state, the oldest open message, then the dead ones with their reason."""
    for helpdesk, reason in ledger.pauses().items():
        yield f"paused    {'everything' if helpdesk == EVERYTHING else helpdesk}: {reason}"
    for state, count in ledger.counts().items():
        yield f"{state:<9} {count}"
    if oldest := ledger.oldest_open():
        waited = datetime.now(UTC) - oldest.accepted_at
        reason = f": {oldest.last_error}" if oldest.last_error else ""
        yield f"oldest    {oldest.key}, ticket {oldest.ticket}, for {int(waited.total_seconds())} s{reason}"
    for entry in ledger.dead(DEAD_SHOWN):
        yield f"dead      {entry.key}, ticket {entry.ticket}: {entry.reason}"
