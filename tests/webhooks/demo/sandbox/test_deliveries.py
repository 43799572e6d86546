"""Deliveries: signed, retried, built when they are sent, and spoilt on demand."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime, timedelta

from tests.webhooks.demo.sandbox.conftest import Api, Receiver
from webhooks.demo.sandbox import Sandbox, SandboxConfig

SECRET = "clé-de-Valbrume-€"


def deliver(sandbox: Sandbox, receiver: Receiver, *answers: int) -> list[str]:
    """A citizen writes; the ids of the deliveries that came, in their order."""
    sandbox.faults.retry_scale = 0.0
    sandbox.webhook(receiver.url, SECRET)
    receiver.answers += [(status, {}) for status in answers]
    sandbox.write_as_customer("Livret de famille", "J’ai perdu le <livret> & l’extrait.")
    assert sandbox.deliveries.settle()
    return [delivery.headers["X-Zammad-Delivery"] for delivery in receiver.received]


def test_a_delivery_is_signed_over_its_bytes(sandbox: Sandbox, receiver: Receiver) -> None:
    deliver(sandbox, receiver)

    delivery = receiver.received[0]
    expected = hmac.new(SECRET.encode(), delivery.body, hashlib.sha1).hexdigest()
    assert delivery.headers["X-Hub-Signature"] == f"sha1={expected}"


def test_a_delivery_without_a_secret_is_not_signed(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.webhook(receiver.url)
    sandbox.write_as_customer("Objet", "Bonjour")
    assert sandbox.deliveries.settle()

    assert "X-Hub-Signature" not in receiver.received[0].headers


def test_a_body_carries_the_text_with_the_five_characters_escaped(sandbox: Sandbox, receiver: Receiver) -> None:
    deliver(sandbox, receiver)

    body = receiver.received[0].body
    assert "J’ai perdu le \\u003clivret\\u003e \\u0026 l’extrait.".encode() in body
    assert json.loads(body)["article"]["body"] == "J’ai perdu le <livret> & l’extrait."


def test_any_success_ends_a_delivery(sandbox: Sandbox, receiver: Receiver) -> None:
    assert len(deliver(sandbox, receiver, 204)) == 1


def test_a_failed_delivery_is_tried_five_times_under_one_id(sandbox: Sandbox, receiver: Receiver) -> None:
    ids = deliver(sandbox, receiver, 404, 500, 503, 401, 413, 200)

    assert len(ids) == 5
    assert len(set(ids)) == 1
    assert [attempt.status for attempt in sandbox.deliveries.log] == [404, 500, 503, 401, 413]


def test_an_endpoint_that_does_not_listen_is_tried_five_times(sandbox: Sandbox) -> None:
    sandbox.faults.retry_scale = 0.0
    sandbox.webhook("http://127.0.0.1:9/webhooks/zammad", SECRET)
    sandbox.write_as_customer("Objet", "Bonjour")
    assert sandbox.deliveries.settle()

    assert [(attempt.number, attempt.status) for attempt in sandbox.deliveries.log] == [(n, None) for n in range(1, 6)]


def test_a_retry_is_built_anew_and_signed_anew(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.before_answer = lambda: sandbox.store.set_state(1, "closed")
    deliver(sandbox, receiver, 500)

    first, second = receiver.received
    assert json.loads(second.body)["ticket"]["state"] == "closed"
    assert first.headers["X-Hub-Signature"] != second.headers["X-Hub-Signature"]


def test_a_retry_has_other_bytes_though_nothing_changed(receiver: Receiver) -> None:
    seconds = itertools.count()
    config = SandboxConfig(clock=lambda: datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=next(seconds)))
    with Sandbox(config).start() as sandbox:
        deliver(sandbox, receiver, 500)

    first, second = receiver.received
    assert first.body != second.body
    assert json.loads(first.body)["article"]["id"] == json.loads(second.body)["article"]["id"]


def test_notes_and_answers_fire_nothing_by_default(sandbox: Sandbox, receiver: Receiver, api: Api) -> None:
    ticket_id, _ = sandbox.write_as_customer("Objet", "Bonjour")
    sandbox.webhook(receiver.url, SECRET)

    api.add_note(ticket_id)
    sandbox.reply_as_agent(ticket_id, "Bonjour Madame")
    assert sandbox.deliveries.settle()

    assert receiver.received == []


def test_a_trigger_may_announce_notes(sandbox: Sandbox, receiver: Receiver, api: Api) -> None:
    ticket_id, _ = sandbox.write_as_customer("Objet", "Bonjour")
    sandbox.webhook(receiver.url, SECRET, trigger="notes", sender=None, internal=True)

    api.add_note(ticket_id, preferences={"greffier": {"reference": "gr-1"}})
    assert sandbox.deliveries.settle()

    assert json.loads(receiver.received[0].body)["article"]["preferences"] == {"greffier": {"reference": "gr-1"}}


def test_a_deleted_article_is_not_delivered(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults.delivery_delay = 0.3
    sandbox.webhook(receiver.url, SECRET)
    _, article_id = sandbox.write_as_customer("Objet", "Bonjour")
    sandbox.store.delete_article(sandbox.store.articles[article_id])
    assert sandbox.deliveries.settle()

    assert receiver.received == []


def test_copies_are_deliveries_of_their_own(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults.copies = 3

    ids = deliver(sandbox, receiver)

    assert len(set(ids)) == 3
    assert {json.loads(delivery.body)["article"]["id"] for delivery in receiver.received} == {1}


def test_no_copy_is_a_lost_delivery(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults.copies = 0

    assert deliver(sandbox, receiver) == []


def test_jitter_lets_deliveries_overtake_each_other(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults.delivery_jitter = 0.5
    sandbox.webhook(receiver.url, SECRET)
    written = [sandbox.write_as_customer("Objet", "Bonjour")[1] for _ in range(30)]
    assert sandbox.deliveries.settle()

    came = [json.loads(delivery.body)["article"]["id"] for delivery in receiver.received]
    assert sorted(came) == written
    assert came != written


def test_a_stopped_sandbox_sends_nothing_any_more(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults.delivery_delay = 60.0
    sandbox.webhook(receiver.url, SECRET)
    sandbox.write_as_customer("Objet", "Bonjour")

    sandbox.stop()

    assert receiver.received == []
    assert not sandbox.deliveries.settle(timeout=0)
