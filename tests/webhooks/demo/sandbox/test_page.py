"""The page as a server: what it accepts, and that nothing hostile comes through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from webhooks.demo.sandbox import Sandbox
from webhooks.demo.sandbox.records import NewArticle

FORM = {"usager": "lucien.beraud@exemple.example", "groupe": "Urbanisme", "objet": "Garage", "texte": "Bonjour"}
DRAFT_PATHS = ("/tickets/1/brouillon", "/tickets/1?brouillon=appliquer")
HOSTILE = "</textarea><script>alert(1)</script><b onclick=alert(1)>gras</b>"


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


def test_an_agent_writes_an_internal_note(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")

    answer = page.post(f"/tickets/{ticket_id}/note", data={"texte": "@greffier encore plus court"})

    note = helpdesk.store.articles[2]
    assert answer.location == "/tickets/1#message-2"
    assert (note.sender, note.type, note.internal) == ("Agent", "note", True)
    assert 'aria-describedby="erreur-note aide-note"' in page.post(f"/tickets/{ticket_id}/note").text


@pytest.mark.parametrize(
    ("channel", "type", "author"),
    [("email", "email", "Lucien Béraud"), ("web", "web", "Lucien Béraud"), ("phone", "phone", "Noémie Lefèvre")],
)
def test_a_citizen_writes_by_the_channel_chosen(
    helpdesk: Sandbox, page: FlaskClient, channel: str, type: str, author: str
) -> None:
    page.post("/nouvelle", data=FORM | {"canal": channel})
    page.post("/tickets/1/usager", data={"texte": "Encore", "canal": channel})

    for article in helpdesk.store.articles.values():
        assert (article.type, article.sender, article.internal) == (type, "Customer", False)
        assert helpdesk.store.users[article.created_by_id].fullname == author
    assert "appel noté par Noémie Lefèvre" in page.get("/tickets/1").text or channel != "phone"


def test_a_channel_that_the_page_does_not_know_is_refused(helpdesk: Sandbox, page: FlaskClient) -> None:
    assert page.post("/nouvelle", data=FORM | {"canal": "chat"}).status_code == 422
    assert helpdesk.store.tickets == {}


def test_a_ticket_is_closed_and_opened_again_by_agent_or_citizen(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")

    states = []
    for path, values in (("clore", {}), ("rouvrir", {}), ("clore", {}), ("usager", {"texte": "Merci"})):
        page.post(f"/tickets/{ticket_id}/{path}", data=values)
        states.append(helpdesk.store.tickets[ticket_id].state)

    assert states == ["closed", "open", "closed", "open"]


def test_an_agent_applies_the_macros_of_the_tickets_group(helpdesk: Sandbox, page: FlaskClient) -> None:
    helpdesk.set_up("http://127.0.0.1:9/")
    macro = helpdesk.store.objects.macros.named("Greffier : ne plus rédiger")
    assert macro is not None
    helpdesk.store.objects.macros.update(macro["id"], {"group_ids": [2]}, 1)
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour", group="État civil")

    page.post(f"/tickets/{ticket_id}/macro", data={"macro": "Greffier : nouvelle rédaction"})

    assert helpdesk.notes(ticket_id)[0].subject == "Greffier : nouvelle rédaction demandée"
    text = page.get(f"/tickets/{ticket_id}").text
    assert "Greffier : nouvelle rédaction</button>" in text
    assert "Greffier : ne plus rédiger" not in text
    assert page.post(f"/tickets/{ticket_id}/macro", data={"macro": macro["name"]}).status_code == 422


def test_an_agent_moves_a_ticket(helpdesk: Sandbox, page: FlaskClient) -> None:
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")

    answer = page.post(f"/tickets/{ticket_id}/deplacer", data={"groupe": "Urbanisme"}, follow_redirects=True)

    assert helpdesk.store.groups[helpdesk.store.tickets[ticket_id].group_id].name == "Urbanisme"
    assert "La demande a changé de service." in answer.text
    assert page.post(f"/tickets/{ticket_id}/deplacer", data={"groupe": "Cantine"}).status_code == 422


def test_an_agent_merges_a_ticket_into_another(helpdesk: Sandbox, page: FlaskClient) -> None:
    source, _ = helpdesk.write_as_customer("Doublon", "Bonjour")
    target, _ = helpdesk.write_as_customer("Objet", "Bonjour")

    answer = page.post(f"/tickets/{source}/fusionner", data={"cible": target})

    assert answer.location == f"/tickets/{target}?fait=fusionner"
    assert len(helpdesk.store.articles_of(helpdesk.store.tickets[target])) == 2
    merged = page.get(f"/tickets/{source}").text
    assert f'href="/tickets/{target}"' in merged
    assert "<form" not in merged


@pytest.mark.parametrize("target", ["1", "2", "404", "x", ""])
def test_a_ticket_is_not_merged_into_itself_nor_into_what_is_merged(
    helpdesk: Sandbox, page: FlaskClient, target: str
) -> None:
    for subject in ("Objet", "Doublon", "Autre"):
        helpdesk.write_as_customer(subject, "Bonjour")
    helpdesk.merge(2, 3)

    assert page.post("/tickets/1/fusionner", data={"cible": target}).status_code == 422


DRAFT = "<div>Bonjour,</div><br><div>Un <mark>mois ⚠</mark>. <a href='https://x.example/F1'>Fiche</a></div>"


@pytest.fixture
def drafted(helpdesk: Sandbox) -> int:
    """A ticket with a shared draft of the AI account."""
    ticket_id, _ = helpdesk.write_as_customer("Objet", "Bonjour")
    new = {"body": DRAFT, "to": "Jeanne <autre@exemple.example>", "subject": "Livret", "in_reply_to": "<1@x.example>"}
    helpdesk.store.write_draft(helpdesk.account, ticket_id, new, {})
    return ticket_id


def test_a_shared_draft_is_offered_with_a_preview(page: FlaskClient, drafted: int) -> None:
    for path in ("", "/brouillon"):
        text = page.get(f"/tickets/{drafted}{path}").text
        assert "Brouillon partagé disponible" in text
        assert "<mark>mois ⚠</mark>" in text
    assert "Brouillon partagé</span>" in page.get("/").text


def test_a_draft_that_is_applied_is_sent_as_it_reads_and_deleted(
    helpdesk: Sandbox, page: FlaskClient, drafted: int
) -> None:
    editor = page.get(f"/tickets/{drafted}?brouillon=appliquer").text
    text = "Bonjour,\n\nUn mois ⚠. Fiche – https://x.example/F1"
    assert f">\n{text}</textarea>" in editor

    page.post(f"/tickets/{drafted}/agent", data={"texte": text, "brouillon": "1"})

    answer = helpdesk.store.articles[2]
    assert (answer.body, answer.to, answer.subject) == (text, "Jeanne <autre@exemple.example>", "Livret")
    assert answer.in_reply_to == "<1@x.example>"
    assert helpdesk.shared_draft(drafted) is None


def test_an_answer_that_did_not_come_from_the_draft_leaves_it(
    helpdesk: Sandbox, page: FlaskClient, drafted: int
) -> None:
    page.post(f"/tickets/{drafted}/agent", data={"texte": "Bonjour"})

    assert helpdesk.store.articles[2].to == "jeanne.vauquelin@exemple.example"
    assert helpdesk.shared_draft(drafted) is not None


def test_an_agent_saves_a_draft_over_another_and_deletes_it(helpdesk: Sandbox, page: FlaskClient, drafted: int) -> None:
    page.post(f"/tickets/{drafted}/brouillon", data={"texte": "Bonjour\n<b>Madame</b>"})

    saved = helpdesk.shared_draft(drafted)
    assert saved is not None
    assert saved.new_article["body"] == "Bonjour<br>&lt;b&gt;Madame&lt;/b&gt;"
    assert (saved.created_by_id, saved.updated_by_id == helpdesk.account.id) == (helpdesk.account.id, False)
    page.post(f"/tickets/{drafted}/brouillon/suppression")
    assert helpdesk.shared_draft(drafted) is None
    assert "Brouillon partagé disponible" not in page.get(f"/tickets/{drafted}").text


def test_a_draft_is_sent_again_only_when_it_has_changed(helpdesk: Sandbox, page: FlaskClient, drafted: int) -> None:
    draft = helpdesk.shared_draft(drafted)
    assert draft is not None
    seen = round(draft.updated_at.timestamp() * 1000)

    assert page.get(f"/tickets/{drafted}/brouillon?apres={seen}").status_code == 204
    helpdesk.discard_shared_draft(drafted)
    assert "retiré" in page.get(f"/tickets/{drafted}/brouillon?apres={seen}").text


def test_a_group_without_shared_drafts_shows_none(helpdesk: Sandbox, page: FlaskClient, drafted: int) -> None:
    group = helpdesk.store.groups[1]
    helpdesk.store.groups[1] = replace(group, shared_drafts=False)

    text = page.get(f"/tickets/{drafted}?brouillon=appliquer").text
    assert "disponible" not in text
    assert "Enregistrer comme brouillon" not in text
    assert "Un mois" not in text


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


def test_every_form_of_another_site_is_refused(helpdesk: Sandbox, page: FlaskClient) -> None:
    rules = [rule for rule in helpdesk.app.url_map.iter_rules() if rule.endpoint.startswith("page.")]
    paths = [rule.rule.replace("<int:ticket_id>", "1") for rule in rules if "POST" in (rule.methods or ())]
    assert len(paths) == 11

    for path in paths:
        assert page.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403, path


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}])
def test_a_form_of_the_page_itself_is_taken(page: FlaskClient, headers: dict[str, str]) -> None:
    assert page.post("/nouvelle", data=FORM, headers=headers).status_code == 303


@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
def test_what_a_citizen_writes_cannot_run(helpdesk: Sandbox, page: FlaskClient, content_type: str) -> None:
    helpdesk.write_as_customer(HOSTILE, HOSTILE, content_type=content_type)
    helpdesk.write_as_customer("Objet", "Bonjour")
    helpdesk.store.write_draft(helpdesk.account, 1, {"body": HOSTILE, "to": HOSTILE, "subject": HOSTILE}, {})

    for path in ("/", "/tickets/1", "/tickets/1/suite", "/liste", *DRAFT_PATHS, "/tickets/2"):
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
