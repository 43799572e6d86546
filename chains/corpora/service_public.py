"""The official sheets of service-public.fr, as the DILA publishes them: one XML file a sheet, schema 3.3.

The feed is described at https://www.data.gouv.fr/fr/datasets/service-public-fr-guide-vos-droits-et-demarches-particuliers/
(and its companions for companies and associations); its content is under the Licence Ouverte 2.0.
"""

from __future__ import annotations

import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from chains.corpora.chunks import Section, chunks
from chains.corpora.document import Document
from chains.draft import Passage
from connector.errors import ConfigurationError

log = logging.getLogger("greffier.corpus")

MAX_SHEET_BYTES = 16 * 1024 * 1024
"""The largest sheet seen has 2.6 MB."""
MAX_FEED_BYTES = 1024 * 1024 * 1024
"""The three feeds together have less than a third of that, unpacked."""
MIN_GUIDE = 200
CUT_FROM = 130  # characters; the summaries that the source has cut are of 136 to 150
"""In characters. A "Recherche guidée" with less is a decision tree: nothing in it can be cited."""

_SHEET = re.compile(r"F\d+\.xml")
_DC = "{http://purl.org/dc/elements/1.1/}"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))

# The text of a sheet stands in these children of its root; all the others are menus, addresses and references.
_BODY = {"Avertissement", "Introduction", "Texte", "ListeSituations", "LienExterneCommente"}
# Each of these opens a section under its title; what stands in a `Cas` or a `Situation` holds in that case only.
_SECTIONS = {"Chapitre", "SousChapitre", "Cas", "Situation", "Avertissement", "FragmentConditionne"}
_UNTITLED = {
    "FragmentConditionne": "Selon la situation"
}  # shown on the site to some readers only, and it says not whom
_NOTES = {"ANoter": "À noter", "ASavoir": "À savoir", "Attention": "Attention", "Rappel": "Rappel"}
_LEFT_OUT = {
    "Titre", "TitreAlternatif", "ServiceEnLigne", "OuSAdresser", "Reference", "PourEnSavoirPlus",
    "VoirAussi", "QuestionReponse", "Definition", "Abreviation", "Image", "Illustration", "Condition",
}  # fmt: skip


def read_service_public(path: Path, unreadable: list[str] | None = None) -> Iterator[Document]:
    """The live sheets of a feed: a zip, or a folder of XML files and zips.

    Withdrawn sheets (no public address) and sheets without text are left out. A sheet that cannot be read is reported
    in the log and left out. Raises ConfigurationError if `path` holds no sheet at all.
    """
    seen: set[str] = set()
    broken = unreadable if unreadable is not None else []
    for name, content in _files(path, broken):
        try:
            document = parse_sheet(content)
        except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
            log.warning("%s is left out: %s", name, error or type(error).__name__)
            broken.append(name)
            continue
        if document and document.id not in seen:
            seen.add(document.id)
            yield document
    if not seen:
        raise ConfigurationError(
            f"{path} holds no sheet of service-public.fr: give the feed's zip, or a folder with its XML files"
        )


def parse_sheet(content: bytes) -> Document | None:
    """One sheet from its XML; None if it is withdrawn or has no text. Raises ValueError if it is something else."""
    root: Element = fromstring(content)
    if root.tag != "Publication" or not root.get("ID"):
        raise ValueError("not a sheet: its root is not a Publication with an ID")
    sheet, url, title = root.get("ID", ""), root.get("spUrl", ""), _text(root.find(f"{_DC}title"))
    if not url.startswith(("https://", "http://")):
        return None
    audience = _text(root.find("Audience")).lower() or "particuliers"
    sections = list(_sections(root))
    length = sum(len(block) for section in sections for block in section.blocks)
    if not title or not length or (root.get("type") == "Recherche guidée" and length < MIN_GUIDE):
        return None
    modified = _DATE.search(_text(root.find(f"{_DC}date")))
    updated = date.fromisoformat(modified.group()) if modified else None
    document = f"{audience}/{sheet}"
    passages = tuple(
        Passage(f"{document}#{number}", document, title, path, text, url, updated)
        for number, (path, text) in enumerate(chunks(sections))
    )
    return Document(document, "service-public", title, url, updated, passages, audience=audience)


def _sections(root: Element) -> Iterator[Section]:
    """The summary, then the sections of the body in the order of the sheet."""
    summary = _whole(_text(root.find(f"{_DC}description")))
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
    return " ".join("".join(element.itertext()).translate(_INVISIBLE).replace("’", "'").split())


def _files(path: Path, broken: list[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file that may be a sheet, within the limits on sizes."""
    budget = MAX_FEED_BYTES
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist: give the feed's zip, or a folder with its XML files")
    for source in [path] if path.is_file() else sorted(path.rglob("*")):
        files = _members(source, broken) if source.suffix == ".zip" else _plain(source)
        for name, content in files:
            budget -= len(content)
            if budget < 0:
                raise ConfigurationError(f"{path} holds more than {MAX_FEED_BYTES} bytes of sheets: it is not the feed")
            if len(content) > MAX_SHEET_BYTES:
                log.warning("%s is left out: over %s bytes", name, MAX_SHEET_BYTES)
                continue
            yield name, content


def _plain(source: Path) -> Iterator[tuple[str, bytes]]:
    if _SHEET.fullmatch(source.name) and source.is_file():
        with source.open("rb") as file:
            yield str(source), file.read(MAX_SHEET_BYTES + 1)


def _members(source: Path, broken: list[str]) -> Iterator[tuple[str, bytes]]:
    """The sheets in a zip, read in memory: nothing is ever written where a member's name says."""
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                if _SHEET.fullmatch(PurePosixPath(member.filename).name):
                    try:
                        with archive.open(member) as file:
                            yield f"{source.name}:{member.filename}", file.read(MAX_SHEET_BYTES + 1)
                    except (
                        zipfile.BadZipFile,
                        zlib.error,
                        RuntimeError,
                        NotImplementedError,
                        EOFError,
                        OSError,
                    ) as error:
                        log.warning("%s:%s is left out: %s", source.name, member.filename, error)
                        broken.append(member.filename)
    except zipfile.BadZipFile as error:
        raise ConfigurationError(f"{source} is not a readable zip: {error}") from None
