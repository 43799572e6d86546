"""The HTML that Zammad 5.2 stores of what it is given.

nh3 does the cleaning, so that what the page shows is safe; a second pass over its clean output does what Zammad does
to links and images. Zammad's own lists: config/initializers/html_sanitizer.rb.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

import nh3

# fmt: off
TAGS = {
    "a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
    "del", "details", "dfn", "div", "dl", "dt", "em", "figure", "figcaption", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "ins", "kbd", "label", "li", "mark", "meter", "ol", "p", "pre", "q", "s", "samp",
    "section", "article", "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}
# fmt: on
DROPPED_WITH_CONTENT = {"script", "style", "iframe", "object", "svg", "title"}
_TABLE = {"align", "border", "cellpadding", "cellspacing", "colspan", "rowspan", "scope", "style", "valign"}
ATTRIBUTES = {
    "*": {"class", "data-signature", "data-signature-id", "dir", "lang", "title", "translate"},
    "a": {"href", "name"},
    "blockquote": {"type"},
    "img": {"alt", "src"},
    "ol": {"start"},
    "div": {"style"},
    "span": {"style"},
    **dict.fromkeys(("table", "thead", "tbody", "tr", "th", "td"), _TABLE),
}
_BOX = re.compile(r"background(-color)?|color|font-size|text-align|vertical-align|(border|margin|padding)(-[a-z-]+)?")
_STYLES = {"div": re.compile("color"), "span": re.compile("color"), **dict.fromkeys(("table", "tr", "th", "td"), _BOX)}
_ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")


def sanitise(html: str) -> str:
    """What Zammad would store. Safe to show as it is."""
    clean = nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=DROPPED_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "ftp", "mailto", "tel", "cid"},
        link_rel=None,
    )
    links = _Links()
    links.feed(clean)
    links.close()
    return "".join(links.out)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return value if value == "js-signatureMarker" else None
    if name == "style":
        return _style(tag, value) or None
    if tag == "img" and name == "src":
        return value if value.startswith("cid:") else None
    return value


def _style(tag: str, style: str) -> str:
    declarations = (part.partition(":") for part in style.lower().split(";"))
    kept = ((name.strip(), value.strip()) for name, _, value in declarations)
    allowed = _STYLES.get(tag)
    return "".join(
        f"{name}:{value};" for name, value in kept if allowed and allowed.fullmatch(name) and "url(" not in value
    )


class _Links(HTMLParser):
    """Marks links as leading outside, makes links of bare addresses, and removes images without a source."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._in_link = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        text = self.get_starttag_text() or ""
        if tag == "img":
            text = text[:-1] + ' style="max-width:100%;">' if values.get("src") else ""
        elif tag == "a":
            self._in_link += 1
            href = values.get("href") or ""
            if href.startswith(("http://", "https://", "ftp://", "//")):
                title = "" if "title" in values else f' title="{escape(href)}"'
                text = f'{text[:-1]} rel="nofollow noreferrer noopener" target="_blank"{title}>'
        self.out.append(text)

    def handle_endtag(self, tag: str) -> None:
        self._in_link -= tag == "a"
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data if self._in_link else _ADDRESS.sub(_link, data))

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")


def _link(found: re.Match[str]) -> str:
    address = escape(found[0])
    return f'<a href="{address}" rel="nofollow noreferrer noopener" target="_blank">{address}</a>'
