"""The part of Zammad 5.2's REST API that Greffier uses, with its answers to whoever gets it wrong."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, g, jsonify, request

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.parameters import ApiError, Unparsable, new_article, number, parameters
from webhooks.demo.sandbox.records import Ticket, User
from webhooks.demo.sandbox.store import Store

DELETABLE = timedelta(seconds=600)
"""How long an author may take a note back."""

_AUTHORIZATION = re.compile(r'(?:Token|Bearer) (?:token=)?"?([^"]+)"?')
_NO_TOKEN = {"revoked": "Can't find User for Token", "expired": "Not authorized (token expired)!"}


def _answer_error(error: ApiError) -> tuple[Response, int]:
    answer = jsonify({"error": error.text, "error_human": error.text})
    if error.status in (401, 403):
        answer.headers["X-Failure"] = error.text
    return answer, error.status


def _answer_unparsable(error: Unparsable) -> tuple[Response, int]:
    if error.status == 400:
        return jsonify({"status": 400, "error": "Bad Request"}), 400
    text = f"Error ID {secrets.token_urlsafe(6)}: Please contact your administrator."
    return jsonify({"error": text}), error.status


def create_api(store: Store, faults: Faults) -> Blueprint:
    """The blueprint, to be mounted at `/api/v1`."""
    api = Blueprint("api", __name__)
    api.register_error_handler(ApiError, _answer_error)
    api.register_error_handler(Unparsable, _answer_unparsable)

    @api.before_request
    def admit() -> Response | None:
        time.sleep(faults.api_delay)
        if faults.take("api_failures"):
            return Response(
                "<html><body><h1>Service indisponible</h1></body></html>",
                status=faults.api_status,
                mimetype="text/html",
            )
        g.user = _authenticated(store, faults)
        return None

    @api.get("/users/me")
    def me() -> Response:
        return jsonify(shapes.me(store, g.user, expand=request.args.get("expand") == "true"))

    @api.get("/tickets")
    def list_tickets() -> Response:
        """By id, in pages of at most 100 whatever is asked for; no filter."""
        page, size = request.args.get("page", 1, int), min(request.args.get("per_page", 100, int), 100)
        readable = [ticket for _, ticket in sorted(store.tickets.items()) if store.may(g.user, ticket, "read")]
        shown = readable[(page - 1) * size : page * size]
        return jsonify([shapes.ticket(store, ticket, expand=False) for ticket in shown])

    @api.get("/tickets/<ticket_id>")
    def show_ticket(ticket_id: str) -> Response:
        ticket = _ticket(store, ticket_id, "read")
        return jsonify(shapes.ticket(store, ticket, expand=request.args.get("expand") == "true"))

    @api.post("/tickets")
    def create_ticket() -> tuple[Response, int]:
        values = parameters()
        group = store.group(str(values.get("group"))) or store.groups.get(number(values.get("group_id")))
        if group is None:
            raise ApiError(422, f"No lookup value found for 'group': {json.dumps(values.get('group'))}")
        if g.user.is_agent and not {"create", "full"} & set(g.user.access.get(group.id, ())):
            raise ApiError(403, "Not authorized")
        customer = _customer(store, values) if g.user.is_agent else g.user
        article = values.get("article")
        new = new_article(article if isinstance(article, dict) else {})
        ticket = store.create_ticket(g.user, group, customer, str(values.get("title") or "-"), new)
        return jsonify(shapes.created_ticket(store, ticket)), 201

    @api.get("/ticket_articles/by_ticket/<ticket_id>")
    def list_articles(ticket_id: str) -> Response:
        ticket = _ticket(store, ticket_id, "read")
        articles = [article for article in store.articles_of(ticket) if g.user.is_agent or not article.internal]
        return jsonify([shapes.article(store, article) for article in articles])

    @api.post("/ticket_articles")
    def create_article() -> tuple[Response, int]:
        values = parameters()
        ticket = _ticket(store, values.get("ticket_id"), "change")
        article = store.add_article(g.user, ticket.id, new_article(values))
        if faults.take("lost_answers"):
            _hang_up()
        return jsonify(shapes.article(store, article)), 201

    @api.delete("/ticket_articles/<int:article_id>")
    def delete_article(article_id: int) -> Response:
        article = store.articles.get(article_id)
        if article is None:
            raise ApiError(404, f"Couldn't find Ticket::Article with 'id'={article_id}")
        if article.created_by_id != g.user.id or not g.user.is_agent:
            raise ApiError(403, "Not authorized (you can only delete your own notes)!")
        if store.clock() - article.created_at > DELETABLE:
            raise ApiError(403, "Not authorized (note is too old to be deleted)!")
        store.delete_article(article)
        return jsonify({})

    @api.get("/ticket_attachment/<int:ticket_id>/<int:article_id>/<int:file_id>")
    def attachment(ticket_id: int, article_id: int, file_id: int) -> Response:
        _ticket(store, ticket_id, "read")
        article = store.articles.get(article_id)
        files = article.attachments if article and article.ticket_id == ticket_id else ()
        for file in files:
            if file.id == file_id:
                media_type = file.preferences["Mime-Type"]
                # what a browser could run is only ever downloaded
                answer = Response(
                    file.data, mimetype="application/octet-stream" if "html" in media_type else media_type
                )
                name = quote(file.filename, safe="")
                answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
                return answer
        raise ApiError(403, "The file does not belong to the specified article.")

    @api.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown(path: str) -> Response:
        raise ApiError(404, f"No route matches [{request.method}] /api/v1/{path}")

    return api


def _authenticated(store: Store, faults: Faults) -> User:
    found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise ApiError(403, "Authentication required")
    if faults.tokens in _NO_TOKEN:
        raise ApiError(401, _NO_TOKEN[faults.tokens])
    user = store.users.get(store.tokens.get(found[1], 0))
    if user is None:
        raise ApiError(401, _NO_TOKEN["revoked"])
    if faults.maintenance:
        raise ApiError(403, "Maintenance mode enabled!")
    return user


def _ticket(store: Store, ticket_id: Any, right: str) -> Ticket:
    if ticket_id is None:
        raise ApiError(404, "Couldn't find Ticket without an ID")
    ticket = store.tickets.get(number(ticket_id))
    if ticket is None:
        raise ApiError(404, f"Couldn't find Ticket with 'id'={ticket_id}")
    if not store.may(g.user, ticket, right):
        raise ApiError(403, "Not authorized")
    return ticket


def _customer(store: Store, values: dict[str, Any]) -> User:
    customer = store.users.get(number(values.get("customer_id"))) or store.user(str(values.get("customer")))
    if customer is None:
        raise ApiError(422, f"No lookup value found for 'customer': {json.dumps(values.get('customer'))}")
    return customer


def _hang_up() -> None:
    """Cut the connection, so that the answer reaches nobody. Only Werkzeug's own server has a socket to cut."""
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
