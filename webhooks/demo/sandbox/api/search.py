"""The search for tickets without Elasticsearch: by a condition, or by words that stand there literally."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.api.access import may, the_store
from webhooks.demo.sandbox.api.parameters import Unexpected, number, parameters
from webhooks.demo.sandbox.conditions import BadCondition, Subject, check, concerns_article, matches
from webhooks.demo.sandbox.records import Article, Ticket
from webhooks.demo.sandbox.store import Store

LONGEST_PAGE = 200
"""Tickets in an answer; a longer page is cut without a word."""
_PAGE = 50

routes = Blueprint("search", __name__)


@routes.route("/tickets/search", methods=["GET", "POST"])
def search() -> Response:
    values = {**request.args.to_dict(), **(parameters() if request.method == "POST" else {})}
    store = the_store()
    rows = _sorted(store, list(_rows(store, values)), values)
    size = min(number(values.get("per_page") or values.get("limit")) or _PAGE, LONGEST_PAGE)
    start = (max(number(values.get("page")), 1) - 1) * size
    return _answer(store, rows[start : start + size], len(rows), values)


def _rows(store: Store, values: dict[str, Any]) -> Iterator[Ticket]:
    """A ticket for each of its articles that match: Zammad joins them, and does not make them distinct."""
    test = _by_words if "condition" not in values else _by_condition
    yield from test(store, values)


def _by_condition(store: Store, values: dict[str, Any]) -> Iterator[Ticket]:
    condition = values["condition"]
    if not condition:
        raise Unexpected(500)
    try:
        check(condition, store.zammad)
        joined, now = concerns_article(condition), store.clock()
        for ticket in _readable(store):
            for article in store.articles_of(ticket) if joined else [None]:
                if matches(condition, Subject(ticket, article, store.tags.get(ticket.id, ()), now)):
                    yield ticket
    except (BadCondition, ValueError, KeyError, TypeError):
        raise Unexpected(422) from None


def _by_words(store: Store, values: dict[str, Any]) -> Iterator[Ticket]:
    """`LIKE`, with its case and its `%`; stars are dropped, and nothing at all finds everything."""
    words = str(values.get("query") or "").replace("*", "").strip()
    pattern = re.compile(".*".join(re.escape(part).replace("_", ".") for part in words.split("%")), re.DOTALL)
    for ticket in _readable(store):
        if not words:
            yield ticket
            continue
        for article in store.articles_of(ticket):
            if any(pattern.search(text or "") for text in _texts(ticket, article)):
                yield ticket


def _texts(ticket: Ticket, article: Article) -> Iterator[str | None]:
    yield from (ticket.title, ticket.number, article.body, article.from_, article.to, article.subject)


def _readable(store: Store) -> list[Ticket]:
    return [ticket for ticket in list(store.tickets.values()) if may(ticket, "read")]


def _sorted(store: Store, rows: list[Ticket], values: dict[str, Any]) -> list[Ticket]:
    """By one column of the ticket, the last change first unless asked otherwise."""
    column = str(values.get("sort_by") or "updated_at")
    descending = str(values.get("order_by") or "desc").lower() == "desc"

    def key(ticket: Ticket) -> tuple[bool, Any, int]:
        value = shapes.ticket(store, ticket).get(column)
        return value is not None, value, ticket.id

    return sorted(rows, key=key, reverse=descending)


def _answer(store: Store, rows: list[Ticket], total: int, values: dict[str, Any]) -> Response:
    expand = str(values.get("expand")).lower() == "true"
    counted = {name: str(values.get(name)).lower() == "true" for name in ("with_total_count", "only_total_count")}
    if store.zammad.lists and counted["only_total_count"]:
        return jsonify({"total_count": total})
    if expand or store.zammad.lists:
        records = [shapes.ticket(store, ticket, expand=expand) for ticket in rows]
        return jsonify(
            {"records": records, "total_count": total}
            if store.zammad.lists and counted["with_total_count"]
            else records
        )
    return jsonify(
        {
            "tickets": [ticket.id for ticket in rows],
            "tickets_count": len(rows),
            "assets": shapes.ticket_assets(store, rows) if rows else {},
        }
    )
