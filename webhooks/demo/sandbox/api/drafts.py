"""The shared draft of a ticket: `PUT` makes or overwrites it, whoever wrote the one before."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.api.access import caller, find_ticket, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, Unexpected, parameters
from webhooks.demo.sandbox.records import Draft, Ticket
from webhooks.demo.sandbox.sanitiser import sanitise

routes = Blueprint("drafts", __name__, url_prefix="/tickets/<ticket_id>/shared_draft")


@routes.get("")
def show(ticket_id: str) -> Response:
    return _answer(the_store().drafts.get(_ticket(ticket_id).id))


@routes.put("")
@routes.patch("")
def write(ticket_id: str) -> Response:
    """A group that wants no shared drafts gets one all the same: the pages alone hide it."""
    store, ticket, values = the_store(), _ticket(ticket_id), parameters()
    new, attributes = _hash(values, "new_article") or {}, _hash(values, "ticket_attributes")
    if store.zammad.cleans_drafts and "body" in new:
        new["body"] = sanitise(str(new["body"]))
    return _answer(store.write_draft(caller(), ticket.id, new, attributes))


@routes.delete("")
def delete(ticket_id: str) -> Response:
    draft = the_store().delete_draft(_ticket(ticket_id).id)
    if draft is None:
        raise Unexpected(500)
    return jsonify({"shared_draft_id": draft.id})


def _ticket(ticket_id: str) -> Ticket:
    ticket = find_ticket(ticket_id, "change")
    if not caller().is_agent:
        raise ApiError(403, "Not authorized")
    return ticket


def _hash(values: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = values.get(name)
    return dict(value) if isinstance(value, dict) else None


def _answer(draft: Draft | None) -> Response:
    if draft is None:
        return jsonify({"shared_draft_id": None, "assets": None})
    store = the_store()
    assets = shapes.assets(store, {draft.created_by_id, draft.updated_by_id})
    return jsonify(
        {
            "shared_draft_id": draft.id,
            "assets": {"TicketSharedDraftZoom": {str(draft.id): shapes.draft(draft)}} | assets,
        }
    )
