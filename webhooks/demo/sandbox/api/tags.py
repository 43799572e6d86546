"""Tags. 5.2 asks nobody for a right on the ticket, and not even for the ticket."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox.api.access import allowed, caller, find_ticket, require, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, number, parameters

routes = Blueprint("tags", __name__, url_prefix="/tags")


@routes.get("")
def show() -> Response:
    return jsonify({"tags": list(the_store().tags.get(request.args.get("o_id", 0, int), ()))})


@routes.post("/add")
def add() -> tuple[Response, int]:
    """A tag that nobody used before joins the list of tags."""
    ticket_id, item, store = *_given(), the_store()
    if store.objects.tag_list.named(item) is None:
        store.objects.tag_list.create({"name": item}, caller().id)
    store.tag(ticket_id, item)
    return jsonify(True), 201


@routes.delete("/remove")
def remove() -> Response:
    ticket_id, item = _given()
    the_store().tag(ticket_id, item, remove=True)
    return jsonify(True)


def _given() -> tuple[int, str]:
    """Ticket and tag, from the body or the address."""
    require("ticket.agent", "admin.tag")
    values = {**request.args.to_dict(), **parameters()}
    if the_store().zammad.guards_tags and not allowed("admin.tag"):
        find_ticket(values.get("o_id"), "change")
    item = str(values.get("item") or "")
    if not item:
        raise ApiError(422, "Missing parameter: item")
    return number(values.get("o_id")), item
