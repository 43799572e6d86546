"""One file to sections, by its format. The only module that knows LangChain's community loaders.

Their package, and each library under it, is imported when a file of that format is met: most installations have few.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from chains.corpora.chunks import Section
from chains.corpora.document import Loaded
from chains.corpora.html import html_sections, title_of
from chains.corpora.office import load_docx, load_odt
from chains.corpora.plain import day, line, lines
from chains.corpora.tables import encoding_of, separator_of

MAX_PAGES = 2000
"""Of a PDF: what comes after is not looked at."""
MAX_ROWS = 20_000
"""Of a CSV, likewise."""

_TITLED_BY_A_PROGRAM = re.compile(r"(?:Microsoft|untitled|sans titre|document\d*$|.*\.(?:docx?|odt|indd|pdf)$)", re.I)
_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?([\w-]{2,30})", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?:;»)\]]")
_HYPHEN = re.compile(r"[a-zà-ÿ]-")
_GOES_ON = re.compile(r"[a-zà-öø-ÿ(«]")
_BULLET = re.compile(r"^[•·▪‣◦●○■□➢➔✓–—*-]\s+")
_NUMBER = re.compile(r"\d+")


def load_pdf(file: Path) -> Loaded:
    """A PDF, page by page; each page's number is its title. Raises what its library raises."""
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it tells of each small fault of a file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # langchain-community says at each import that it is being sunset
        from langchain_community.document_loaders.pdf import PyPDFLoader

        pages = islice(PyPDFLoader(str(file), extraction_mode="plain").lazy_load(), MAX_PAGES + 1)
        found = [(lines(page.page_content), page.metadata) for page in pages]
    cut = f"cut after {MAX_PAGES} pages" if len(found) > MAX_PAGES else ""
    del found[MAX_PAGES:]
    about = found[0][1] if found else {}
    title = line(str(about.get("title") or ""))
    texts = _without_running_heads([text for text, _ in found])
    sections = [Section((f"Page {number}",), _paragraphs(text)) for number, text in enumerate(texts, start=1) if text]
    return Loaded(sections, title, day(str(about.get("moddate") or about.get("creationdate") or "")), cut)


def load_html(file: Path) -> Loaded:
    """A page, its headings as paths. Raises ValueError if it is nested too deeply."""
    return _page(_decoded(file.read_bytes()))


def load_markdown(file: Path) -> Loaded:
    """Markdown, its headings as paths; the first of the highest level is the title."""
    from markdown_it import MarkdownIt

    page = MarkdownIt("commonmark", {"html": False}).enable("table").render(_decoded(file.read_bytes()))
    return _page(page)


def load_text(file: Path) -> Loaded:
    """Plain text, paragraph by paragraph."""
    return Loaded([Section((), _paragraphs(lines(_decoded(file.read_bytes()))))])


def load_csv(file: Path) -> Loaded:
    """A table, row by row, with the name of each column in front of its value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.document_loaders.csv_loader import CSVLoader

        encoding = encoding_of(file)
        loader = CSVLoader(file, csv_args={"delimiter": separator_of(file, encoding)}, encoding=encoding)
        rows = list(islice(loader.lazy_load(), MAX_ROWS + 1))
    cut = f"cut after {MAX_ROWS} rows" if len(rows) > MAX_ROWS else ""
    del rows[MAX_ROWS:]
    blocks = [" ; ".join(found for found in lines(row.page_content) if not found.endswith(":")) for row in rows]
    return Loaded([Section((), [block for block in blocks if block])], cut=cut)


LOADERS: dict[str, Callable[[Path], Loaded]] = {
    ".pdf": load_pdf,
    ".html": load_html,
    ".htm": load_html,
    ".md": load_markdown,
    ".markdown": load_markdown,
    ".txt": load_text,
    ".csv": load_csv,
    ".docx": load_docx,
    ".odt": load_odt,
}
"""The formats that are read, by how a file's name ends."""

CONVERT = {
    ".doc": "DOCX or PDF", ".rtf": "DOCX or PDF", ".odp": "PDF", ".ppt": "PDF", ".pptx": "PDF",
    ".ods": "CSV", ".xls": "CSV", ".xlsx": "CSV",
}  # fmt: skip
"""Formats that would need a large library, and what to save them as."""


def is_title(text: str) -> bool:
    """Whether a title was given by a person: programs put the file's name, or their own."""
    return bool(text) and not _TITLED_BY_A_PROGRAM.match(text)


def _page(markup: str) -> Loaded:
    """A page; where a heading says the title again, it is no part of the path."""
    title = title_of(markup)
    sections = [Section(s.path[1:] if s.path[:1] == (title,) else s.path, s.blocks) for s in html_sections(markup)]
    return Loaded(sections, title)


def _decoded(content: bytes) -> str:
    """The text of a file in UTF-8, in what it says of itself, or in what old French files are in."""
    declared = _CHARSET.search(content[:4096])
    for encoding in ("utf-8-sig", declared[1].decode() if declared else "cp1252"):
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("cp1252", "replace")


def _paragraphs(found: list[str]) -> list[str]:
    """Lines that a page's width has cut, joined again; items of lists stay lines."""
    joined: list[list[str]] = []
    for text in found:
        text, is_item = _BULLET.subn("- ", text)
        before = joined[-1][-1] if joined else ""
        if not before or is_item or not _GOES_ON.match(text) or _SENTENCE.match(before[-1]):
            joined.append([text])
        elif _HYPHEN.match(before[-2:]):
            joined[-1][-1] = before[:-1]
            joined[-1].append(text)
        else:
            joined[-1].append(f" {text}")
    return ["".join(parts) for parts in joined]


def _without_running_heads(pages: list[list[str]]) -> list[list[str]]:
    """Pages without the lines that stand at the head or foot of most of them."""

    def edges(page: list[str]) -> set[str]:
        return {_NUMBER.sub("0", text) for text in (*page[:2], *page[-2:])}

    if len(pages) < 4:
        return pages
    counted = [edges(page) for page in pages]
    often = {text for text in set().union(*counted) if sum(text in page for page in counted) > len(pages) / 2}
    return [
        [text for place, text in enumerate(page) if 2 <= place < len(page) - 2 or _NUMBER.sub("0", text) not in often]
        for page in pages
    ]
