"""The page as a server: what it accepts, and that nothing hostile comes through."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from webhooks.demo.sandbox import Sandbox
from webhooks.demo.sandbox.records import NewArticle

FORM = {"usager": "lucien.beraud@exemple.example", "groupe": "Urbanisme", "objet": "Garage", "texte": "Bonjour"}
HOSTILE = "<script>alert(1)</script><b onclick=alert(1)>gras</b>"


@pytest.fixture
def helpdesk() -> Sandbox:
    return Sandbox()


@pytest.fixture
def page(helpdesk: Sandbox) -> FlaskClient:
    return helpdesk.app.test_client()


def test_a_citizen_writes_a_new_ticket(helpdesk: Sandbox, page: FlaskClient) -> None:
    answer = page.post("/nouvelle", data=FORM)

    assert (answer.status_code, answer.location) == (303, "/tickets/1#message-1")
    assert helpdesk.store.articles[1].sender == "Customer"
    assert helpdesk.store.users[helpdesk.store.tickets[1].customer_id].login == FORM["usager"]


@pytest.mark.parametrize("missing", FORM)
def test_an_incomplete_form_is_said_to_be_and_kept(helpdesk: Sandbox, page: FlaskClient, missing: str) -> None:
    answer = page.post("/nouvelle", data=FORM | {missing: " "})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert (FORM["texte"] in answer.text) is (missing != "texte")
    assert helpdesk.store.tickets == {}


def test_an_agent_answers_by_public_email(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")

    page.post(f"/tickets/{ticket_id}/agent", data={"texte": "Bonjour Madame"})

    answer = helpdesk.store.articles[2]
    assert (answer.sender, answer.type, answer.internal) == ("Agent", "email", False)
    assert helpdesk.store.tickets[ticket_id].state == "open"


def test_an_empty_answer_is_refused_beside_its_field(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")

    answer = page.post(f"/tickets/{ticket_id}/agent", data={"texte": ""})

    assert answer.status_code == 422
    assert 'aria-describedby="erreur-agent aide-reponse"' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://ailleurs.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_from_another_site_is_refused(helpdesk: Sandbox, page: FlaskClient, headers: dict[str, str]) -> None:
    assert page.post("/nouvelle", data=FORM, headers=headers).status_code == 403
    assert helpdesk.store.tickets == {}


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}])
def test_a_form_of_the_page_itself_is_taken(page: FlaskClient, headers: dict[str, str]) -> None:
    assert page.post("/nouvelle", data=FORM, headers=headers).status_code == 303


@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
def test_what_a_citizen_writes_cannot_run(helpdesk: Sandbox, page: FlaskClient, content_type: str) -> None:
    helpdesk.write_as_customer(HOSTILE, HOSTILE, content_type=content_type)

    for path in ("/", "/tickets/1", "/tickets/1/suite", "/liste"):
        text = page.get(path).text
        assert "<script>alert" not in text
        assert "<b onclick" not in text


def test_a_note_is_shown_as_html(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")
    note = NewArticle("<p><b>Projet</b></p>", content_type="text/html", internal=True)
    helpdesk.store.add_article(helpdesk.account, ticket_id, note)

    text = page.get(f"/tickets/{ticket_id}").text

    assert "<p><b>Projet</b></p>" in text
    assert "Note interne" in text


def test_the_list_says_which_tickets_have_a_note_of_the_ai(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")
    before = page.get("/").text
    helpdesk.store.add_article(helpdesk.account, ticket_id, NewArticle("Projet", internal=True))

    assert "Sans note de l’IA" in before
    assert "Sans note de l’IA" not in page.get("/").text


def test_only_what_is_new_is_sent_again(helpdesk: Sandbox, page: FlaskClient) -> None:
    helpdesk.write_as_customer("Objet", "Premier")
    helpdesk.write_as_customer("Objet", "Second", ticket_id=1)

    text = page.get("/tickets/1/suite?apres=1").text

    assert "Second" in text
    assert "Premier" not in text
    assert page.get("/tickets/1/suite?apres=2").status_code == 204
    assert page.get(f"/liste?apres={helpdesk.store.version}").status_code == 204


def test_every_page_carries_the_policy(page: FlaskClient) -> None:
    for path in ("/", "/nouvelle", "/tickets/404"):
        policy = page.get(path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "script-src" not in policy


def test_a_ticket_that_does_not_exist_is_not_found(page: FlaskClient) -> None:
    assert page.get("/tickets/404").status_code == 404
