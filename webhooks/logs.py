"""The log: lines on stderr, as text or as JSON, that name the event they are about and repeat nobody's words.

An error that we did not foresee may hold a citizen's text in its message, whichever library logs it: of those, the
type and the places in the code are written, never the message. The message of a `GreffierError` is ours.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from traceback import format_tb
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from connector.errors import GreffierError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

log = logging.getLogger("greffier")

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 - it is never changed in place
_OURS = ("greffier", "gunicorn")
"""Loggers that the level is for. Others speak from `warning` on: at `debug` some write whole requests."""


def start() -> None:
    """Write the log of this program to stderr, as text until `configure` says otherwise."""
    logging.getLogger().addHandler(_HANDLER)
    for name in ("psycopg.pool", "urllib3"):  # they repeat what we say ourselves
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.raiseExceptions = False  # where a line cannot be written, its arguments would be printed
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    configure("text", "info")


def configure(form: Form, level: Level) -> None:
    """How lines look from now on, and which of ours are written."""
    _HANDLER.setFormatter(Json() if form == "json" else Text())
    least = logging.getLevelNamesMapping()[level.upper()]
    for name in _OURS:
        logging.getLogger(name).setLevel(least)
    logging.getLogger().setLevel(max(least, logging.WARNING))


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Put these fields on each line that is written within, by whomever; `add` may add more."""
    before = _ABOUT.set({**_ABOUT.get(), **fields})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def add(**fields: str) -> None:
    """Put these fields too on each line until the `about` around it ends."""
    _ABOUT.set({**_ABOUT.get(), **fields})


def of_loop(loop: AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """An event loop's handler of errors that nobody waits for: its own would print them whole."""
    log.error("an error in the background", exc_info=context.get("exception"))


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or not isinstance(error, Exception):
        sys.__excepthook__(kind, error or kind(), trace)
    else:
        log.critical("stopped by an error in Greffier", exc_info=error)


class _Stderr(logging.StreamHandler[Any]):
    """To stderr as it is now, wherever it was led meanwhile."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


class Text(logging.Formatter):
    """`2026-11-25 09:30:00,123 INFO    greffier.line: message [key]`: the key where the message does not name it."""

    def format(self, record: logging.LogRecord) -> str:
        message, key = _message(record), _ABOUT.get().get("key", "")
        rest = f" [{key}]" if key and key not in message else ""
        line = f"{self.formatTime(record)} {record.levelname:<7} {record.name}: {message}{rest}"
        return "\n".join(filter(None, [line, _places(record)]))


class Json(logging.Formatter):
    """One object a line; see docs/operations.md."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_ABOUT.get(),
        }
        if places := _places(record):
            fields["places"] = places
        return json.dumps(fields)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # the arguments do not fit: the text without them is better than none
        return str(record.msg)


def _places(record: logging.LogRecord) -> str:
    """What `exc_info` holds, without messages that are not ours; the first cause comes first, as Python prints it."""
    error = record.exc_info[1] if record.exc_info else None
    found: list[str] = []
    while error is not None and len(found) < 10:
        said = f": {error}" if isinstance(error, GreffierError) else ""
        found.append("".join([*format_tb(error.__traceback__), type(error).__qualname__, said]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(reversed(found))


_HANDLER = _Stderr()
