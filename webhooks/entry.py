"""An event in the inbox: what it is about, and where it stands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chains.triage import SkipReason
from connector.ticket import EventKind


class State(StrEnum):
    """Where an event is on its way; the last four are its end."""

    ACCEPTED = "accepted"
    DRAFTED = "drafted"
    POSTED = "posted"
    SKIPPED = "skipped"
    """No note, and a reason."""
    DONE = "done"
    """Attended to; it asks for no note."""
    DEAD = "dead"


class Source(StrEnum):
    """What told us of an event."""

    WEBHOOK = "webhook"
    SWEEP = "sweep"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the inbox."""

    key: str
    helpdesk: str
    ticket: str
    message: str
    kind: EventKind
    state: State
    reason: str | None
    last_error: str | None
    failures: int
    failing_since: datetime | None
    stalls: int
    accepted_at: datetime
    settled_at: datetime | None
    group_name: str | None = None
    """The ticket's group as it was last looked at, before the draft."""

    @property
    def seconds(self) -> float | None:
        """How long the message took, once it is settled."""
        return (self.settled_at - self.accepted_at).total_seconds() if self.settled_at else None

    @property
    def is_open(self) -> bool:
        """Whether something remains to be done."""
        return self.state in (State.ACCEPTED, State.DRAFTED)

    @property
    def reference(self) -> str:
        """The mark of this message's note: the same at every attempt, so that a note already there is recognised."""
        return f"gr-{hashlib.sha256(self.key.encode()).hexdigest()[:10]}"


OF_THE_PLACE = frozenset(
    {SkipReason.GONE, SkipReason.GROUP_NOT_COVERED, SkipReason.GROUP_OFF, SkipReason.TICKET_MERGED}
)
"""Reasons that a move to another ticket or group takes away."""
