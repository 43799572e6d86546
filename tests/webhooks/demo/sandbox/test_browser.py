"""The page in a real browser: what people see, by mouse and by keyboard, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.webhooks.demo.sandbox.conftest import Api
from webhooks.demo.sandbox import Sandbox

pytestmark = pytest.mark.browser

NOTE = """
<table style="border-collapse:collapse"><tr>
<td style="background-color:#fff4d6;border-left:5px solid #b45309;padding:8px 12px;color:#3b2a06">
<b>AI-generated</b><br>Projet de réponse préparé par une IA, à relire avant envoi</td></tr></table><br>
<div>Bonjour Madame,</div><br>
<div>Un duplicata se demande à la mairie <a href="https://www.service-public.fr/particuliers/vosdroits/F1342">[1]</a>.
Il est remis <mark>sous un mois ⚠</mark>.</div><br>
<div><b>Sources</b><br>
[1] <a href="https://www.service-public.fr/particuliers/vosdroits/F1342">Livret de famille : duplicata</a></div>
<details><summary>▸ Passages utilisés</summary><blockquote>En cas de perte, un second livret…</blockquote></details>
<table><tr><td style="background-color:#f3f4f6;padding:6px 12px;color:#4b5563;font-size:12px">réf. gr-7f3a9c21</td></tr>
</table>
"""

PATHS = ["/", "/nouvelle", "/tickets/1", "/tickets/1?brouillon=appliquer&fait=macro"]


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    """A page whose console stays empty: a violation of the policy would be an error there."""
    context = browser.new_context(base_url=sandbox.url, viewport={"width": 1280, "height": 900}, locale="fr-FR")
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def ticket(sandbox: Sandbox, api: Api) -> int:
    """A ticket with everything on it: citizen, note, answer."""
    ticket_id, _ = sandbox.write_as_customer("Perte du livret de famille", "Bonjour,\n\nJ’ai perdu le livret.")
    assert api.add_note(ticket_id, body=NOTE).status_code == 201
    sandbox.reply_as_agent(ticket_id, "Bonjour Madame Vauquelin")
    return ticket_id


def test_a_citizen_writes_and_the_note_comes_without_a_reload(page: Page, sandbox: Sandbox, api: Api) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Écrire au guichet").click()
    page.get_by_label("Usager").select_option("Lucien Béraud")
    page.get_by_label("Objet").fill("Extension de garage")
    page.get_by_label("Message").fill("Bonjour, faut-il un permis ?")
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Extension de garage")
    page.evaluate("window.sameDocument = true")

    api.add_note(1, body=NOTE)

    note = page.get_by_role("listitem").filter(has_text="Note interne")
    expect(note).to_contain_text("Projet de réponse préparé par une IA")
    expect(page.get_by_role("status")).to_have_text("Nouveau : Note interne de Greffier (IA).")
    assert page.evaluate("window.sameDocument")


def test_focus_and_what_is_being_typed_survive_a_new_note(page: Page, ticket: int, api: Api) -> None:
    page.goto(f"/tickets/{ticket}")
    answer = page.get_by_label("Réponse à Jeanne Vauquelin")
    answer.press_sequentially("Bonjour Mad")

    api.add_note(ticket, body="<p>Une autre proposition</p>")
    expect(page.get_by_text("Une autre proposition")).to_be_visible()
    page.keyboard.type("ame")

    expect(answer).to_be_focused()
    expect(answer).to_have_value("Bonjour Madame")


@pytest.fixture
def drafted(ticket: int, sandbox: Sandbox, api: Api) -> int:
    """A ticket with everything, another to merge it into, macros, and a shared draft."""
    sandbox.set_up("http://127.0.0.1:9/")
    sandbox.write_as_customer("Perte du livret", "Bonjour")
    offer(api, ticket)
    return ticket


def offer(api: Api, ticket: int, text: str = "Un duplicata se demande à la mairie.") -> None:
    new = {
        "type": "email",
        "to": "jeanne.vauquelin@exemple.example",
        "body": f"<div>Bonjour,</div><br><div>{text}</div>",
    }
    assert api.call("PUT", f"/tickets/{ticket}/shared_draft", json={"new_article": new}).status_code == 200


def test_a_shared_draft_is_offered_without_a_reload_applied_and_sent(page: Page, ticket: int, api: Api) -> None:
    page.goto(f"/tickets/{ticket}")
    offer(api, ticket)
    expect(page.get_by_role("status")).to_have_text("Brouillon partagé disponible.")
    page.get_by_text("Aperçu").click()
    expect(page.get_by_role("region", name="Brouillon partagé disponible")).to_contain_text("à la mairie")
    page.get_by_role("button", name="Appliquer").click()

    answer = page.get_by_label("Réponse à Jeanne Vauquelin")
    expect(answer).to_have_value("Bonjour,\n\nUn duplicata se demande à la mairie.")
    expect(answer).to_be_focused()
    page.get_by_role("button", name="Envoyer la réponse").click()

    expect(page.get_by_role("listitem").filter(has_text="Réponse publique").last).to_contain_text("à la mairie")
    expect(page.get_by_role("region", name="Brouillon partagé disponible")).to_have_count(0)


def test_a_draft_does_not_replace_what_was_begun_without_a_question(page: Page, drafted: int) -> None:
    page.goto(f"/tickets/{drafted}")
    answer = page.get_by_label("Réponse à Jeanne Vauquelin")
    answer.fill("Bonjour Madame")
    questions: list[str] = []
    page.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))

    page.get_by_role("button", name="Appliquer").click()

    assert questions == ["Remplacer ce que vous avez commencé à écrire ?"]
    expect(answer).to_have_value("Bonjour Madame")


def test_focus_survives_a_draft_that_changes(page: Page, drafted: int, api: Api) -> None:
    page.goto(f"/tickets/{drafted}")
    button = page.get_by_role("button", name="Appliquer")
    button.focus()

    offer(api, drafted, "Un autre texte")

    expect(page.get_by_role("region", name="Brouillon partagé disponible")).to_contain_text("Un autre texte")
    expect(button).to_be_focused()


def test_an_agent_asks_by_note_and_macro_moves_merges_and_closes(page: Page, drafted: int) -> None:
    page.goto(f"/tickets/{drafted}")
    page.get_by_label("Note pour les agents").fill("@greffier encore plus court")
    page.get_by_role("button", name="Ajouter la note").click()
    expect(page.get_by_role("listitem").filter(has_text="@greffier encore")).to_contain_text("Note interne")
    page.get_by_role("button", name="Greffier : nouvelle rédaction").click()
    expect(page.get_by_text("La macro est appliquée.")).to_be_visible()
    page.get_by_label("Changer de service").select_option("Urbanisme")
    page.get_by_role("button", name="Déplacer").click()
    expect(page.get_by_text("La demande a changé de service.")).to_be_visible()
    page.get_by_role("button", name="Clore la demande").click()
    expect(page).to_have_title(
        "La demande est close. – Perte du livret de famille – Guichet de Valbrume (démonstration)"
    )
    page.get_by_role("button", name="Rouvrir la demande").click()
    page.get_by_label("Fusionner dans une autre demande").select_option(index=0)
    page.get_by_role("button", name="Fusionner").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Perte du livret")


def test_focus_in_the_list_survives_a_new_ticket(page: Page, ticket: int, sandbox: Sandbox) -> None:
    page.goto("/")
    link = page.get_by_role("link", name="Perte du livret de famille")
    link.focus()

    sandbox.write_as_customer("Acte de naissance", "Bonjour")

    expect(page.get_by_role("link", name="Acte de naissance")).to_be_visible()
    expect(link).to_be_focused()


def test_the_banner_of_a_note_keeps_its_colour(page: Page, ticket: int) -> None:
    page.goto(f"/tickets/{ticket}")

    banner = page.get_by_role("cell").filter(has_text="AI-generated")

    expect(banner).to_have_css("background-color", "rgb(255, 244, 214)")


def test_a_note_is_told_apart_by_frame_and_by_word(page: Page, ticket: int) -> None:
    page.goto(f"/tickets/{ticket}")

    note = page.get_by_role("listitem").filter(has_text="Note interne")

    expect(note).to_have_css("border-top-style", "dashed")
    expect(note.get_by_role("heading")).to_contain_text("Greffier (IA)")
    expect(note).to_contain_text("visible des agents seulement")


def test_everything_can_be_done_by_keyboard(page: Page, ticket: int) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Perte du livret de famille")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{ticket}")
    page.get_by_label("Réponse à Jeanne Vauquelin").focus()
    page.keyboard.type("Voici la réponse.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    answer = page.get_by_role("listitem").filter(has_text="Voici la réponse.")
    expect(answer).to_contain_text("Réponse publique")


def test_where_the_focus_is_can_be_seen(page: Page, ticket: int) -> None:
    page.goto("/nouvelle")
    for _ in range(9):
        page.keyboard.press("Tab")
        style, width = page.evaluate(
            "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
        )
        assert (style, width) == ("solid", "3px")


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_needs_no_sideways_scroll(page: Page, drafted: int, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious(page: Page, drafted: int, path: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path)

    violations = Axe().run(page).response["violations"]

    serious = [violation for violation in violations if violation["impact"] in ("serious", "critical")]
    assert [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in serious] == []


def test_the_page_works_without_javascript(browser: Browser, sandbox: Sandbox, ticket: int) -> None:
    context = browser.new_context(base_url=sandbox.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/tickets/{ticket}")
    page.get_by_label("Nouveau message de Jeanne Vauquelin").fill("Merci beaucoup")
    page.get_by_role("button", name="Envoyer le message").click()

    expect(page.get_by_role("listitem").filter(has_text="Merci beaucoup")).to_contain_text("Usager")
    context.close()
