"""A real note, made by the whole line, as an agent sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.system import System

pytestmark = [pytest.mark.server, pytest.mark.browser]

BANNER = "AI-generated · Projet de réponse préparé par une IA, à relire avant envoi"


@pytest.fixture
def page(greffier: System, browser: Browser) -> Iterator[Page]:
    """The page of a ticket that was written on a phone, once its note has come by itself."""
    greffier.start_web()
    greffier.start("worker")
    context = browser.new_context(base_url=greffier.sandbox.url, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto("/nouvelle")
    page.get_by_label("Objet").fill("Dépôt de garantie")
    page.get_by_label("Message").fill("Mon propriétaire ne m'a pas rendu le dépôt de garantie. Quel est le délai ?")
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_text(BANNER)).to_be_visible(timeout=60_000)
    yield page
    context.close()


def test_a_citizen_writes_and_the_note_comes_and_reads_well_on_a_phone(page: Page) -> None:
    note = page.get_by_role("listitem").filter(has_text=BANNER)
    expect(note.get_by_text("Note interne")).to_be_visible()
    expect(note.get_by_text("Cordialement,", exact=True)).to_be_visible()
    expect(note.get_by_role("link", name="[1]").first).to_have_attribute(
        "href", re.compile(r"^https://www\.service-public\.fr/")
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    violations = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in violations if violation["impact"] in ("serious", "critical")] == []


def test_the_sources_of_a_note_are_reached_by_keyboard(page: Page) -> None:
    page.reload()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "[1]":
            return
    pytest.fail("no link of the note took the focus")
