from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.errors import CredentialsRefused, RemoteError
from connector.ticket import Attachment, Message, Person, Role, TicketState
from tests.connector.replay import Neighbour, Reply, recorded
from tests.connector.zammad.recordings import article, serve_ticket, zammad


def message(server: Neighbour, **values: Any) -> Message:
    serve_ticket(server, article(**values))
    return zammad(server.url).fetch("5").messages[0]


def failure(server: Neighbour, name: str) -> RemoteError:
    server.on_recorded(name, path="/api/v1/tickets/5")
    with pytest.raises(RemoteError) as caught:
        zammad(server.url).fetch("5")
    return caught.value


def test_a_recorded_ticket_is_fetched_in_our_words(server: Neighbour) -> None:
    serve_ticket(server)
    ticket = zammad(server.url).fetch("5")
    assert (ticket.helpdesk, ticket.id, ticket.group) == ("mairie", "5", "État civil")
    assert (ticket.title, ticket.state) == ("Carte d'identité périmée", TicketState.OPEN)
    assert [one.id for one in ticket.messages] == ["2", "3", "4", "5", "6", "7", "8"]


def test_each_recorded_article_has_its_role(server: Neighbour) -> None:
    serve_ticket(server)
    roles = [one.role for one in zammad(server.url).fetch("5").messages]
    assert roles == [Role.CUSTOMER, Role.SYSTEM, Role.CUSTOMER, Role.AGENT, Role.AGENT, Role.AGENT, Role.AGENT]


def test_our_own_notes_are_known(server: Neighbour) -> None:
    serve_ticket(server)
    flags = {one.id: (one.ours, one.internal) for one in zammad(server.url).fetch("5").messages}
    assert flags["8"] == (True, True)
    assert [id for id, (ours, _) in flags.items() if ours] == ["8"]


def test_a_message_has_author_text_and_moment(server: Neighbour) -> None:
    serve_ticket(server)
    first = zammad(server.url).fetch("5").messages[0]
    assert first.author == Person("6", "Jeanne Vauquelin", "jeanne.vauquelin@exemple.example")
    assert first.text.startswith("Bonjour,\n\nJ’ai perdu le livret de famille")
    assert first.written_at == datetime(2026, 11, 21, 22, 37, 42, 402000, UTC)


def test_the_customer_has_the_name_of_their_messages(server: Neighbour) -> None:
    serve_ticket(server, customer_id=6, customer="jeanne.vauquelin@exemple.example")
    customer = zammad(server.url).fetch("5").customer
    assert customer == Person("6", "Jeanne Vauquelin", "jeanne.vauquelin@exemple.example")


def test_a_customer_without_message_has_the_login_alone(server: Neighbour) -> None:
    serve_ticket(server)
    assert zammad(server.url).fetch("5").customer == Person("10", "", "irene.peguy@exemple.example")


@pytest.mark.parametrize(
    ("origin", "name", "email"),
    [
        ('"Lucien Béraud" <l@x.example>', "Lucien Béraud", "l@x.example"),
        ("l@x.example", "", "l@x.example"),
        ("Noémie Lefèvre", "Noémie Lefèvre", ""),
        (None, "", ""),
        ('"<script>\r\nBcc: x', '"<script> Bcc: x', ""),
    ],
)
def test_an_author_is_read_from_the_sender_line(server: Neighbour, origin: str | None, name: str, email: str) -> None:
    assert message(server, **{"from": origin}).author == Person("6", name, email)


def test_a_phone_call_is_its_callers_message(server: Neighbour) -> None:
    call = recorded("webhook_new_ticket_phone_attachments")["body_parsed"]["article"]
    serve_ticket(server, call)
    assert zammad(server.url).fetch("5").messages[0].author.id == "6"


def test_attachments_are_listed_without_the_mails_own_html(server: Neighbour) -> None:
    mail = recorded("webhook_new_ticket_email_html_attachments")["body_parsed"]["article"]
    serve_ticket(server, mail)
    assert zammad(server.url).fetch("5").messages[0].attachments == (
        Attachment("8", "logo.png", "image/png", 74),
        Attachment("9", "pièce d’identité.pdf", "application/pdf", 187),
    )


@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("new", TicketState.OPEN),
        ("pending reminder", TicketState.OPEN),
        ("closed", TicketState.CLOSED),
        ("merged", TicketState.MERGED),
        ("attente élu", TicketState.OPEN),
    ],
)
def test_a_state_is_translated(server: Neighbour, state: str, ours: TicketState) -> None:
    serve_ticket(server, state=state)
    assert zammad(server.url).fetch("5").state is ours


def test_an_unknown_sender_is_a_robot(server: Neighbour) -> None:
    assert message(server, sender="Assistant").role is Role.SYSTEM


@pytest.mark.parametrize(
    ("preferences", "automatic"),
    [
        ({"is-auto-response": True}, True),
        ({"perform_origin": "trigger"}, True),
        ({"is-auto-response": False, "send-auto-response": True}, False),
        (None, False),
    ],
)
def test_a_robots_mail_is_known(server: Neighbour, preferences: Any, automatic: bool) -> None:
    assert message(server, preferences=preferences).automatic is automatic


def test_a_customers_message_typed_with_our_account_is_not_ours(server: Neighbour) -> None:
    assert not message(server, created_by_id=5).ours


def test_messages_come_once_and_in_the_order_of_writing(server: Neighbour) -> None:
    late = article(id=9, created_at="2026-11-22T00:00:00.000Z")
    early = article(id=10, created_at="2026-11-21T00:00:00.000Z")
    serve_ticket(server, late, early, late)
    assert [one.id for one in zammad(server.url).fetch("5").messages] == ["10", "9"]


def test_an_empty_body_is_an_empty_text(server: Neighbour) -> None:
    assert message(server, body=None).text == ""


@pytest.mark.parametrize(
    ("name", "status"), [("error_bad_token", 401), ("error_token_expired", 401), ("error_no_auth", 403)]
)
def test_a_recorded_refusal_of_the_token_is_told_apart(server: Neighbour, name: str, status: int) -> None:
    error = failure(server, name)
    assert isinstance(error, CredentialsRefused)
    assert (error.status, error.permanent) == (status, False)


def test_a_recorded_missing_ticket_is_permanent(server: Neighbour) -> None:
    error = failure(server, "error_ticket_missing")
    assert (error.status, error.permanent) == (404, True)
    assert "helpdesks.mairie: GET tickets/5 answered 404: Couldn't find Ticket" in str(error)


def test_a_recorded_missing_right_is_no_outage(server: Neighbour) -> None:
    error = failure(server, "error_ticket_no_group_access")
    assert (error.status, error.permanent) == (403, True)


@pytest.mark.parametrize("ticket_id", ["../users/1", "5?x=1", "", "５", "-5"])
def test_an_id_that_is_no_number_asks_nobody(server: Neighbour, ticket_id: str) -> None:
    with pytest.raises(RemoteError, match="whole numbers") as caught:
        zammad(server.url).fetch(ticket_id)
    assert caught.value.permanent
    assert server.calls == []


@pytest.mark.parametrize("answer", [{}, [], "x", {"id": "abc", "group": "texte secret", "state": 1}])
def test_an_answer_of_another_shape_is_an_outage_that_shows_no_text(server: Neighbour, answer: Any) -> None:
    server.on("GET", "/api/v1/tickets/5", Reply(answer))
    with pytest.raises(RemoteError, match="an unknown answer") as caught:
        zammad(server.url).fetch("5")
    assert not caught.value.permanent
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["", "/", "/api/v1", "/api/v1/"])
def test_the_address_may_be_given_with_or_without_the_api(server: Neighbour, suffix: str) -> None:
    serve_ticket(server)
    assert zammad(server.url + suffix).fetch("5").id == "5"


def test_every_call_carries_the_token_and_asks_for_json(server: Neighbour) -> None:
    serve_ticket(server)
    zammad(server.url).fetch("5")
    assert {call.headers["Authorization"] for call in server.calls} == {"Token token=jeton"}
    assert {call.headers["Accept"] for call in server.calls} == {"application/json"}


def test_our_own_account_is_asked_for_once(server: Neighbour) -> None:
    serve_ticket(server)
    helpdesk = zammad(server.url)
    helpdesk.fetch("5")
    helpdesk.fetch("5")
    assert [call.path for call in server.calls].count("/api/v1/users/me") == 1


def test_threads_share_a_helpdesk_and_no_session(server: Neighbour) -> None:
    serve_ticket(server)
    helpdesk, sessions = zammad(server.url), []

    def work() -> None:
        helpdesk.fetch("5")
        sessions.append(helpdesk._rest._session)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, sessions))) == 3
