"""The operators of Zammad's conditions (lib/selector/sql.rb of 7.2).

Each is asked of a value with the whole test, which holds `value` and sometimes `range`. Text is compared with its
case, as the database of a Zammad 5.2 was seen to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

Test = Mapping[str, Any]
Operator = Callable[[Any, Test, datetime], bool]

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_629_800, "year": 31_557_600}


def _texts(value: Any) -> list[str]:
    """A value or several of them, as text: ids come as numbers or as text, and truth as `true` or as `"true"`."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item if item is not None else "") for item in values]


def _words(test: Test) -> set[str]:
    """The tags of a test: a list, or text with commas in between."""
    value = test.get("value")
    return set(_texts(value) if isinstance(value, list) else (word.strip() for word in str(value or "").split(",")))


def _any_text(compare: Callable[[str, str], bool]) -> Operator:
    """Whatever the case: Zammad searches with ILIKE (config/initializers/db_preferences_postgresql.rb)."""
    return lambda value, test, now: any(
        compare(_texts(value)[0].lower(), part.lower()) for part in _texts(test.get("value"))
    )


def _is(value: Any, test: Test, now: datetime) -> bool:
    return bool(set(_texts(value)) & set(_texts(test.get("value"))))


def _one(value: Any, test: Test, now: datetime) -> bool:
    return bool(_words(test) & set(value))


def _all(value: Any, test: Test, now: datetime) -> bool:
    return _words(test) <= set(value)


def _set(value: Any, test: Test, now: datetime) -> bool:
    return value not in (None, "")


def _after_moment(value: datetime | None, test: Test, now: datetime) -> bool:
    return value is not None and value > datetime.fromisoformat(str(test["value"]))


def _before_moment(value: datetime | None, test: Test, now: datetime) -> bool:
    return value is not None and value < datetime.fromisoformat(str(test["value"]))


def _span(test: Test) -> timedelta:
    return timedelta(seconds=int(test["value"]) * _UNITS[test["range"]])


def _within_last(value: datetime | None, test: Test, now: datetime) -> bool:
    return value is not None and now - _span(test) <= value <= now


def _longer_ago(value: datetime | None, test: Test, now: datetime) -> bool:
    return value is not None and value <= now - _span(test)


def _not(operator: Operator) -> Operator:
    return lambda value, test, now: not operator(value, test, now)


_contains = _any_text(lambda value, part: part in value)
_starts = _any_text(str.startswith)
_ends = _any_text(str.endswith)
_regex = _any_text(lambda value, pattern: re.search(pattern, value, re.IGNORECASE) is not None)

OPERATORS: dict[str, Operator] = {
    "is": _is,
    "is not": _not(_is),
    "is any of": _is,
    "is none of": _not(_is),
    "contains": _contains,
    "contains not": _not(_contains),
    "starts with": _starts,
    "starts with one of": _starts,
    "ends with": _ends,
    "ends with one of": _ends,
    "matches regex": _regex,
    "does not match regex": _not(_regex),
    "contains one": _one,
    "contains one not": _not(_one),
    "contains all": _all,
    "contains all not": _not(_all),
    "is set": _set,
    "not set": _not(_set),
    "has changed": lambda value, test, now: False,  # asked of the event, before any operator
    "after (absolute)": _after_moment,
    "before (absolute)": _before_moment,
    "within last (relative)": _within_last,
    "before (relative)": _longer_ago,
}
