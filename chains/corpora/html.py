"""A page or a fragment of HTML to sections under its headings, with lists and tables that stay readable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_engine import Inscriptis
from inscriptis.html_properties import Display
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from lxml.etree import LxmlError, strip_elements
from lxml.html import HtmlElement as Element
from lxml.html import HTMLParser, document_fromstring

from chains.corpora.chunks import Path, Section
from chains.corpora.plain import line, lines

MAX_MARKUP = 4_000_000
"""Characters of bare markup that are looked at."""

MAX_HEADING = 5000
"""Characters of markup in a heading that may be a title."""

_UNREAD = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|svg)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]*>([^<]*)", re.IGNORECASE)
_FIRST_HEADING = re.compile(r"<h1\b[^<>]*>", re.IGNORECASE)
_HEADING_END = re.compile(r"</h1", re.IGNORECASE)
# A tag with its attributes, and one whose quotes are not closed. Many attributes keep libxml2 busy for minutes.
_TAG = re.compile(r"""<(/?[a-zA-Z][\w-]{0,30}+)(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>""")
_BROKEN_TAG = re.compile(r"<(/?[a-zA-Z][\w-]{0,30}+)[^<>]*>?")
_FURNITURE = (
    "head", "nav", "header", "footer", "aside", "form", "button", "select", "iframe", "noscript", "template",
    "figure", "dialog",
)  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_MARK = "\ue000"
"""Of the private use area: no text has it once it was made bare, so a line with it is a heading."""


def title_of(markup: str) -> str:
    """The `<title>` of a page, else its first `<h1>`; empty if it has neither."""
    if found := _TITLE.search(markup, 0, MAX_MARKUP):
        return line(unescape(_BROKEN_TAG.sub(" ", found[1])))
    start = _FIRST_HEADING.search(markup, 0, MAX_MARKUP)
    end = _HEADING_END.search(markup, start.end(), start.end() + MAX_HEADING) if start else None
    return line(unescape(_BROKEN_TAG.sub(" ", markup[start.end() : end.start()]))) if start and end else ""


def html_sections(markup: str, path: Path = ()) -> list[Section]:
    """The text in sections: the headings that lead to it follow `path`, each item and table row is a line.

    Menus, forms and scripts are left out. Raises ValueError if it is nested too deeply, or too long.
    """
    tree = _tree(markup)
    if tree is None:
        return []
    try:
        text = Inscriptis(tree, _CONFIG).get_text()
    except RecursionError:
        raise ValueError("its elements are nested too deeply") from None
    return list(_sections(text, path))


def _tree(markup: str) -> Element | None:
    bare = _UNREAD.sub(" ", markup).replace(_MARK, "").replace("\0", "")
    bare = _BROKEN_TAG.sub(r"<\1>", _TAG.sub(r"<\1>", bare))
    if len(bare) > MAX_MARKUP:
        raise ValueError(f"it has more than {MAX_MARKUP} characters without its scripts and attributes")
    try:
        tree = document_fromstring(bare, parser=HTMLParser(huge_tree=True))
    except LxmlError:  # nothing in it
        return None
    main = tree.find(".//main")
    tree = tree if main is None else main
    strip_elements(tree, *_FURNITURE, with_tail=False)
    for block in tree.iter("br", "p", "div", "li", "ul", "ol", *_HEADINGS):
        block.tail = f" {block.tail or ''}"
    for heading in tree.iter(*_HEADINGS):
        title = _content(heading)
        _replace(heading, f"{_MARK}{heading.tag[1]}{title}" if title else "")
    for items in tree.iter("ul", "ol"):
        _items(items)
    for row in tree.iter("tr"):
        if row.find(".//table") is None:
            cells = [_content(cell) for cell in row if cell.tag in ("td", "th")]
            _replace(row, " | ".join(cells) if any(cells) else "")
    return tree


def _items(items: Element) -> None:
    """Each item on a line of its own, behind its sign or number; the items of a list within follow."""
    for number, item in enumerate(items.findall("li"), start=1):
        sign = "- " if items.tag == "ul" else f"{number}. "
        if item.find(".//li") is None and item.find(".//table") is None:
            _replace(item, _content(item))
        for paragraph in item.iterchildren("p", "div"):
            paragraph.tag = "span"
        item.text = sign + (item.text or "").lstrip()


def _content(element: Element) -> str:
    return line(re.sub(_MARK + r"\d", "", element.text_content()))


def _replace(element: Element, text: str) -> None:
    element.clear(keep_tail=True)
    element.text = text


def _sections(text: str, path: Path) -> Iterator[Section]:
    titles: list[tuple[int, str]] = []
    blocks: list[str] = []
    for raw in text.splitlines():
        if _MARK in raw:
            if blocks:
                yield Section((*path, *(title for _, title in titles)), blocks)
            blocks = []
            heading = raw.partition(_MARK)[2]
            level = int(heading[0])
            titles = [*((depth, title) for depth, title in titles if depth < level), (level, line(heading[1:]))]
        else:
            blocks.extend(lines(raw))
    if blocks:
        yield Section((*path, *(title for _, title in titles)), blocks)


# No columns, no indentation and no signs: a line is read by a model, and padding multiplies its length.
_PLAIN = ("table", "tr", "td", "th", "ul", "ol", "li")
_CONFIG = ParserConfig(
    css=STRICT_CSS_PROFILE | dict.fromkeys(_PLAIN, HtmlElement(display=Display.block)),
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
        start_tag_mapping=dict.fromkeys(_PLAIN), end_tag_mapping=dict.fromkeys(_PLAIN)
    ),
)
