"""A worker and a sweep in this process, on a real ledger, beside the sandbox and the scripted model server."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from connector.ticket import Event, EventKind
from tests.system import System
from webhooks import settings, wiring
from webhooks.cursors import Cursors
from webhooks.entry import Entry
from webhooks.ledger import Ledger
from webhooks.metrics import Drafting
from webhooks.sweep import Sweep

QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie. Quel est le délai ?"


class Work:
    """What a test does with events, and what it wants to know of them."""

    def __init__(self, greffier: System, pool: ConnectionPool[psycopg.Connection[Any]]) -> None:
        self.greffier, self.sandbox, self._pool = greffier, greffier.sandbox, pool
        self.ledger, self.cursors = Ledger(pool), Cursors(pool)
        self.reload()

    def reload(self) -> None:
        """Build everything anew from the settings, as a new process does."""
        given = settings.load(self.greffier.config, {})
        desks = wiring.desks(given, self.ledger)
        self.worker = wiring.worker(given, self._pool, desks, Drafting())
        self.sweep = Sweep(self.ledger, self.cursors, desks)

    def configure(self, line: str) -> None:
        """Change a setting of the helpdesk."""
        self.greffier.configure(line)
        self.reload()

    def message(self, group: str = "État civil", text: str = QUESTION, **given: Any) -> tuple[int, str]:
        """A citizen's message, accepted: its ticket and its key."""
        ticket, article = self.sandbox.write_as_customer("Dépôt de garantie", text, group=group, **given)
        return ticket, self.accept(ticket, article)

    def command(self, ticket: int, text: str) -> str:
        """An agent's note that calls Greffier, accepted: its key."""
        return self.accept(ticket, self.sandbox.note_as_agent(ticket, text), EventKind.COMMAND)

    def reply(self, ticket: int) -> str:
        """An agent's answer, accepted: its key."""
        return self.accept(ticket, self.sandbox.reply_as_agent(ticket, "Bonjour, un mois."), EventKind.REPLY)

    def accept(self, ticket: int, article: int, kind: EventKind = EventKind.MESSAGE) -> str:
        """An event as a webhook announces it: its key."""
        event = Event("sandbox", str(ticket), str(article), kind)
        self.ledger.accept(event)
        return event.key

    def handle(self, *keys: str) -> None:
        """Take events to their end."""
        for key in keys:
            self.worker.handle(key, 0)

    def entry(self, key: str) -> Entry:
        """The event as it stands."""
        found = self.ledger.entry(key)
        assert found is not None
        return found

    def end(self, key: str) -> tuple[str, str | None]:
        """How an event ended."""
        entry = self.entry(key)
        return entry.state, entry.reason

    def notes(self, ticket: int) -> list[str]:
        """The bodies of our notes in a ticket."""
        return [note.body for note in self.sandbox.notes(ticket) if "greffier" in note.preferences]

    def asked(self) -> list[str]:
        """What the chat model was asked, the newest last."""
        chats = [call for call in self.greffier.models.requests if call.path.endswith("/chat/completions")]
        return [json.dumps(chat.body, ensure_ascii=False) for chat in chats]
