"""The sandbox against what was recorded on a running Zammad 5.2: status, words, headers and shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.webhooks.demo.sandbox.conftest import Receiver
from tests.webhooks.demo.sandbox.recordings import differences, load, names
from webhooks.demo.sandbox import Sandbox, SandboxConfig, Webhook, payload, shapes
from webhooks.demo.sandbox.records import Article, NewArticle
from webhooks.demo.sandbox.webhook import signature

KEPT = {
    "ticket.*escalation_at": "no service level agreement: nothing escalates",
    "ticket.first_response_*_in_min": "computed from a service level agreement",
    "ticket.first_response_in_min": "computed from a service level agreement",
    "ticket.update_*in_min": "computed from a service level agreement",
    "ticket.preferences.escalation_calculation*": "where Zammad remembers the service level agreement",
    "*.karma_user": "Zammad leaves it out once somebody has karma; nobody has any here",
    "ticket.group.note": "Zammad's first group has a note, the others have none",
    "ticket.group.signature*": "Zammad's first group has an e-mail signature, the others have none",
    "*.owner.department": "empty text for the system user alone",
    "*.owner.address": "empty text for the system user alone",
    "user.preferences.notification_config*": "which notifications somebody wants: here all have the first settings",
    "article.attachments.each.preferences*": "MIME headers kept from e-mails, and what Zammad found out about images",
}
"""Differences that are kept on purpose, by path, each with its reason."""

AGENT = "agent@valbrume.example"
CUSTOMER = "jeanne.vauquelin@exemple.example"
GREFFIER = "greffier@valbrume.example"
IRENE = "irene.peguy@exemple.example"
CALLERS = {
    "api_article_create_agent_email_reply": AGENT,
    "api_ticket_create_phone_with_attachments": AGENT,
    "api_articles_by_ticket_as_customer": CUSTOMER,  # recorded with a password; the sandbox has tokens only
}
LEFT_OUT = {
    "api_shared_draft_*": "Greffier writes no shared draft",
    "api_tags_*": "Greffier reads and sets no tag",
    "tags_*": "Greffier reads and sets no tag",
    "search_*": "Greffier does not search",
    "setup_*": "the sandbox is set up from Python",
    "api_create_access_token": "the sandbox is set up from Python",
    "api_article_update_own_body": "Greffier changes no article",
    "error_webhooks_no_permission": "Greffier reads no set-up",
    "webhook_update_without_article": "nothing in the sandbox changes a ticket without an article",
}
"""Recordings of what neither Greffier nor the sandbox does, each with its reason."""


def spoken(pattern: str) -> list[str]:
    """The exchanges or deliveries of that name which the sandbox is held to."""
    return [name for name in names(pattern) if not any(fnmatch(name, left_out) for left_out in LEFT_OUT)]


EXCHANGES = [name for name in spoken("*") if "response" in load(name)]
DELIVERIES = [name for name in spoken("webhook_*") if "body_parsed" in load(name)]
CHANGING = {"id", "ticket_id", "created_at", "updated_at", "message_id", "message_id_md5"}
FIXED_HEADERS = ("Accept-Encoding", "Accept", "User-Agent", "Content-Type", "Connection")


class Valbrume(Sandbox):
    """The town of the recordings. Its tickets have the recorded ids; `notes` are two notes of the AI account."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 22, 37, tzinfo=UTC)
        config = SandboxConfig(
            account=f"Greffier (brouillons) <{GREFFIER}>",
            agents=("Ada Sourdin <admin@valbrume.example>", f"Noémie Lefèvre <{AGENT}>"),
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
        self.fresh_note = self._write(GREFFIER, internal=True).id

    def _converse(self) -> None:
        """What was said on ticket 2 before it was recorded."""
        self.write_as_customer("", "Re-bonjour", ticket_id=2)
        self.reply_as_agent(2, "Bonjour Madame Vauquelin")
        self._write(AGENT, internal=False)
        self._write(GREFFIER, internal=True)

    def _write(self, login: str, *, internal: bool) -> Article:
        author = self.store.user(login)
        assert author is not None
        return self.store.add_article(author, 2, NewArticle("texte", internal=internal))

    def paths(self) -> dict[str, str]:
        """Recorded paths that name an id which is another one here."""
        file = self.store.articles_of(self.store.tickets[4])[0]
        return {
            "/api/v1/ticket_articles/84": f"/api/v1/ticket_articles/{self.fresh_note}",
            "/api/v1/ticket_articles/298": f"/api/v1/ticket_articles/{self.old_note}",
            "/api/v1/ticket_attachment/4/13/12": f"/api/v1/ticket_attachment/4/{file.id}/{file.attachments[0].id}",
        }


def replay(name: str) -> TestResponse:
    """The recorded request, sent to the sandbox by the same kind of caller."""
    town, request = Valbrume(), load(name)["request"]
    if name == "error_token_expired":
        town.faults.tokens = "expired"
    headers = {key: value for key, value in request["headers"].items() if key not in ("Host", "Authorization")}
    if name != "error_no_auth":
        scheme = "Bearer " if request["headers"]["Authorization"].startswith("Bearer") else "Token token="
        caller = GREFFIER if name != "error_bad_token" else ""
        headers["Authorization"] = scheme + town.tokens.get(CALLERS.get(name, caller), "unknown")
    body: Any = request.get("body_text") or json.dumps(request["json"]) if request["method"] == "POST" else None
    if name == "error_body_too_large":  # the recording keeps its beginning alone
        body = json.dumps({"ticket_id": 5, "body": "<p>" + "mot " * 400_000 + "</p>"})
    path = town.paths().get(request["path"], request["path"])
    return town.app.test_client().open(path, method=request["method"], headers=headers, data=body)


def root_of(recorded: Any) -> str:
    """What an answer is about, which names its paths in the table."""
    if isinstance(recorded, list):
        return "articles"
    return "article" if "content_type" in recorded else "ticket" if "number" in recorded else "user"


def found_in_exchange(name: str) -> set[str]:
    recorded, ours = load(name)["response"]["json"], replay(name).json
    if isinstance(recorded, list):  # the articles of a ticket: what is optional differs from one to the next
        assert isinstance(ours, list)
        always = [set.intersection(*(set(article) for article in articles)) for articles in (recorded, ours)]
        return {f"article.{key}" for key in always[0] ^ always[1]}
    return differences(recorded, ours, root_of(recorded))


def found_in_delivery(name: str) -> set[str]:
    recorded = load(name)["body_parsed"]
    ours = json.loads(deliver_again(name))
    return differences(recorded["ticket"], ours["ticket"], "ticket") | differences(
        recorded["article"], ours["article"], "article"
    )


def deliver_again(name: str) -> bytes:
    """The recorded delivery as the sandbox makes it, after the same history."""
    recorded, town = load(name)["body_parsed"], Valbrume()
    ticket, article = recorded["ticket"], recorded["article"]
    group, customer = town.store.group(ticket["group"]["name"]), town.store.customer(ticket["customer"]["email"])
    assert group is not None
    author = town.store.user(article["created_by"]["login"]) or customer
    new = NewArticle(
        files=tuple((file["filename"], "text/plain", b"...") for file in article["attachments"]),
        **{key: article[key] for key in ("body", "content_type", "type", "sender", "internal", "preferences")},
        **{key: article[key] for key in ("subject", "to", "cc", "message_id")},
    )
    if ticket["article_ids"][0] == article["id"]:
        created = town.store.create_ticket(author, group, customer, ticket["title"], new)
        return payload.delivery(town.store, created.id, created.article_ids[0], town.url) or b""
    id, _ = town.write_as_customer(ticket["title"], "...", group=group.name, customer=customer.email)
    if ticket["last_contact_agent_at"] and article["type"] != "email":
        town.reply_as_agent(id, "...")
    return payload.delivery(town.store, id, town.store.add_article(author, id, new).id, town.url) or b""


def unexpected(found: set[str]) -> set[str]:
    return {path for path in found if not any(fnmatch(path, pattern) for pattern in KEPT)}


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange_ends_as_it_was_recorded(name: str) -> None:
    recorded, answer = load(name)["response"], replay(name)

    headers = dict(recorded["headers"])
    assert answer.status_code == recorded["status"]
    assert answer.headers["Content-Type"] == headers["Content-Type"]
    assert answer.headers.get("X-Failure") == headers.get("X-Failure")


@pytest.mark.parametrize("name", [name for name in EXCHANGES if name.startswith("error_")])
def test_a_refusal_has_zammads_words(name: str) -> None:
    recorded, answer = load(name)["response"]["json"], replay(name)

    if name == "error_invalid_json":  # its number is drawn anew for each error
        recorded["error"] = answer.json["error"] if answer.json["error"].startswith("Error ID ") else recorded["error"]
    assert answer.json == recorded


@pytest.mark.parametrize("name", [name for name in EXCHANGES if not name.startswith("error_")])
def test_an_answer_has_the_recorded_shape(name: str) -> None:
    assert unexpected(found_in_exchange(name)) == set()


@pytest.mark.parametrize(
    "name", [name for name in EXCHANGES if name.startswith("api_article_") and "delete" not in name]
)
def test_an_article_is_stored_with_the_recorded_values(name: str) -> None:
    recorded, ours = load(name)["response"]["json"], replay(name).json

    same = recorded.keys() - CHANGING
    assert {key: ours[key] for key in same} == {key: recorded[key] for key in same}


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_has_the_recorded_shape(name: str) -> None:
    assert unexpected(found_in_delivery(name)) == set()


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_has_the_recorded_order_of_keys(name: str) -> None:
    recorded, ours = load(name)["body_parsed"], json.loads(deliver_again(name))

    for part in ("ticket", "article"):
        assert [key for key in recorded[part] if key in ours[part]] == list(ours[part])


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_recorded_body_is_encoded_to_the_same_bytes_and_signature(name: str) -> None:
    recording = load(name)

    body = payload.encode(recording["body_parsed"])

    assert body == recording["request"]["body_text"].encode()
    assert signature(recording["hmac"]["key"], body) == recording["hmac"]["header"]


def test_a_delivery_has_the_recorded_headers(sandbox: Sandbox, receiver: Receiver) -> None:
    recorded = dict(load("webhook_trigger_name_non_ascii")["request"]["headers"])
    sandbox.webhook(receiver.url, "clé é €", trigger="Brouillon – État civil")

    sandbox.write_as_customer("Objet", "Bonjour")
    assert sandbox.deliveries.settle()

    headers = receiver.received[0].headers
    assert headers.keys() == recorded.keys()
    assert {key: headers[key] for key in FIXED_HEADERS} == {key: recorded[key] for key in FIXED_HEADERS}
    assert headers["X-Zammad-Trigger"] == recorded["X-Zammad-Trigger"]


def test_attempts_follow_each_other_as_recorded() -> None:
    from webhooks.demo.sandbox.webhook import GAPS

    recorded = load("webhook_failure_timings")["attempts"]["500 /code/500/a"]

    assert len(recorded) == len(GAPS) + 1
    assert all(ours <= attempt["gap_s"] for ours, attempt in zip(GAPS[:2], recorded[1:3], strict=True))


def test_every_kept_difference_is_still_one() -> None:
    found: set[str] = set()
    for name in EXCHANGES:
        found |= set() if name.startswith("error_") else found_in_exchange(name)
    for name in DELIVERIES:
        found |= found_in_delivery(name)

    assert [pattern for pattern in KEPT if not any(fnmatch(path, pattern) for path in found)] == []


STEPS = load("effects_of_articles_on_ticket")["steps"]


def test_articles_change_the_ticket_as_recorded() -> None:
    town = Valbrume()
    id, _ = town.write_as_customer("Objet", "Bonjour")
    for step in STEPS:
        if "closed ticket" in step["step"] and town.store.tickets[id].state != "closed":
            town.store.set_state(id, "closed")
        before = shapes.ticket(town.store, town.store.tickets[id], expand=True)
        town.now += timedelta(seconds=1)
        author = CUSTOMER if "customer" in step["step"] else GREFFIER
        author = AGENT if "by an agent" in step["step"] else author
        town.app.test_client().post(
            "/api/v1/ticket_articles",
            json=step["article"] | {"ticket_id": id},
            headers={"Authorization": f"Token token={town.tokens[author]}"},
        )
        after = shapes.ticket(town.store, town.store.tickets[id], expand=True)
        changed = {key for key in after if after[key] != before[key]} - {"article_ids", "updated_by_id", "state_id"}
        kept = {key for key in step["ticket_changes"] if any(fnmatch(f"ticket.{key}", pattern) for pattern in KEPT)}
        assert changed == set(step["ticket_changes"]) - kept, step["step"]


@pytest.mark.parametrize("sender", ["Agent", "System"])
def test_a_note_tells_as_many_people_as_recorded(sender: str) -> None:
    recorded, town = load("notifications_of_internal_notes")[f"sender_{sender.lower()}"], Valbrume()
    town.store.notifications.clear()
    account = town.store.user(GREFFIER)
    assert account is not None

    town.store.add_article(account, 5, NewArticle("texte", internal=True, sender=sender))

    channels = [notification.channel for notification in town.store.notifications]
    assert channels.count("online") == recorded["online_notifications"]
    assert channels.count("email") == recorded["emails"]


def test_an_attachment_is_downloaded_as_recorded() -> None:
    recorded, town = load("api_attachment_download"), Valbrume()

    answer = town.app.test_client().get(
        town.paths()[recorded["path"]], headers={"Authorization": f"Bearer {town.token}"}
    )

    assert answer.status_code == recorded["status"]
    assert answer.mimetype == recorded["headers"]["Content-Type"]
    name = recorded["headers"]["Content-Disposition"].rpartition(";")[2].strip()
    assert answer.headers["Content-Disposition"].endswith(name)


def test_a_redirect_is_followed_as_recorded(sandbox: Sandbox, receiver: Receiver) -> None:
    recorded = load("webhook_redirect_followed_as_get")["request"]
    receiver.answers.append((302, {"Location": "/ok/redirected"}))
    sandbox.deliveries.webhooks.append(Webhook(receiver.url, "clé"))

    sandbox.write_as_customer("Objet", "Bonjour")
    assert sandbox.deliveries.settle()

    first, second = receiver.received
    assert (second.method, second.path) == (recorded["method"], recorded["path"])
    assert second.body == first.body
    assert second.headers["X-Hub-Signature"] == first.headers["X-Hub-Signature"]
