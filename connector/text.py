"""Helpdesk HTML and e-mail to plain text: what was written, without the quoted thread and the signature.

Bodies come from strangers. Nothing here raises, and every step takes a time in proportion to the length of the body:
that is why markup is made bare before a parser sees it, and why the e-mail patterns see lines that were cut short.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from lxml.etree import LxmlError
from lxml.html import HTMLParser, document_fromstring
from mailparser_reply.parser import EmailMessage

MAX_TEXT = 50_000
"""Characters kept of a message; more than twenty pages is a pasted document, not a question."""
MAX_MARKUP = 400_000
"""Characters of bare markup that are looked at."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_UNREAD = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|head|title|svg)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]{0,30})?[^<>]*>?")
_CITATION = re.compile(r"""<blockquote\b[^<>]{0,200}\btype\s*=\s*["']?cite\b""", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
# "-----Message d'origine-----", "________", "Envoyé de mon iPhone": lines that no citizen wrote.
_NOISE = re.compile(
    r"[-_*=]{5,}+(?:[^-_]{0,60}[-_*=]{5,}+)?"
    r"|(?:Envoyé (?:de|depuis|à partir)|Sent from|(?:Get|Obtenir|Télécharger) Outlook)\b.{0,80}"
)
_QUOTE_HEADER = re.compile(r"(?:Le|On)\b.*(?:a écrit|wrote) ?:")
# A question or a postscript below "Cordialement" is no signature.
_STILL_SPEAKING = re.compile(r"\?(?=\s|$)|^P\.? ?S\b", re.MULTILINE)
_SHORT_LINE = 200


def clean(value: str | None, limit: int = 500) -> str:
    """One line of text that every store and page can take: no control characters, single spaces, at most `limit`."""
    return " ".join(printable(value or "").split())[:limit].rstrip()


def message_text(body: str | None, *, is_html: bool) -> str:
    """What was written in a message, as plain text of at most `MAX_TEXT` characters.

    Quoted mails and signatures are left out, unless nothing would remain.
    """
    if is_html and (reply := _reply(from_html(body or "", citations=False)[:MAX_TEXT])):
        return reply
    text = from_html(body or "") if is_html else _tidy(body or "")
    return _reply(text[:MAX_TEXT]) or text[:MAX_TEXT]


def from_html(markup: str, *, citations: bool = True) -> str:
    """The text of an HTML fragment, with its paragraphs and list marks.

    Without `citations`, a sign stands for each mail that is quoted as such (`<blockquote type="cite">`).
    """
    bare = _TAG.sub(_bare_tag, _UNREAD.sub("", printable(markup)))[:MAX_MARKUP]
    try:
        tree = document_fromstring(bare, parser=HTMLParser(huge_tree=True))
        for quote in [] if citations else tree.findall(".//blockquote[@title]"):
            quote.clear(keep_tail=True)
            quote.text = ">"
        return _tidy(Inscriptis(tree, _CONFIG).get_text())
    except (LxmlError, RecursionError, ValueError):  # empty, or nested too deeply
        return _tidy(html.unescape(_ANY_TAG.sub(" ", bare)))


def _bare_tag(tag: re.Match[str]) -> str:
    # Thousands of attributes on one tag keep libxml2 busy for minutes, and only this one matters to the text.
    if _CITATION.match(tag[0]):
        return '<blockquote title="cite">'
    return f"<{tag[1]}>" if tag[1] else f"&lt;{tag[0][1:]}"


def _config() -> ParserConfig:
    # No columns and no indentation: mails lay out with tables, and padding multiplies the length.
    flat = {tag: HtmlElement(display=STRICT_CSS_PROFILE[tag].display) for tag in ("ul", "ol")}
    start = dict.fromkeys(("table", "tr", "td", "th"))
    rows = {"tr": STRICT_CSS_PROFILE["div"], "td": HtmlElement(suffix=" "), "th": HtmlElement(suffix=" ")}
    return ParserConfig(
        css=STRICT_CSS_PROFILE | flat | rows,
        custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(start_tag_mapping=start, end_tag_mapping=start),
    )


_CONFIG = _config()


def printable(text: str) -> str:
    """The text without what no store or page should be given: control and invisible characters, half characters."""
    text = text.encode("utf-8", "replace").decode()  # lone surrogates, which no store accepts
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def _tidy(text: str) -> str:
    """Spaces of every kind become one, at most one line is left empty."""
    lines = (" ".join(line.split()) for line in printable(text).replace("\r\n", "\n").split("\n"))
    return _joined(lines)


def _joined(lines: Iterable[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _reply(text: str) -> str:
    return _without_thread(_without_quotes(text))


def _without_quotes(text: str) -> str:
    """Without the lines marked ">" and the line that announces them, wherever the answer stands."""
    kept: list[str] = []
    quoting = False
    for line in text.split("\n"):
        if line.startswith(">"):
            if not quoting:
                _drop_quote_header(kept)
            quoting = True
        elif not _NOISE.fullmatch(line):
            quoting = quoting and not line
            kept.append(line)
    return _joined(kept)


def _drop_quote_header(lines: list[str]) -> None:
    while lines and not lines[-1]:
        lines.pop()
    for count in (1, 2, 3):  # mail programs fold it over up to three lines
        if _QUOTE_HEADER.fullmatch(" ".join(lines[-count:])[-600:]):
            del lines[-count:]
            return


def _without_thread(text: str) -> str:
    """Without the older mails below the reply, and without the signature."""
    lines = text.split("\n")
    shadow = "\n".join(line[:_SHORT_LINE] for line in lines)
    reply = EmailMessage(shadow, languages=["fr", "en"], keep_hyphen_lists=True).read().replies[0]
    if reply.headers:  # nothing stands above the first header: a forwarded mail is all there is
        return text
    signature = reply.signatures or ""
    kept = reply.content if _STILL_SPEAKING.search(signature) else reply.content.removesuffix(signature)
    return "\n".join(lines[: kept.rstrip().count("\n") + 1]).strip() if kept.strip() else ""
