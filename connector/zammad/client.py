"""A Zammad as a `Helpdesk`, over the session of zammad-py.

zammad-py gives the authentication and the address. Its calls are not used: they have no time-out, and their errors
lose the HTTP status.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from zammad_py import ZammadAPI

from connector.errors import RemoteError
from connector.rest import Rest
from connector.ticket import Article, Event, Finding, Note, NoteRef, Ticket, Touched
from connector.zammad import drafts, knowledge, notes, rights, sweep
from connector.zammad.answers import Account, TicketAnswer, read, to_ticket
from connector.zammad.checks import findings
from connector.zammad.events import read_event
from connector.zammad.settings import ZammadSettings
from connector.zammad.setup import ZammadSetup

UNWANTED = 600.0
"""Seconds for which a group that shows no shared drafts is remembered."""


class Zammad:
    """One Zammad. May be shared between threads: each has its own session."""

    def __init__(self, name: str, settings: ZammadSettings) -> None:
        self._name = name
        self._section = f"helpdesks.{name}"  # how messages name us: where in the configuration to look
        self._settings = settings
        self._threads = threading.local()
        self._account_id: int | None = None
        self._without_drafts: dict[str, float] = {}  # groups, and until when that is believed

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self._name

    def read_event(self, headers: Mapping[str, str], body: bytes) -> Event | None:
        """See `connector.zammad.events`."""
        return read_event(self._name, self._settings.webhook_secrets, headers, body)

    def fetch(self, ticket_id: str) -> Ticket:
        """The ticket and its articles as they are now."""
        path = f"tickets/{self._known(ticket_id)}"
        answer = read(TicketAnswer, self._rest.get(path, expand="true").json, source=f"{self._section}: {path}")
        articles = notes.articles(self._rest, ticket_id)
        return to_ticket(self._name, answer, articles, account_id=self._own_id())

    def updated_since(self, moment: datetime) -> Iterator[Touched]:
        """See `connector.zammad.sweep`."""
        return sweep.updated_since(self._rest, moment)

    def add_note(self, ticket_id: str, note: Note) -> NoteRef:
        """See `connector.zammad.notes`."""
        sender = self._settings.sender.capitalize()
        return notes.add_note(self._rest, self._known(ticket_id), note, sender=sender)

    def offer_draft(self, ticket: Ticket, note: Note, *, answers: str) -> bool:
        """See `connector.zammad.drafts`."""
        if not self._settings.offer_draft or self._without_drafts.get(ticket.group, 0) > time.monotonic():
            return False
        self._known(ticket.id)
        offered = drafts.offer(self._rest, ticket, note, answers=answers, account_id=self._own_id())
        if offered is None:
            self._without_drafts[ticket.group] = time.monotonic() + UNWANTED
        return bool(offered)

    def withdraw_draft(self, ticket_id: str) -> bool:
        """See `connector.zammad.drafts`."""
        if not self._settings.offer_draft:
            return False
        return drafts.withdraw(self._rest, self._known(ticket_id), account_id=self._own_id())

    def reads(self, groups: Collection[str]) -> bool:
        """See `connector.zammad.rights`."""
        account = read(Account, self._rest.get("users/me", expand="true").json, source=f"{self._section}: users/me")
        return rights.reads(groups, account, rights.roles(self._rest, account))

    def articles(self, *, internal: bool = False) -> Iterator[Article]:
        """See `connector.zammad.knowledge`."""
        given = self._settings
        return knowledge.articles(self._rest, given.url, locale=given.knowledge_locale, internal=internal)

    def check(self) -> Iterator[Finding]:
        """See `connector.zammad.checks`."""
        return findings(self._rest, self._settings)

    def set_up(self, admin_token: str, endpoint: str | None) -> ZammadSetup:
        """See `connector.zammad.setup`."""
        admin = self._connect(f"{self._section}, as admin", admin_token)
        return ZammadSetup(admin, self._rest, self._settings, endpoint)

    @property
    def _rest(self) -> Rest:
        rest: Rest | None = getattr(self._threads, "rest", None)
        if rest is None:
            rest = self._connect(self._section, self._settings.token.get_secret_value())
            self._threads.rest = rest
        return rest

    def _connect(self, name: str, token: str) -> Rest:
        given = self._settings
        client = ZammadAPI(url=f"{given.url.removesuffix('/api/v1')}/api/v1/", http_token=token)
        return Rest(client.session, client.url, name=name, timeout=given.timeout, ca_bundle=given.ca_bundle)

    def _own_id(self) -> int:
        if self._account_id is None:  # asked again by two threads at worst
            answer = self._rest.get("users/me").json
            self._account_id = read(Account, answer, source=f"{self._section}: users/me").id
        return self._account_id

    def _known(self, ticket_id: str) -> str:
        """The id if it can be one; it becomes part of an address."""
        if not (ticket_id.isascii() and ticket_id.isdigit()):
            raise RemoteError(
                f"{self._section}: no ticket {ticket_id!r}: Zammad's ids are whole numbers", permanent=True
            )
        return ticket_id
