"""The shared draft against a scripted Zammad: whom it is addressed to, and answers of another shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.errors import RemoteError
from connector.ticket import Span
from tests.connector.replay import Neighbour, Reply, recorded
from tests.connector.zammad.recordings import NOTE, article, serve_ticket, zammad

DRAFT = "/api/v1/tickets/5/shared_draft"
OFFER = replace(NOTE, reply=((Span("Un mois."),),))
NONE = {"shared_draft_id": None, "assets": None}
JEANNE, ROBOT = "Jeanne <jeanne@exemple.example>", "Mail Delivery System <mailer-daemon@exemple.example>"


def mail(id: int, sender: str | None, **values: Any) -> dict[str, Any]:
    """An article of the customer's."""
    return article(
        **{"id": id, "from": sender, "created_at": f"2026-11-21T22:{id:02}:00Z", "message_id": f"<{id}>"} | values
    )


def offered(server: Neighbour, *articles: dict[str, Any], answers: str = "1", **ticket: Any) -> dict[str, Any] | None:
    """What is put there for the message `answers`; None if nothing is."""
    serve_ticket(server, *articles, **ticket)
    server.on("GET", DRAFT, Reply(NONE))
    server.on("PUT", DRAFT, Reply(NONE))
    helpdesk = zammad(server.url, offer_draft=True)
    done = helpdesk.offer_draft(helpdesk.fetch("5"), OFFER, answers=answers)
    written = [call.json["new_article"] for call in server.asked("PUT")]
    assert done is bool(written)
    return written[0] if written else None


def test_it_goes_to_who_wrote_the_message_and_goes_on_from_it(server: Neighbour) -> None:
    draft = offered(server, mail(1, JEANNE, subject="Livret"), mail(2, "Autre <autre@exemple.example>"))
    assert draft is not None
    assert (draft["to"], draft["subject"], draft["in_reply_to"]) == (JEANNE, "Livret", "<1>")


def test_it_goes_where_answers_are_wanted(server: Neighbour) -> None:
    draft = offered(server, mail(1, JEANNE, reply_to="mairie-annexe@exemple.example"))
    assert draft is not None
    assert draft["to"] == "mairie-annexe@exemple.example"


def test_where_answers_would_go_to_a_robot_it_goes_to_the_sender(server: Neighbour) -> None:
    draft = offered(server, mail(1, JEANNE, reply_to="noreply@exemple.example"))
    assert draft is not None
    assert draft["to"] == JEANNE


@pytest.mark.parametrize("flags", [{"is-auto-response": True}, {}], ids=["flagged", "by its address"])
def test_after_a_call_it_goes_to_the_last_person_who_wrote_and_to_no_robot(
    server: Neighbour, flags: dict[str, bool]
) -> None:
    call = mail(4, "0231 00 00 00", type="phone", message_id=None)
    robot = mail(3, ROBOT, preferences=flags)
    draft = offered(server, mail(1, "Vieux <vieux@exemple.example>"), mail(2, JEANNE), robot, call, answers="4")
    assert draft is not None
    assert (draft["to"], draft["in_reply_to"]) == (JEANNE, "<2>")


def test_where_no_message_has_an_address_it_goes_to_the_tickets_customer(server: Neighbour) -> None:
    draft = offered(server, mail(1, "0231 00 00 00", type="phone"), customer="irene.peguy@exemple.example")
    assert draft is not None
    assert (draft["to"], draft["subject"]) == ("irene.peguy@exemple.example", "Carte d'identité périmée")


@pytest.mark.parametrize("login", ["0231000000", "noreply@exemple.example"])
def test_where_no_person_has_an_address_nothing_is_offered(server: Neighbour, login: str) -> None:
    assert offered(server, mail(1, ROBOT), mail(2, "Jeanne"), customer=login) is None


OURS = recorded("api_shared_draft_get")["response"]["json"]


@pytest.mark.parametrize(
    "answer",
    [
        OURS | {"assets": None},
        OURS | {"assets": {}},
        OURS | {"assets": {"TicketSharedDraftZoom": {}}},
        OURS | {"assets": {"TicketSharedDraftZoom": {"1": {"id": 1}}}},
    ],
)
def test_a_draft_of_which_zammad_does_not_say_whose_it_is_is_not_ours(server: Neighbour, answer: Any) -> None:
    serve_ticket(server)
    server.on("GET", DRAFT, Reply(answer))
    helpdesk = zammad(server.url, offer_draft=True)
    assert helpdesk.withdraw_draft("5") is False
    assert helpdesk.offer_draft(helpdesk.fetch("5"), OFFER, answers="2") is False
    assert server.asked("PUT") == server.asked("DELETE") == []


@pytest.mark.parametrize("answer", [[], {}, OURS | {"assets": {"TicketSharedDraftZoom": 1}}])
def test_an_answer_of_another_shape_is_a_remote_error(server: Neighbour, answer: Any) -> None:
    serve_ticket(server)
    server.on("GET", DRAFT, Reply(answer))
    with pytest.raises(RemoteError, match="an unknown answer"):
        zammad(server.url, offer_draft=True).withdraw_draft("5")
