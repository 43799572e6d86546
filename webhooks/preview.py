"""`greffier draft`: what Greffier would write in a ticket, as text. Nothing is posted, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg_pool import ConnectionPool

from chains.essence import language
from chains.question import Question
from connector.errors import GreffierError
from connector.ticket import Line, Message, Note, Ticket
from webhooks import wiring
from webhooks.ledger import Connection
from webhooks.profiles import Profiles
from webhooks.settings import Settings


def preview(settings: Settings, pool: ConnectionPool[Connection], helpdesk: str, ticket_id: str) -> str:
    """The note for the last message of the ticket's citizen. Raises GreffierError if there is none, or no answer."""
    ticket = wiring.helpdesk(helpdesk, settings.helpdesks[helpdesk]).fetch(ticket_id)
    message = _last_of_the_citizen(ticket)
    profiles = Profiles(settings, wiring.freshness(settings, pool))
    answer = wiring.drafter(settings, pool)(Question(ticket, message.id, profile=profiles.of(ticket)))
    note = profiles.writer(ticket).answer(answer, "preview", language(message.text))
    return "\n".join(_lines(note))


def _last_of_the_citizen(ticket: Ticket) -> Message:
    for message in reversed(ticket.messages):
        if message.from_citizen and not message.automatic:
            return message
    raise GreffierError(f"ticket {ticket.id} has no message of a citizen")


def _lines(note: Note) -> Iterator[str]:
    for part in (note.banner, note.body, note.sources, note.footer):
        for line in part:
            yield _text(line)
        if part:
            yield ""


def _text(line: Line) -> str:
    """A line with its doubtful runs between ⚠ signs, and its addresses behind."""
    links = dict.fromkeys(span.href for span in line if span.href and not span.text.startswith("["))
    text = "".join(f"⚠{span.text}⚠" if span.marked else span.text for span in line).strip()
    return " ".join([text, *(f"<{link}>" for link in links if link)])
