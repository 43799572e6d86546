"""A note as HTML that a helpdesk may store, made of what survives its sanitiser.

Seen in Zammad 5.2 and GLPI 10.0.6: a coloured box must be a table of one cell, paragraphs have no margin unless an
empty line is written, `<mark>` and `lang` survive, `id`, `class` and remote images do not. Nothing of a span is ever
markup: its text is escaped, its address must be http(s), and an allow-list closes the matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit

import nh3

from connector.text import printable
from connector.ticket import Line, Note, Span

_BANNER = "background-color:#fff4d6;border-left:5px solid #b45309;padding:8px 12px;color:#3b2a06"
_FOOTER = "background-color:#f3f4f6;padding:6px 12px;color:#4b5563;font-size:12px"
DOUBTFUL = "⚠"
"""The sign beside a doubtful span: colour alone is not read by everyone."""

_CLEANER = nh3.Cleaner(
    tags={"div", "br", "b", "a", "mark", "table", "tbody", "tr", "td"},
    attributes={"a": {"href"}, "td": {"style"}, "table": {"style"}, "div": {"lang"}},
    filter_style_properties={"background-color", "border-collapse", "border-left", "color", "font-size", "padding"},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="nofollow noreferrer noopener",
)


def render(note: Note) -> str:
    """The note as HTML. Its sections stand in the order in which an agent reads them."""
    sections = (
        _box(note.banner, _BANNER),
        "<br>\n".join(f"<div>{_line(line)}</div>" for line in note.body),
        f"<div>{_lines(note.sources)}</div>" if note.sources else "",
        _box(note.footer, _FOOTER),
    )
    html = "<br>\n".join(section for section in sections if section)
    return _CLEANER.clean(f'<div lang="{escape(note.language)}">{html}</div>')


def render_reply(note: Note) -> str:
    """The text to send, as HTML for an editor: paragraphs with an empty line between, and links."""
    html = "<br>\n".join(f"<div>{_line(line)}</div>" for line in note.reply)
    return _CLEANER.clean(f"<div>{html}</div>")


def _box(lines: Iterable[Line], style: str) -> str:
    text = _lines(lines)
    return f'<table style="border-collapse:collapse"><tr><td style="{style}">{text}</td></tr></table>' if text else ""


def _lines(lines: Iterable[Line]) -> str:
    return "<br>\n".join(_line(line) for line in lines)


def _line(line: Line) -> str:
    return "".join(_span(span) for span in line)


def _span(span: Span) -> str:
    html = escape(printable(span.text)).replace("\n", "<br>")
    if span.strong:
        html = f"<b>{html}</b>"
    if span.marked:
        html = f"<mark>{html} {DOUBTFUL}</mark>"
    if span.href and is_web_address(span.href):
        html = f'<a href="{escape(span.href)}">{html}</a>'
    return html


def is_web_address(href: str) -> bool:
    """Whether it may be a link: a whole address of the web."""
    try:
        address = urlsplit(href)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.netloc)
