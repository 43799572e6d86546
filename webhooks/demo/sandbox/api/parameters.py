"""What callers send: their parameters read as Zammad reads them, and its words for what it refuses."""

from __future__ import annotations

import base64
import json
from typing import Any

from flask import request

from webhooks.demo.sandbox.records import SENDERS, TYPES, NewArticle

LONGEST_BODY = 1_500_000
"""Characters of an article."""


class ApiError(Exception):
    """An answer that is no success, in Zammad's words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Unexpected(Exception):
    """What Zammad did not think of, such as a body that is no JSON; `status` is what it answers."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def parameters() -> dict[str, Any]:
    """The request's body. JSON that is not labelled as JSON is not read, and a form is as good as JSON."""
    if request.mimetype != "application/json":
        return request.form.to_dict()
    try:
        values = json.loads(request.get_data().decode())
    except UnicodeDecodeError:
        raise Unexpected(400) from None
    except (ValueError, RecursionError):
        raise Unexpected(500) from None
    return values if isinstance(values, dict) else {}


def number(value: Any) -> int:
    """The id that was meant; 0, which nothing has, if it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def truth(value: Any) -> bool:
    """Whether a flag is on, however it was written."""
    return value in (True, "true", 1, "1")


def _lookup(values: dict[str, Any], name: str, known: dict[str, int], default: str | None) -> str | None:
    """A type or a sender, given by name or by id."""
    by_id = {id: word for word, id in known.items()}
    if name in values and values[name] not in known:
        raise ApiError(422, f"No lookup value found for '{name}': {json.dumps(values[name])}")
    return values.get(name) or by_id.get(number(values.get(f"{name}_id")), default)


def new_article(values: dict[str, Any]) -> NewArticle:
    body = str(values.get("body") or "")
    if not body:
        raise ApiError(422, "Need at least an 'article body' field.")
    if len(body) > LONGEST_BODY:
        text = f"body of article is too large, {len(body)} chars - only {LONGEST_BODY} allowed"
        raise ApiError(422, text)
    preferences = values.get("preferences")
    return NewArticle(
        body=body,
        content_type=str(values.get("content_type") or "text/plain"),
        type=_lookup(values, "type", TYPES, "note") or "note",
        sender=_lookup(values, "sender", SENDERS, None),
        internal=truth(values.get("internal")),
        preferences=preferences if isinstance(preferences, dict) else {},
        origin_by_id=number(values.get("origin_by_id")) or None,
        files=tuple(_file(index, file) for index, file in enumerate(values.get("attachments") or ())),
        **{name: values.get(name) for name in ("subject", "to", "cc", "message_id", "in_reply_to")},
    )


def _file(index: int, file: Any) -> tuple[str, str, bytes]:
    for name in ("filename", "data", "mime-type"):
        if not file.get(name):
            raise ApiError(422, f"Attachment needs '{name}' param for attachment with index '{index}'")
    try:
        data = base64.b64decode(file["data"], validate=True)
    except ValueError:
        raise ApiError(422, f"Invalid base64 for attachment with index '{index}'") from None
    return str(file["filename"]), str(file["mime-type"]), data
