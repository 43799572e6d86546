"""What an admin sets up: webhooks, triggers, macros, overviews, text modules, tags; and the log of deliveries."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.api.access import caller, desk, require, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, number, parameters
from webhooks.demo.sandbox.objects import Collection, Refused

LONGEST_PAGE = 1000
_PAGE = 500

_PERMISSION = {
    "webhooks": "admin.webhook",
    "triggers": "admin.trigger",
    "macros": "admin.macro",
    "overviews": "admin.overview",
    "text_modules": "admin.text_module",
    "tag_list": "admin.tag",
}
_AGENTS_READ = ("macros", "text_modules")
_CLASS = {"webhooks": "Webhook", "triggers": "Trigger", "macros": "Macro", "overviews": "Overview"}
_CLASS |= {"text_modules": "TextModule", "tag_list": "Tag::Item"}

routes = Blueprint("setup", __name__)


@routes.get(f"/<any({', '.join(_PERMISSION)}):kind>")
def index(kind: str) -> Response:
    _require_reading(kind)
    page = max(request.args.get("page", 1, int), 1)
    size = min(request.args.get("per_page", _PAGE, int), LONGEST_PAGE)
    rows = list(_collection(kind))[(page - 1) * size : page * size]
    return jsonify([_shape(row) for row in rows])


@routes.get(f"/<any({', '.join(_PERMISSION)}):kind>/<int:id>")
def show(kind: str, id: int) -> Response:
    _require_reading(kind)
    return jsonify(_shape(_row(kind, id)))


@routes.post(f"/<any({', '.join(_PERMISSION)}):kind>")
def create(kind: str) -> tuple[Response, int]:
    require(_PERMISSION[kind])
    values, collection = parameters(), _collection(kind)
    if kind == "tag_list":  # a tag that is there already is no error
        if collection.named(str(values.get("name"))) is None:
            collection.create(values, caller().id)
        return jsonify({}), 200
    return jsonify(_shape(collection.create(values, caller().id))), 201


@routes.put(f"/<any({', '.join(_PERMISSION)}):kind>/<int:id>")
def update(kind: str, id: int) -> Response:
    require(_PERMISSION[kind])
    _row(kind, id)
    row = _collection(kind).update(id, parameters(), caller().id)
    return jsonify({} if kind == "tag_list" else _shape(row))


@routes.delete(f"/<any({', '.join(_PERMISSION)}):kind>/<int:id>")
def delete(kind: str, id: int) -> Response:
    """A webhook that a trigger calls stays."""
    require(_PERMISSION[kind])
    row, store = _row(kind, id), the_store()
    used = store.objects.users_of(id) if kind == "webhooks" else []
    if used:
        names = ", ".join(f"{trigger['name']} (#{trigger['id']})" for trigger in used)
        raise Refused(f"Cannot delete! This webhook is referenced by Trigger: {names}")
    if kind == "tag_list":
        for ticket_id in list(store.tags):
            store.tag(ticket_id, row["name"], remove=True)
    _collection(kind).rows.pop(id, None)
    return jsonify({})


@routes.get("/http_logs/<facility>")
def http_logs(facility: str) -> Response:
    """The latest deliveries, the last first, with 8,000 characters of each request and answer."""
    require("admin")
    log = list(desk().deliveries.exchanges) if facility == "webhook" else []
    return jsonify([shapes.exchange(exchange) for exchange in reversed(log)])


@routes.get("/version")
def version() -> Response:
    require("admin")
    return jsonify({"version": f"{the_store().zammad.number}.0"})


def _require_reading(kind: str) -> None:
    require(_PERMISSION[kind], *(["ticket.agent"] if kind in _AGENTS_READ else []))


def _collection(kind: str) -> Collection:
    collection: Collection = getattr(the_store().objects, kind)
    return collection


def _row(kind: str, id: int) -> dict[str, Any]:
    row = _collection(kind).rows.get(number(id))
    if row is None:
        raise ApiError(404, f"Couldn't find {_CLASS[kind]} with 'id'={id}")
    return row


def _shape(row: dict[str, Any]) -> dict[str, Any]:
    return shapes.set_up(the_store(), row)
