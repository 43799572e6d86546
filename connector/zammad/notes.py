"""Internal notes in a Zammad ticket: written once, found again by their marker, never public.

Facts from Zammad 5.2, seen running: `internal` is false and `content_type` is text/plain unless said otherwise; a note
of sender System notifies and mails nobody; `origin_by_id` would make the customer its author, so it is never sent.
Bodies are stored changed by Zammad's sanitiser, so a note is known by `preferences` and never by its text.
"""

from __future__ import annotations

import logging

from connector.errors import RemoteError
from connector.markup import render
from connector.rest import Rest
from connector.ticket import Note, NoteRef
from connector.zammad.answers import MARKER, Article, read

log = logging.getLogger("greffier.zammad")


def articles(rest: Rest, ticket_id: str) -> tuple[Article, ...]:
    """All articles of a ticket, as Zammad lists them."""
    path = f"ticket_articles/by_ticket/{ticket_id}"
    return read(tuple[Article, ...], rest.get(path).json, source=f"{rest.name}: {path}")


def find_note(rest: Rest, ticket_id: str, reference: str) -> NoteRef | None:
    """Our note of that reference, also after an agent has made it public."""
    ours = (article for article in articles(rest, ticket_id) if article.reference == reference)
    return next((article.note_ref() for article in ours), None)


def add_note(rest: Rest, ticket_id: str, note: Note, *, sender: str) -> NoteRef:
    """Write the note. Where nobody knows whether Zammad took it, look for it before saying that it failed.

    Raises `RemoteError`; one that is not permanent may be tried again, after another look.
    """
    body = {
        "ticket_id": int(ticket_id),
        "type": "note",
        "internal": True,
        "sender": sender,
        "subject": note.subject,
        "content_type": "text/html",
        "body": render(note),
        "preferences": {MARKER: {"reference": note.reference}},
    }
    try:
        answer = rest.post("ticket_articles", body).json
        article = read(Article, answer, source=f"{rest.name}: ticket_articles")
    except RemoteError as error:
        if not _is_unknown_outcome(error):
            raise
        found = find_note(rest, ticket_id, note.reference)
        if found is None:
            raise
        log.info("%s: ticket %s: the note %s was written, its answer was lost", rest.name, ticket_id, found.id)
        return found
    if not article.internal:
        _withdraw(rest, ticket_id, article)
    if article.reference != note.reference:
        log.error("%s: Zammad did not keep the marker of note %s: a repeat would be posted", rest.name, article.id)
    return article.note_ref()


def _is_unknown_outcome(error: RemoteError) -> bool:
    """No answer, a failure on the way back, or a success that could not be read."""
    return error.status is None or error.status < 300 or error.status >= 500


def _withdraw(rest: Rest, ticket_id: str, article: Article) -> None:
    """Zammad made the note public: take it away at once (its author may, for 600 seconds) and say so."""
    where = f"{rest.name}: ticket {ticket_id}: Zammad made the note {article.id} public"
    try:
        rest.delete(f"ticket_articles/{article.id}")
    except RemoteError as error:
        log.critical("%s and did not delete it: make it internal by hand", where)
        raise RemoteError(f"{where}; make it internal by hand: {error}", permanent=True) from error
    log.error("%s; it was deleted", where)
    raise RemoteError(f"{where}; it was deleted. Look for a trigger or a proxy that changes it", permanent=True)
