"""The pictures of the documentation: `python -m tests.screenshots docs/images`.

Runs `greffier demo` with the scripted model server, works on the sandbox's page as a citizen and as an agent, and
takes a picture of what an agent sees. The helpdesk in the pictures is the sandbox and what the model says is written
below; the rest (sheets, checks, notes, drafts) is what Greffier makes of it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser import MISSING, chromium, launched
from webhooks.demo.model_server import ModelServer

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WIDTH = 1000  # pixels: the page in two columns, and files of at most 150 kB or so
MARGIN = 8  # pixels
PATIENCE = 60_000  # milliseconds that a note may take
SUBJECT = "Mon dépôt de garantie"
MESSAGE = """\
Bonjour,

J’ai quitté mon appartement il y a trois mois, et l’état des lieux de sortie était conforme. Mon propriétaire n’a \
toujours pas rendu le dépôt de garantie. Dans quel délai doit-il le faire ?"""
# the two best passages are of one sheet; the last sentence says what neither does, and is marked for it
FIRST = [
    "L’état des lieux de sortie étant conforme, le dépôt de garantie doit vous être restitué dans un délai maximal de "
    "1 mois.",
    "Ce délai commence à partir du jour où vous avez restitué les clés au propriétaire ou à son mandataire.",
    "Passé ce délai, le propriétaire vous doit une majoration de 10 % du loyer.",
]
SHORTER = ["L’état des lieux étant conforme, votre propriétaire avait 1 mois pour vous rendre le dépôt de garantie."]


def main() -> None:
    """Write the pictures into the folder that is given."""
    parser = ArgumentParser(description="Take the pictures of the documentation")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    path = chromium()
    if path is None:
        sys.exit(MISSING)
    with ModelServer() as models, demo(models.url) as url, launched(path) as browser:
        context = browser.new_context(base_url=url, viewport={"width": WIDTH, "height": 900}, locale="fr-FR")
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        abstention(page, folder)
        note(page, models, folder)
        shared_draft(page, folder)
        another_draft(page, models, folder)
        context.close()


@contextmanager
def demo(models: str) -> Iterator[str]:
    """`greffier demo`, once its six messages are settled: the address of its sandbox."""
    with tempfile.TemporaryDirectory(prefix="greffier-screenshots-") as folder:
        command = [sys.executable, "-m", "webhooks", "demo", "--data", folder, "--base-url", models]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _address(process: subprocess.Popen[str]) -> str:
    told = ""
    for line in process.stdout or ():
        told += line
        if "as a citizen" in line and (found := re.search(r"sandbox helpdesk +(http://\S+)", told)):
            return found[1]
    raise SystemExit(f"the demo ended:\n{told}")


def abstention(page: Page, folder: Path) -> None:
    """The demo's message that no sheet is near to."""
    page.goto("/")
    page.get_by_role("link", name="Recette").click()
    _picture(page, folder / "abstention.png", _note(page))


def note(page: Page, models: ModelServer, folder: Path) -> None:
    """A citizen's e-mail, and the note that comes."""
    _say(models, FIRST)
    page.goto("/nouvelle")
    page.get_by_label("Canal").select_option("Courriel")
    page.get_by_label("Objet").fill(SUBJECT)
    page.get_by_label("Message").fill(MESSAGE)
    page.get_by_role("button", name="Envoyer la demande").click()
    _note(page).wait_for()
    _offer(page).wait_for()
    _picture(page, folder / "note.png", _note(page))


def shared_draft(page: Page, folder: Path) -> None:
    """The same text as a shared draft: offered, and applied."""
    page.get_by_text("Aperçu").click()
    _offer(page).screenshot(path=folder / "shared-draft.png")
    address = page.url
    page.get_by_role("button", name="Appliquer").click()
    page.get_by_role("region", name="Répondre en tant qu’agent").screenshot(path=folder / "shared-draft-applied.png")
    page.goto(address)


def another_draft(page: Page, models: ModelServer, folder: Path) -> None:
    """What an agent asks for in a note, and the draft that replaces the first."""
    _say(models, SHORTER)
    page.get_by_label("Note pour les agents").fill("@greffier encore plus court")
    page.get_by_role("button", name="Ajouter la note").click()
    asked = page.get_by_role("listitem").filter(has_text="@greffier encore plus court")
    page.get_by_role("listitem").filter(has_text="Il remplace le projet").wait_for()
    _picture(page, folder / "another-draft.png", _note(page), asked)


def _say(models: ModelServer, sentences: list[str]) -> None:
    answer = {"phrases": [{"texte": sentence, "extraits": [1, 2]} for sentence in sentences]}
    models.script = replace(models.script, text=json.dumps(answer, ensure_ascii=False))


def _note(page: Page) -> Locator:
    return page.get_by_role("listitem").filter(has_text="AI-generated").last


def _offer(page: Page) -> Locator:
    return page.get_by_role("region", name="Brouillon partagé disponible")


def _picture(page: Page, path: Path, last: Locator, first: Locator | None = None) -> None:
    """The page from the top down to `last`, or the messages from `first` to `last`."""
    page.evaluate("document.activeElement.blur()")
    page.evaluate("window.scrollTo(0, 0)")
    end, start = last.bounding_box(), first.bounding_box() if first else None
    assert end is not None
    bottom = end["y"] + end["height"] + MARGIN
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom}
    if start is not None:
        top, left = start["y"] - MARGIN, start["x"] - MARGIN
        clip = {"x": left, "y": top, "width": start["width"] + 2 * MARGIN, "height": bottom - top}
    page.screenshot(path=path, clip=clip, full_page=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
