"""A configured helpdesk with its settings, as the worker and the sweep want it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chains.triage import Rules
from connector.helpdesk import Helpdesk
from connector.settings import HelpdeskSettings
from connector.ticket import Mode


@dataclass(frozen=True, slots=True)
class Desk:
    """`first_start` tells when the helpdesk was first served."""

    helpdesk: Helpdesk
    settings: HelpdeskSettings
    first_start: Callable[[], datetime]

    @property
    def starts_at(self) -> datetime:
        """From when on messages are drafted."""
        return self.settings.start or self.first_start()

    def covers(self, group: str) -> bool:
        """Whether messages of that group are drafted."""
        return self.settings.groups.get(group) is Mode.DRAFT

    def rules(self, group: str) -> Rules:
        """What decides on the messages of a ticket in that group."""
        return Rules(self.settings.groups.get(group), self.starts_at, self.settings.channels)
