"""A ticket as people see it: what was written in it, what may be written, and what an agent may do with it."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from webhooks.demo.sandbox.page import views
from webhooks.demo.sandbox.page.access import find, the_page
from webhooks.demo.sandbox.page.reply import Reply, drafted, empty
from webhooks.demo.sandbox.records import Ticket

routes = Blueprint("tickets", __name__, url_prefix="/tickets/<int:ticket_id>")


@routes.get("")
def show(ticket_id: int) -> str:
    """The ticket; with `brouillon` the shared draft is in the reply, as after "Apply" in Zammad."""
    ticket = find(ticket_id)
    draft = views.draft_of(ticket) if "brouillon" in request.args else None
    return page(ticket, reply=drafted(ticket, draft) if draft else None)


@routes.get("/suite")
def following(ticket_id: int) -> str | tuple[str, int]:
    """The messages after the one numbered `apres`."""
    after = request.args.get("apres", default=0, type=int)
    articles = [article for article in the_page().actions.store.articles_of(find(ticket_id)) if article.id > after]
    if not articles:
        return "", 204
    return render_template("_articles.html", articles=[views.message(article) for article in articles])


def page(ticket: Ticket, *, reply: Reply | None = None, error: str = "") -> str:
    """The page of a ticket. `reply` is what stands in the editor, `error` names the form that was empty."""
    store = the_page().actions.store
    return render_template(
        "ticket.html",
        group=store.groups[ticket.group_id],
        customer=store.users[ticket.customer_id],
        articles=[views.message(article) for article in store.articles_of(ticket)],
        reply=reply or empty(ticket),
        channels=views.CHANNELS,
        done=views.DONE.get(request.args.get("fait", "")),
        error=error,
        **views.offer(ticket),
        **views.desk(ticket),
    )
