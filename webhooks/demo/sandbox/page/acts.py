"""What people do with a ticket: write as citizen or agent, and what an agent does with one click."""

from __future__ import annotations

from flask import Blueprint, abort, request
from werkzeug.wrappers import Response as Answer

from webhooks.demo.sandbox.page import tickets, views
from webhooks.demo.sandbox.page.access import agent_of, field, find, shown, the_page

routes = Blueprint("acts", __name__, url_prefix="/tickets/<int:ticket_id>")


@routes.post("/usager")
def write_as_citizen(ticket_id: int) -> tuple[str, int] | Answer:
    """A further message; it opens a closed ticket again."""
    ticket, text, channel = find(ticket_id), field("texte"), field("canal") or "web"
    if not text or channel not in views.CHANNELS:
        return tickets.page(ticket, error="usager"), 422
    actions = the_page().actions
    login = actions.store.users[ticket.customer_id].login
    if channel == "phone":
        agent = agent_of(ticket.group_id)
        _, article = actions.phone_in(ticket.title, text, customer=login, ticket_id=ticket_id, agent=agent)
    else:
        _, article = actions.write_as_customer(
            ticket.title, text, customer=login, ticket_id=ticket_id, type=channel, reopen=True
        )
    return shown(ticket_id, message=article)


@routes.post("/agent")
def reply_as_agent(ticket_id: int) -> tuple[str, int] | Answer:
    """An answer by e-mail. If it came from the shared draft, that one is deleted, as in Zammad."""
    ticket, text = find(ticket_id), field("texte")
    if not text:
        return tickets.page(ticket, error="agent"), 422
    actions, draft = the_page().actions, views.draft_of(ticket)
    given = {}
    if draft and request.form.get("brouillon", type=int) == draft.id:
        given = {name: draft.new_article.get(name) or None for name in ("to", "subject", "in_reply_to")}
        actions.discard_shared_draft(ticket_id)
    fields = {name: str(value) for name, value in given.items() if value}
    article = actions.reply_as_agent(ticket_id, text, agent=agent_of(ticket.group_id), **fields)
    return shown(ticket_id, message=article)


@routes.post("/note")
def write_note(ticket_id: int) -> tuple[str, int] | Answer:
    ticket, text = find(ticket_id), field("texte")
    if not text:
        return tickets.page(ticket, error="note"), 422
    article = the_page().actions.note_as_agent(ticket_id, text, agent=agent_of(ticket.group_id))
    return shown(ticket_id, message=article)


@routes.post("/macro")
def run_macro(ticket_id: int) -> Answer:
    ticket = find(ticket_id)
    macro = next((one for one in views.desk(ticket)["macros"] if one["name"] == field("macro")), None)
    if macro is None:
        abort(422)
    the_page().actions.run_macro(ticket_id, macro["name"], agent=agent_of(ticket.group_id))
    return shown(ticket_id, done="macro")


@routes.post("/clore")
def close(ticket_id: int) -> Answer:
    the_page().actions.close(ticket_id, agent=agent_of(find(ticket_id).group_id))
    return shown(ticket_id, done="clore")


@routes.post("/rouvrir")
def reopen(ticket_id: int) -> Answer:
    the_page().actions.reopen(ticket_id, agent=agent_of(find(ticket_id).group_id))
    return shown(ticket_id, done="rouvrir")


@routes.post("/deplacer")
def move(ticket_id: int) -> Answer:
    ticket, group = find(ticket_id), the_page().actions.store.group(field("groupe"))
    if group is None:
        abort(422)
    the_page().actions.move(ticket_id, group.name, agent=agent_of(ticket.group_id))
    return shown(ticket_id, done="deplacer")


@routes.post("/fusionner")
def merge(ticket_id: int) -> Answer:
    """Move the messages into another ticket, and go there."""
    ticket, target = find(ticket_id), request.form.get("cible", 0, type=int)
    if target not in {other.id for other in views.desk(ticket)["others"]}:
        abort(422)
    the_page().actions.merge(ticket_id, target, agent=agent_of(ticket.group_id))
    return shown(target, done="fusionner")
