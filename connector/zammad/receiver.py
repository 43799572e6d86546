"""Deliveries of one Zammad, for the process that takes them in and must stay small: it needs no client."""

from __future__ import annotations

from collections.abc import Mapping

from connector.ticket import Event
from connector.zammad.events import read_event
from connector.zammad.settings import ZammadSettings


class ZammadReceiver:
    """A `Receiver`. It holds nothing but its settings, and may be shared between threads."""

    def __init__(self, name: str, settings: ZammadSettings) -> None:
        self._name = name
        self._settings = settings

    def read_event(self, headers: Mapping[str, str], body: bytes) -> Event | None:
        """See `connector.zammad.events`."""
        return read_event(self._name, self._settings.webhook_secrets, headers, body)
