"""Takes events from the queue along the line, and decides what follows from a failure: wait, give up, or pause."""

from __future__ import annotations

import logging
import random
from datetime import UTC, datetime, timedelta

import psycopg

from connector.errors import ConfigurationError, CredentialsRefused, GreffierError, RemoteError
from webhooks import logs
from webhooks.entry import Entry
from webhooks.ledger import Ledger
from webhooks.line import Line
from webhooks.metrics import Drafting

log = logging.getLogger("greffier.worker")

OUTAGE = timedelta(hours=24)  # how long a neighbour may be away
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 900.0  # seconds
ATTEMPTS = 3  # for anything that is not an outage
DEATHS = 10  # workers that may die on a message; each message in progress is charged for a death, guilty or not


class Worker:
    """Takes events from the ledger to their end."""

    def __init__(self, ledger: Ledger, line: Line, drafting: Drafting) -> None:
        self._ledger = ledger
        self._line = line
        self._drafting = drafting

    def handle(self, key: str, attempts: int) -> float | None:
        """Take a message one attempt further; seconds until the next attempt, None when there is none to come.

        Whatever goes wrong ends in the ledger, with a reason that an admin can read: nothing is raised.
        """
        with logs.about(key=key):
            try:
                return self._handle(key, attempts)
            except psycopg.OperationalError as error:  # the ledger is away, or another worker holds the ticket
                pause = _pause(attempts)
                log.warning("%s: again in %.0f s: %s", key, pause, type(error).__name__)
                return pause

    def _handle(self, key: str, attempts: int) -> float | None:
        entry = self._ledger.entry(key)
        if entry is None or not entry.is_open or self._ledger.is_paused(entry.helpdesk):
            return None  # after a pause, `adopt_orphans` gives the message a new job
        logs.add(helpdesk=entry.helpdesk, ticket=entry.ticket)
        pause = self._attempt(entry, attempts)
        self._count_if_settled(key)
        return pause

    def _count_if_settled(self, key: str) -> None:
        entry = self._ledger.entry(key)
        if entry and not entry.is_open:
            self._drafting.settled(entry)

    def _attempt(self, entry: Entry, attempts: int) -> float | None:
        try:
            self._line.advance(entry)
        except CredentialsRefused as error:
            self._ledger.pause(str(error), entry.helpdesk)
            log.error("%s: paused: %s; then run `greffier resume`", entry.helpdesk, error)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            return self._after(error, entry, attempts)
        return None

    def _after(self, error: Exception, entry: Entry, attempts: int) -> float | None:
        reason = str(error) if isinstance(error, GreffierError) else f"{type(error).__name__} in Greffier, see the log"
        self._drafting.failed(entry.helpdesk, outage=is_outage(error))
        now = self._ledger.failed(entry.key, reason, outage=is_outage(error)) or entry
        pause = pause_after(error, now, attempts)
        if pause is None:
            self._ledger.bury(entry.key, reason)
        level = logging.ERROR if pause is None else logging.WARNING
        what_next = "given up" if pause is None else f"again in {pause:.0f} s"
        unforeseen = None if isinstance(error, GreffierError) else error
        log.log(level, "%s: %s: %s", entry.key, what_next, reason, exc_info=unforeseen)
        return pause

    def may_live(self, key: str) -> bool:
        """Whether a message whose worker died is tried again: one that kills every worker is given up."""
        with logs.about(key=key):
            deaths = self._ledger.stalled(key)
            if deaths <= DEATHS:
                log.warning("%s: its worker died, taken up again (%s of %s)", key, deaths, DEATHS)
                return True
            self._ledger.bury(key, f"{deaths} workers died on it")
            log.error("%s: given up: %s workers died on it", key, deaths)
            self._count_if_settled(key)
            return False

    def adopt_orphans(self) -> None:
        """Give a job to open messages that have none: they waited for `greffier resume`, or their job was lost."""
        for entry in self._ledger.orphans():
            with logs.about(key=entry.key, helpdesk=entry.helpdesk, ticket=entry.ticket):
                self._ledger.requeue(entry)
                log.info("%s: taken up again", entry.key)


def is_outage(error: Exception) -> bool:
    """Whether it passes or is mended without anybody touching the message: a neighbour away, a setting wrong."""
    return isinstance(error, ConfigurationError) or (isinstance(error, RemoteError) and not error.permanent)


def pause_after(error: Exception, entry: Entry, attempts: int) -> float | None:
    """Seconds until a failed message is tried again, None to give up.

    An outage is waited out for a day, with pauses that double up to a quarter of an hour and jitter, so that a crowd
    does not come back at once. What waiting cannot mend ends at once, the rest after three attempts.
    """
    pause = _pause(attempts)
    if is_outage(error):
        now = datetime.now(UTC)
        asked = min(getattr(error, "retry_after", None) or 0, LONGEST_PAUSE)
        return max(pause, asked) if now - (entry.failing_since or now) <= OUTAGE else None
    if isinstance(error, RemoteError):
        return None
    return pause if entry.failures < ATTEMPTS else None


def _pause(attempts: int) -> float:
    return min(FIRST_PAUSE * 2.0 ** min(attempts, 10), LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
