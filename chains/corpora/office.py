"""Word processors' files: DOCX through mammoth, ODT by its own XML. Both are zips, from anybody."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from defusedxml.sax import parse

from chains.corpora.chunks import Section
from chains.corpora.document import Loaded
from chains.corpora.html import html_sections
from chains.corpora.plain import day, line

MAX_UNPACKED = 256 * 1024 * 1024
"""Bytes of all that is in the zip."""
MAX_XML = 16 * 1024 * 1024
"""Bytes of one text in it: in memory it takes many times that."""
MAX_NODES = 500_000
"""Elements and attributes of all texts in it; reading it takes up to a kilobyte for each."""

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_SKIPPED = {f"{_TEXT}{name}" for name in ("table-of-content", "note", "tracked-changes", "sequence-decls")}


def load_docx(file: Path) -> Loaded:
    """A DOCX: its headings as paths, lists and tables as lines. Raises ValueError or the library's error."""
    import mammoth

    check_zip(file)
    ignored = mammoth.images.img_element(lambda image: {})
    with file.open("rb") as stream:
        markup = mammoth.convert_to_html(stream, convert_image=ignored, include_embedded_style_map=False).value
    return _loaded(html_sections(markup), file, "docProps/core.xml", f"{_TERMS}modified")


def load_odt(file: Path) -> Loaded:
    """An ODT, likewise."""
    check_zip(file)
    with zipfile.ZipFile(file) as archive:
        body: Element = fromstring(archive.read("content.xml"))
    sections: list[Section] = []
    titles: list[tuple[int, str]] = []
    for level, text in _blocks(body):
        if level:
            titles = [*((depth, title) for depth, title in titles if depth < level), (level, text)]
            continue
        path = tuple(title for _, title in titles)
        if not sections or sections[-1].path != path:
            sections.append(Section(path, []))
        sections[-1].blocks.append(text)
    return _loaded(sections, file, "meta.xml", f"{_DC}date")


def check_zip(file: Path) -> None:
    """Raises ValueError for a zip that unpacks to too much, is encrypted, or has XML that may not be parsed.

    Every member is looked at, since any may be the text, whatever its name: the same parser that the libraries use
    reads it, element by element, and keeps nothing. What is no XML, such as an image, fails at its first byte.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MAX_UNPACKED:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED} bytes")
        counted = _Counted()
        for member in members:
            if member.flag_bits & 1:
                raise ValueError("it is encrypted")
            counted.member = member
            with archive.open(member) as stream:
                try:
                    parse(stream, counted, forbid_dtd=True)
                except DefusedXmlException:
                    raise ValueError(f"{member.filename} declares a document type") from None
                except SAXException:
                    continue


class _Counted(ContentHandler):
    """Raises ValueError where the XML of a zip is too long. The parser calls its method by that name."""

    member: zipfile.ZipInfo
    _count = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        self._count += 1 + len(attrs)
        if self.member.file_size > MAX_XML:
            raise ValueError(f"{self.member.filename} has more than {MAX_XML} bytes")
        if self._count > MAX_NODES:
            raise ValueError(f"it has more than {MAX_NODES} elements and attributes")


def _loaded(sections: list[Section], file: Path, member: str, modified: str) -> Loaded:
    """The sections with what the file says of itself in one of its members."""
    with zipfile.ZipFile(file) as archive:
        if member not in archive.namelist():
            return Loaded(sections)
        about: Element = fromstring(archive.read(member))
    return Loaded(sections, line(about.findtext(f".//{_DC}title") or ""), day(about.findtext(f".//{modified}")))


def _blocks(element: Element) -> Iterator[tuple[int, str]]:
    """Lines of text, in order; headings with their level, all else with 0."""
    for child in element:
        match child.tag:
            case tag if tag in _SKIPPED:
                continue
            case tag if tag == f"{_TEXT}h":
                level = child.get(f"{_TEXT}outline-level", "1")
                found = (int(level) if level.isdigit() else 1, _content(child))
            case tag if tag == f"{_TEXT}p":
                found = (0, _content(child))
            case tag if tag == f"{_TEXT}list-item":
                found = (0, f"- {text}" if (text := _content(child)) else "")
            case tag if tag == f"{_TABLE}table-row":
                cells = [_content(cell) for cell in child if cell.tag == f"{_TABLE}table-cell"]
                found = (0, " | ".join(cells) if any(cells) else "")
            case _:
                yield from _blocks(child)
                continue
        if found[1]:
            yield found


def _content(element: Element) -> str:
    """All the text in an element, without its notes; what stands in paragraphs of their own stays apart."""
    parts = [element.text or ""]
    for child in element:
        if child.tag in (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"):
            parts.append(" ")
        elif child.tag not in _SKIPPED:
            apart = child.tag in (f"{_TEXT}p", f"{_TEXT}list", f"{_TEXT}list-item")
            parts.append(f" {_content(child)} " if apart else _content(child))
        parts.append(child.tail or "")
    text = "".join(parts)
    return line(text) if element.tag in _LINES else text


_LINES = {f"{_TEXT}h", f"{_TEXT}p", f"{_TEXT}list-item", f"{_TABLE}table-cell"}
