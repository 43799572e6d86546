"""A configured helpdesk with its settings, as the worker and the sweep want it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from chains.triage import Rules, SkipReason
from connector.errors import RemoteError
from connector.helpdesk import Helpdesk
from connector.settings import HelpdeskSettings
from connector.ticket import Mode


class OutOfReach(Exception):
    """A ticket that is gone, or in a group that is not ours; `reason` says which."""

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Desk:
    """Messages written before `starts_at` are left alone."""

    helpdesk: Helpdesk
    settings: HelpdeskSettings
    starts_at: datetime

    def covers(self, group: str) -> bool:
        """Whether messages of that group are drafted."""
        return self.settings.mode(group) is Mode.DRAFT

    def rules(self, group: str) -> Rules:
        """What decides on the messages of a ticket in that group."""
        return Rules(self.settings.mode(group), self.starts_at, self.settings.channels)

    @contextmanager
    def in_reach(self) -> Iterator[None]:
        """Around calls about one ticket: raises OutOfReach where nothing is broken and the ticket is not for us.

        A ticket that an agent has moved to a group of others is refused as one in a group of ours would be, had an
        admin forgotten a right there: a look at our rights tells them apart, and RemoteError passes through.
        """
        try:
            yield
        except RemoteError as error:
            if error.permanent and error.status == HTTPStatus.NOT_FOUND:
                raise OutOfReach(SkipReason.GONE) from None
            if error.permanent and error.status == HTTPStatus.FORBIDDEN and self._has_its_rights():
                raise OutOfReach(SkipReason.GROUP_NOT_COVERED) from None
            raise

    def _has_its_rights(self) -> bool:
        return self.helpdesk.reads([group for group in self.settings.groups if self.covers(group)])
