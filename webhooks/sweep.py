"""What no webhook told: tickets that have changed are looked at, and what they hold is accepted as by a webhook.

With webhooks this runs every minute, for Zammad forgets a delivery after five attempts; without, every few seconds, and
is all that there is. It also finds tickets that were moved into a covered group, and messages that were merged into
another ticket. Whatever is found twice is known by its key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from chains.triage import is_reply
from connector.errors import CredentialsRefused, RemoteError
from connector.ticket import Event, EventKind, Message, Ticket, Touched
from webhooks import logs
from webhooks.cursors import Cursors
from webhooks.desk import Desk
from webhooks.entry import OF_THE_PLACE, Source
from webhooks.ledger import Ledger

log = logging.getLogger("greffier.sweep")

SWEEP_EVERY = 60.0
"""Seconds between two sweeps where there are webhooks."""
OVERLAP = timedelta(minutes=5)
"""Looked at again each time: what was being written during a sweep, or by a clock that is not ours."""
PATIENCE = 2
"""Tickets in a row that may fail before the helpdesk itself is taken for broken."""
TRIED_FOR = timedelta(days=1)
"""How old the change of a ticket may be that cannot be read, before it is let go."""


class Sweep:
    """Looks through each helpdesk when it is due. One process does it at a time, whichever comes first."""

    def __init__(self, ledger: Ledger, cursors: Cursors, desks: Mapping[str, Desk]) -> None:
        self._ledger = ledger
        self._cursors = cursors
        self._desks = desks
        self._due = dict.fromkeys(desks, 0.0)
        self._seen: dict[str, dict[str, datetime]] = {name: {} for name in desks}

    def __call__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Look through the helpdesks that are due. Raises psycopg's errors; a helpdesk's are logged and kept."""
        for name, desk in self._desks.items():
            if time.monotonic() < self._due[name] or stopping():
                continue
            if not self._ledger.is_paused(name):
                with self._cursors.alone(name) as alone:
                    if alone and self._is_due(name, desk):
                        self._sweep(name, desk, stopping)
            self._due[name] = time.monotonic() + interval(desk)

    def _is_due(self, name: str, desk: Desk) -> bool:
        """Whether no other process has just done it."""
        last = self._cursors.get(name).swept_at
        return last is None or datetime.now(UTC) - last >= timedelta(seconds=0.8 * interval(desk))

    def _sweep(self, name: str, desk: Desk, stopping: Callable[[], bool]) -> None:
        look = _Look(self._cursors.get(name).watermark or desk.starts_at)
        try:
            for touched in desk.helpdesk.updated_since(look.since - OVERLAP):
                if stopping():
                    return
                with look.at(touched):
                    self._take(name, desk, touched)
        except CredentialsRefused as error:
            self._ledger.pause(str(error), name)
            log.error("%s: paused: %s; then run `greffier resume`", name, error)
        except RemoteError as error:
            self._cursors.failed(name, str(error))
            log.warning("%s: looked through in vain, again in %.0f s: %s", name, interval(desk), error)
        else:
            self._seen[name] = look.seen
            self._cursors.swept(name, watermark=look.watermark(), error=look.error)

    def _take(self, name: str, desk: Desk, touched: Touched) -> None:
        if not desk.covers(touched.group) or self._seen[name].get(touched.ticket) == touched.at:
            return
        source = Source.POLL if desk.settings.intake == "poll" else Source.SWEEP
        take_in(desk.helpdesk.fetch(touched.ticket), desk, self._ledger, source)
        self._seen[name][touched.ticket] = touched.at


class _Look:
    """One look through a helpdesk: the tickets that it could read, and how far it may say that it came.

    A ticket that cannot be read keeps no other from being found: it is tried again by the next look, for a day.
    """

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.seen: dict[str, datetime] = {}
        self.error: str | None = None
        self._began = time.monotonic()
        self._newest = since
        self._failed_at: datetime | None = None
        self._failed_in_a_row = 0

    @contextmanager
    def at(self, touched: Touched) -> Iterator[None]:
        """Around the reading of a ticket. RemoteError passes if the helpdesk is away, or seems to be."""
        self._newest = max(self._newest, touched.at)
        try:
            yield
        except CredentialsRefused:
            raise
        except RemoteError as error:
            log.warning("ticket %s is left out of the sweep: %s", touched.ticket, error)
            if not error.permanent:
                self._fail(touched, error)
                return
        self._failed_in_a_row = 0
        self.seen[touched.ticket] = touched.at

    def _fail(self, touched: Touched, error: RemoteError) -> None:
        self._failed_in_a_row += 1
        if error.is_away or self._failed_in_a_row > PATIENCE:
            raise error
        if datetime.now(UTC) - touched.at < TRIED_FOR:
            self._failed_at = min(self._failed_at or touched.at, touched.at)
            self.error = str(error)

    def watermark(self) -> datetime:
        """How far the helpdesk was looked through, by its own clock.

        What changed during the look may have been passed by already, since tickets come in the order of their numbers:
        as long as the look took is taken off.
        """
        newest = max(self.since, self._newest - timedelta(seconds=time.monotonic() - self._began))
        return min(newest, self._failed_at or newest)


def interval(desk: Desk) -> float:
    """Seconds between two looks at a helpdesk."""
    return desk.settings.poll_every if desk.settings.intake == "poll" else SWEEP_EVERY


def take_in(ticket: Ticket, desk: Desk, ledger: Ledger, source: Source) -> None:
    """Accept whatever a ticket holds that is not known yet, in a covered group.

    What was skipped because of its ticket or group is taken up again where it stands now.
    """
    if not desk.covers(ticket.group):
        return
    events = list(_events(ticket, desk.starts_at))
    known = ledger.known([event.key for event in events])
    for event in events:
        was_in, reason = known.get(event.key, (event.ticket, None))
        if was_in != event.ticket or reason in OF_THE_PLACE:
            ledger.reconsider(event)
        elif (event.key not in known or source is Source.WEBHOOK) and ledger.accept(event, source):
            with logs.about(key=event.key, helpdesk=event.helpdesk, ticket=event.ticket):
                log.info("%s: accepted by %s", event.key, source)


def _events(ticket: Ticket, starts_at: datetime) -> Iterator[Event]:
    for message in ticket.messages:
        kind = _kind(message)
        if kind and message.written_at >= starts_at:
            yield Event(ticket.helpdesk, ticket.id, message.id, kind)


def _kind(message: Message) -> EventKind | None:
    if message.ours:
        return None
    if message.command:
        return EventKind.COMMAND
    if is_reply(message):
        return EventKind.REPLY
    return EventKind.MESSAGE if message.from_citizen else None
