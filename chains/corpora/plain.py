"""What every reader does to a text: ordinary spaces and apostrophes, and nothing that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "’": "'"})
_DAY = re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<D>\d{1,2})[/.](?P<M>\d{1,2})[/.](?P<Y>\d{4})")


def visible(text: str) -> str:
    """A text without what cannot be seen, which PostgreSQL refuses in part: NUL and half characters."""
    return _INVISIBLE.sub("", text)


def line(text: str) -> str:
    """A text on one line: single ordinary spaces, straight apostrophes, no ligatures, and nothing invisible."""
    return " ".join(unicodedata.normalize("NFC", visible(text)).translate(_LIGATURES).split())


def lines(text: str) -> list[str]:
    """The lines of a text that say something, each as `line` makes it."""
    return [found for raw in text.splitlines() if (found := line(raw))]


def day(text: str | datetime | None) -> date | None:
    """The day that a text holds, as 2020-08-31 or 31/08/2020, with anything around it; None if it holds none."""
    if isinstance(text, datetime):
        return text.date()
    for found in _DAY.finditer(text or ""):
        year, month, number = (int(found[a] or found[b]) for a, b in (("y", "Y"), ("m", "M"), ("d", "D")))
        try:
            return date(year, month, number)
        except ValueError:
            continue
    return None
