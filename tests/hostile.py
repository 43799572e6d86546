"""Texts that keep a pattern busy, made from the pattern itself: what it repeats, many times, then what spoils it.

And how the time grows with the text, whatever the machine and whatever else it does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

TOO_STEEP = 3.0
"""How many times longer twice the text takes: 2 is in proportion, 4 is each letter for each letter."""

_KINDS = {"CATEGORY_SPACE": " \n", "CATEGORY_DIGIT": "1", "CATEGORY_WORD": "a", "CATEGORY_NOT_SPACE": "a"}
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_ENDS = ("", "? x\n")
_BETWEEN = ("", " ", "\n")


def patterns(module: ModuleType) -> list[re.Pattern[str]]:
    """The patterns that a module keeps, alone or in tuples."""
    kept = [one for value in vars(module).values() for one in (value if isinstance(value, tuple) else (value,))]
    return [one for one in kept if isinstance(one, re.Pattern)]


def hostile_texts(given: Iterable[re.Pattern[str]], length: int) -> Iterator[str]:
    """For each of their parts a text of that length in which it is repeated, with an end that fits and one that spoils
    the match."""
    for before, piece in dict.fromkeys(pair for pattern in given for pair in _pumps(_parsed(pattern))):
        for end in _ENDS:
            yield "x " + before + piece * (length // len(piece)) + end


def _parsed(pattern: re.Pattern[str]) -> list[Any]:
    return list(re._parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))  # type: ignore[attr-defined]


def _pumps(items: list[Any]) -> Iterator[tuple[str, str]]:
    """What stands before a part, and the part: a whole match by each of the ways to it, and each repetition in it."""
    for between in _BETWEEN:
        yield from (("", whole + between) for whole in _samples(items) if whole + between)
    yield from _repetitions(items)


def _repetitions(items: list[Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in _named(items):
        for child in _children(name, value):
            if name in _REPEATS:
                yield from ((before, sample) for sample in _samples(child) if sample)
            yield from _repetitions(child, before)
        before += next(_item_samples(name, value), "")


def _samples(items: list[Any]) -> Iterator[str]:
    """One text that matches for each choice within, the others being as short as may be."""
    shortest = [next(_item_samples(name, value), "") for name, value in _named(items)]
    for at, (name, value) in enumerate(_named(items)):
        for sample in _item_samples(name, value):
            yield "".join((*shortest[:at], sample, *shortest[at + 1 :]))


def _item_samples(name: str, value: Any) -> Iterator[str]:
    if name in _REPEATS:
        least, _, body = value
        if least == 0:
            yield ""
        yield from (sample * max(least, 1) for sample in _samples(list(body)))
    elif name == "IN":
        yield from _members(value)
    elif name in ("LITERAL", "NOT_LITERAL", "ANY"):
        yield chr(value) if name == "LITERAL" else "x"
    elif name == "GROUPREF":
        yield "script"
    else:
        for child in _children(name, value):
            yield from _samples(child)


def _children(name: str, value: Any) -> list[list[Any]]:
    if name == "BRANCH":
        return [list(branch) for branch in value[1]]
    if name in ("SUBPATTERN", *_REPEATS):
        return [list(value[-1])]
    return [list(value)] if name == "ATOMIC_GROUP" else []


def _members(members: Iterable[Any]) -> Iterator[str]:
    for name, value in _named(members):
        if name == "NEGATE":
            yield "x"
            return
        if name == "LITERAL":
            yield chr(value)
        elif name == "RANGE":
            yield chr(value[0])
        else:
            yield from _KINDS.get(str(value), "-")


def _named(items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(name), value) for name, value in items)


def growth(read: Callable[[str], object], short: str, long: str) -> float:
    """How many times longer the long text takes, by the least of several measurements: other work adds to any."""
    short_times, long_times = [], []
    for _ in range(5):
        short_times.append(seconds(read, short))
        long_times.append(seconds(read, long))
        if min(long_times) < TOO_STEEP * min(short_times):
            break
    return min(long_times) / min(short_times)


def seconds(read: Callable[[str], object], given: str) -> float:
    """How long this thread itself works on that text."""
    began = time.thread_time()
    read(given)
    return time.thread_time() - began
