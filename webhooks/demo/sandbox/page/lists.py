"""The list of tickets, and the form of a new one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as Answer

from webhooks.demo.sandbox.page import views
from webhooks.demo.sandbox.page.access import agent_of, field, shown, the_page

routes = Blueprint("lists", __name__)


@routes.get("/")
def index() -> str:
    return render_template("index.html", version=the_page().actions.store.version, tickets=_rows())


@routes.get("/liste")
def changed() -> str | tuple[str, int]:
    """The list anew, if something has changed since the version `apres`."""
    version = the_page().actions.store.version
    if request.args.get("apres", type=int) == version:
        return "", 204
    return render_template("_tickets.html", version=version, tickets=_rows())


@routes.get("/nouvelle")
def new() -> str:
    return render_template("new.html", **_choices())


@routes.post("/nouvelle")
def create() -> tuple[str, int] | Answer:
    actions = the_page().actions
    customer, group = actions.store.user(field("usager")), actions.store.group(field("groupe"))
    subject, text, channel = field("objet")[:200], field("texte"), field("canal") or "web"
    if customer is None or group is None or not subject or not text or channel not in views.CHANNELS:
        return render_template("new.html", error=True, **_choices()), 422
    if channel == "phone":
        agent = agent_of(group.id)
        ticket, article = actions.phone_in(subject, text, group=group.name, customer=customer.login, agent=agent)
    else:
        ticket, article = actions.write_as_customer(
            subject, text, group=group.name, customer=customer.login, type=channel
        )
    return shown(ticket, message=article)


def _choices() -> dict[str, Any]:
    store = the_page().actions.store
    citizens = [user for user in list(store.users.values()) if "Customer" in user.roles]
    groups = list(store.groups.values())
    return {"citizens": citizens, "groups": groups, "channels": views.CHANNELS, "form": request.form}


def _rows() -> list[dict[str, Any]]:
    tickets = list(the_page().actions.store.tickets.values())
    tickets.sort(key=lambda ticket: (ticket.updated_at, ticket.id), reverse=True)
    return [views.row(ticket) for ticket in tickets]
