from __future__ import annotations

import json
from typing import Any

import pytest

from connector.errors import Refused
from connector.ticket import Event, EventKind
from connector.zammad.macros import MACROS
from tests.connector.zammad.recordings import DELIVERIES, SECRET, delivery, payload, signed, zammad

# Kind, ticket and article of what the deliveries announce; the others announce nothing to us.
ANNOUNCED = {
    "webhook_agent_public_reply_email": ("reply", "2", "5"),
    "webhook_customer_auto_reply_email": ("message", "4", "14"),
    "webhook_customer_followup_email_quoted": ("message", "4", "13"),
    "webhook_customer_followup_web": ("message", "2", "4"),
    "webhook_new_ticket_email_html_attachments": ("message", "4", "11"),
    "webhook_new_ticket_email_latin1_plain": ("message", "5", "15"),
    "webhook_new_ticket_phone_attachments": ("message", "3", "9"),
    "webhook_new_ticket_web_html": ("message", "2", "2"),
    "webhook_update_without_article": ("ticket", "3", "ticket-3@2026-11-21T22:39:18.374Z"),
}
READER = zammad(previous_webhook_secret="clé é €")


def refusal(body: bytes, headers: dict[str, str] | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        zammad().read_event(signed(body) if headers is None else headers, body)
    return caught.value


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_recorded_delivery_is_genuine_and_announces_what_happened(name: str) -> None:
    event = READER.read_event(*delivery(name))
    assert (event and (event.kind, event.ticket, event.message)) == ANNOUNCED.get(name)


def test_all_fifteen_deliveries_were_recorded() -> None:
    assert len(DELIVERIES) == 15


def test_an_event_names_the_message_and_the_delivery() -> None:
    assert READER.read_event(*delivery("webhook_new_ticket_web_html")) == Event(
        helpdesk="mairie",
        ticket="2",
        message="2",
        kind=EventKind.MESSAGE,
        delivery="8d503266-642a-4795-a0b3-28d86a4ba4d6",
    )


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_recorded_delivery_with_one_byte_more_is_refused(name: str) -> None:
    headers, body = delivery(name)
    assert refusal(body + b" ", headers).status == 401


def test_a_minimal_payload_has_its_values_as_text() -> None:
    body = json.dumps(
        {"ticket": {"id": "4"}, "article": {"id": "13", "sender": "Customer", "internal": "false"}}
    ).encode()
    event = zammad().read_event(signed(body), body)
    assert event == Event(helpdesk="mairie", ticket="4", message="13")


def announced(**article: Any) -> EventKind | None:
    body = payload(**article)
    event = zammad().read_event(signed(body), body)
    return event.kind if event else None


@pytest.mark.parametrize(
    "article",
    [
        {"sender": "System"},
        {"sender": "Robot"},
        {"internal": True},
        {"internal": "true"},
        {"internal": True, "sender": "Agent", "body": "Vu avec le service."},
        {"internal": True, "sender": "Customer", "body": "@greffier stop"},
        {"internal": True, "sender": "System", "body": "@greffier stop"},
        {"internal": True, "sender": "Customer", "subject": MACROS[0].subject},
        {"preferences": {"greffier": {"reference": "gr-1"}}},
        {"preferences": {"greffier": {}}, "sender": "Agent", "internal": True, "body": "@greffier encore"},
    ],
)
def test_what_is_nothing_to_us_is_left_alone(article: dict[str, Any]) -> None:
    assert announced(**article) is None


@pytest.mark.parametrize(
    "article",
    [
        {"sender": "Agent", "body": "<div>@Greffier encore</div>"},
        {"sender": "Agent", "subject": MACROS[0].subject},
        {"sender": "System", "subject": MACROS[1].subject, "body": MACROS[1].body},
        {"sender": "Agent", "body": None},
    ],
)
def test_an_internal_note_that_may_call_us_is_a_command(article: dict[str, Any]) -> None:
    assert announced(internal=True, **article) is EventKind.COMMAND


def test_an_agents_public_article_is_a_reply() -> None:
    assert announced(sender="Agent") is EventKind.REPLY


@pytest.mark.parametrize("article", [{}, {"id": ""}, {"id": "-", "sender": "-", "internal": "-"}])
def test_a_ticket_that_changed_without_an_article_is_to_be_looked_at(article: dict[str, Any]) -> None:
    body = json.dumps({"ticket": {"id": "4"}, "article": article}).encode()
    event = zammad().read_event(signed(body) | {"x-zammad-delivery": "d-1"}, body)
    assert event == Event("mairie", "4", "ticket-4@d-1", EventKind.TICKET, "d-1")


def test_without_a_secret_no_delivery_is_accepted() -> None:
    polling = zammad(intake="poll", webhook_secret=None)
    with pytest.raises(Refused):
        polling.read_event(signed(payload(), ""), payload())


def test_the_secret_before_is_refused_from_its_last_day_on() -> None:
    still = zammad(previous_webhook_secret="avant", previous_webhook_secret_until="2999-01-01T00:00:00Z")
    expired = zammad(previous_webhook_secret="avant", previous_webhook_secret_until="2020-01-01T00:00:00Z")
    assert still.read_event(signed(payload(), "avant"), payload()) is not None
    with pytest.raises(Refused) as caught:
        expired.read_event(signed(payload(), "avant"), payload())
    assert caught.value.status == 401


@pytest.mark.parametrize("article", [{}, {"preferences": None}, {"preferences": {"is-auto-response": True}}])
def test_a_customers_public_message_is_an_event(article: dict[str, Any]) -> None:
    body = payload(**article)
    assert zammad().read_event(signed(body), body) is not None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha1=",
        "sha1=" + "0" * 40,
        "sha256=" + signed(payload())["x-hub-signature"][5:],
        signed(payload())["x-hub-signature"][5:],
        "sha1=é",
        "sha1=\udcff",
        signed(payload(), "une autre clé")["x-hub-signature"],
    ],
)
def test_a_delivery_without_our_signature_is_refused(header: str | None) -> None:
    assert refusal(payload(), {} if header is None else {"x-hub-signature": header}).status == 401


def test_the_signature_is_looked_at_before_the_body_is_read() -> None:
    assert refusal(b"pas du JSON", {"x-hub-signature": "sha1=" + "0" * 40}).status == 401


def test_the_secret_before_is_accepted_while_it_is_configured() -> None:
    headers = signed(payload(), "avant")
    assert zammad(previous_webhook_secret="avant").read_event(headers, payload()) is not None
    assert refusal(payload(), headers).status == 401


UNREADABLE = {
    "nothing": b"",
    "no JSON": b"ticket=4",
    "cut": payload()[:-2],
    "no object": b"[1]",
    "a number": b"4",
    "null": b"null",
    "latin-1": payload(sender="é").decode().encode("latin-1").replace(b"\\u00e9", b"\xe9"),
    "utf-16": payload().decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + payload(),
    "half character": payload().replace(b"Customer", b"\\ud800"),
    "depth 10,000": b'{"ticket":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "depth 100,000": b"[" * 100_000,
    "ten megabytes": b'{"ticket":"' + b"x" * 10_000_000 + b'"}',
    "no ticket": b'{"article":{}}',
    "no article": b'{"ticket":{"id":4}}',
    "ticket without id": b'{"ticket":{},"article":{}}',
    "ticket is a list": b'{"ticket":[4],"article":{}}',
    "article is a list": b'{"ticket":{"id":4},"article":[]}',
    "NaN as id": b'{"ticket":{"id":NaN},"article":{}}',
    "huge id": payload(id=10**30),
    "5,000 digits": payload().replace(b"13", b"1" * 5_000),
    **{f"id {value!r}": payload(id=value) for value in (0, -1, 1.5, True, None, "0", "-1", "../1", "１３", [13])},
    **{f"internal {value!r}": payload(internal=value) for value in (None, 2, "peut-être", {})},
    **{f"sender {value!r}": payload(sender=value) for value in (None, 2, ["Customer"])},
    "preferences are a text": payload(preferences="x"),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_genuine_delivery_that_cannot_be_read_is_refused(body: bytes) -> None:
    error = refusal(body)
    assert error.status == 400
    assert len(str(error)) < 300


def test_what_is_missing_is_named() -> None:
    assert "helpdesks.mairie: not a payload of Zammad: ticket.id: Field required" in str(
        refusal(b'{"ticket":{},"article":{}}')
    )


@pytest.mark.parametrize("extra", [b'"x":NaN', b'"id":1', b'"body":"' + b"a" * 1_000_000 + b'"', b'"x":"\\u0000"'])
def test_what_is_not_read_does_no_harm(extra: bytes) -> None:
    body = b'{"ticket":{' + extra + b',"id":4},"article":{"id":13,"sender":"System","internal":false}}'
    assert zammad().read_event(signed(body), body) is None


@pytest.mark.parametrize("given", ["", "x" * 65, "a\nb", "é", "<script>"])
def test_a_delivery_id_that_is_none_is_not_logged(given: str) -> None:
    event = zammad().read_event(signed(payload()) | {"x-zammad-delivery": given}, payload())
    assert event is not None
    assert event.delivery is None


def test_the_trigger_name_in_any_bytes_does_no_harm() -> None:
    headers, body = delivery("webhook_trigger_name_non_ascii")
    assert not headers["x-zammad-trigger"].isascii()
    assert READER.read_event(headers, body) is None


def test_the_secret_is_not_in_the_refusal() -> None:
    assert SECRET not in str(refusal(payload(), {}))
