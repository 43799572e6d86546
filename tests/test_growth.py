"""What reads the text of strangers takes a time in proportion to its length, whatever is in it.

A pattern that goes back over what it has read holds up the whole process, and a citizen's mail may be written for that.
The texts are made from the patterns themselves, so that a pattern that is added is tried too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from chains import cleaning, essence, query, triage
from connector import text
from tests.hostile import TOO_STEEP, growth, hostile_texts, patterns, seconds

LENGTH, SLOWEST = 2000, 8
"""Characters of a text, and how many of the slowest ones are looked at more closely."""

READERS: dict[str, tuple[list[re.Pattern[str]], Callable[[str], object]]] = {
    "essence": (patterns(essence), essence.essence),
    "title": ([essence._PREFIX, essence._CONTACT], lambda given: essence.topic(given, "rien")),
    "questions": (patterns(query), query.questions),
    "a model's text": (patterns(cleaning), cleaning.clean),
    "automatic subject": (patterns(triage), triage._AUTOMATIC_SUBJECT.match),
    "plain mail": (patterns(text), lambda given: text.message_text(given, is_html=False)),
    "HTML mail": (patterns(text), lambda given: text.message_text(given, is_html=True)),
}


@pytest.mark.timeout(120)  # for a pattern whose growth cannot be measured, because it never ends
@pytest.mark.parametrize(("given", "read"), READERS.values(), ids=READERS)
def test_a_hostile_text_of_twice_the_length_takes_about_twice_the_time(
    given: list[re.Pattern[str]], read: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(essence, "MAX_READ", 4 * LENGTH)
    once, twice = (list(hostile_texts(given, length)) for length in (LENGTH, 2 * LENGTH))
    slowest = sorted(zip(once, twice, strict=True), key=lambda pair: seconds(read, pair[0]), reverse=True)[:SLOWEST]
    for short, long in slowest:
        assert growth(read, short, long) < TOO_STEEP, f"{long[:60]!r} ... {long[-20:]!r}"
