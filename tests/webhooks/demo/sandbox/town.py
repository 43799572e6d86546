"""The town of the recordings, and what was recorded there done again in the sandbox."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from tests.webhooks.demo.sandbox.recordings import load
from webhooks.demo.sandbox import Sandbox, SandboxConfig, payload
from webhooks.demo.sandbox.records import Article, NewArticle

ADMIN = "admin@valbrume.example"
AGENT = "agent@valbrume.example"
CUSTOMER = "jeanne.vauquelin@exemple.example"
GREFFIER = "greffier@valbrume.example"
IRENE = "irene.peguy@exemple.example"


class Valbrume(Sandbox):
    """Its tickets have the recorded ids; `old_note` and `fresh_note` are two notes of the AI account."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 22, 37, tzinfo=UTC)
        config = SandboxConfig(
            account=f"Greffier (brouillons) <{GREFFIER}>",
            agents=(f"Camille Ortega <{ADMIN}>", f"Noémie Lefèvre <{AGENT}>"),
            admin=ADMIN,
            citizens=(
                f"Jeanne Vauquelin <{CUSTOMER}>",
                "a@b.example",
                "c@d.example",
                "e@f.example",
                f"Irène Péguy <{IRENE}>",
            ),
            clock=lambda: self.now,
        )
        super().__init__(config)
        for number in range(1, 18):
            self.write_as_customer(
                f"Demande {number}",
                "Bonjour",
                group="Ressources humaines" if number == 17 else "État civil",
                customer=IRENE if number == 5 else CUSTOMER,
                type="email" if number == 5 else "web",
                files=(("justificatif.txt", "text/plain", b"Facture"),) if number == 4 else (),
            )
        self._converse()
        self.old_note = self._write(GREFFIER, internal=True).id
        self.now += timedelta(seconds=601)
        self.fresh_note = self._write(GREFFIER, internal=True, subject="v1", content_type="text/html").id

    def _converse(self) -> None:
        """What was said on ticket 2 before it was recorded."""
        self.write_as_customer("", "Re-bonjour", ticket_id=2)
        self.reply_as_agent(2, "Bonjour Madame Vauquelin")
        self._write(AGENT, internal=False)
        self._write(GREFFIER, internal=True)

    def _write(self, login: str, **fields: Any) -> Article:
        author = self.store.user(login)
        assert author is not None
        ticket = 5 if "subject" in fields else 2
        return self.store.add_article(author, ticket, NewArticle("<p>v1</p>", **fields))

    def paths(self) -> dict[str, str]:
        """Recorded paths that name an id which is another one here."""
        file = self.store.articles_of(self.store.tickets[4])[0]
        return {
            "/api/v1/ticket_articles/84": f"/api/v1/ticket_articles/{self.fresh_note}",
            "/api/v1/ticket_articles/298": f"/api/v1/ticket_articles/{self.old_note}",
            "/api/v1/ticket_attachment/4/13/12": f"/api/v1/ticket_attachment/4/{file.id}/{file.attachments[0].id}",
        }


CALLERS = {
    "api_article_create_agent_email_reply": AGENT,
    "api_ticket_create_phone_with_attachments": AGENT,
    "api_articles_by_ticket_as_customer": CUSTOMER,
    "api_create_access_token": AGENT,
    "api_shared_draft_put_replace": AGENT,
    "api_shared_draft_put_group_disabled": ADMIN,
    "setup_trigger_create_agent_public_reply": ADMIN,
    "setup_trigger_create_ticket_create": ADMIN,
    "setup_webhook_create": ADMIN,
}
"""Who called, where it was not the AI account."""


def _drafted(town: Valbrume) -> None:
    draft = load("api_shared_draft_put_create")["request"]["json"]
    town.store.write_draft(town.account, 5, draft["new_article"], draft["ticket_attributes"])


def _tagged(town: Valbrume) -> None:
    for tag in load("api_tags_list")["response"]["json"]["tags"]:
        town.store.tag(5, tag)


def _trials(town: Valbrume) -> None:
    agent, customer, group = town.store.user(AGENT), town.store.user(CUSTOMER), town.store.group("Urbanisme")
    assert agent is not None
    assert customer is not None
    assert group is not None
    for number in range(3):
        town.store.create_ticket(agent, group, customer, f"ESSAI-{number}", NewArticle("texte"))


def _swept(town: Valbrume) -> None:
    """Three messages on ticket 4 and two on ticket 5, as the sweep of the recording found them."""
    town.now = datetime(2026, 11, 21, 22, 41, tzinfo=UTC)
    for ticket, customer in ((4, CUSTOMER), (4, CUSTOMER), (4, CUSTOMER), (5, IRENE), (5, IRENE)):
        town.write_as_customer("", "Re-bonjour", ticket_id=ticket, customer=customer)


BEFORE: dict[str, Callable[[Valbrume], None]] = {
    **dict.fromkeys(("api_shared_draft_get", "api_shared_draft_delete"), _drafted),
    **dict.fromkeys(("api_shared_draft_put_replace", "api_shared_draft_put_partial"), _drafted),
    "api_tags_list": _tagged,
    "search_limit_duplicates": _trials,
    "search_sweep_by_article_condition": _swept,
}
"""What had happened before the recorded call."""


def replay(name: str) -> TestResponse:
    """The recorded request, sent to the sandbox by the same kind of caller."""
    town, request = Valbrume(), load(name)["request"]
    BEFORE.get(name, lambda town: None)(town)
    if name == "error_token_expired":
        town.faults.tokens = "expired"
    headers = {key: value for key, value in request["headers"].items() if key not in ("Host", "Authorization")}
    if name != "error_no_auth":
        headers["Authorization"] = _credentials(town, request["headers"]["Authorization"], name)
    body: Any = request.get("body_text") or (json.dumps(request["json"]) if "json" in request else None)
    if name == "error_body_too_large":  # the recording keeps its beginning alone
        body = json.dumps({"ticket_id": 5, "body": "<p>" + "mot " * 400_000 + "</p>"})
    path = town.paths().get(request["path"], request["path"])
    return town.app.test_client().open(path, method=request["method"], headers=headers, data=body)


def _credentials(town: Valbrume, recorded: str, name: str) -> str:
    """What the caller showed, in the recorded form."""
    login = CALLERS.get(name, GREFFIER)
    if recorded.startswith("Basic"):
        user = town.store.user(login)
        assert user is not None
        return "Basic " + b64encode(f"{login}:{town.store.passwords[user.id]}".encode()).decode()
    token = "unknown" if name == "error_bad_token" else town.tokens[login]
    return ("Bearer " if recorded.startswith("Bearer") else "Token token=") + token


def deliver_again(town: Sandbox, recorded: Any, agent: str = AGENT) -> bytes:
    """The recorded delivery as the sandbox makes it, after the same history."""
    ticket, article = recorded["ticket"], recorded["article"]
    group, customer = town.store.group(ticket["group"]["name"]), town.store.customer(ticket["customer"]["email"])
    assert group is not None
    if not article:  # an agent took the ticket over
        id, _ = town.write_as_customer(ticket["title"], "...", group=group.name, customer=customer.email)
        owner = town.store.user(agent)
        assert owner is not None
        values = {"owner_id": owner.id, "state": "open", "priority": ticket["priority"]["name"]}
        town.store.update_ticket(owner, id, values)
        return payload.delivery(town.store, id, None, town.url) or b""
    author = town.store.user(article["created_by"]["login"]) or customer
    new = NewArticle(
        files=tuple((file["filename"], "text/plain", b"...") for file in article["attachments"]),
        **{key: article[key] for key in ("body", "content_type", "type", "sender", "internal", "preferences")},
        **{key: article[key] for key in ("subject", "to", "cc", "message_id", "in_reply_to")},
    )
    if ticket["article_ids"][0] == article["id"]:
        created = town.store.create_ticket(author, group, customer, ticket["title"], new)
        return payload.delivery(town.store, created.id, created.article_ids[0], town.url) or b""
    id, _ = town.write_as_customer(ticket["title"], "...", group=group.name, customer=customer.email)
    if ticket["last_contact_agent_at"] and (article["type"], article["sender"]) != ("email", "Agent"):
        town.reply_as_agent(id, "...", agent=agent)
    return payload.delivery(town.store, id, town.store.add_article(author, id, new).id, town.url) or b""
