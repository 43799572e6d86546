"""What the routes of the page share: the helpdesk behind it, the ticket that is asked for, what a form holds."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from webhooks.demo.sandbox.actions import Actions
from webhooks.demo.sandbox.records import Ticket, User

LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is about: what people do in the helpdesk, and the AI account, whose notes are named as such."""

    actions: Actions
    account: User


def the_page() -> Page:
    """The page of the application that is running."""
    found: Page = current_app.extensions["page"]
    return found


def find(ticket_id: int) -> Ticket:
    """The ticket; 404 if there is none."""
    return the_page().actions.store.tickets.get(ticket_id) or abort(404)


def agent_of(group_id: int) -> str:
    """The login of the first agent with full access to the group."""
    users = list(the_page().actions.store.users.values())
    return next(user.login for user in users if user.is_agent and "full" in user.rights.get(group_id, ()))


def field(name: str) -> str:
    """What the form holds under that name, empty if nothing."""
    return request.form.get(name, "").strip()[:LONGEST_TEXT].replace("\r\n", "\n")


def shown(ticket_id: int, *, message: int | None = None, done: str | None = None) -> Answer:
    """Back to the ticket: at one of its messages, or with a word on what was `done`, a key of `views.DONE`."""
    anchor = f"message-{message}" if message else None
    return redirect(url_for("page.tickets.show", ticket_id=ticket_id, fait=done, _anchor=anchor), 303)
