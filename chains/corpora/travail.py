"""The sheets of the labour ministry's site, as the package `@socialgouv/fiches-travail-data` has them (JSON).

https://github.com/SocialGouv/fiches-travail-data: the package is under the licence Apache-2.0, the site's content
under the Licence Ouverte unless it says otherwise.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chains.corpora.chunks import Section
from chains.corpora.document import Document, cut_document
from chains.corpora.html import html_sections
from chains.corpora.plain import day, line, visible
from connector.errors import ConfigurationError

log = logging.getLogger("greffier.corpus")

MAX_BYTES = 128 * 1024 * 1024
"""The package's file has 14 MB."""

_MENU = re.compile(
    r"textes? de référence|services? en ligne|à (?:lire|consulter)\b.*|pour aller plus loin|liens utiles", re.IGNORECASE
)
_VIDEO = "youtube_player"


def read_travail(path: Path, *, corpus: str, unreadable: list[str]) -> Iterator[Document]:
    """The sheets of `fiches-travail.json`, or of the package's folder that holds it.

    A sheet that cannot be read is left out; the log says why, and `unreadable` has its id. Sections that only list
    links, and what is said in videos, are left out. Raises ConfigurationError if `path` is something else.
    """
    file = next(path.rglob("fiches-travail.json"), None) if path.is_dir() else path
    if file is None or not file.is_file():
        raise ConfigurationError(f"{path} holds no fiches-travail.json: give that file, or the package's folder")
    if file.stat().st_size > MAX_BYTES:
        raise ConfigurationError(f"{file} has more than {MAX_BYTES} bytes: it is not the labour ministry's sheets")
    try:
        sheets = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} is not readable as JSON: {error}") from None
    if not isinstance(sheets, list):
        raise ConfigurationError(f"{file} is not a list of sheets, as fiches-travail.json is")
    for number, sheet in enumerate(sheets):
        try:
            document = _document(sheet, corpus)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            reason = str(error) or type(error).__name__
            log.warning("%s: sheet %s is left out: %s", file, number, reason)
            unreadable.append(visible(f"{file}: sheet {number}: {reason}"))
            continue
        if document.passages:
            yield document


def _document(sheet: dict[str, Any], corpus: str) -> Document:
    title = line(sheet["title"])
    return cut_document(
        _sections(sheet, title),
        id=f"{corpus}:{sheet['pubId']}",
        corpus=corpus,
        title=title,
        url=str(sheet["url"]),
        date=day(sheet.get("date")),
        theme="Travail",
    )


def _sections(sheet: dict[str, Any], title: str) -> Iterator[Section]:
    """The introduction, then each section under its title; the first one often has the sheet's own."""
    yield from html_sections(sheet.get("intro") or sheet.get("description") or "")
    for section in sheet["sections"]:
        heading = line(section["title"])
        if not _MENU.fullmatch(heading) and _VIDEO not in section["html"]:
            yield from html_sections(section["html"], () if heading in ("", title) else (heading,))
