"""The editor of an agent's answer: empty, or with the shared draft in it, as the text that would be sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from inscriptis import get_text
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.model.config import ParserConfig

from webhooks.demo.sandbox.page.access import the_page
from webhooks.demo.sandbox.records import Draft, Ticket
from webhooks.demo.sandbox.sanitiser import sanitise

_LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """What stands in the editor. `draft_id` is 0 unless the shared draft was put there."""

    to: str
    subject: str
    text: str = ""
    draft_id: int = 0


def empty(ticket: Ticket) -> Reply:
    """An answer by e-mail that has yet to be written."""
    return Reply(the_page().actions.store.users[ticket.customer_id].email, f"Re: {ticket.title}")


def drafted(ticket: Ticket, draft: Draft) -> Reply:
    """The shared draft in the editor."""
    plain, given = empty(ticket), draft.new_article
    to, subject = str(given.get("to") or plain.to), str(given.get("subject") or plain.subject)
    return Reply(to, subject, as_text(str(given.get("body", ""))), draft.id)


def as_text(html: str) -> str:
    """HTML as the text of an e-mail: each link is followed by its address."""
    clean = _LINK.sub(_link, sanitise(html))
    return get_text(clean, ParserConfig(css=STRICT_CSS_PROFILE)).strip() if clean.strip() else ""


def as_html(text: str) -> str:
    """Text as the HTML that a shared draft holds."""
    return escape(text).replace("\n", "<br>")


def _link(found: re.Match[str]) -> str:
    address, text = found.groups()
    return str(text) if text == address else f"{text} – {address}"
