"""A message as searches: all of it, each of several questions apart, and its translation where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chains.essence import says_little

MAX_PARTS = 3
"""How many questions of one message are searched for apart."""
ORIGINAL_WEIGHT = 0.8
"""What the text of a citizen counts beside its translation."""


@dataclass(frozen=True, slots=True)
class Search:
    """A text to search for, its language (words are compared in French only) and what its findings count."""

    text: str
    language: str = "fr"
    weight: float = 1.0


def searches(query: str, parts: tuple[str, ...], language: str, translation: str = "") -> tuple[Search, ...]:
    """What is searched for, the whole first: a query in its language with its `parts`, or the French `translation`."""
    if translation:
        apart = map(Search, questions(translation))
        return Search(translation), *apart, Search(query, language, ORIGINAL_WEIGHT)
    return Search(query, language), *(Search(part, language) for part in parts)


_I = re.IGNORECASE
_ITEM = re.compile(r"\s*(?:\(?\d{1,2}\s?(?:[)°]|[./-]\s)|[a-c]\)|question\s+\d\s?:?)\s*(?=\S)", _I)
_BULLET = re.compile(r"\s*[-*•–]\s+")
_TURN = re.compile(
    r"(?<=[.?!…;\n])\s*(?=(?:par\s+ailleurs|d.autre\s+part|autres?\s+(?:question|chose|demande)|une?\s+autre\s+question"
    r"|(?:ma\s+)?(?:deuxi[èe]me|seconde|troisi[èe]me|2[eè]me)\s+question|j.ai\s+(?:aussi|également|egalement)\s+une"
    r"|je\s+(?:voudrais|souhaite\w*|aimerais)\s+(?:aussi|[ée]galement)|et\s+aussi|de\s+plus|[ée]galement|sinon|enfin)\b)",
    _I,
)
_SENTENCE = re.compile(r"(?<=[?؟])\s+")
_ASKING = re.compile(
    r"[?؟]|\b(?:comment|combien|pourquoi|quel(?:le)?s?|est[- ]ce|puis[- ]je|peut[- ](?:on|il|elle)|pouvez|faut[- ]il"
    r"|dois[- ]je|ai[- ]je|a[- ]t[- ](?:on|il|elle)|y a[- ]t[- ]il|savoir|conna[îi]tre"
    r"|o[ùu] (?:puis|dois|faut|en))\b",
    _I,
)


def questions(text: str) -> tuple[str, ...]:
    """The questions of a message, in their order, if there are several: at most `MAX_PARTS`, the last with the rest."""
    parts = list(_joined(_pieces(text)))
    if len(parts) < 2:
        return ()
    return (*parts[: MAX_PARTS - 1], " ".join(parts[MAX_PARTS - 1 :])) if len(parts) > MAX_PARTS else tuple(parts)


def _pieces(text: str) -> Iterator[str]:
    # Single spaces and no empty lines: the patterns look for what begins at each of them
    lines = list(filter(None, (" ".join(line.split()) for line in text.splitlines())))
    items = [line for line in lines if _ITEM.match(line)]
    if len(items) < 2:
        items = [line for line in lines if _BULLET.match(line) and "?" in line]
    if len(items) >= 2:
        marked = set(items)
        for line in lines:
            yield _without(_BULLET, _without(_ITEM, line)) if line in marked else line
        return
    for turn in _TURN.split("\n".join(lines)):
        yield from _SENTENCE.split(turn)


def _without(mark: re.Pattern[str], line: str) -> str:
    found = mark.match(line)
    return line[found.end() :] if found else line


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    """Pieces that say enough to be searched for alone; a shorter one belongs to the one before it."""
    whole = ""
    for piece in pieces:
        if _asks(piece) and _asks(whole):
            yield whole
            whole = piece.strip()
        else:
            whole = f"{whole} {piece}".strip()
    if whole:
        yield whole


def _asks(text: str) -> bool:
    return _ASKING.search(text) is not None and not says_little(text)
