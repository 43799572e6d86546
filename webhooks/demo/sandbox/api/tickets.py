"""Tickets: reading, making, changing, merging, and the lists of what they refer to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox import macros, shapes
from webhooks.demo.sandbox.api.access import caller, find_ticket, flag, may, require, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, new_article, number, parameters
from webhooks.demo.sandbox.records import PRIORITIES, STATES, User

LONGEST_PAGE = 100

routes = Blueprint("tickets", __name__)


@routes.get("/tickets")
def index() -> Response:
    """By id, in pages of at most 100 whatever is asked for; no filter, and no other order."""
    store = the_store()
    page, size = max(request.args.get("page", 1, int), 1), request.args.get("per_page", LONGEST_PAGE, int)
    size = min(size, LONGEST_PAGE)
    readable = [ticket for _, ticket in sorted(store.tickets.items()) if may(ticket, "read")]
    shown = readable[(page - 1) * size : page * size]
    return jsonify([shapes.ticket(store, ticket, expand=flag("expand")) for ticket in shown])


@routes.get("/tickets/<ticket_id>")
def show(ticket_id: str) -> Response:
    return jsonify(shapes.ticket(the_store(), find_ticket(ticket_id, "read"), expand=flag("expand")))


@routes.post("/tickets")
def create() -> tuple[Response, int]:
    values, store, user = parameters(), the_store(), caller()
    group = store.groups.get(_reference(values, "group"))
    if group is None:
        raise ApiError(422, f"No lookup value found for 'group': {json.dumps(values.get('group'))}")
    if user.is_agent and not {"create", "full"} & set(user.rights.get(group.id, ())):
        raise ApiError(403, "Not authorized")
    customer = _customer(values) if user.is_agent else user
    article = values.get("article")
    new = new_article(article if isinstance(article, dict) else {})
    columns = {name: value for name, value in _columns(values).items() if name in ("state", "priority", "owner_id")}
    ticket = store.create_ticket(user, group, customer, str(values.get("title") or "-"), new, **columns)
    return jsonify(shapes.created_ticket(store, ticket)), 201


@routes.put("/tickets/<ticket_id>")
def update(ticket_id: str) -> Response:
    """Columns, and an article with them: one event. `shared_draft_id` says that the draft was sent, and deletes it."""
    store, ticket, values = the_store(), find_ticket(ticket_id, "change"), parameters()
    article = values.get("article")
    new = new_article(article) if isinstance(article, dict) else None
    if not caller().is_agent:
        values = {}
    event = store.update_ticket(caller(), ticket.id, _columns(values), new)
    if values.get("shared_draft_id"):
        store.delete_draft(ticket.id)
    return jsonify(shapes.created_ticket(store, event.ticket))


@routes.delete("/tickets/<ticket_id>")
def delete(ticket_id: str) -> Response:
    ticket = find_ticket(ticket_id, "read")
    require("admin")
    the_store().delete_ticket(ticket.id)
    return jsonify({})


@routes.route("/ticket_merge/<int:source_id>/<target_number>", methods=["GET", "PUT"])
def merge(source_id: int, target_number: str) -> Response:
    store = the_store()
    target = next((ticket for ticket in list(store.tickets.values()) if ticket.number == target_number), None)
    if target is None:
        return jsonify({"result": "failed", "message": "The target ticket number could not be found."})
    if source_id not in store.tickets:
        return jsonify({"result": "failed", "message": "The source ticket could not be found."})
    for ticket_id in (source_id, target.id):
        find_ticket(ticket_id, "change")
    store.merge(caller(), source_id, target.id)
    shown = {
        f"{name}_ticket": shapes.ticket(store, store.tickets[id])
        for name, id in (("target", target.id), ("source", source_id))
    }
    return jsonify({"result": "success", **shown})


@routes.get("/links")
def links() -> Response:
    """The parent that a ticket was merged into, and the children that were merged into it."""
    store, ticket = the_store(), find_ticket(request.args.get("link_object_value"), "read")
    children = [child for child, parent in store.parents.items() if parent == ticket.id]
    found = [("parent", store.parents[ticket.id])] if ticket.id in store.parents else []
    found += [("child", child) for child in children]
    return jsonify(
        {
            "links": [
                {"link_type": kind, "link_object": "Ticket", "link_object_value": other} for kind, other in found
            ],
            "assets": shapes.ticket_assets(
                store, [store.tickets[other] for _, other in found if other in store.tickets]
            ),
        }
    )


@routes.post("/tickets/mass_macro")
def mass_macro() -> Response:
    """A macro on several tickets, in the caller's name."""
    values, store = parameters(), the_store()
    macro = store.objects.macros.rows.get(number(values.get("macro_id")))
    if macro is None:
        raise ApiError(404, f"Couldn't find Macro with 'id'={values.get('macro_id')}")
    tickets = [find_ticket(id, "change") for id in values.get("ticket_ids") or ()]
    for ticket in tickets:
        macros.perform(store, macro, ticket.id, caller())
    return jsonify({})


@routes.get("/ticket_states")
def states() -> Response:
    return jsonify([shapes.state(the_store(), name) for name in STATES])


@routes.get("/ticket_priorities")
def priorities() -> Response:
    return jsonify([shapes.priority(the_store(), name) for name in PRIORITIES])


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that were given, by name or by id; an unknown one is a 422."""
    columns: dict[str, Any] = {"title": str(values["title"])} if values.get("title") else {}
    for name, key in (("group", "group_id"), ("owner", "owner_id"), ("customer", "customer_id")):
        if name in values or key in values:
            columns[key] = _reference(values, name)
    for name, known in (("state", STATES), ("priority", PRIORITIES)):
        if name in values or f"{name}_id" in values:
            columns[name] = _word(values, name, known)
    return columns


def _reference(values: Mapping[str, Any], name: str) -> int:
    """The id of a group or a person, given by name or by id."""
    store = the_store()
    if name in values:
        given = str(values[name])
        found = store.group(given) if name == "group" else store.user(given)
        if found is None:
            raise ApiError(422, f"No lookup value found for '{name}': {json.dumps(values[name])}")
        return found.id
    id = number(values.get(f"{name}_id"))
    if id not in (store.groups if name == "group" else store.users):
        raise ApiError(422, f"Invalid value for param '{name}_id': {json.dumps(values.get(f'{name}_id'))}")
    return id


def _word(values: Mapping[str, Any], name: str, known: Mapping[str, int]) -> str:
    if name in values:
        if values[name] not in known:
            raise ApiError(422, f"No lookup value found for '{name}': {json.dumps(values[name])}")
        return str(values[name])
    id = number(values[f"{name}_id"])
    for word, other in known.items():
        if other == id:
            return word
    raise ApiError(422, f"Invalid value for param '{name}_id': {json.dumps(values[f'{name}_id'])}")


def _customer(values: Mapping[str, Any]) -> User:
    return the_store().users[_reference(values, "customer")]
