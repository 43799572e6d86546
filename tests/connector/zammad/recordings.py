"""The recorded Zammad 5.2 as the tests use it: its settings, its deliveries, its articles."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from connector.ticket import Note, Span
from connector.zammad.client import Zammad
from connector.zammad.settings import ZammadSettings
from tests.conftest import FIXTURES
from tests.connector.replay import Neighbour, Reply, recorded

SECRET = "cle-de-test-valbrume-2026"
_FILES = (FIXTURES / "zammad-5.2").glob("webhook_*.json")
DELIVERIES = sorted(path.stem for path in _FILES if path.stem != "webhook_failure_timings")
NOTE = Note(
    reference="gr-1", subject="Projet de réponse", banner=((Span("AI-generated"),),), body=((Span("Bonjour,"),),)
)


def zammad(url: str = "http://127.0.0.1:1", **values: Any) -> Zammad:
    settings = {"kind": "zammad", "url": url, "token": "jeton", "webhook_secret": SECRET, "timeout": 5} | values
    return Zammad("mairie", ZammadSettings(**settings))


def delivery(name: str) -> tuple[dict[str, str], bytes]:
    """Headers, with lower-case names as the web process passes them, and the raw body."""
    request = recorded(name)["request"]
    return {key.lower(): value for key, value in request["headers"]}, request["body_text"].encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


def payload(**article: Any) -> bytes:
    """A minimal delivery: a customer's public message, unless `article` says otherwise."""
    customers = {"id": 13, "sender": "Customer", "internal": False}
    return json.dumps({"ticket": {"id": 4}, "article": customers | article}).encode()


def article(**values: Any) -> dict[str, Any]:
    """The customer's first article of the recorded ticket, changed as said."""
    first: dict[str, Any] = recorded("api_articles_by_ticket_expand")["response"]["json"][0]
    return first | values


def serve_ticket(server: Neighbour, *articles: dict[str, Any], **ticket: Any) -> None:
    """Ticket 5 as it was recorded; with the articles that were recorded of ticket 2 unless others are given."""
    shown = recorded("api_ticket_show_expand")["response"]["json"] | ticket
    listed = list(articles) or recorded("api_articles_by_ticket_expand")["response"]["json"]
    server.on("GET", "/api/v1/tickets/5", Reply(shown))
    server.on("GET", "/api/v1/ticket_articles/by_ticket/5", Reply(listed))
    server.on_recorded("api_users_me")
