"""What of a model's answer may be shown, and what is marked: the model writes words, a source must prove them.

Pure. Nothing here trusts the model, and nothing asks it: a statement stands because its words and its figures are in a
passage that it names. What was in the citizen's message proves nothing, for the agent to check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chains.analyser import stems
from chains.cleaning import clean, visible
from chains.draft import Passage, Statement, Warning
from chains.figures import unproved
from chains.language import language_of

MAX_STATEMENT = 400
"""The longest statement, in characters."""

MIN_OVERLAP = 0.25
"""The share of a statement's stems that a passage must hold to have anything to do with it. Small on purpose: a good
model says it in other words, and this is only to catch what was written about something else."""

_ENDED = re.compile(r"[.!?…][\s»\"”’')\]]*$")
_WHOLE_SENTENCES = re.compile(  # up to the last end before a capital, « art. L. 12 » and « M. Dupont » apart
    r".*(?<!\b[A-Za-z])(?<!\bart)[.!?…][»\"”’')\]]*(?=\s+(?:[«\"“]\s*)?[A-ZÀ-Ý])", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence as the model gave it, with the passages that it names as indexes (from 0) into those it was shown."""

    text: str
    passages: tuple[int, ...]


def check(phrases: Iterable[Phrase], shown: Sequence[Passage], language: str) -> tuple[Statement, ...]:
    """The model's sentences as statements, in order, without repeats and empty ones; warnings say what is wrong."""
    statements: dict[str, Statement] = {}
    for phrase in phrases:
        statement = _check(phrase, shown, language)
        if statement.text:
            statements.setdefault(" ".join(re.findall(r"\w+", statement.text.lower())), statement)
    return tuple(statement for key, statement in statements.items() if key)


def stands(statement: Statement) -> bool:
    """Whether a source proves the statement, as far as code can tell."""
    return not {Warning.NO_SOURCE, Warning.UNSUPPORTED_FIGURE, Warning.LANGUAGE} & set(statement.warnings)


def worth_showing(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """What an agent should see: nothing without a source, and nothing at all unless something stands.

    A figure that no source proves is shown and marked beside statements that stand: the agent may know better.
    """
    if not any(stands(statement) for statement in statements):
        return ()
    return tuple(statement for statement in statements if Warning.NO_SOURCE not in statement.warnings)


def cite(
    statements: Sequence[Statement], shown: Sequence[Passage]
) -> tuple[tuple[Statement, ...], tuple[Passage, ...]]:
    """The statements with their passages renumbered in order of first citation, and those passages alone."""
    order = list(dict.fromkeys(number for statement in statements for number in statement.passages))
    renumbered = tuple(
        replace(statement, passages=tuple(sorted(order.index(number) for number in statement.passages)))
        for statement in statements
    )
    return renumbered, tuple(shown[number] for number in order)


def _check(phrase: Phrase, shown: Sequence[Passage], language: str) -> Statement:
    text, had_link = clean(phrase.text[: 4 * MAX_STATEMENT])  # patterns take their time on a text without end
    text = _shorten(text)
    sources = {number: _said(shown[number]) for number in dict.fromkeys(phrase.passages)}
    named = tuple(number for number, source in sources.items() if _is_about(text, source))
    doubtful = unproved(text, [sources[number] for number in named])
    found = {
        Warning.UNSUPPORTED_FIGURE: bool(doubtful),
        Warning.NO_SOURCE: not named,
        Warning.LINK_REMOVED: had_link,
        Warning.CUT: not _ENDED.search(text),
        Warning.LANGUAGE: language_of(text, default=language) != language,
    }
    return Statement(text, named, tuple(warning for warning, is_so in found.items() if is_so), doubtful)


def _said(passage: Passage) -> str:
    """All that a passage says: its titles count, « Vous avez moins de 25 ans » often is one."""
    return visible("\n".join((passage.title, *passage.path, passage.text)))


def _is_about(text: str, source: str) -> bool:
    words = set(stems(text))
    return bool(words) and len(words & set(stems(source))) / len(words) >= MIN_OVERLAP


def _shorten(text: str) -> str:
    """At most MAX_STATEMENT characters, without a sentence that was begun and not ended after others.

    The schema's `maxLength` cuts a model that strings sentences together in the middle of one. What is a single
    sentence without end stays, and is marked.
    """
    start = text if len(text) <= MAX_STATEMENT else text[: MAX_STATEMENT + 1].rpartition(" ")[0] or text[:MAX_STATEMENT]
    if _ENDED.search(start):
        return start
    whole = _WHOLE_SENTENCES.match(start)
    return whole[0] if whole else start
