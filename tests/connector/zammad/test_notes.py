from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from connector.errors import RemoteError
from connector.ticket import NoteRef
from connector.zammad.answers import Article, TicketAnswer, to_ticket
from tests.connector.replay import Neighbour, Reply, recorded
from tests.connector.zammad.recordings import NOTE, article, zammad

POSTED = "/api/v1/ticket_articles"
LISTED = "/api/v1/ticket_articles/by_ticket/4"


def stored(**values: Any) -> dict[str, Any]:
    """Our note as Zammad 5.2 answers it."""
    note: dict[str, Any] = recorded("api_article_internal_note_sender_system")["response"]["json"]
    return note | {"preferences": {"greffier": {"reference": NOTE.reference}}} | values


def test_a_note_is_internal_html_of_the_system_with_its_marker(server: Neighbour) -> None:
    server.on("POST", POSTED, Reply(stored(), 201))
    zammad(server.url).add_note("4", NOTE)
    sent = server.calls[0].json
    assert "AI-generated" in sent.pop("body")
    assert sent == {
        "ticket_id": 4,
        "type": "note",
        "internal": True,
        "sender": "System",
        "subject": "Projet de réponse",
        "content_type": "text/html",
        "preferences": {"greffier": {"reference": "gr-1"}},
    }


def test_a_written_note_is_named_by_its_id_and_moment(server: Neighbour) -> None:
    server.on("POST", POSTED, Reply(stored(), 201))
    reference = zammad(server.url).add_note("4", NOTE)
    assert reference.id == "315"
    assert reference.written_at.isoformat() == "2026-11-21T22:59:58.602000+00:00"


def test_a_note_may_be_written_in_the_name_of_an_agent(server: Neighbour) -> None:
    server.on("POST", POSTED, Reply(stored(sender="Agent"), 201))
    zammad(server.url, sender="agent").add_note("4", NOTE)
    assert server.calls[0].json["sender"] == "Agent"


def found(*articles: dict[str, Any]) -> NoteRef | None:
    """Our note in a ticket of those articles."""
    read_as = TypeAdapter(tuple[Article, ...]).validate_python(articles)
    ticket = TicketAnswer(id=4, group="État civil", state="open", customer_id=7, updated_at=datetime.now(UTC))
    return to_ticket("mairie", ticket, read_as, account_id=5).note(NOTE.reference)


def test_a_note_is_found_by_its_marker() -> None:
    note = found(article(), stored())
    assert note is not None
    assert note.id == "315"


@pytest.mark.parametrize(
    "preferences", [{}, None, {"greffier": None}, {"greffier": "gr-1"}, {"greffier": {"reference": "gr-2"}}]
)
def test_another_article_is_not_taken_for_the_note(preferences: Any) -> None:
    assert found(stored(preferences=preferences)) is None


def test_a_customer_cannot_forge_a_note() -> None:
    assert found(stored(sender="Customer")) is None


def test_a_note_that_an_agent_made_public_is_still_found() -> None:
    assert found(stored(internal=False)) is not None


UNKNOWN = {
    "dropped": Reply(drop=True),
    "too slow": Reply(stored(), 201, hang=1.0),
    "500": Reply({"error": "Error ID x: Please contact your administrator."}, 500),
    "502 in HTML": Reply(status=502, text="<html>"),
    "200 in HTML": Reply(status=200, text="<html>"),
    "an unknown answer": Reply({"ok": True}, 201),
}


@pytest.mark.parametrize("reply", UNKNOWN.values(), ids=UNKNOWN)
def test_after_a_lost_answer_the_note_is_found_and_not_repeated(server: Neighbour, reply: Reply) -> None:
    server.on("POST", POSTED, reply)
    server.on("GET", LISTED, Reply([stored()]))
    assert zammad(server.url, timeout=0.3).add_note("4", NOTE).id == "315"
    assert len(server.asked("POST")) == 1


@pytest.mark.parametrize("reply", UNKNOWN.values(), ids=UNKNOWN)
def test_a_note_that_was_not_taken_may_be_tried_later(server: Neighbour, reply: Reply) -> None:
    server.on("POST", POSTED, reply)
    server.on("GET", LISTED, Reply([article()]))
    with pytest.raises(RemoteError) as caught:
        zammad(server.url, timeout=0.3).add_note("4", NOTE)
    assert not caught.value.permanent
    assert len(server.asked("POST")) == 1


def test_when_the_look_back_fails_too_nothing_is_repeated(server: Neighbour) -> None:
    server.on("POST", POSTED, Reply(drop=True))
    server.on("GET", LISTED, Reply({"error": "en travaux"}, 503))
    with pytest.raises(RemoteError) as caught:
        zammad(server.url).add_note("4", NOTE)
    assert not caught.value.permanent
    assert len(server.asked("POST")) == 1


@pytest.mark.parametrize(
    ("name", "permanent"),
    [("error_body_too_large", True), ("error_bad_token", False), ("error_ticket_no_group_access", True)],
)
def test_a_recorded_refusal_is_told_without_looking_back(server: Neighbour, name: str, permanent: bool) -> None:
    response = recorded(name)["response"]
    server.on("POST", POSTED, Reply(response["json"], response["status"]))
    with pytest.raises(RemoteError, match=response["json"]["error"]) as caught:
        zammad(server.url).add_note("4", NOTE)
    assert (caught.value.status, caught.value.permanent) == (response["status"], permanent)
    assert server.asked("GET") == []


def test_a_note_that_became_public_is_deleted_and_said(server: Neighbour, caplog: pytest.LogCaptureFixture) -> None:
    server.on("POST", POSTED, Reply(stored(internal=False), 201))
    server.on("DELETE", f"{POSTED}/315", Reply({}))
    with pytest.raises(RemoteError, match="made the note 315 public; it was deleted") as caught:
        zammad(server.url).add_note("4", NOTE)
    assert caught.value.permanent
    assert [record.levelno for record in caplog.records if record.name == "greffier.zammad"] == [logging.ERROR]


def test_a_public_note_that_stays_is_said_loudly(server: Neighbour, caplog: pytest.LogCaptureFixture) -> None:
    server.on("POST", POSTED, Reply(stored(internal=False), 201))
    server.on_recorded("error_article_delete_after_600s", path=f"{POSTED}/315")
    with pytest.raises(RemoteError, match="make it internal by hand") as caught:
        zammad(server.url).add_note("4", NOTE)
    assert caught.value.permanent
    assert [record.levelno for record in caplog.records if record.name == "greffier.zammad"] == [logging.CRITICAL]


def test_a_lost_marker_is_logged(server: Neighbour, caplog: pytest.LogCaptureFixture) -> None:
    server.on("POST", POSTED, Reply(stored(preferences={}), 201))
    assert isinstance(zammad(server.url).add_note("4", NOTE), NoteRef)
    assert "did not keep the marker of note 315" in caplog.text
