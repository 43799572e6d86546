"""What Greffier needs from a helpdesk, and no more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from connector.ticket import Article, Event, Finding, Note, NoteRef, Ticket, Touched


class Receiver(Protocol):
    """What takes deliveries of one configured helpdesk, and calls nobody."""

    def read_event(self, headers: Mapping[str, str], body: bytes) -> Event | None:
        """The event that a delivery announces, None if it is genuine but not for us. No I/O.

        `headers` have lower-case names; `body` is the raw bytes, which the signature covers.
        Raises `Refused` if it is not genuine (401) or unreadable (400).
        """


class Helpdesk(Receiver, Protocol):
    """One configured helpdesk. Its methods, `read_event` apart, call it and raise `RemoteError`."""

    @property
    def name(self) -> str:
        """As in the configuration; two helpdesks of one kind may exist."""

    def fetch(self, ticket_id: str) -> Ticket:
        """The ticket as it is now."""

    def updated_since(self, moment: datetime) -> Iterator[Touched]:
        """The tickets that have changed in any way since then, each at least once, as far as our account may read.

        It serves the sweep that finds what webhooks lost, and the poll where no webhook can reach us.
        """

    def add_note(self, ticket_id: str, note: Note) -> NoteRef:
        """Write an internal note. It is read back after an unknown outcome, never repeated blindly."""

    def reads(self, groups: Collection[str]) -> bool:
        """Whether our account is known to read all these groups; False where the helpdesk does not tell our account.

        An outage is no answer: it raises `RemoteError` as everywhere.
        """

    def check(self) -> Iterator[Finding]:
        """What an admin should know: address, key, rights, one finding a line. Raises nothing."""


@runtime_checkable
class OffersDraft(Protocol):
    """A helpdesk that can put a reply into the agent's editor, where the agent alone decides to send it."""

    def offer_draft(self, ticket: Ticket, note: Note, *, answers: str) -> bool:
        """Offer the note's `reply`, in the place of an older one of ours; False where that is not wanted or possible.

        `answers` is the id of the citizen's message that is answered: the draft is addressed to who wrote it, and never
        to a machine. What a person has written or touched is never overwritten. Raises `RemoteError`.
        """

    def withdraw_draft(self, ticket_id: str) -> bool:
        """Take back what we offered, unless a person has touched it; whether something was taken back.

        Raises `RemoteError`.
        """


@runtime_checkable
class HasKnowledge(Protocol):
    """A helpdesk with a knowledge base of its own."""

    def articles(self, *, internal: bool = False) -> Iterator[Article]:
        """Its published articles as our account may read them, with those for agents alone if `internal`.

        Raises `RemoteError`, also where there is none to read: a missing right must not look like an empty base.
        """


class Action(StrEnum):
    """What set-up does with an object of the helpdesk."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"
    """It is as it should be."""
    LEAVE = "leave"
    """It is not ours, or cannot be made without something that is not ours: an admin must decide."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan: `action` on `subject`, for instance `trigger greffier-commande`.

    `apply` does it and raises `RemoteError`; None where there is nothing to do.
    """

    action: Action
    subject: str
    detail: str = ""
    apply: Callable[[], None] | None = None


class Setup(Protocol):
    """Set-up of one helpdesk with an admin's key. Only `Change.apply` changes anything; all raise `GreffierError`."""

    def findings(self) -> Iterator[Finding]:
        """The rights that the run-time account has, lacks or should not have, and what else an admin should know."""

    def plan(self) -> list[Change]:
        """What is to be done, in order, and what is as it should be. Raises if a right for it is missing."""

    def removal(self) -> list[Change]:
        """What undoes it, in order: all that bears our mark, and nothing else."""


@runtime_checkable
class SetsUp(Protocol):
    """A helpdesk that can be set up over its API."""

    def set_up(self, admin_token: str, endpoint: str | None) -> Setup:
        """Set-up with a key that is used once and kept nowhere; `endpoint` is where the helpdesk is to call us."""
