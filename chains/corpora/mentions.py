"""What the sheets of service-public.fr say of each other: a sheet is also found by the words of those that link to it.

As on the web, the text of a link often has the words that people use, where the sheet itself has the official ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from chains.corpora.document import Document
from chains.corpora.plain import line

_MENUS = {"DossierPere", "SousDossierPere", "SousThemePere", "Theme", "FilDAriane"}
"""The same for every sheet of a folder: they say nothing of one of them."""
_LINKS = {"LienInterne": "LienPublication", "QuestionReponse": "ID", "CommentFaireSi": "ID"}
"""The elements that link to another sheet, and the attribute that has its id."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document with its summary and its links: the id of each sheet that it links to, and the link's text."""

    document: Document
    summary: str
    links: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str]:
        """A sheet's id is another sheet's in another audience."""
        return self.document.audience, self.document.id.rpartition("/")[2]


def links(root: Element) -> Iterator[tuple[str, str]]:
    """The links of a sheet. Only those in its text have words of their own; a menu's are the other sheet's title."""
    for child in root:
        if child.tag in _MENUS:
            continue
        if child.tag in _LINKS and (target := child.get(_LINKS[child.tag])):
            yield target, line("".join(child.itertext())) if child.tag == "LienInterne" else ""
        yield from links(child)


def with_mentions(sheets: list[Sheet]) -> Iterator[Document]:
    """The documents with what is said of them. A link leads to the sheet for the same audience, if there is one."""
    there = {sheet.key: sheet for sheet in sheets}
    anywhere = {sheet.key[1]: sheet.key for sheet in reversed(sheets)}
    said: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)  # in order, each once
    titles: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for sheet in sheets:
        for target, text in sheet.links:
            key = (sheet.key[0], target) if (sheet.key[0], target) in there else anywhere.get(target)
            if key and key != sheet.key:
                if text:
                    said[key][text.lower()] = None
                titles[key][sheet.document.title] = None
    for sheet in sheets:
        yield replace(
            sheet.document, mentions="\n".join([sheet.summary, *sorted(said[sheet.key]), *sorted(titles[sheet.key])])
        )
