"""What a model wrote, as harmless plain text: no address, no markup, no number of a passage, nothing invisible."""

from __future__ import annotations

import html
import re
import unicodedata

# Each looks at a letter a limited number of times, wherever it begins: a model may write without end.
_SCRIPTS = re.compile(r"<(script|style)\b(?:(?!<\1\b).)*?</\1\s*+>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"</?[a-z!?][^<>]*>", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKERS = re.compile(
    r"(?<!\s)\s*+(?:\[\s*+\d{1,2}(?:\s*+[,;-]\s*+\d{1,2})*+\s*+\]|\((?:extrait|passage|source)s?[^()]{0,20}\))", re.I
)
_LEADING = re.compile(r"^\s*(?:(?:[-*+•–>]|#+|\d{1,2}[.)])\s+)+")
_EMPHASIS = re.compile(r"\*\*+|__+|~~+|`+|(?<!\w)[*_](?=\S)|(?<=[^\s\d])[*_](?!\w)|\|")

_HOST = r"(?<![\w-])(?!\d++\.\d)[\w-]{%s,}+(?:\.[\w-]++){0,10}\."
_ADDRESSES = (
    re.compile(r"\b(?:javascript|vbscript|data|file|mailto|tel|sms):\S+", re.IGNORECASE),
    re.compile(r"\b[a-z][a-z0-9+.-]{0,60}+:\s?//\S*", re.IGNORECASE),
    re.compile(r"\bwww\.\S+", re.IGNORECASE),
    re.compile(r"[\w.+-]{1,64}+@[\w-]++(?:\.[\w-]++)*+"),
    # A host name. In lower case any ending counts; « jour.Vous » is a forgotten space, « JOUR.FR » is not.
    re.compile(_HOST % 2 + r"[a-z]{2,}+\b(?:[/:?#]\S*)?"),
    re.compile(_HOST % 1 + r"[a-z]{2,}+/\S*", re.IGNORECASE),
    re.compile(_HOST % 1 + r"(?:fr|com|org|net|eu|info|io|gouv|ru|cn|xyz)\b(?:[/:?#]\S*)?", re.IGNORECASE),
    re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?:[/:]\S*)?"),
)
_DOTS = dict.fromkeys(map(ord, "․。．｡"), ".")  # what browsers read as a dot in an address
_FINAL_MARKS = ".!?…,;:)»"


def clean(text: str) -> tuple[str, bool]:
    """The text without what a model has no business to write, and whether an address was among it."""
    text = visible(html.unescape(text)).translate(_DOTS)
    text = _TAGS.sub(" ", _SCRIPTS.sub(" ", text))
    text, links = _MARKDOWN_LINK.subn(r"\1", text)
    text, found = _without_addresses(text)
    text = _tidy(_EMPHASIS.sub(" ", _LEADING.sub("", _MARKERS.sub("", text))))
    text, joined = _without_addresses(text)  # « exemple .fr » becomes one when it is tidied
    return _tidy(text), links + found + joined > 0


def _without_addresses(text: str) -> tuple[str, int]:
    count = 0
    for address in _ADDRESSES:
        text, found = address.subn(_without_address, text)
        count += found
    return text, count


def _without_address(match: re.Match[str]) -> str:
    """The punctuation that ends the sentence and not the address."""
    address = match[0]
    marks = address[len(address.rstrip(_FINAL_MARKS)) :]
    return marks.lstrip(")") if "(" in address else marks


def visible(text: str) -> str:
    """The text without control and invisible characters, and with plain digits for the fancy ones (①, ½, ５)."""
    return unicodedata.normalize("NFC", text).translate(_VISIBLE)


class _Visible(dict[int, str]):
    """What becomes of a letter by its number; each is looked at once."""

    def __missing__(self, number: int) -> str:
        letter = chr(number)
        category = unicodedata.category(letter)
        if category in ("No", "Nd") and letter not in "²³":
            letter = unicodedata.normalize("NFKC", letter)
        elif category == "Cc":
            letter = "\n" if letter == "\n" else " "
        elif category in ("Cf", "Co", "Cs", "Cn"):
            letter = ""
        self[number] = letter
        return letter


_VISIBLE = _Visible()


def _tidy(text: str) -> str:
    text = re.sub(r"<(?=[a-z/!?])", " ", text, flags=re.IGNORECASE)  # a tag without end; « < 1000 » stays
    text = re.sub(r"\(\s*\)|\[\s*\]|«\s*»", " ", text)
    text = re.sub(r"[ \n]+", " ", text)  # French spaces before : ; ? ! are not ASCII ones, and stay
    return re.sub(r" +([.,)])", r"\1", text).strip()
