"""How far a neighbour's clock is from ours, as a finding of `greffier check`."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.ticket import Finding, Level

TOLERANCE = 60.0
"""Seconds; start dates and what is late are compared across both clocks."""
LIMIT = 300.0
"""Seconds that the sweep looks at twice; beyond, what was written before the start, or late, cannot be told."""


def finding(subject: str, theirs: datetime, asked_at: datetime) -> Finding:
    """What to say of a clock that showed `theirs`, asked at `asked_at` and answered just now.

    It was read somewhere in between, and may show no parts of a second: only what is beyond that counts.
    """
    ahead = max((theirs - datetime.now(UTC)).total_seconds(), 0.0)
    behind = max((asked_at - theirs).total_seconds() - 1.0, 0.0)
    skew = ahead or -behind
    if abs(skew) <= TOLERANCE:
        return Finding(Level.OK, subject, "agrees with ours")
    words = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} ours: synchronise both by NTP"
    if abs(skew) <= LIMIT:
        return Finding(Level.WARNING, subject, words)
    return Finding(Level.ERROR, subject, f"{words}. Beyond {LIMIT:.0f} messages may be taken for older than the start")
