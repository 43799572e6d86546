"""The sandbox against what was recorded on a running Zammad 5.2: status, words, headers and shapes."""

from __future__ import annotations

import json
from datetime import timedelta
from fnmatch import fnmatch
from typing import Any

import pytest

from tests.webhooks.demo.sandbox.conftest import Receiver
from tests.webhooks.demo.sandbox.recordings import differences, load, names
from tests.webhooks.demo.sandbox.town import AGENT, CUSTOMER, GREFFIER, Valbrume, deliver_again, replay
from webhooks.demo.sandbox import Sandbox, Webhook, payload, shapes
from webhooks.demo.sandbox.records import NewArticle
from webhooks.demo.sandbox.webhook import signature

KEPT = {
    "*escalation_at": "no service level agreement: nothing escalates",
    "ticket.first_response_*_in_min": "computed from a service level agreement",
    "ticket.first_response_in_min": "computed from a service level agreement",
    "ticket.update_*in_min": "computed from a service level agreement",
    "*.preferences.escalation_calculation*": "where Zammad remembers the service level agreement",
    "*.karma_user": "Zammad leaves it out once somebody has karma; nobody has any here",
    "*.preferences.notification_config*": "which notifications somebody wants: here all have the first settings",
    "*.User.each.preferences.tickets_*": "how many tickets a customer has: the sandbox does not keep count",
    "*.Group.each.email_address_id": "the recorded group of human resources has no address to write from",
    "article.attachments.each.preferences*": "MIME headers kept from e-mails, and what Zammad found out about images",
}
"""Differences that are kept on purpose, by path, each with its reason."""

EXCHANGES = [name for name in names("*") if "response" in load(name)]
DELIVERIES = [name for name in names("webhook_*") if "body_parsed" in load(name)]
CHANGING = {"id", "ticket_id", "created_at", "updated_at", "message_id", "message_id_md5"}
FIXED_HEADERS = ("Accept-Encoding", "Accept", "User-Agent", "Content-Type", "Connection")


def test_every_exchange_and_every_delivery_is_held_to() -> None:
    assert (len(EXCHANGES) + len(names("api_attachment_download")), len(DELIVERIES)) == (40, 15)


def root_of(recorded: Any) -> str:
    """What an answer is about, which names its paths in the table."""
    if not isinstance(recorded, dict):
        return "answer"
    kinds = {"assets": "answer", "content_type": "article", "number": "ticket", "login": "user"}
    return next((kind for key, kind in kinds.items() if key in recorded), "answer")


def found_in_exchange(name: str) -> set[str]:
    recorded, ours = load(name)["response"]["json"], replay(name).json
    if isinstance(recorded, list):  # tickets or articles: what is optional differs from one to the next
        assert isinstance(ours, list)
        always = [set.intersection(*(set(article) for article in articles)) for articles in (recorded, ours)]
        return {f"listed.{key}" for key in always[0] ^ always[1]}
    return differences(recorded, ours, root_of(recorded))


def found_in_delivery(name: str) -> set[str]:
    recorded = load(name)["body_parsed"]
    ours = json.loads(deliver_again(Valbrume(), recorded))
    return differences(recorded["ticket"], ours["ticket"], "ticket") | differences(
        recorded["article"], ours["article"], "article"
    )


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


@pytest.mark.parametrize("name", [*names("api_shared_draft_put_*"), "api_shared_draft_get"])
def test_a_shared_draft_is_stored_with_the_recorded_values(name: str) -> None:
    recorded, ours = (
        next(iter(answer["assets"]["TicketSharedDraftZoom"].values()))
        for answer in (load(name)["response"]["json"], replay(name).json)
    )

    same = recorded.keys() - CHANGING
    assert {key: ours[key] for key in same} == {key: recorded[key] for key in same}
    assert ours["ticket_id"] == recorded["ticket_id"]


@pytest.mark.parametrize("name", names("setup_*"))
def test_a_set_up_object_is_stored_with_the_recorded_values(name: str) -> None:
    recorded, ours = load(name)["response"]["json"], replay(name).json

    same = recorded.keys() - CHANGING
    assert {key: ours[key] for key in same} == {key: recorded[key] for key in same}


def test_tags_are_listed_as_recorded() -> None:
    assert replay("api_tags_list").json == load("api_tags_list")["response"]["json"]


def test_a_sweep_finds_a_ticket_for_each_message_as_recorded() -> None:
    name = "search_sweep_by_article_condition"
    recorded, ours = load(name)["response"]["json"], replay(name).json

    assert [ticket["id"] for ticket in ours] == [ticket["id"] for ticket in recorded][:5] == [4, 4, 4, 5, 5]


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_has_the_recorded_shape(name: str) -> None:
    assert unexpected(found_in_delivery(name)) == set()


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_has_the_recorded_order_of_keys(name: str) -> None:
    recorded = load(name)["body_parsed"]
    ours = json.loads(deliver_again(Valbrume(), recorded))

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
