"""What Greffier needs from a helpdesk, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from connector.ticket import Event, Finding, Note, NoteRef, Ticket


class Helpdesk(Protocol):
    """One configured helpdesk. Its methods, `read_event` apart, call it and raise `RemoteError`."""

    @property
    def name(self) -> str:
        """As in the configuration; two helpdesks of one kind may exist."""

    def read_event(self, headers: Mapping[str, str], body: bytes) -> Event | None:
        """The event that a delivery announces, None if it is genuine but not for us. No I/O.

        `headers` have lower-case names; `body` is the raw bytes, which the signature covers.
        Raises `Refused` if it is not genuine (401) or unreadable (400).
        """

    def fetch(self, ticket_id: str) -> Ticket:
        """The ticket as it is now."""

    def find_note(self, ticket_id: str, reference: str) -> NoteRef | None:
        """Our note of that reference, None if the ticket has none."""

    def add_note(self, ticket_id: str, note: Note) -> NoteRef:
        """Write an internal note. It is read back after an unknown outcome, never repeated blindly."""

    def check(self) -> Iterator[Finding]:
        """What an admin should know: address, key, rights, one finding a line. Raises nothing."""
