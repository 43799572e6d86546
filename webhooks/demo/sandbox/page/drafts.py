"""The shared draft of a ticket, as agents save, see and delete it."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as Answer

from webhooks.demo.sandbox.page import tickets, views
from webhooks.demo.sandbox.page.access import agent_of, field, find, shown, the_page
from webhooks.demo.sandbox.page.reply import as_html

routes = Blueprint("drafts", __name__, url_prefix="/tickets/<int:ticket_id>/brouillon")


@routes.get("")
def changed(ticket_id: int) -> str | tuple[str, int]:
    """The shared draft as it is offered, if it is another than the version `apres`."""
    offer = views.offer(find(ticket_id))
    if request.args.get("apres", type=int) == offer["draft_version"]:
        return "", 204
    return render_template("_draft.html", **offer)


@routes.post("")
def save(ticket_id: int) -> tuple[str, int] | Answer:
    """Save what stands in the editor, over the draft that is there."""
    ticket, text = find(ticket_id), field("texte")
    if not text:
        return tickets.page(ticket, error="agent"), 422
    the_page().actions.edit_shared_draft(ticket_id, as_html(text), agent=agent_of(ticket.group_id))
    return shown(ticket_id, done="brouillon")


@routes.post("/suppression")
def delete(ticket_id: int) -> Answer:
    the_page().actions.discard_shared_draft(find(ticket_id).id)
    return shown(ticket_id, done="suppression")
