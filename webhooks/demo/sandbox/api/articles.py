"""Articles and their attachments."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.api.access import caller, desk, find_ticket, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, new_article, parameters, truth
from webhooks.demo.sandbox.records import Article

DELETABLE = timedelta(seconds=600)
"""How long an author may take a note back."""

routes = Blueprint("articles", __name__)


@routes.get("/ticket_articles/by_ticket/<ticket_id>")
def by_ticket(ticket_id: str) -> Response:
    store, ticket = the_store(), find_ticket(ticket_id, "read")
    articles = [article for article in store.articles_of(ticket) if caller().is_agent or not article.internal]
    return jsonify([shapes.article(store, article) for article in articles])


@routes.get("/ticket_articles/<int:article_id>")
def show(article_id: int) -> Response:
    article = _article(article_id, "read")
    if article.internal and not caller().is_agent:
        raise ApiError(403, "Not authorized")
    return jsonify(shapes.article(the_store(), article))


@routes.post("/ticket_articles")
def create() -> tuple[Response, int]:
    values, store = parameters(), the_store()
    ticket = find_ticket(values.get("ticket_id"), "change")
    article = store.add_article(caller(), ticket.id, new_article(values))
    if desk().faults.take("lost_answers"):
        _hang_up()
    return jsonify(shapes.article(store, article)), 201


@routes.put("/ticket_articles/<int:article_id>")
def update(article_id: int) -> Response:
    """Only `internal` can be changed; whatever else is given is ignored without a word."""
    values, article = parameters(), _article(article_id, "change")
    if not caller().is_agent:
        raise ApiError(403, "Not authorized")
    internal = truth(values["internal"]) if "internal" in values else article.internal
    return jsonify(shapes.article(the_store(), the_store().show_article(caller(), article.id, internal=internal)))


@routes.delete("/ticket_articles/<int:article_id>")
def delete(article_id: int) -> Response:
    store, article = the_store(), _known(article_id)
    if article.created_by_id != caller().id or not caller().is_agent:
        raise ApiError(403, "Not authorized (you can only delete your own notes)!")
    if store.clock() - article.created_at > DELETABLE:
        raise ApiError(403, "Not authorized (note is too old to be deleted)!")
    store.delete_article(article)
    return jsonify({})


@routes.get("/ticket_attachment/<int:ticket_id>/<int:article_id>/<int:file_id>")
def attachment(ticket_id: int, article_id: int, file_id: int) -> Response:
    find_ticket(ticket_id, "read")
    article = the_store().articles.get(article_id)
    files = article.attachments if article and article.ticket_id == ticket_id else ()
    for file in files:
        if file.id == file_id:
            media_type = file.preferences["Mime-Type"]
            # what a browser could run is only ever downloaded
            answer = Response(file.data, mimetype="application/octet-stream" if "html" in media_type else media_type)
            answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}"
            return answer
    raise ApiError(403, "The file does not belong to the specified article.")


def _known(article_id: int) -> Article:
    article = the_store().articles.get(article_id)
    if article is None:
        raise ApiError(404, f"Couldn't find Ticket::Article with 'id'={article_id}")
    return article


def _article(article_id: int, right: str) -> Article:
    article = _known(article_id)
    find_ticket(article.ticket_id, right)
    return article


def _hang_up() -> None:
    """Cut the connection, so that the answer reaches nobody. Only Werkzeug's own server has a socket to cut."""
    connection: socket.socket | Any = request.environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
